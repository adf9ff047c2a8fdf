//! Where reports and bills of materials go: `FORMAT=FILE` on the command line, each file whole or not there.

use super::Form;
use super::follow::{Event, Follow};
use crate::interrupt::write_whole;
use crate::output::{Failure, Output};
use certify::Sbom;
use certify::sbom::SbomFormat;
use clap::ValueEnum as _;
use std::path::{Path, PathBuf};

/// A file for a report.
#[derive(Debug, Clone)]
pub struct ReportTarget {
    /// Its form.
    pub form: Form,
    /// Where it goes.
    pub path: PathBuf,
}

impl std::str::FromStr for ReportTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<ReportTarget, String> {
        let forms = Form::value_variants().iter().filter_map(Form::to_possible_value);
        let names: Vec<String> = forms.map(|value| value.get_name().to_owned()).collect();
        let (form, path) = text
            .split_once('=')
            .ok_or_else(|| format!("write FORMAT=FILE, with one of {} as the format", names.join(", ")))?;
        let form = Form::from_str(form, false)
            .map_err(|_| format!("{form:?} is no format; there are {}", names.join(", ")))?;
        match path.is_empty() {
            true => Err("the file has no name".to_owned()),
            false => Ok(ReportTarget { form, path: path.into() }),
        }
    }
}

/// A file for bills of materials.
#[derive(Debug, Clone)]
pub struct SbomTarget {
    /// Its form, where the argument says it.
    pub format: Option<SbomFormat>,
    /// Where it goes.
    pub path: PathBuf,
}

impl std::str::FromStr for SbomTarget {
    type Err = String;

    /// What stands before `=` counts only when it is a form: other names of files may hold the sign too.
    fn from_str(text: &str) -> Result<SbomTarget, String> {
        let split = text.split_once('=').and_then(|(name, path)| Some((SbomFormat::of_name(name)?, path)));
        let (format, path) = split.map_or((None, text), |(format, path)| (Some(format), path));
        match path.is_empty() {
            true => Err("the file has no name".to_owned()),
            false => Ok(SbomTarget { format, path: path.into() }),
        }
    }
}

/// One file, or with several images one for each: `sbom.json` becomes `sbom.linux-arm64.json`.
pub fn write_sboms(
    target: &SbomTarget,
    usual: SbomFormat,
    sboms: &[Sbom],
    output: &Output,
    follow: &Follow,
) -> Result<(), Failure> {
    let format = target.format.unwrap_or(usual);
    let mut taken = Vec::new();
    for sbom in sboms {
        let mut path = target.path.clone();
        if sboms.len() > 1 {
            let platform = sbom.platform.as_ref().map(|platform| platform.to_string().replace('/', "-"));
            let image = sbom.image.hex()[..12].to_owned();
            path = beside(&target.path, platform.as_deref().unwrap_or(&image));
            if taken.contains(&path) {
                path = beside(&target.path, &format!("{}-{image}", platform.unwrap_or_default()));
            }
        }
        write_whole(&path, sbom.document(format))?;
        let file = path.display().to_string();
        follow.tell(&Event::Written { kind: "sbom", format: format.name(), file: &file });
        follow.remark(output, &output.text.with("sbom-written", &[("file", &file)]));
        taken.push(path);
    }
    Ok(())
}

fn beside(path: &Path, part: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = match path.extension() {
        Some(extension) => format!("{stem}.{part}.{}", extension.to_string_lossy()),
        None => format!("{stem}.{part}"),
    };
    path.with_file_name(name)
}
