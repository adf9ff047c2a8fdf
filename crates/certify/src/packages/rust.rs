//! Rust's audit data in programs (`cargo auditable`, section `.dep-v0`).

use super::{PACKAGES_MAX, package, sane};
use crate::evidence::{Package, PackageKind, Place};
use auditable_info::{Error, Limits};

/// Most bytes of unpacked audit data; large programs have about 100 KiB.
const BYTES_MAX: usize = 8 << 20;

/// The packages that were compiled into a program, or why its audit data cannot be read. Build-time dependencies are
/// not in the program.
pub fn read(place: &Place, data: &[u8]) -> Result<Vec<Package>, String> {
    // The parser behind it walks all sections; most programs can be told by their section names alone.
    if memchr::memmem::find(data, b".dep-v0").is_none() {
        return Ok(Vec::new());
    }
    let limits = Limits { input_file_size: data.len(), decompressed_json_size: BYTES_MAX };
    let info = match auditable_info::audit_info_from_slice(data, limits.decompressed_json_size) {
        Ok(info) => info,
        Err(Error::NoAuditData | Error::BinaryParsing(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error.to_string()),
    };
    let runtime = info.packages.iter().filter(|found| {
        serde_json::to_value(found.kind).is_ok_and(|kind| kind != "build") && sane(&found.name)
    });
    Ok(runtime
        .take(PACKAGES_MAX)
        .map(|found| package(PackageKind::Cargo, place, &found.name, &found.version.to_string()))
        .collect())
}
