//! Every picture that the document names is there and is a whole PNG of the size that its place needs.

use super::Check;
use crate::pictures::{self, LOGOS, THUMBNAIL};

pub(super) fn check(check: &mut Check<'_>) {
    for (name, size) in LOGOS {
        picture(check, &format!("/listing/logos/{name}"), size);
    }
    for index in 0..check.length("/listing/videos") {
        picture(check, &format!("/listing/videos/{index}/thumbnail"), THUMBNAIL);
    }
    let screenshot = check.policy.offer.screenshot_pixels;
    for plan in 0..check.length("/plans") {
        for index in 0..check.length(&format!("/plans/{plan}/screenshots")) {
            picture(check, &format!("/plans/{plan}/screenshots/{index}/file"), screenshot);
        }
    }
}

fn picture(check: &mut Check<'_>, pointer: &str, size: (u32, u32)) {
    let Some(file) = check.text(pointer) else { return };
    let Some(bytes) = check.files.get(file) else {
        let message = format!("names the file {file}, which is not there");
        check.error("file-missing", pointer, &message, "add the file, or correct its path");
        return;
    };
    if let Err(error) = pictures::check(bytes, size) {
        let message = format!("names the file {file}, which {error}");
        let hint = format!("save the picture as a PNG of {}×{} pixels", size.0, size.1);
        check.error(error.rule(), pointer, &message, hint);
    }
}
