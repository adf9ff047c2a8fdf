//! Acquiring a plan: for which subscription, and under which terms. The version of the terms that the page showed is sent
//! back with the acceptance, so that nobody accepts what was not shown.

use super::deploying::{Form, error_of, sign_in};
use super::layout::{self, Head};
use super::posted::Fields;
use super::{Failed, Language};
use crate::access::Actor;
use crate::acquisitions::{Acquire, TermsKind, ToAcquire};
use crate::error::{Error, Kind};
use crate::http::{Who, offer_of_path};
use crate::leads::{CONTACT_CHARS_MAX, Contact};
use crate::market::Market;
use crate::subscriptions::Subscription;
use crate::text::Text;
use axum::extract::{OriginalUri, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, PreEscaped, html};
use offer::identity::{OfferId, PlanId, PublisherId};
use uuid::Uuid;

type Names = Path<(String, String, String)>;

pub(super) async fn page(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(names): Names,
    OriginalUri(uri): OriginalUri,
    Query(fields): Query<Fields>,
) -> Response {
    if actor == Actor::Anonymous {
        return sign_in(&uri.to_string());
    }
    match load(&market, &actor, &names).await {
        Ok(loaded) => {
            layout::page_with(&text, &loaded.title(&text), &head(), &loaded.page(&text, &fields, None))
                .into_response()
        }
        Err(error) => Failed(text, error).into_response(),
    }
}

pub(super) async fn acquire(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(names): Names,
    OriginalUri(uri): OriginalUri,
    fields: Fields,
) -> Response {
    if actor == Actor::Anonymous {
        return sign_in(uri.path());
    }
    let loaded = match load(&market, &actor, &names).await {
        Ok(loaded) => loaded,
        Err(error) => return Failed(text, error).into_response(),
    };
    let accepted = if fields.get("accept") == "yes" { fields.get("terms") } else { "" };
    let wanted = Acquire {
        // What is no subscription is nobody's.
        subscription: fields.get("subscription").parse().unwrap_or(Uuid::nil()),
        accepted_terms: accepted.to_owned(),
        contact: contact(&fields),
    };
    let (publisher, offer, plan) = &loaded.key;
    match market.acquire(&actor, (publisher, offer), plan, &wanted).await {
        Ok(acquired) => Redirect::to(&format!("/deploy?module={}", acquired.id)).into_response(),
        Err(error) if matches!(error.kind, Kind::Invalid | Kind::Stale | Kind::NotFound) => {
            let status = match error.kind {
                Kind::Stale => StatusCode::PRECONDITION_FAILED,
                Kind::NotFound => StatusCode::NOT_FOUND,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            };
            let content = loaded.page(&text, &fields, Some(&error));
            (status, layout::page_with(&text, &loaded.title(&text), &head(), &content)).into_response()
        }
        Err(error) => Failed(text, error).into_response(),
    }
}

/// The standard contract of this marketplace.
pub(super) async fn contract(State(market): State<Market>, Language(text): Language) -> Response {
    let content = html! {
        h1 { (text.get("standard-contract")) }
        div.description { (PreEscaped(&market.config().standard_contract)) }
    };
    layout::page(&text, &text.get("standard-contract"), &content).into_response()
}

fn head() -> Head {
    Head { unlisted: true, ..Head::default() }
}

fn contact(fields: &Fields) -> Contact {
    let field = |name: &str| fields.get(&format!("contact-{name}")).trim().to_owned();
    Contact {
        first_name: field("first-name"),
        last_name: field("last-name"),
        email: field("email"),
        phone: field("phone"),
        country: field("country"),
        company: field("company"),
        title: field("title"),
    }
}

/// Everything that the page shows.
struct Loaded {
    key: (PublisherId, OfferId, PlanId),
    found: ToAcquire,
    subscriptions: Vec<Subscription>,
}

async fn load(market: &Market, actor: &Actor, names: &(String, String, String)) -> Result<Loaded, Error> {
    let (publisher, offer) = offer_of_path(&(&names.0, &names.1))?;
    let missing = |_| Error::not_found(format!("the plan {:.60}", names.2));
    let plan: PlanId = names.2.parse().map_err(missing)?;
    let found = market.to_acquire(actor, (&publisher, &offer), &plan).await?;
    let subscriptions = market.own_subscriptions(actor).await?;
    Ok(Loaded { key: (publisher, offer, plan), found, subscriptions })
}

impl Loaded {
    fn title(&self, text: &Text) -> String {
        text.with("acquire-title", &[("title", &self.found.page.document.listing.title)])
    }

