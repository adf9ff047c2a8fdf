//! The tabs of an offer's form, and how far each is.

use crate::editing;
use crate::market::Market;
use crate::offers::Draft;
use crate::text::Text;
use maud::{Markup, html};
use offer::finding::{Finding, Severity};
use offer::form::{self, Control};
use offer::policy::Policy;
use offer::sections::{Completion, Section, concerned};
use serde_json::Value;

/// A tab by its part of the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::portal) enum Tab {
    Plans,
    Review,
    Of(Section),
}

impl Tab {
    /// The tab of an address, but for single plans.
    pub fn of(name: &str) -> Option<Tab> {
        Some(match name {
            "settings" => Tab::Of(Section::Settings),
            "plans" => Tab::Plans,
            "listing" => Tab::Of(Section::Listing),
            "pictures" => Tab::Of(Section::Pictures),
            "preview" => Tab::Of(Section::Preview),
            "leads" => Tab::Of(Section::Leads),
            "support" => Tab::Of(Section::Support),
            "review" => Tab::Review,
            _ => return None,
        })
    }

    /// Its part of the address.
    pub fn path(self) -> String {
        match self {
            Tab::Plans => "plans".to_owned(),
            Tab::Review => "review".to_owned(),
            Tab::Of(Section::Plan(index)) => format!("plans/{index}"),
            Tab::Of(Section::Settings) => "settings".to_owned(),
            Tab::Of(Section::Listing) => "listing".to_owned(),
            Tab::Of(Section::Pictures) => "pictures".to_owned(),
            Tab::Of(Section::Preview) => "preview".to_owned(),
            Tab::Of(Section::Leads) => "leads".to_owned(),
            Tab::Of(Section::Support) => "support".to_owned(),
        }
    }

    /// Its name.
    pub fn name(self, text: &Text) -> String {
        match self {
            Tab::Of(Section::Plan(_)) => text.get("publish-tab-plan"),
            tab => text.get(&format!("publish-tab-{}", tab.path())),
        }
    }
}

/// A draft as all pages of the form see it.
pub(super) struct Whole {
    pub draft: Draft,
    /// What the form shows.
    pub values: Value,
    /// Findings with the pointer of the field that each is about.
    pub findings: Vec<(String, Finding)>,
    /// Each section with its state, in the order of the tabs.
    pub states: Vec<(Section, Completion)>,
}

impl Whole {
    /// Judges a draft that can be read as YAML.
    pub fn of(market: &Market, draft: Draft) -> Result<Whole, Box<Finding>> {
        let values = editing::shown(&draft.files)?;
        let findings: Vec<(String, Finding)> =
            draft.findings.iter().map(|finding| (concerned(finding), finding.clone())).collect();
        let name = values.pointer("/name").and_then(Value::as_str).unwrap_or_default();
        let fresh_files = market.fresh((&draft.publisher, &draft.offer), name);
        let fresh = editing::shown(&fresh_files)?;
        let limits = &market.config().policy.offer;
        let states = Section::all(editing::plans(&values)).into_iter().map(|section| {
            let found = (&values, &draft.files);
            (section, section.completion(found, (&fresh, &fresh_files), &draft.findings, limits))
        });
        let states = states.collect();
        Ok(Whole { draft, values, findings, states })
    }

    pub fn state(&self, section: Section) -> Completion {
        let found = self.states.iter().find(|(own, _)| *own == section);
        found.map_or(Completion::NotStarted, |(_, state)| *state)
    }

    /// The state of a tab; all plans together make that of theirs.
    pub fn state_of(&self, tab: Tab) -> Option<Completion> {
        match tab {
            Tab::Review => None,
            Tab::Of(section) => Some(self.state(section)),
            Tab::Plans => {
                let mut plans = self
                    .states
                    .iter()
                    .filter(|(section, _)| matches!(section, Section::Plan(_)))
                    .map(|(_, s)| *s);
                let first = plans.next()?;
                Some(if plans.all(|state| state == first) { first } else { Completion::Incomplete })
            }
        }
    }

    /// Whether anything hinders publication.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|(_, finding)| finding.severity == Severity::Error)
    }

    pub fn title(&self) -> String {
        let name = self.values.pointer("/name").and_then(Value::as_str).unwrap_or_default();
        match name.trim() {
            "" => format!("{}.{}", self.draft.publisher, self.draft.offer),
            name => name.chars().take(100).collect(),
        }
    }
}

