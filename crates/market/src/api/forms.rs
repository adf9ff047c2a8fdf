//! In which form a report or a bill of materials is sent: `?format=` decides, else the `Accept` header (RFC 9110 §
//! 12.5.1), else it is the first form that there is. The documents themselves are made by `certify`.

use crate::error::Error;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use certify::report::html::Language;
use certify::report::{Format, Options, Report};
use certify::sbom::SbomFormat;
use std::collections::BTreeMap;

/// What a page that was made elsewhere may do here: be looked at.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox";

/// Form that is wanted of a report.
pub(super) fn of_report(parameters: &BTreeMap<String, String>, headers: &HeaderMap) -> Result<Format, Error> {
    chosen(&Format::ALL.map(|form| (form, form.name(), form.media_type())), parameters, headers)
}

/// Form that is wanted of a bill of materials.
pub(super) fn of_sbom(
    parameters: &BTreeMap<String, String>,
    headers: &HeaderMap,
) -> Result<SbomFormat, Error> {
    chosen(&SbomFormat::ALL.map(|form| (form, form.name(), form.media_type())), parameters, headers)
}

fn chosen<F: Copy>(
    forms: &[(F, &str, &str)],
    parameters: &BTreeMap<String, String>,
    headers: &HeaderMap,
) -> Result<F, Error> {
    if let Some(asked) = parameters.get("format") {
        let found = forms.iter().find(|(_, name, _)| name == asked);
        return found.map(|(form, ..)| *form).ok_or_else(|| {
            let names: Vec<&str> = forms.iter().map(|(_, name, _)| *name).collect();
            Error::invalid(
                format!("there is no format {asked:.40}"),
                format!("choose one of {}", names.join(", ")),
            )
        });
    }
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut best: Option<(f32, F)> = None;
    for range in values.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let range = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=")).unwrap_or("1").parse().unwrap_or(0.0);
        if let Some((form, ..)) = forms.iter().find(|(.., media_type)| covers(range, media_type))
            && weight > best.map_or(0.0, |(weight, _)| weight)
        {
            best = Some((weight, *form));
        }
    }
    // Nobody is refused for a header that names nothing of ours: tools send all kinds of it.
    Ok(best.map_or(forms[0].0, |(_, form)| form))
}

/// Whether a media range is about this type.
fn covers(range: &str, media_type: &str) -> bool {
    let plain = media_type.split(';').next().unwrap_or(media_type);
    match range.strip_suffix("/*") {
        Some("*") => true,
        Some(kind) => plain.split('/').next().is_some_and(|own| own.eq_ignore_ascii_case(kind)),
        None => range.eq_ignore_ascii_case(plain),
    }
}

/// The stored report in this form: as it was stored, or made of it.
pub(super) fn report(
    stored: Vec<u8>,
    format: Format,
    parameters: &BTreeMap<String, String>,
) -> Result<Response, Error> {
    if format == Format::Json {
        return Ok(sent(format.media_type(), stored));
    }
    let report: Report = serde_json::from_slice(&stored)
        .map_err(|_| Error::invalid("this document is no report", "leave ?format= out to get it as it is"))?;
    let language = Language::of_tag(parameters.get("lang").map_or("en", String::as_str));
    let text = report.to_format(format, &Options { language, ..Options::default() });
    let mut response = sent(format.media_type(), text.into_bytes());
    if format == Format::Html {
        let policy = HeaderValue::from_static(CONTENT_SECURITY_POLICY);
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

/// A document; its form depended on the `Accept` header.
pub(super) fn sent(media_type: &'static str, bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, media_type), (header::VARY, "accept")], bytes).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(format: Option<&str>, accept: Option<&str>) -> Option<&'static str> {
        let parameters = format.map(|format| ("format".to_owned(), format.to_owned())).into_iter().collect();
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(header::ACCEPT, accept.parse().expect("a value"));
        }
        of_report(&parameters, &headers).ok().map(Format::name)
    }

    #[test]
    fn the_parameter_decides_then_the_header() {
        assert_eq!(form(None, None), Some("json"));
        assert_eq!(form(Some("junit"), Some("text/html")), Some("junit"));
        assert_eq!(form(Some("pdf"), None), None);
        assert_eq!(form(None, Some("*/*")), Some("json"));
        assert_eq!(
            form(None, Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")),
            Some("html")
        );
        assert_eq!(form(None, Some("application/json;q=0.2, application/sarif+json")), Some("sarif"));
        assert_eq!(form(None, Some("text/*")), Some("html"));
        assert_eq!(form(None, Some("image/png")), Some("json"));
        assert_eq!(form(None, Some("application/xml;q=0, nonsense;;q=x")), Some("json"));
    }
}
