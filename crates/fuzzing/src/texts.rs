//! Short texts that people type: routes, placeholders, references, tags, names, HTML. What is read is written so that it
//! is read alike.

use crate::input::Input;
use certify::clamd::Clamd;
use oci::digest::Digest;
use oci::reference::{Locator, Reference};
use offer::identity::{OfferId, PlanId, PublisherId};
use offer::platform::Platform;
use offer::route::{Endpoint, Route, check_modules};
use offer::tags::{Tag, VersionTag, check_form, greatest_version};
use offer::{html, module_name, placeholder, repository};
use std::collections::{BTreeMap, BTreeSet};

/// HTML up to this length: callers bound it, because the work may grow with its square.
const HTML_BYTES_MAX: usize = 5_000;

/// The first byte says who reads the rest.
pub fn texts(data: &[u8]) {
    let mut input = Input::new(data);
    let which = input.byte();
    let text = input.text();
    let _ = certify::sentences::french(&text);
    match which % 6 {
        0 => route(&text),
        1 => placeholders(&text),
        2 => references(&text),
        3 => tags(&text),
        4 => names(&text),
        _ => markup(&text),
    }
}

fn route(text: &str) {
    route_lines(text);
    let characters = text.chars().count();
    match Route::parse(text) {
        Ok(route) => {
            let written = route.to_string();
            let again = Route::parse(&written).expect("a route that was written");
            assert_eq!(again.to_string(), written, "from {text:?}");
            // Not the columns: `SELECT * FROM` is left out when it is written.
            assert_eq!(ends(&again), ends(&route), "from {text:?}");
            let _ = check_modules(&route, "own");
            assert!(route.warnings.iter().all(|warning| warning.column <= characters + 1));
            if placeholder::find(text).is_empty() {
                assert!(Route::parse_final(text).is_ok(), "without placeholders it is final: {text:?}");
            }
        }
        Err(error) => {
            assert!((1..=characters + 1).contains(&error.column), "{error:?} in {text:?}");
            assert!(!error.message.is_empty() && !error.hint.is_empty(), "{error:?}");
            assert!(Route::parse_final(text).is_err(), "the device takes no more than we do: {text:?}");
        }
    }
}

/// The same text as a customer's added routes, one a line.
fn route_lines(text: &str) {
    match offer::deployment::parse_lines(text) {
        Ok(routes) => {
            assert!(routes.iter().all(|route| Route::parse_final(&route.value).is_ok()), "{text:?}");
        }
        Err(errors) => {
            for error in errors {
                let line = text.lines().nth(error.line - 1).expect("a line of the text");
                let columns = 1..=line.chars().count() + 1;
                assert!(columns.contains(&error.column), "{error:?} in {line:?}");
            }
        }
    }
}

/// Where a route comes from and goes to.
fn ends(route: &Route) -> (Vec<&str>, Option<(&str, &str, &str)>) {
    let sink = match &route.sink {
        Endpoint::Upstream => None,
        Endpoint::Module { path, module, input, .. } => Some((&**path, &**module, &**input)),
    };
    (route.source.items.iter().map(|item| &*item.text).collect(), sink)
}

fn placeholders(text: &str) {
    let found = placeholder::find(text);
    for one in &found {
        assert_eq!(&text[one.range.clone()], format!("<{}>", one.name));
        assert_eq!(text[..one.range.start].chars().count() + 1, one.column);
    }
    assert_eq!(placeholder::substitute(text, &BTreeMap::new()), text);
    let values = found.iter().map(|one| (one.name.clone(), "x".to_owned())).collect();
    let replaced = placeholder::substitute(text, &values);
    let removed: usize = found.iter().map(|one| one.range.len() - 1).sum();
    assert_eq!(replaced.len(), text.len() - removed);
    if let Ok(json) = serde_json::from_str(text) {
        let names = placeholder::names_in_json(&json);
        let identity = names.iter().map(|name| (name.clone(), format!("<{name}>"))).collect();
        assert_eq!(placeholder::substitute_json(&json, &identity), json);
    }
}

