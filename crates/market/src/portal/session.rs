//! Signing in by name and password, or with a token, and out. A token is its own session: it expires and is revoked like
//! everywhere else. Afterwards the visitor is where the way to the door began.

use super::accounts::{Form, field, private};
use super::posted::Fields;
use super::{Failed, Language, layout};
use crate::access::Actor;
use crate::accounts::{ACCOUNT_NAME_CHARS_MAX, NewSession, PASSWORD_CHARS_MAX, SESSION_DAYS, SignInRefusal};
use crate::error::{Error, Kind};
use crate::headers::cookie;
use crate::http::{ClientAddress, SESSION_COOKIE, Visitor, session_cookie};
use crate::market::Market;
use crate::text::Text;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use maud::{Markup, html};

/// How long a browser keeps a token: a working day. The token may end earlier.
const TOKEN_SECONDS: i64 = 12 * 3_600;
/// Longest way back in bytes; those of our pages with all their parameters have some hundred.
const NEXT_BYTES_MAX: usize = 2_048;

pub(super) async fn page(
    State(market): State<Market>,
    visitor: Visitor,
    Language(text): Language,
    Query(given): Query<Fields>,
) -> Response {
    let next = given.get("next");
    if visitor.session.is_some() {
        return Redirect::to(way_back(next).as_deref().unwrap_or("/account")).into_response();
    }
    let content = match &visitor.actor {
        Actor::Anonymous => forms(&text, &given, html! {}),
        actor => html! {
            h1 { (text.with("signed-in-as", &[("who", &actor.to_string())])) }
            @if actor.is_operator() { p { a href="/regions" { (text.get("regions")) } " · " a href="/accounts" { (text.get("accounts")) }
                " · " a href="/tickets" { (text.get("tickets")) } " · " a href="/insights" { (text.get("manage-insights")) } } }
            (own_submissions(&text, &market, actor).await)
            form method="post" action="/sign-out" { button { (text.get("sign-out")) } }
        },
    };
    private(layout::page(&text, &text.get("sign-in"), &content))
}

pub(super) async fn sign_in(
    State(market): State<Market>,
    Language(text): Language,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    Form(given): Form,
) -> Response {
    if !given.get("token").is_empty() {
        return with_token(&market, &text, &given).await;
    }
    let browser = browser(&headers);
    let signed_in = market.sign_in(given.get("name"), given.get("password"), (address, browser)).await;
    let (status, said) = match signed_in {
        Ok(session) => {
            return (session_header(&market, &session), Redirect::to(&after(&given, "/account")))
                .into_response();
        }
        Err(SignInRefusal::Error(error)) => return Failed(text, error).into_response(),
        Err(SignInRefusal::Wrong) => (StatusCode::UNAUTHORIZED, text.get("sign-in-wrong")),
        Err(SignInRefusal::Wait(wait)) => {
            let seconds = wait.as_secs().max(1);
            let said = match seconds {
                ..=90 => text.with("sign-in-wait-seconds", &[("seconds", &seconds.to_string())]),
                _ => text.with("sign-in-wait-minutes", &[("minutes", &seconds.div_ceil(60).to_string())]),
            };
            let refused = refusal(&text, &given, &said);
            let after = HeaderValue::from(seconds);
            return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, after)], refused).into_response();
        }
    };
    (status, refusal(&text, &given, &said)).into_response()
}

async fn with_token(market: &Market, text: &Text, given: &Fields) -> Response {
    let token = given.get("token").trim();
    // A token has no character that a cookie could not hold; anything else is no token and never stored.
    let is_plain =
        !token.is_empty() && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if !is_plain || market.authenticate(token).await.is_err() {
        return (StatusCode::UNAUTHORIZED, refusal(text, given, &text.get("sign-in-refused")))
            .into_response();
    }
    let cookie = cookie(market, (SESSION_COOKIE, token), "Strict", TOKEN_SECONDS);
    (AppendHeaders(cookie), Redirect::to(&after(given, "/sign-in"))).into_response()
}

