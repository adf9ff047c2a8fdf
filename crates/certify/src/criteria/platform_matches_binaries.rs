//! `platform-matches-binaries`: the config states a platform, and the machine code in the image is for it.
//!
//! Files of the other operating system are data here (Python's installers carry Windows launchers), and so are object
//! files for machines that no platform names (eBPF).

use super::module_runs_on_tier1::supported_platform;
use super::{Case, Criterion, Judgement, Weight, each_image};
use crate::evidence::{Binary, ImageEvidence, Machine};
use crate::report::{Finding, Severity, Where};
use offer::platform::Platform;

pub(super) struct PlatformMatchesBinaries;

impl Criterion for PlatformMatchesBinaries {
    fn id(&self) -> &'static str {
        "platform-matches-binaries"
    }
    fn title(&self) -> &'static str {
        "The platform that the image states is the one its binaries are built for"
    }
    fn default_weight(&self) -> Weight {
        Weight::Blocking
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        each_image(case, |image| {
            let Some(platform) = supported_platform(image) else { return vec![no_platform(image)] };
            let mut findings: Vec<Finding> = index_disagrees(image, &platform).into_iter().collect();
            findings.extend(image.binaries.iter().filter_map(|binary| mismatch(image, &platform, binary)));
            findings
        })
    }
}

fn no_platform(image: &ImageEvidence) -> Finding {
    Finding::blocking(
        Severity::High,
        Where { path: Some("config.architecture".to_owned()), ..Where::image(image) },
        "the image config states no platform (os and architecture)",
        "build the image with a tool that writes os and architecture into the config, for example `docker build --platform linux/amd64`",
    )
}

fn index_disagrees(image: &ImageEvidence, platform: &Platform) -> Option<Finding> {
    let index = image.index_platform.as_ref()?;
    let same = index.os() == platform.os()
        && index.architecture() == platform.architecture()
        && index.variant().is_none_or(|variant| Some(variant) == platform.variant());
    (!same).then(|| {
        Finding::blocking(
            Severity::High,
            Where { path: Some("config.architecture".to_owned()), ..Where::image(image) },
            format!("the index states {index} for this image, but the image config states {platform}"),
            "build the image for the platform that the index names, and assemble the index again",
        )
    })
}

fn mismatch(image: &ImageEvidence, platform: &Platform, binary: &Binary) -> Option<Finding> {
    let machine = &binary.machine;
    if machine.os != platform.os() || runs_on(machine, platform) {
        return None;
    }
    let known = !machine.architecture.starts_with("unknown");
    if !known && !binary.executable {
        return None;
    }
    let found = match &machine.variant {
        Some(variant) => format!("{}/{}/{variant}", machine.os, machine.architecture),
        None => format!("{}/{}", machine.os, machine.architecture),
    };
    let what = if binary.executable { "an executable" } else { "a library" };
    let message = format!("/{} is {what} for {found}, but the image states {platform}", binary.place.path);
    let place = Where::file(image, &binary.place);
    if machine.architecture == platform.architecture() {
        // The attributes name the newest instruction in the file; programs often choose at run time which to use, and
        // libraries (libgcrypt) nearly always do.
        let hint = "make sure that the program checks the processor before it uses newer instructions";
        return binary.executable.then(|| Finding::advice(Severity::Low, place, message, hint));
    }
    if !binary.executable && is_one_of_several(&binary.place.path, &machine.architecture) {
        let hint = "leave out the prebuilt libraries of other platforms; they only make the image larger";
        return Some(Finding::advice(Severity::Info, place, message, hint));
    }
    let hint = format!("build this file for {platform}, remove it, or correct the platform of the image");
    Some(Finding::blocking(Severity::High, place, message, hint))
}

/// Whether a platform runs this machine's code: 32-bit x86 on amd64, and older 32-bit ARM on a newer one.
fn runs_on(machine: &Machine, platform: &Platform) -> bool {
    match (machine.architecture.as_str(), platform.architecture()) {
        ("386", "amd64") => true,
        ("arm", "arm") => match (machine.variant.as_deref(), platform.variant()) {
            (Some(needed), Some(given)) => needed <= given,
            _ => true,
        },
        (needed, given) => needed == given,
    }
}

/// A library whose path names its architecture is one of several prebuilt ones, of which the program takes the right
/// one (`prebuilds/linux-arm64/x.node`).
fn is_one_of_several(path: &str, architecture: &str) -> bool {
    let names: &[&str] = match architecture {
        "amd64" => &["amd64", "x86_64", "x86-64", "x64"],
        "386" => &["386", "i386", "i686", "ia32", "x86"],
        "arm64" => &["arm64", "aarch64"],
        "arm" => &["armhf", "armv6", "armv7", "armel", "-arm", "/arm"],
        other => &[other],
    };
    let path = path.to_ascii_lowercase();
    names.iter().any(|name| path.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;

    fn findings(image: &ImageEvidence) -> Vec<Finding> {
        example::findings(example::judge_image(&PlatformMatchesBinaries, image))
    }

    #[test]
    fn an_arm_executable_in_an_amd64_image_blocks() {
        let mut image = example::image();
        image.binaries.push(example::binary("usr/bin/tool", "arm"));
        let findings = findings(&image);
        assert!(findings[0].blocking);
        assert_eq!(
            findings[0].message,
            "/usr/bin/tool is an executable for linux/arm, but the image states linux/amd64"
        );
    }

    #[test]
    fn data_of_another_system_and_older_code_pass() {
        let mut image = example::image();
        let mut launcher = example::binary("lib/python3/t64-arm.exe", "arm64");
        launcher.machine.os = "windows".to_owned();
        let mut bpf = example::binary("lib/probe.o", "unknown-247");
        bpf.executable = false;
        image.binaries.extend([launcher, bpf, example::binary("bin/old", "386")]);
        assert_eq!(findings(&image), Vec::new());
    }

    #[test]
    fn prebuilt_libraries_are_advice() {
        let mut image = example::image();
        let mut library = example::binary("app/prebuilds/linux-arm64/a.node", "arm64");
        library.executable = false;
        image.binaries.push(library);
        assert!(!findings(&image)[0].blocking);
        image.binaries[1].place.path = "app/a.node".to_owned();
        assert!(findings(&image)[0].blocking);
    }

    #[test]
    fn an_empty_platform_and_a_lying_index_block() {
        let mut image = example::image();
        image.index_platform = Some(Platform::new("linux", "arm64", None));
        assert!(findings(&image)[0].blocking);
        image.platform = None;
        assert!(findings(&image)[0].message.contains("states no platform"));
    }

    #[test]
    fn v8_code_in_a_v7_image_is_advice() {
        let mut image = example::image();
        image.platform = Some(Platform::new("linux", "arm", Some("v7")));
        let arm = |variant: &str| {
            let mut binary = example::binary("bin/x", "arm");
            binary.machine.variant = Some(variant.to_owned());
            binary
        };
        image.binaries = vec![arm("v6"), arm("v7")];
        assert_eq!(findings(&image), Vec::new());
        image.binaries = vec![arm("v8"), arm("v8")];
        image.binaries[1].executable = false;
        assert_eq!(findings(&image).iter().map(|finding| finding.blocking).collect::<Vec<_>>(), [false]);
    }
}
