//! The page behind a link by which people join: a new account by name and password, or a role more for whoever is signed in.
//! The first operator's link leads to the same form.

use super::super::posted::Fields;
use super::super::session::{browser, door, session_header};
use super::super::{Failed, Language};
use super::{Form, failed, field, notices, page, private, shown};
use crate::accounts::{
    ACCOUNT_NAME_CHARS_MAX, Fault, Invitation, Invited, NewAccount, NewSession, PASSWORD_CHARS_MAX,
    PASSWORD_CHARS_MIN, Refusal,
};
use crate::error::Kind;
use crate::http::{ClientAddress, Visitor};
use crate::market::Market;
use crate::publishers::NAME_CHARS_MAX;
use crate::text::Text;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};

/// The first operator's link: nobody is signed in there.
pub(in super::super) async fn first(
    State(market): State<Market>,
    Language(text): Language,
    Query(given): Query<Fields>,
) -> Response {
    match market.invitation(given.get("code")).await {
        Ok(invitation) => form(&text, &given, &invitation, None),
        Err(error) => private(Failed(text, error)),
    }
}

/// Any other link.
pub(in super::super) async fn join(
    State(market): State<Market>,
    visitor: Visitor,
    Language(text): Language,
    Query(given): Query<Fields>,
) -> Response {
    let invitation = match market.invitation(given.get("code")).await {
        Ok(invitation) => invitation,
        Err(error) => return private(Failed(text, error)),
    };
    match visitor.session {
        None => form(&text, &given, &invitation, None),
        Some(session) => {
            let content = html! {
                div.door {
                    h1 { (text.get("invitation")) }
                    p { (role(&text, &invitation.invited)) }
                    p { (text.with("invitation-as", &[("name", &session.display_name)])) }
                    form method="post" action="/invitation" {
                        input type="hidden" name="code" value=(given.get("code"));
                        button.primary { (text.get("invitation-accept")) }
                    }
                    p.hint { (text.get("invitation-as-other")) }
                    form method="post" action="/sign-out" { button { (text.get("sign-out")) } }
                }
            };
            page(&text, &text.get("invitation"), &content)
        }
    }
}

/// Takes the invitation up, by either form.
pub(in super::super) async fn accept(
    State(market): State<Market>,
    visitor: Visitor,
    ClientAddress(address): ClientAddress,
    Language(text): Language,
    headers: HeaderMap,
    Form(given): Form,
) -> Response {
    let code = given.get("code");
    if let Some(session) = &visitor.session {
        return match market.accept_invitation_as(session, code).await {
            Ok(()) => Redirect::to("/account?done=accepted").into_response(),
            Err(error) => failed(text, error, "/account", &given),
        };
    }
    match joined(&market, &given, browser(&headers)).await {
        Ok(session) => welcomed(&market, &session),
        Err(Refusal::Error(error)) if error.kind == Kind::NotFound => {
            // The second of two clicks: the first has made this very account.
            let (name, password) = (given.get("name"), given.get("new-password"));
            match market.sign_in(name, password, (address, browser(&headers))).await {
                Ok(session) => welcomed(&market, &session),
                Err(_) => private(Failed(text, error)),
            }
        }
        Err(refusal) => {
            let again = async |text: Text, fault: &Fault| match market.invitation(code).await {
                Ok(invitation) => form(&text, &given, &invitation, Some(fault)),
                Err(error) => private(Failed(text, error)),
            };
            shown(text, refusal, ("/", &given), again).await
        }
    }
}

fn welcomed(market: &Market, session: &NewSession) -> Response {
    private((session_header(market, session), Redirect::to("/account?done=welcome")))
}

async fn joined(market: &Market, given: &Fields, browser: &str) -> Result<NewSession, Refusal> {
    if given.get("new-password") != given.get("new-password-again") {
        // A link that is not good any more is more worth telling.
        market.invitation(given.get("code")).await?;
        return Err(Fault::invalid("new-password-again", "fault-password-again").into());
    }
    let new = NewAccount {
        name: given.get("name").to_owned(),
        display_name: given.get("display-name").to_owned(),
        password: given.get("new-password").to_owned(),
        operator: false,
    };
    market.accept_invitation(given.get("code"), new, browser).await
}

fn form(text: &Text, given: &Fields, invitation: &Invitation, fault: Option<&Fault>) -> Response {
    let is_first = invitation.actor == crate::accounts::FIRST;
    let title = text.get(if is_first { "first-sign-in" } else { "invitation" });
    let code = given.get("code");
    let content = html! {
        div.door {
            h1 { (title) }
            (notices(text, given, fault))
            @if is_first { p { (text.get("first-sign-in-lead")) } } @else { p { (role(text, &invitation.invited)) } }
            form.fields method="post" action="/invitation" {
                input type="hidden" name="code" value=(code);
                (field(text, "name", "account-name", fault).value(given.get("name")).autocomplete("username")
                    .max(ACCOUNT_NAME_CHARS_MAX).hint(text.get("account-name-hint")).input())
                (field(text, "display-name", "display-name", fault).value(given.get("display-name")).autocomplete("name")
                    .max(NAME_CHARS_MAX).hint(text.get("display-name-hint")).input())
                (new_password(text, fault))
                button.primary { (text.get("account-create")) }
            }
            @if !is_first {
                p { (text.get("invitation-have-account")) " "
                    a href=(door(&format!("/invitation?code={code}"))) { (text.get("sign-in")) } }
            }
        }
    };
    page(text, &title, &content)
}

/// The two fields of a new password.
pub(super) fn new_password(text: &Text, fault: Option<&Fault>) -> Markup {
    let min = PASSWORD_CHARS_MIN.to_string();
    html! {
        (field(text, "new-password", "new-password", fault).kind("password").autocomplete("new-password")
            .max(PASSWORD_CHARS_MAX).hint(text.with("new-password-hint", &[("min", &min)])).input())
        (field(text, "new-password-again", "new-password-again", fault).kind("password").autocomplete("new-password")
            .max(PASSWORD_CHARS_MAX).input())
    }
}

/// What an invitation makes of somebody, as a sentence.
pub(super) fn role(text: &Text, invited: &Invited) -> String {
    match invited {
        Invited::Operator => text.get("invited-operator"),
        Invited::Owner(id) => text.with("invited-owner", &[("publisher", id)]),
        Invited::Editor(id) => text.with("invited-editor", &[("publisher", id)]),
        Invited::Customer(id) => text.with("invited-customer", &[("subscription", &id.to_string())]),
        Invited::Guest => text.get("invited-guest"),
    }
}

/// The same for whoever invites.
pub(super) fn role_named(text: &Text, invited: &Invited) -> String {
    let subject = |role: &str, subject: &str| format!("{} · {subject}", text.get(role));
    match invited {
        Invited::Operator => text.get("role-operator"),
        Invited::Owner(id) => subject("role-owner", id),
        Invited::Editor(id) => subject("role-editor", id),
        Invited::Customer(id) => subject("role-customer", &id.to_string()),
        Invited::Guest => text.get("role-guest"),
    }
}