/// What stands above each page of the form.
pub(super) fn head(text: &Text, whole: &Whole, current: Tab) -> Markup {
    let Draft { publisher, offer, .. } = &whole.draft;
    let tabs = [
        Tab::Of(Section::Settings),
        Tab::Plans,
        Tab::Of(Section::Listing),
        Tab::Of(Section::Pictures),
        Tab::Of(Section::Preview),
        Tab::Of(Section::Leads),
        Tab::Of(Section::Support),
        Tab::Review,
    ];
    let is_current =
        |tab: Tab| tab == current || (tab == Tab::Plans && matches!(current, Tab::Of(Section::Plan(_))));
    html! {
        nav.crumbs aria-label=(text.get("breadcrumb")) { ol { li { a href="/publish" { (text.get("publish-offers")) } } li { (publisher) "." (offer) } } }
        h1 { (whole.title()) }
        p.small { @for page in crate::portal::manage::PAGES {
            @if page != crate::portal::manage::PAGES[0] { " · " }
            a href={ "/publish/" (publisher) "/" (offer) "/" (page) } { (text.get(&format!("manage-{page}"))) }
        } }
        nav.tabs #tabs aria-label=(text.get("publish-sections")) {
            ul { @for tab in tabs {
                li { a href={ "/publish/" (publisher) "/" (offer) "/" (tab.path()) } aria-current=[is_current(tab).then_some("page")] {
                    (tab.name(text))
                    @if let Some(state) = whole.state_of(tab) { " " (badge(text, state)) }
                } }
            } }
        }
    }
}

/// Where a field of an offer is edited: its tab, and the address of its control there, which has the pointer as its `id`.
/// `None` for what no tab shows.
pub(in crate::portal) fn field_of((publisher, offer): (&str, &str), pointer: &str) -> Option<(Tab, String)> {
    let tab = match Section::of(pointer) {
        Some(section) => Tab::Of(section),
        None if pointer == "/plans" => Tab::Plans,
        None => return None,
    };
    // A list of single texts is one control; no limit changes that.
    let limits = Policy::default().offer;
    let (parent, last) = pointer.rsplit_once('/').unwrap_or_default();
    let is_texts = form::field(pointer, &limits)
        .is_some_and(|field| matches!(field.control, Control::Texts { .. } | Control::Categories { .. }));
    let id = if is_texts && last.bytes().all(|b| b.is_ascii_digit()) { parent } else { pointer };
    Some((tab, format!("/publish/{publisher}/{offer}/{}#{id}", tab.path())))
}

/// A section's state as a mark with its name.
pub(super) fn badge(text: &Text, state: Completion) -> Markup {
    let sign = match state {
        Completion::NotStarted => "○",
        Completion::Incomplete => "◐",
        Completion::Complete => "●",
    };
    let name = text.get(&format!("publish-state-{}", state.id()));
    html! { span class={ "state " (state.id()) } title=(name) { span aria-hidden="true" { (sign) } span.unseen { "(" (name) ")" } } }
}

#[cfg(test)]
mod tests {
    use super::field_of;

    #[test]
    fn each_field_has_its_tab() {
        let of = |pointer| {
            let found = field_of(("contoso", "sensor"), pointer).map(|(_, address)| address);
            found.unwrap_or_default().replace("/publish/contoso/sensor/", "")
        };
        let asked = [
            "/name",
            "/plans",
            "/plans/1/tags/1",
            "/plans/2/screenshots/0/file",
            "/listing/logos/small",
            "/listing/previewSubscriptions/0/id",
            "/listing/categories/0",
            "/leads/url",
            "/support/customer/email",
        ];
        let expected = [
            "settings#/name",
            "plans#/plans",
            "plans/1#/plans/1/tags",
            "pictures#/plans/2/screenshots/0/file",
            "pictures#/listing/logos/small",
            "preview#/listing/previewSubscriptions/0/id",
            "listing#/listing/categories",
            "leads#/leads/url",
            "support#/support/customer/email",
        ];
        assert_eq!(asked.map(of), expected);
        assert_eq!(["", "/", "/<script>", "plans"].map(of), ["", "", "", ""]);
    }
}
