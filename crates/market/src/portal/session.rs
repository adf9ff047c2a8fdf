//! Signing in with a token, and out. The token itself is the session: it expires and is revoked like everywhere else.

use super::layout;
use super::{Failed, Language};
use crate::access::Actor;
use crate::error::{Error, Kind};
use crate::http::{SESSION_COOKIE, Who, is_same_origin};
use crate::market::Market;
use crate::text::Text;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use maud::{Markup, html};

/// How long a browser keeps the cookie: a working day. The token may end earlier.
const SESSION_SECONDS: u32 = 12 * 3_600;

pub(super) async fn page(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
) -> Response {
    let content = match &actor {
        Actor::Anonymous => form(&text, false),
        _ => html! {
            h1 { (text.with("signed-in-as", &[("who", &actor.to_string())])) }
            @if actor == Actor::Operator { p { a href="/regions" { (text.get("regions")) } } }
            (own_submissions(&text, &market, &actor).await)
            form method="post" action="/sign-out" { button { (text.get("sign-out")) } }
        },
    };
    layout::page(&text, &text.get("sign-in"), &content).into_response()
}

pub(super) async fn sign_in(
    State(market): State<Market>,
    Language(text): Language,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_same_origin(&market, &headers) {
        let error = foreign_form(&text);
        return Failed(text, error).into_response();
    }
    let given = url::form_urlencoded::parse(&body).find(|(name, _)| name == "token");
    let token = given.map(|(_, token)| token.trim().to_owned()).unwrap_or_default();
    // A token has no character that a cookie could not hold; anything else is no token and never stored.
    let is_plain =
        !token.is_empty() && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if !is_plain || market.authenticate(&token).await.is_err() {
        let content = form(&text, true);
        let page = layout::page(&text, &text.get("sign-in"), &content);
        return (StatusCode::UNAUTHORIZED, page).into_response();
    }
    let secure = if market.config().public_url().starts_with("https:") { "; Secure" } else { "" };
    let cookie = format!(
        "{SESSION_COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={SESSION_SECONDS}{secure}"
    );
    (AppendHeaders([(header::SET_COOKIE, cookie)]), Redirect::to("/sign-in")).into_response()
}

/// What a form that another site sent is told.
pub(super) fn foreign_form(text: &Text) -> Error {
    Error::new(Kind::Denied, text.get("foreign-form"), text.get("foreign-form-hint"))
}

pub(super) async fn sign_out(
    State(market): State<Market>,
    Language(text): Language,
    headers: HeaderMap,
) -> Response {
    if !is_same_origin(&market, &headers) {
        let error = foreign_form(&text);
        return Failed(text, error).into_response();
    }
    let cookie = format!("{SESSION_COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    (AppendHeaders([(header::SET_COOKIE, cookie)]), Redirect::to("/")).into_response()
}

/// Links to what the signed-in publisher or operator published last.
async fn own_submissions(text: &Text, market: &Market, actor: &Actor) -> Markup {
    let listed: Result<_, Error> = market.operations(actor, None, 50).await;
    html! {
        @if let Ok(submissions) = listed {
            h2 { (text.get("submissions")) }
            @if submissions.is_empty() { p.empty { (text.get("submissions-empty")) } }
            ul { @for submission in submissions {
                li { a href={ "/submissions/" (submission.id) } {
                    (submission.publisher) "." (submission.offer) " " (submission.number)
                } " · " (text.get(&format!("state-{}", format!("{:?}", submission.state).to_lowercase()))) }
            } }
        }
    }
}

fn form(text: &Text, refused: bool) -> Markup {
    html! {
        h1 { (text.get("sign-in")) }
        @if refused { p.bad role="alert" { (text.get("sign-in-refused")) } }
        form method="post" action="/sign-in" {
            label for="token" { (text.get("token")) }
            input #token name="token" type="password" autocomplete="current-password" required maxlength="256";
            button.primary { (text.get("sign-in")) }
        }
        p.hint { (text.get("sign-in-hint")) }
        pre { "edgemarket token create publisher --subject ID" }
    }
}
