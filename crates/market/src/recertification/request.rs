//! How an import of vulnerability data, which is a matter of files and runs beside a server, asks the marketplace for a
//! recertification: by a file with the campaign's id. It begins no campaign itself.

use crate::clock::Ids;
use crate::error::{Error, Result};
use std::io::ErrorKind;
use std::path::Path;
use uuid::Uuid;

/// Somebody asks.
const REQUEST: &str = "recertify.request";
/// Somebody asked, and the campaign is being begun: a request that comes meanwhile is another.
const TAKEN: &str = "recertify.taken";

/// Asks for a recertification of all live offers. It begins within a second while the marketplace runs, and else when it
/// runs again; requests that nobody took yet become one.
///
/// # Errors
/// The data directory cannot be written.
pub fn request(data: &Path) -> Result<()> {
    let path = data.join(REQUEST);
    let id = Ids::system().next().to_string();
    let what = || format!("asking for a recertification in {}", path.display());
    let beside = data.join(format!("{REQUEST}.{id}"));
    std::fs::write(&beside, &id).map_err(Error::io(what()))?;
    std::fs::rename(&beside, &path).map_err(Error::io(what()))
}

/// The id of the campaign that is asked for; the same again until it is forgotten, so that a crash begins no second one.
pub(crate) fn take_request(data: &Path) -> Result<Option<String>> {
    let taken = data.join(TAKEN);
    if !taken.exists() {
        match std::fs::rename(data.join(REQUEST), &taken) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(format!("taking {REQUEST}"))(error)),
        }
    }
    let text = std::fs::read(&taken).map_err(Error::io(format!("reading {}", taken.display())))?;
    match Uuid::try_parse_ascii(text.trim_ascii()) {
        Ok(id) => Ok(Some(id.to_string())),
        Err(_) => {
            // Half a file of a machine that lost its power: a request all the same.
            Ok(Some(Ids::system().next().to_string()))
        }
    }
}

/// The campaign is there.
pub(crate) fn forget_request(data: &Path) -> Result<()> {
    let taken = data.join(TAKEN);
    match std::fs::remove_file(&taken) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Error::io(format!("removing {}", taken.display()))(error))
        }
        _ => Ok(()),
    }
}