pub(super) async fn sign_out(
    State(market): State<Market>,
    Language(text): Language,
    headers: HeaderMap,
    _form: Form,
) -> Response {
    if let Some(secret) = session_cookie(&headers)
        && let Err(error) = market.sign_out(secret).await
    {
        return Failed(text, error).into_response();
    }
    (AppendHeaders(cookie(&market, (SESSION_COOKIE, ""), "Lax", 0)), Redirect::to("/")).into_response()
}

/// What a form that another site sent is told.
pub(super) fn foreign_form(text: &Text) -> Error {
    Error::new(Kind::Denied, text.get("foreign-form"), text.get("foreign-form-hint"))
}

/// The header that keeps a session in the browser. `Lax`: a link in a message leads to the page, and not to the door; what
/// changes anything is a POST, and looks at its origin.
pub(super) fn session_header(
    market: &Market,
    session: &NewSession,
) -> AppendHeaders<[(header::HeaderName, String); 1]> {
    AppendHeaders(cookie(market, (SESSION_COOKIE, &session.secret), "Lax", SESSION_DAYS * 24 * 3_600))
}

/// What a browser calls itself.
pub(super) fn browser(headers: &HeaderMap) -> &str {
    headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// A way back is a path of this server. Browsers take two slashes, or a slash and a backslash, for another host, and drop
/// control characters before they look.
pub(super) fn way_back(next: &str) -> Option<String> {
    let rest = next.strip_prefix('/')?;
    let is_plain =
        next.len() <= NEXT_BYTES_MAX && next.bytes().all(|b| (b'!'..=b'~').contains(&b) && b != b'\\');
    (is_plain && !rest.starts_with('/')).then(|| next.to_owned())
}

fn after(given: &Fields, otherwise: &str) -> String {
    way_back(given.get("next")).unwrap_or_else(|| otherwise.to_owned())
}

/// The door, with a way back to this path.
pub(super) fn door(next: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
    format!("/sign-in?next={encoded}")
}

/// Links to what the signed-in publisher or operator published last.
pub(super) async fn own_submissions(text: &Text, market: &Market, actor: &Actor) -> Markup {
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

fn refusal(text: &Text, given: &Fields, said: &str) -> Response {
    let said = html! { p.bad role="alert" { (said) } };
    private(layout::page(text, &text.get("sign-in"), &forms(text, given, said)))
}

fn forms(text: &Text, given: &Fields, said: Markup) -> Markup {
    let next = way_back(given.get("next"));
    let hidden = html! { @if let Some(next) = &next { input type="hidden" name="next" value=(next); } };
    html! {
        div.door {
            h1 { (text.get("sign-in")) }
            (said)
            form.fields method="post" action="/sign-in" {
                (hidden)
                (field(text, "name", "account-name", None)
                    .value(given.get("name")).autocomplete("username").max(ACCOUNT_NAME_CHARS_MAX).input())
                (field(text, "password", "password", None)
                    .kind("password").autocomplete("current-password").max(PASSWORD_CHARS_MAX).input())
                button.primary { (text.get("sign-in")) }
            }
            p.hint { (text.get("sign-in-forgotten")) }
            details.token {
                summary { (text.get("sign-in-token")) }
                form.fields method="post" action="/sign-in" {
                    (hidden)
                    label for="token" { (text.get("token")) }
                    input #token name="token" type="password" autocomplete="off" required maxlength="256";
                    button { (text.get("sign-in-with-token")) }
                }
                p.hint { (text.get("sign-in-hint")) }
                pre { "edgemarket token create publisher --subject ID" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::way_back;

    #[test]
    fn the_way_back_stays_here() {
        for own in ["/", "/account", "/offers/a/b?plan=x&y=%2F#top"] {
            assert_eq!(way_back(own).as_deref(), Some(own));
        }
        let long = format!("/{}", "a".repeat(2_048));
        for foreign in [
            "",
            "account",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "https://evil.example",
            "/a b",
            "/é",
            "\\/x",
            &long,
        ] {
            assert_eq!(way_back(foreign), None, "{foreign}");
        }
    }
}
