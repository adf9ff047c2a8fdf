//! Invitations on pages: the open ones, the link of a new one, shown once, and taking one back.

use super::super::Language;
use super::super::format::day;
use super::super::posted::Fields;
use super::super::session::way_back;
use super::joining::role_named;
use super::{Form, confirmed, failed};
use crate::accounts::{Invitation, NewInvitation};
use crate::http::Who;
use crate::market::Market;
use crate::text::Text;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};

/// The open ones; `from` is the page that they are on.
pub(super) fn open(text: &Text, invitations: &[Invitation], from: &str) -> Markup {
    html! {
        @if !invitations.is_empty() {
            h3 { (text.get("invitations-open")) }
            ul.plain.rows { @for invitation in invitations {
                li {
                    div { (role_named(text, &invitation.invited)) br;
                        span.small.quiet { (text.with("invitation-until",
                            &[("day", &day(text, invitation.expires)), ("who", &invitation.actor)])) } }
                    (confirmed(&text.get("invitation-withdraw"), &text.get("invitation-withdraw-warning"),
                        &format!("/invitations/{}/withdraw?from={from}", invitation.id), &text.get("invitation-withdraw-do")))
                }
            } }
        }
    }
}

/// The link of a new one.
pub(super) fn just_made(text: &Text, new: &NewInvitation) -> Markup {
    let until = day(text, new.invitation.expires);
    html! {
        section.once #new-invitation {
            h2 { (text.get("invitation-new")) }
            p { strong { (role_named(text, &new.invitation.invited)) } }
            p { (text.with("invitation-new-once", &[("day", &until)])) }
            pre.copy { (new.link) }
        }
    }
}

/// Takes an invitation back, and returns to the page that it was on.
pub(in super::super) async fn withdraw(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(id): Path<String>,
    axum::extract::Query(query): axum::extract::Query<Fields>,
    Form(given): Form,
) -> Response {
    let from = way_back(query.get("from")).unwrap_or_else(|| "/account".to_owned());
    match market.withdraw_invitation(&actor, &id).await {
        Ok(()) => Redirect::to(&format!("{from}?done=removed")).into_response(),
        Err(error) => failed(text, error, &from, &given),
    }
}
