//! API tokens on pages: a list that revokes, a form that makes one for a role of one's own, and the secret, shown once.

use super::super::format::day;
use super::super::posted::Fields;
use super::{confirmed, field};
use crate::access::{Actor, TokenRole};
use crate::accounts::{Account, Fault, Refusal};
use crate::market::Market;
use crate::publishers::{NAME_CHARS_MAX, check_name};
use crate::text::Text;
use crate::tokens::{NewToken, Token};
use maud::{Markup, html};
use std::time::Duration;

/// Lives that can be chosen, in days; the second is that of other tokens.
const DAYS: [u64; 4] = [30, 90, 180, 365];

/// The tokens of an account.
pub(super) fn section(
    text: &Text,
    given: &Fields,
    fault: Option<&Fault>,
    account: &Account,
    tokens: &[Token],
) -> Markup {
    let roles = own_roles(text, account);
    let days =
        DAYS.map(|days| (days.to_string(), text.with("token-days-count", &[("days", &days.to_string())])));
    let chosen = if given.get("days").is_empty() { "90" } else { given.get("days") };
    html! {
        section #tokens {
            h2 { (text.get("account-tokens")) }
            p.hint { (text.get("account-tokens-hint")) }
            @if tokens.is_empty() { p.empty { (text.get("account-tokens-empty")) } }
            (list(text, tokens, "/account/tokens"))
            @if roles.is_empty() { p { (text.get("account-tokens-no-role")) } } @else {
                form.fields method="post" action="/account/tokens" {
                    (field(text, "label", "token-label", fault).value(given.get("label")).max(NAME_CHARS_MAX)
                        .hint(text.get("token-label-hint")).input())
                    (field(text, "role", "token-role", fault).value(given.get("role")).select(&roles))
                    (field(text, "days", "token-days", fault).value(chosen).select(&days))
                    button { (text.get("token-create")) }
                }
            }
        }
    }
}

/// Tokens, each with its end.
pub(super) fn list(text: &Text, tokens: &[Token], at: &str) -> Markup {
    html! {
        ul.plain.rows { @for token in tokens {
            li {
                div { strong { (token.label) } " · " (role_of(text, &token.role)) br;
                    span.small.quiet { (text.with("token-until", &[("day", &day(text, token.expires))])) } }
                (confirmed(&text.get("token-revoke"), &text.get("token-revoke-warning"), &format!("{at}/{}/revoke", token.id),
                    &text.with("token-revoke-do", &[("label", &token.label)])))
            }
        } }
    }
}

/// The secret of a new token.
pub(super) fn just_made(text: &Text, new: &NewToken) -> Markup {
    html! {
        section.once #new-token {
            h2 { (text.with("token-new", &[("label", &new.token.label)])) }
            p { (text.get("token-new-once")) }
            pre.copy { (new.secret) }
        }
    }
}

/// Makes the token that a form asks for.
pub(super) async fn create(market: &Market, actor: &Actor, given: &Fields) -> Result<NewToken, Refusal> {
    let label = given.get("label").trim();
    if check_name("token's label", label).is_err() {
        return Err(Fault::invalid("label", "fault-token-label").into());
    }
    // What is not one of the account's own roles is refused by `access`, whatever a form claims.
    let role = role_given(given.get("role")).ok_or_else(|| Fault::invalid("role", "fault-token-role"))?;
    if !actor.holds(&role) {
        return Err(Fault::invalid("role", "fault-token-role").into());
    }
    let days = given.get("days").parse::<u64>().ok().filter(|days| DAYS.contains(days));
    let days = days.ok_or_else(|| Fault::invalid("days", "fault-token-days"))?;
    Ok(market.create_token(actor, role, label, Duration::from_secs(days * 24 * 3_600)).await?)
}

fn role_given(value: &str) -> Option<TokenRole> {
    match value.split_once(' ') {
        None if value == "operator" => Some(TokenRole::Operator),
        Some(("publisher", id)) => Some(TokenRole::Publisher(id.to_owned())),
        Some(("customer", id)) => Some(TokenRole::Customer(id.parse().ok()?)),
        _ => None,
    }
}

fn own_roles(text: &Text, account: &Account) -> Vec<(String, String)> {
    let operator = account.operator.then(|| ("operator".to_owned(), text.get("role-operator")));
    let publishers = account.publishers.iter().map(|membership| {
        let id = &membership.publisher;
        (format!("publisher {id}"), text.with("token-role-publisher", &[("publisher", id)]))
    });
    let customers = account.subscriptions.iter().map(|id| {
        let id = id.to_string();
        (format!("customer {id}"), text.with("token-role-customer", &[("subscription", &id)]))
    });
    operator.into_iter().chain(publishers).chain(customers).collect()
}

fn role_of(text: &Text, role: &TokenRole) -> String {
    match role {
        TokenRole::Operator => text.get("role-operator"),
        TokenRole::Publisher(id) => text.with("token-role-publisher", &[("publisher", id)]),
        TokenRole::Customer(id) => text.with("token-role-customer", &[("subscription", &id.to_string())]),
        TokenRole::Region(name) => name.clone(),
    }
}
