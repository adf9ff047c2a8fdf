//! Where the blobs lie, out of the settings `blobs-…`, and the secret for it: from a variable or a file, never from
//! `edgemarket.toml`, which is shown around and copied.

use super::{ENV_PREFIX, Settings};
use crate::error::{Error, Result};
use registry::blobs::{ObjectStore, Protocol, Secret};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Longest secret in bytes; those of AWS and Azure have less than a hundred.
const SECRET_BYTES_MAX: u64 = 4_096;
/// The variable that holds the secret, if no file does.
const SECRET_VARIABLE: &str = "BLOBS_SECRET";

/// Kinds of places for blobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum BlobsKind {
    #[default]
    Directory,
    S3,
    Azure,
}

/// The object store that the settings name; none when blobs lie in the data directory. `env` answers for a variable.
pub(super) fn object_store(
    settings: &Settings,
    data: &Path,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<ObjectStore>> {
    let protocol = match settings.blobs {
        BlobsKind::Directory => return no_place(settings).map(|()| None),
        BlobsKind::S3 => Protocol::S3,
        BlobsKind::Azure => Protocol::Azure,
    };
    let missing = |name: &str, what: &str| {
        Error::setup(format!("the blobs are to lie in an object store, but {name} is not set"), what)
    };
    let bucket = settings.blobs_bucket.clone();
    let bucket = bucket.ok_or_else(|| missing("blobs-bucket", "name the bucket or container"))?;
    if protocol == Protocol::Azure && settings.blobs_account.is_none() {
        return Err(missing("blobs-account", "name the storage account"));
    }
    let secret = secret(settings, data, env)?;
    if protocol == Protocol::S3 && secret.is_some() != settings.blobs_account.is_some() {
        return Err(Error::setup(
            "of the ID of an S3 access key and its secret only one is given",
            "give blobs-account and the secret, or neither to use what the machine is given",
        ));
    }
    Ok(Some(ObjectStore {
        protocol,
        bucket,
        prefix: settings.blobs_prefix.clone(),
        endpoint: settings.blobs_endpoint.clone(),
        region: settings.blobs_region.clone(),
        account: settings.blobs_account.clone(),
        secret,
        redirect: settings.blobs_redirect,
    }))
}

/// Settings of an object store that would have no effect are a mistake, and a costly one.
fn no_place(settings: &Settings) -> Result<()> {
    let given = [
        ("blobs-bucket", settings.blobs_bucket.is_some()),
        ("blobs-prefix", settings.blobs_prefix.is_some()),
        ("blobs-endpoint", settings.blobs_endpoint.is_some()),
        ("blobs-region", settings.blobs_region.is_some()),
        ("blobs-account", settings.blobs_account.is_some()),
        ("blobs-secret-file", settings.blobs_secret_file.is_some()),
        ("blobs-redirect", settings.blobs_redirect),
    ];
    match given.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((name, _)) => Err(Error::setup(
            format!("{name} is set, but the blobs are to lie in the data directory"),
            "set blobs to s3 or azure, or remove it",
        )),
    }
}

fn secret(settings: &Settings, data: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Option<Secret>> {
    let text = match &settings.blobs_secret_file {
        None => env(&format!("{ENV_PREFIX}{SECRET_VARIABLE}")),
        Some(file) => Some(read(&data.join(file))?),
    };
    match text.map(|text| text.trim().to_owned()) {
        Some(text) if text.is_empty() => Err(Error::setup(
            "the secret of the object store is empty",
            "write the secret access key (S3) or the account key (Azure) there",
        )),
        text => Ok(text.map(Secret::new)),
    }
}

fn read(path: &Path) -> Result<String> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = std::fs::metadata(path).map_err(|cause| {
        let message = format!("reading the secret of the object store, {}: {cause}", path.display());
        Error::setup(message, "correct blobs-secret-file, or create the file")
    })?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Error::setup(
            format!("{} has mode {mode:o}: others may read the secret in it", path.display()),
            format!("chmod 600 {}", path.display()),
        ));
    }
    if metadata.len() > SECRET_BYTES_MAX {
        return Err(Error::setup(
            format!("{} has {} bytes, at most {SECRET_BYTES_MAX} are read", path.display(), metadata.len()),
            "this is no secret of an object store; correct blobs-secret-file",
        ));
    }
    std::fs::read_to_string(path).map_err(Error::io(format!("reading {}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn place(settings: Settings, data: &Path, secret: Option<&str>) -> std::result::Result<String, String> {
        let env = |name: &str| secret.filter(|_| name == "EDGEMARKET_BLOBS_SECRET").map(str::to_owned);
        match object_store(&settings, data, &env) {
            Ok(place) => Ok(format!("{place:?}")),
            Err(error) => Err(format!("{error}; hint: {}", error.hint)),
        }
    }

    #[test]
    fn a_secret_comes_by_variable_or_private_file_and_is_never_shown() {
        let directory = tempfile::TempDir::new().unwrap();
        let s3 = Settings {
            blobs: BlobsKind::S3,
            blobs_bucket: Some("images".to_owned()),
            blobs_account: Some("AKIA".to_owned()),
            ..Settings::default()
        };
        let shown = place(s3.clone(), directory.path(), Some("swordfish\n")).unwrap();
        assert!(shown.contains("secret: Some(***)") && !shown.contains("swordfish"), "{shown}");
        let by_file = Settings { blobs_secret_file: Some("s3".into()), ..s3.clone() };
        let file = directory.path().join("s3");
        let refused = place(by_file.clone(), directory.path(), None).unwrap_err();
        assert!(refused.contains("blobs-secret-file"), "{refused}");
        std::fs::write(&file, "swordfish\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        let refused = place(by_file.clone(), directory.path(), None).unwrap_err();
        assert!(refused.contains("mode 640") && refused.contains("chmod 600"), "{refused}");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(place(by_file, directory.path(), None).unwrap().contains("***"));
        assert!(place(s3, directory.path(), None).unwrap_err().contains("only one is given"));
    }

    #[test]
    fn what_is_missing_or_has_no_effect_is_said() {
        let data = Path::new(".");
        assert_eq!(place(Settings::default(), data, None).unwrap(), "None");
        let bucket = Some("images".to_owned());
        let idle = Settings { blobs_bucket: bucket.clone(), ..Settings::default() };
        assert!(place(idle, data, None).unwrap_err().contains("blobs-bucket is set"));
        let nowhere = Settings { blobs: BlobsKind::S3, ..Settings::default() };
        assert!(place(nowhere, data, None).unwrap_err().contains("blobs-bucket is not set"));
        let azure = Settings { blobs: BlobsKind::Azure, blobs_bucket: bucket.clone(), ..Settings::default() };
        assert!(place(azure, data, None).unwrap_err().contains("blobs-account is not set"));
        let of_machine = Settings { blobs: BlobsKind::S3, blobs_bucket: bucket, ..Settings::default() };
        assert!(place(of_machine, data, None).unwrap().contains("secret: None"));
    }
}
