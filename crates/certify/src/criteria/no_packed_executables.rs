//! `no-packed-executables`: programs and libraries that a packer has made unreadable (UPX and its like). Such a program
//! hides its modules, versions and whatever else is in it from every scanner, this one included.

use super::{Case, Criterion, Judgement, Weight, each_image};
use crate::report::{Finding, Severity, Where};

pub(super) struct NoPackedExecutables;

impl Criterion for NoPackedExecutables {
    fn id(&self) -> &'static str {
        "no-packed-executables"
    }
    fn title(&self) -> &'static str {
        "No program is packed, so that scanners see what it holds"
    }
    fn default_weight(&self) -> Weight {
        Weight::Advisory
    }
    fn judge(&self, case: &Case<'_>) -> Judgement {
        each_image(case, |image| {
            let packed = image.binaries.iter().filter_map(|binary| Some((binary, binary.packer.as_ref()?)));
            let finding = |(binary, packer): (&crate::evidence::Binary, &String)| {
                Finding::advice(
                    Severity::Medium,
                    Where::file(image, &binary.place),
                    format!("/{} is packed by {packer}: what it holds cannot be checked", binary.place.path),
                    "ship the program as the linker made it (`upx -d` undoes UPX); layers are compressed anyway",
                )
            };
            packed.map(finding).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::example;

    #[test]
    fn packed_programs_are_named_with_their_packer() {
        let mut image = example::image();
        let packed = crate::evidence::Binary {
            packer: Some("UPX".to_owned()),
            ..example::binary("app/tool", "amd64")
        };
        image.binaries.push(packed);
        let findings = example::findings(example::judge_image(&NoPackedExecutables, &image));
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].message, "/app/tool is packed by UPX: what it holds cannot be checked");
        assert!(!findings[0].blocking);
    }
}
