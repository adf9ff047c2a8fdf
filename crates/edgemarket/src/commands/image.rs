//! `image pack`: an image from a program and files, without a container engine. The same input gives the same digest.

use crate::output::{Failure, Output};
use clap::{Args, Subcommand};
use oci::manifest::{Descriptor, RunConfig};
use oci::pack::{PackContent, PackFile, PackLayer, PackSpec, pack, pack_index};
use oci::writer::LayoutWriter;
use offer::platform::Platform;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The user that a packed image runs as, by default: the "nonroot" of the distroless images.
const USER: &str = "65532:65532";

/// The commands on images.
#[derive(Debug, Subcommand)]
pub enum ImageCommand {
    /// Make an image of a program, for one or several platforms
    Pack(Pack),
}

/// What `image pack` takes.
#[derive(Debug, Args)]
pub struct Pack {
    /// Where to write: a layout directory, or an OCI archive when the name ends in .tar
    target: PathBuf,
    /// The program, PLATFORM=FILE; one for each platform, for example linux/arm64=./module
    #[arg(long = "binary", value_name = "PLATFORM=FILE", required = true, value_parser = platform_and_file)]
    binaries: Vec<(Platform, PathBuf)>,
    /// Path of the program in the image
    #[arg(long, value_name = "PATH", default_value = "/app/module")]
    path: String,
    /// A further file, FILE=PATH
    #[arg(long = "file", value_name = "FILE=PATH", value_parser = file_and_path)]
    files: Vec<(PathBuf, String)>,
    /// A directory whose content becomes the image's
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Tag; may be given again
    #[arg(long = "tag", value_name = "TAG", default_value = "latest")]
    tags: Vec<String>,
    /// User that the program runs as
    #[arg(long, value_name = "USER", default_value = USER)]
    user: String,
    /// Environment variable, NAME=VALUE
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = pair)]
    environment: Vec<(String, String)>,
    /// Label, NAME=VALUE
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = pair)]
    labels: Vec<(String, String)>,
    /// Port that the program listens on, for example 8080/tcp
    #[arg(long = "expose", value_name = "PORT")]
    ports: Vec<String>,
    /// Argument of the program
    #[arg(long = "arg", value_name = "ARGUMENT", allow_hyphen_values = true)]
    arguments: Vec<String>,
    /// Health check: an argument with which the program checks itself
    #[arg(long, value_name = "ARGUMENT", allow_hyphen_values = true)]
    health: Option<String>,
    /// When the files were made, in seconds since 1970
    #[arg(long, value_name = "SECONDS", env = "SOURCE_DATE_EPOCH", default_value_t = 0)]
    created: u32,
}

/// Runs one of them.
pub fn run(command: &ImageCommand, output: &Output) -> Result<(), Failure> {
    let ImageCommand::Pack(arguments) = command;
    check(arguments)?;
    let mut writer = LayoutWriter::new(&arguments.target)?;
    let mut images: Vec<Descriptor> = Vec::new();
    for (platform, binary) in &arguments.binaries {
        images.push(pack(&spec(arguments, platform, binary), &mut writer)?);
    }
    let top = match &images[..] {
        [only] => only.clone(),
        all => pack_index(all, &BTreeMap::new(), &mut writer)?,
    };
    for tag in &arguments.tags {
        writer.add(&top, Some(tag));
    }
    match is_archive(&arguments.target) {
        true => writer.finish_archive()?,
        false => writer.finish_directory()?,
    }
    let file = arguments.target.display().to_string();
    let digest = top.digest.to_string();
    let value = json!({
        "target": file,
        "digest": digest,
        "tags": arguments.tags,
        "platforms": arguments.binaries.iter().map(|(platform, _)| platform).collect::<Vec<_>>(),
    });
    output.value(&value, |_| {
        format!("{}\n", output.text.with("image-packed", &[("file", &file), ("digest", &digest)]))
    })
}

fn check(arguments: &Pack) -> Result<(), Failure> {
    let usage = |message: String, hint: &str| Err(Failure::usage(message, hint));
    for (index, (platform, _)) in arguments.binaries.iter().enumerate() {
        if arguments.binaries[..index].iter().any(|(earlier, _)| earlier == platform) {
            return usage(
                format!("there are two programs for {platform}"),
                "give one --binary for each platform",
            );
        }
    }
    if let Some(tag) = arguments.tags.iter().find(|tag| !oci::reference::is_tag(tag)) {
        return usage(
            format!("{tag:?} is no tag"),
            "a tag has up to 128 letters, digits, '_', '.', '-' and does not begin with '.' or '-'",
        );
    }
    if !arguments.path.starts_with('/') || arguments.path.ends_with('/') {
        return usage(
            format!("{:?} is no path in an image", arguments.path),
            "give an absolute path, such as /app/module",
        );
    }
    Ok(())
}

fn spec(arguments: &Pack, platform: &Platform, binary: &Path) -> PackSpec {
    let file = |path: &str, from: &Path, mode| PackFile {
        path: path.to_owned(),
        content: PackContent::File(from.to_owned()),
        mode,
        uid: 0,
        gid: 0,
    };
    let mut files = vec![file(&arguments.path, binary, 0o755)];
    files.extend(arguments.files.iter().map(|(from, path)| file(path, from, 0o644)));
    PackSpec {
        platform: oci::manifest::Platform {
            architecture: platform.architecture().to_owned(),
            os: platform.os().to_owned(),
            variant: platform.variant().map(str::to_owned),
            os_version: None,
        },
        layers: vec![PackLayer { from_root: arguments.root.clone(), files }],
        config: config(arguments),
        annotations: BTreeMap::new(),
        created_epoch_seconds: arguments.created,
        created_by: "edgemarket image pack".to_owned(),
    }
}

fn config(arguments: &Pack) -> RunConfig {
    let ports = arguments.ports.iter().map(|port| (port.clone(), Value::Object(Map::new())));
    let some = |list: Vec<String>| (!list.is_empty()).then_some(list);
    RunConfig {
        user: Some(arguments.user.clone()),
        exposed_ports: (!arguments.ports.is_empty()).then(|| ports.collect()),
        env: some(arguments.environment.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        entrypoint: Some(vec![arguments.path.clone()]),
        cmd: some(arguments.arguments.clone()),
        working_dir: None,
        labels: (!arguments.labels.is_empty()).then(|| arguments.labels.iter().cloned().collect()),
        healthcheck: arguments
            .health
            .as_ref()
            .map(|argument| json!({ "Test": ["CMD", arguments.path, argument] })),
    }
}

fn is_archive(target: &Path) -> bool {
    target.extension().is_some_and(|extension| extension == "tar")
}

fn platform_and_file(text: &str) -> Result<(Platform, PathBuf), String> {
    let (platform, file) =
        text.split_once('=').ok_or("the form is PLATFORM=FILE, for example linux/amd64=./module")?;
    Ok((platform.parse()?, PathBuf::from(file)))
}

fn file_and_path(text: &str) -> Result<(PathBuf, String), String> {
    match text.rsplit_once('=') {
        Some((file, path)) if path.starts_with('/') && !file.is_empty() => {
            Ok((PathBuf::from(file), path.to_owned()))
        }
        _ => Err("the form is FILE=PATH with an absolute path in the image".to_owned()),
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("the form is NAME=VALUE".to_owned()),
    }
}
