//! The files of a draft: its pictures, and the whole directory as a zip, out and in.

use super::Desk;
use super::list::{self, New};
use super::posted::Sent;
use super::tabs::Whole;
use crate::error::{Error, Result};
use crate::http::offer_of_path;
use crate::offers::{Draft, IfMatch};
use crate::text::Text;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use offer::identity::{OfferId, PublisherId};
use offer::{reading, zip};
use std::collections::BTreeMap;

/// A picture of a draft.
pub(in crate::portal) async fn picture(
    desk: Desk,
    Path((publisher, offer, file)): Path<(String, String, String)>,
) -> Response {
    let found = async {
        let (publisher, offer) = offer_of_path(&(&publisher, &offer))?;
        let draft = desk.market.draft(&desk.actor, (&publisher, &offer)).await?;
        let bytes = draft.files.get(&file).filter(|_| file.ends_with(".png"));
        bytes.cloned().ok_or_else(|| Error::not_found("this picture"))
    };
    match found.await {
        Ok(bytes) => ([(header::CONTENT_TYPE, "image/png")], bytes).into_response(),
        Err(error) => desk.no(&error),
    }
}

/// The directory as a zip.
pub(in crate::portal) async fn export(
    desk: Desk,
    Path((publisher, offer)): Path<(String, String)>,
) -> Response {
    let packed = async {
        let (publisher, offer) = offer_of_path(&(&publisher, &offer))?;
        let draft = desk.market.draft(&desk.actor, (&publisher, &offer)).await?;
        let name = format!("attachment; filename=\"{publisher}.{offer}.zip\"");
        Ok((name, crate::offers::blocking(move || Ok(zip::pack(&draft.files)?)).await?))
    };
    match packed.await {
        Ok((name, bytes)) => (
            [(header::CONTENT_TYPE, "application/zip".to_owned()), (header::CONTENT_DISPOSITION, name)],
            bytes,
        )
            .into_response(),
        Err(error) => desk.no(&error),
    }
}

/// Export and import below the settings.
pub(super) fn exchange(desk: &Desk, whole: &Whole) -> Markup {
    let text = &desk.text;
    let Draft { publisher, offer, etag, .. } = &whole.draft;
    let path = format!("/publish/{publisher}/{offer}");
    html! {
        section aria-labelledby="exchange" {
            h2 #exchange { (text.get("publish-exchange")) }
            p { (text.get("publish-exchange-hint")) }
            p { a.button href={ (path) "/offer.zip" } download { (text.get("publish-export")) } }
            form method="post" action={ (path) "/import" } enctype="multipart/form-data" {
                input type="hidden" name="etag" value=(etag);
                div.field {
                    label for="archive" { (text.get("publish-import-over")) }
                    p.hint #archive-rule { (text.get("publish-import-over-hint")) }
                    input #archive name="archive" type="file" accept=".zip,application/zip" required aria-describedby="archive-rule";
                }
                button { (text.get("publish-import-over-button")) }
            }
        }
    }
}

/// A new offer out of a zip.
pub(super) fn import_form(text: &Text, refused: Option<&Error>) -> Markup {
    html! {
        section aria-labelledby="import" {
            h2 #import { (text.get("publish-import")) }
            p.hint #import-rule { (text.get("publish-import-hint")) }
            form method="post" action="/publish/import" enctype="multipart/form-data" novalidate {
                div.field {
                    label for="import-archive" { (text.get("publish-import-archive")) }
                    input #import-archive name="archive" type="file" accept=".zip,application/zip" aria-describedby="import-rule import-findings"
                        aria-invalid=[refused.map(|_| "true")];
                    div.findings #import-findings { @if let Some(error) = refused {
                        p.finding.bad role="alert" { (text.told(&error.message)) ". " (text.told(&error.hint)) "." } } }
                }
                button { (text.get("publish-import-button")) }
            }
        }
    }
}

pub(in crate::portal) async fn import_new(desk: Desk, posted: Sent) -> Response {
    let imported = async {
        crate::access::permit(&desk.actor, crate::access::Operation::HaveOffers)?;
        let files = unpacked(&desk, posted.files).await?;
        let identity = reading::identity(&files).map_err(|findings| {
            let first = findings.first().map(|finding| finding.message.clone()).unwrap_or_default();
            Error {
                findings,
                ..Error::invalid(
                    format!("the zip does not say which offer it is: {first}"),
                    "give offer.yaml a publisher and an id",
                )
            }
        })?;
        let key = (identity.publisher, identity.offer);
        put(&desk, (&key.0, &key.1), files, IfMatch::New).await.map(|()| key)
    };
    match imported.await {
        Ok((publisher, offer)) => {
            Redirect::to(&format!("/publish/{publisher}/{offer}/review")).into_response()
        }
        Err(error) => refused(&desk, error).await,
    }
}

/// What was refused is said beside the form, where somebody may have offers at all.
async fn refused(desk: &Desk, error: Error) -> Response {
    let status = crate::http::status_of(error.kind).0;
    if crate::access::permit(&desk.actor, crate::access::Operation::HaveOffers).is_err()
        || status.is_server_error()
    {
        return desk.no(&error);
    }
    let new = New { archive: Some(error), ..New::default() };
    (status, list::shown(desk, "", &new).await).into_response()
}

/// The draft is replaced by what is in a zip.
pub(in crate::portal) async fn import(
    desk: Desk,
    Path((publisher, offer)): Path<(String, String)>,
    posted: Sent,
) -> Response {
    let imported = async {
        let (publisher, offer) = offer_of_path(&(&publisher, &offer))?;
        // Who may not see the draft learns nothing of what is wrong with an archive for it.
        desk.market.draft(&desk.actor, (&publisher, &offer)).await?;
        let files = unpacked(&desk, posted.files).await?;
        let etag = posted
            .fields
            .first("etag")
            .and_then(|etag| etag.parse().ok())
            .map_or(IfMatch::Any, IfMatch::Etag);
        put(&desk, (&publisher, &offer), files, etag).await?;
        Ok(format!("/publish/{publisher}/{offer}/review"))
    };
    match imported.await {
        Ok(path) => Redirect::to(&path).into_response(),
        Err(error) => desk.no(&error),
    }
}

async fn unpacked(desk: &Desk, mut sent: BTreeMap<String, Vec<u8>>) -> Result<crate::bundles::Files> {
    let archive = sent.remove("archive").ok_or_else(|| {
        Error::invalid(desk.text.get("publish-import-none"), desk.text.get("publish-import-hint"))
    })?;
    crate::offers::blocking(move || Ok(zip::unpack(&archive)?)).await
}

/// Stores it, unless it says that it is another offer.
async fn put(
    desk: &Desk,
    key: (&PublisherId, &OfferId),
    files: crate::bundles::Files,
    if_match: IfMatch,
) -> Result<()> {
    if let Ok(found) = reading::identity(&files)
        && (found.publisher != *key.0 || found.offer != *key.1)
    {
        return Err(Error::invalid(
            format!(
                "the zip is of the offer {}.{}, and this is {}.{}",
                found.publisher, found.offer, key.0, key.1
            ),
            "import it as a new offer, or correct its publisher and id",
        ));
    }
    desk.market.put_draft(&desk.actor, key, files, if_match).await.map(drop)
}