fn references(text: &str) {
    if let Ok(reference) = text.parse::<Reference>() {
        let written = reference.to_string();
        assert_eq!(written.parse::<Reference>().as_ref(), Ok(&reference), "{written:?} from {text:?}");
        assert!(oci::reference::is_repository(reference.repository()));
        assert!(registry::name::is_repository(reference.repository()) || reference.repository().len() > 255);
        assert!(reference.tag().is_none_or(oci::reference::is_tag));
    }
    assert_eq!(oci::reference::is_tag(text), registry::name::is_tag(text), "{text:?}");
    // Paths of this machine are only looked for; a zero byte is none.
    if let Ok(Locator::Registry(reference)) = Locator::parse(text) {
        let written = Locator::Registry(reference).to_string();
        assert!(Locator::parse(&written).is_ok(), "{written:?}");
    }
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.to_string(), text);
    }
    if repository::check(text).is_ok() {
        let canonical = repository::canonical(text);
        assert!(repository::check(&canonical).is_ok() && repository::canonical(&canonical) == canonical);
    }
    let _ = Clamd::at(text);
}

fn tags(text: &str) {
    if let Ok(tag) = text.parse::<Tag>() {
        assert_eq!(tag.to_string(), text, "a tag has one spelling");
        assert!(oci::reference::is_tag(text), "what an offer may name a registry takes: {text:?}");
    }
    let lines: Vec<String> = text.split('\n').map(str::to_owned).take(50).collect();
    let greatest = greatest_version(&lines);
    let versions = lines.iter().filter_map(|line| line.parse::<VersionTag>().ok());
    assert_eq!(greatest, versions.max());
    assert!(check_form(&lines, "/tags").iter().all(|finding| !finding.message.is_empty()));
    if let Ok(platform) = text.parse::<Platform>() {
        assert_eq!(platform.to_string().parse::<Platform>().ok(), Some(platform));
    }
}

fn names(text: &str) {
    if let Ok(name) = module_name::default_module_name(text) {
        assert_eq!(module_name::check_module_name(&name), Ok(()));
        assert_eq!(module_name::default_module_name(&name).as_ref(), Ok(&name));
    }
    if let Err(error) = module_name::check_module_name(text) {
        assert!(!error.hint().is_empty());
    }
    let ids = [
        text.parse::<PublisherId>().map(|id| id.to_string()).ok(),
        text.parse::<OfferId>().map(|id| id.to_string()).ok(),
        text.parse::<PlanId>().map(|id| id.to_string()).ok(),
    ];
    for id in ids.into_iter().flatten() {
        assert_eq!(id, text);
        assert!(oci::reference::is_repository(&id), "an ID is a part of a repository's name: {id:?}");
    }
}

/// Elements with their attributes, as they are written.
fn start_tags(html: &str) -> BTreeSet<&str> {
    let tags = html.split('<').skip(1).filter(|tag| !tag.starts_with('/'));
    tags.map(|tag| tag.split('>').next().unwrap_or(tag)).collect()
}

fn markup(text: &str) {
    if text.len() > HTML_BYTES_MAX {
        return;
    }
    let cleaned = html::clean(text);
    assert!(cleaned.removed.len() <= 20);
    let lines = text.split(['\n', '\r']).count();
    assert!(cleaned.removed.iter().all(|removal| removal.line as usize <= lines + 1), "{cleaned:?}");
    let again = html::clean(&cleaned.html);
    // Not the same text: where a table stands in a link, reading the markup again moves the end of the link.
    assert!(start_tags(&again.html).is_subset(&start_tags(&cleaned.html)), "{cleaned:?}\n{again:?}");
    assert!(!again.removed.iter().any(|removal| removal.harmful), "{again:?}");
    let _ = (html::text(text), html::last_paragraph(text));
}