    fn page(&self, text: &Text, fields: &Fields, error: Option<&Error>) -> Markup {
        let (publisher, offer, plan) = &self.key;
        html! {
            nav.crumbs aria-label=(text.get("breadcrumb")) { ol {
                li { a href="/" { (text.get("home")) } }
                li { a href={ "/offers/" (publisher) "/" (offer) } { (self.found.page.document.listing.title) } }
                li { (self.found.plan.title) }
            } }
            h1 { (self.title(text)) }
            p.lead { (self.found.plan.summary) }
            p.facts {
                span.chip { (text.get("plan")) " " (self.found.plan.title) }
                span.chip.quiet { (text.get("version")) " " (self.found.version) }
            }
            @if let Some(error) = error { (error_of(text, error)) }
            @if self.subscriptions.is_empty() {
                div.empty { p { (text.get("acquire-no-subscription")) } p.hint { (text.get("acquire-no-subscription-hint")) } }
            } @else {
                (self.owned(text))
                @if self.found.owned.len() < self.subscriptions.len() {
                    form.entry method="post" action={ "/offers/" (publisher) "/" (offer) "/plans/" (plan) "/acquire" } {
                        (self.subscription(text, fields))
                        (self.terms(text, fields, error))
                        (self.contact(text, fields))
                        p { button.primary { (text.get("acquire")) } }
                    }
                }
            }
        }
    }

    /// What the reader has already.
    fn owned(&self, text: &Text) -> Markup {
        html! {
            @for owned in &self.found.owned {
                p.banner.have {
                    (text.with("acquire-have", &[("subscription", &owned.subscription.to_string())])) " "
                    a href={ "/deploy?module=" (owned.id) } { (text.get("deploy")) }
                }
            }
        }
    }

    fn subscription(&self, text: &Text, fields: &Fields) -> Markup {
        let has = |id: &Uuid| self.found.owned.iter().any(|owned| owned.subscription == *id);
        let left: Vec<_> = self.subscriptions.iter().filter(|own| !has(&own.id)).collect();
        html! {
            div.field {
                @if let [Subscription { id, owner, .. }] = left.as_slice() {
                    p { (text.get("acquire-for")) " " strong { (owner) } " " code.quiet { (id) } }
                    input type="hidden" name="subscription" value=(id);
                } @else {
                    label for="subscription" { (text.get("acquire-for")) }
                    select #subscription name="subscription" { @for Subscription { id, owner, .. } in left {
                        option value=(id) selected[fields.get("subscription") == id.to_string()] { (owner) " (" (id) ")" }
                    } }
                }
            }
        }
    }

    fn terms(&self, text: &Text, fields: &Fields, error: Option<&Error>) -> Markup {
        let terms = &self.found.terms;
        let fault = error.filter(|error| error.kind == Kind::Stale || fields.get("accept") != "yes");
        html! {
            section.terms aria-labelledby="terms" {
                h2 #terms { (text.get("terms-of-use")) }
                @match terms.kind {
                    TermsKind::Url => p { (text.get("acquire-terms-elsewhere")) " "
                        a.away href=(terms.text) rel="noopener noreferrer nofollow" { (terms.text) } },
                    TermsKind::StandardContract => p { a href="/contract" { (text.get("acquire-standard-contract")) } },
                    TermsKind::Html => {},
                }
                @if terms.kind != TermsKind::Url {
                    div.terms-text tabindex="0" role="group" aria-labelledby="terms" {
                        div.description { (PreEscaped(&terms.text)) }
                    }
                }
                p.small { (text.with("acquire-terms-version", &[("version", terms.short())])) }
                input type="hidden" name="terms" value=(terms.digest);
                @if let Some(error) = fault {
                    p.fault #accept-fault { (text.get(if error.kind == Kind::Stale { "acquire-terms-stale" } else { "acquire-terms-missing" })) }
                }
                // Terms that were replaced meanwhile are to be accepted anew.
                label.check {
                    input type="checkbox" name="accept" value="yes" required
                        aria-invalid[fault.is_some()] aria-describedby=[fault.map(|_| "accept-fault")];
                    span { (text.get("acquire-accept")) }
                }
            }
        }
    }

    fn contact(&self, text: &Text, fields: &Fields) -> Markup {
        let given = contact(fields);
        let any = given.fields().iter().any(|(_, value)| !value.is_empty());
        html! {
            details.contact open[any] {
                summary { (text.get("acquire-contact")) }
                p.hint { (text.get("acquire-contact-hint")) }
                div.grid { @for (name, value) in given.fields() {
                    (Form::text(&format!("contact-{name}"), &text.get(&format!("contact-{name}")), value, CONTACT_CHARS_MAX))
                } }
            }
        }
    }
}
