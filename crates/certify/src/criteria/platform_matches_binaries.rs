//! `platform-matches-binaries`: the config states a platform, and the machine code in the image is for it.
//!
//! Files of the other operating system are data here (Python's installers carry Windows launchers), and so are object
//! files for machines that no platform names (eBPF). Packages of npm and PyPI often bring one build for each platform
//! and take the right one at run time (`prebuilds/linux-arm64/x.node`): the others are advice, as are the files of test
//! suites and firmware for controllers. What the image starts is never one of these.

use super::module_runs_on_tier1::supported_platform;
use super::{Case, Criterion, Judgement, Weight, each_image};
use crate::evidence::{Binary, ImageEvidence, Machine, StartCommand};
use crate::files::is_test_or_example;
use crate::report::{Finding, Severity, Where};
use offer::platform::Platform;
use std::collections::HashSet;

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
            let alike = Alike::new(image, &platform);
            findings.extend(
                image.binaries.iter().filter_map(|binary| mismatch(image, &platform, &alike, binary)),
            );
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

fn mismatch(image: &ImageEvidence, platform: &Platform, alike: &Alike, binary: &Binary) -> Option<Finding> {
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
    let path = binary.place.path.as_str();
    let starts = matches!(&image.start, StartCommand::Found(start) if start == path);
    if !starts && (alike.is_one_of_several(path, &machine.architecture) || is_test_or_example(path) || !known)
    {
        let hint = "leave out what was built for other platforms; it only makes the image larger";
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

/// Names of architectures in paths, in lower case, as Go, GNU, Node.js, Debian and Rust spell them.
const NAMES: &[(&str, &[&str])] = &[
    ("amd64", &["amd64", "x64", "x86-64", "x86_64"]),
    ("386", &["386", "i386", "i486", "i586", "i686", "ia32", "x32", "x86"]),
    ("arm64", &["aarch64", "arm64", "arm64v8", "armv8"]),
    (
        "arm",
        &[
            "arm",
            "arm32",
            "arm32v6",
            "arm32v7",
            "armel",
            "armhf",
            "armv5",
            "armv6",
            "armv6l",
            "armv7",
            "armv7l",
            "gnueabihf",
        ],
    ),
    ("ppc64le", &["powerpc64le", "ppc64el", "ppc64le"]),
    ("riscv64", &["riscv64", "riscv64gc"]),
    ("s390x", &["s390x"]),
    ("loong64", &["loong64", "loongarch64"]),
    ("mips", &["mips"]),
    ("mipsle", &["mipsel", "mipsle"]),
    ("mips64le", &["mips64el", "mips64le"]),
    ("ppc64", &["powerpc64", "ppc64"]),
];

/// The paths of the programs and libraries that run on the platform, with the names of architectures left open.
struct Alike(HashSet<String>);

impl Alike {
    fn new(image: &ImageEvidence, platform: &Platform) -> Alike {
        let fit = image
            .binaries
            .iter()
            .filter(|binary| binary.machine.os == platform.os() && runs_on(&binary.machine, platform));
        Alike(fit.filter_map(|binary| left_open(&binary.place.path)).collect())
    }

    /// Whether a file is one of several builds: a directory on its way is named after its architecture, or the same
    /// path with another architecture's name leads to a file for the platform.
    fn is_one_of_several(&self, path: &str, architecture: &str) -> bool {
        let (directory, _) = path.rsplit_once('/').unwrap_or(("", path));
        words(&directory.to_ascii_lowercase()).any(|(_, word)| architecture_of(word) == Some(architecture))
            || left_open(path).is_some_and(|open| self.0.contains(&open))
    }
}

/// The path in lower case with `*` for each name of an architecture; `None` when it holds none.
fn left_open(path: &str) -> Option<String> {
    let lower = path.to_ascii_lowercase();
    let (mut open, mut last) = (String::with_capacity(lower.len()), 0);
    for (at, word) in words(&lower).filter(|(_, word)| architecture_of(word).is_some()) {
        open += &lower[last..at];
        open.push('*');
        last = at + word.len();
    }
    (last > 0).then(|| open + &lower[last..])
}

fn architecture_of(word: &str) -> Option<&'static str> {
    NAMES.iter().find(|(_, names)| names.contains(&word)).map(|(architecture, _)| *architecture)
}

/// The words of a path, with where each begins: whole parts between `/`, `-`, `.` and `_`, but `x86_64` and `x86-64` as
/// one.
fn words(path: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = path.get(at..)?;
        let begin = at;
        let own = ["x86_64", "x86-64"].into_iter().find(|own| {
            rest.strip_prefix(own)
                .is_some_and(|after| !after.starts_with(|c: char| c.is_ascii_alphanumeric()))
        });
        let length = own.map_or_else(|| rest.find(['/', '-', '.', '_']).unwrap_or(rest.len()), str::len);
        at = begin + length + 1;
        Some((begin, &rest[..length]))
    })
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

    /// Whether a file for arm64 at this path blocks an image for amd64 that also has a file for amd64 at the other.
    fn blocks(path: &str, executable: bool, fits: Option<&str>) -> bool {
        let mut image = example::image();
        let mut foreign = example::binary(path, "arm64");
        foreign.executable = executable;
        image.binaries.push(foreign);
        image.binaries.extend(fits.map(|fits| example::binary(fits, "amd64")));
        findings(&image)[0].blocking
    }

    #[test]
    fn builds_for_other_platforms_beside_the_right_one_are_advice() {
        assert!(!blocks("app/prebuilds/linux-arm64/a.node", false, None));
        assert!(!blocks("app/node_modules/@esbuild/linux-arm64/bin/esbuild", true, None));
        assert!(!blocks("usr/lib/python3/site-packages/x/bin/aarch64/helper", true, None));
        assert!(!blocks("usr/aarch64-linux-gnu/lib/libc.so.6", false, None));
        assert!(!blocks("app/vendor/tool-arm64", true, Some("app/vendor/tool-x64")));
        assert!(!blocks("app/a_aarch64.so", false, Some("app/a_x86_64.so")));
        assert!(!blocks("usr/local/go/src/debug/elf/testdata/hello", true, None));
    }

    #[test]
    fn what_was_copied_from_another_platform_blocks() {
        assert!(blocks("app/a.node", false, None));
        assert!(blocks("app/tool-arm64", true, None));
        assert!(blocks("app/tool-arm64", true, Some("app/other-x64")));
        // Parts of words name nothing.
        assert!(blocks("app/charm64/a.so", false, None));
        assert!(blocks("app/alarm/a.so", false, None));
        // A directory that names another architecture than the file's.
        assert!(blocks("app/linux-x64/a.so", false, None));
    }

    #[test]
    fn what_the_image_starts_is_never_one_of_several() {
        let mut image = example::image();
        image.binaries.push(example::binary("app/linux-arm64/run", "arm64"));
        assert!(!findings(&image)[0].blocking);
        image.start = StartCommand::Found("app/linux-arm64/run".to_owned());
        assert!(findings(&image)[0].blocking);
    }

    #[test]
    fn firmware_for_a_controller_is_advice() {
        let mut image = example::image();
        image.binaries.push(example::binary("opt/firmware/sensor.elf", "unknown-94"));
        assert!(!findings(&image)[0].blocking);
        image.binaries[1].machine.architecture = "arm64".to_owned();
        assert!(findings(&image)[0].blocking);
    }

    #[test]
    fn paths_are_split_into_words() {
        let found: Vec<&str> = words("a/x86_64-linux_b.so").map(|(_, word)| word).collect();
        assert_eq!(found, ["a", "x86_64", "linux", "b", "so"]);
        assert_eq!(left_open("lib/x86_64-linux/a-x64.so").as_deref(), Some("lib/*-linux/a-*.so"));
        assert_eq!(left_open("lib/a.so"), None);
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
