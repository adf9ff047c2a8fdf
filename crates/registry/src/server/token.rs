//! Tokens: `GET /v2/token` (Docker's token authentication specification) and `POST /v2/token` (its OAuth 2 form). Which
//! of the wanted scopes a token really carries is the owner's affair.

use super::{
    Server, body,
    call::{credentials, json, unauthorized},
    failure::{Code, Failure},
};
use crate::{
    Owner,
    name::is_repository,
    owner::{Action, Credentials, Refusal, Scope},
};
use axum::{
    body::Body,
    http::{HeaderValue, Method, header, request::Parts},
    response::Response,
};
use std::borrow::Cow;

/// Most scopes in one request: a client asks for a repository and those it mounts from.
const SCOPES_MAX: usize = 64;

/// Largest form in bytes: a long token and all scopes.
const FORM_BYTES_MAX: u64 = 64 << 10;

pub(super) async fn issue<O: Owner>(
    server: &Server<O>,
    parts: &Parts,
    body: Body,
) -> Result<Response, Failure> {
    let challenge = || unauthorized(&format!("Basic realm=\"{}\"", server.owner.service().name));
    let from_header = credentials(&parts.headers).ok_or_else(challenge)?;
    let (who, scopes) = if parts.method == Method::POST {
        let form = body::collect(body, FORM_BYTES_MAX).await?;
        read_form(&form, from_header)?
    } else {
        (from_header, read_scopes(pairs(parts.uri.query().unwrap_or("").as_bytes()))?)
    };
    let issued = match server.owner.issue_token(&who, &scopes).await {
        Ok(issued) => issued,
        Err(Refusal::Unauthenticated) => return Err(challenge()),
        Err(refusal) => return Err(Failure::refused(refusal, Code::NameUnknown)),
    };
    // Old clients read `token`, OAuth 2 ones `access_token`.
    let body = serde_json::json!({
        "token": issued.token,
        "access_token": issued.token,
        "expires_in": issued.expires_in_seconds,
    });
    let mut response = json(body.to_string().into_bytes());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Reads an OAuth 2 form: a password, or a refresh token, which the owner takes as a bearer token.
fn read_form(form: &[u8], from_header: Credentials) -> Result<(Credentials, Vec<Scope>), Failure> {
    let field = |name: &str| pairs(form).find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let wrong = |message: &str| Err(Failure::bad(Code::Unsupported, message));
    let who = match field("grant_type").as_deref() {
        Some("password") => match (field("username"), field("password")) {
            (Some(username), Some(password)) => Credentials::Basic { username, password },
            _ => return wrong("the password grant needs username and password"),
        },
        Some("refresh_token") => match field("refresh_token") {
            Some(token) => Credentials::Bearer(token),
            None => return wrong("the refresh_token grant needs refresh_token"),
        },
        None => from_header,
        Some(_) => return wrong("grant_type must be password or refresh_token"),
    };
    Ok((who, read_scopes(pairs(form))?))
}

fn pairs(text: &[u8]) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    url::form_urlencoded::parse(text)
}

/// The repository scopes among all that are asked for: `repository:acme/telemetry:pull,push`, several parameters or
/// several in one, separated by spaces. Others (`registry:catalog:*`) grant nothing here and are skipped.
fn read_scopes<'a>(pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>) -> Result<Vec<Scope>, Failure> {
    let mut scopes = Vec::new();
    for (_, value) in pairs.filter(|(key, _)| key == "scope") {
        for text in value.split_whitespace() {
            if scopes.len() == SCOPES_MAX {
                let message = format!("more than {SCOPES_MAX} scopes in one request");
                return Err(Failure::bad(Code::Unsupported, message));
            }
            scopes.extend(read_scope(text));
        }
    }
    Ok(scopes)
}

fn read_scope(text: &str) -> Option<Scope> {
    let (repository, actions) = text.strip_prefix("repository:")?.rsplit_once(':')?;
    let mut wanted: Vec<Action> = Vec::new();
    for action in actions.split(',') {
        match action {
            "pull" => wanted.push(Action::Pull),
            "push" => wanted.push(Action::Push),
            "delete" => wanted.push(Action::Delete),
            "*" => wanted.extend([Action::Pull, Action::Push, Action::Delete]),
            _ => {}
        }
    }
    wanted.sort();
    wanted.dedup();
    is_repository(repository).then(|| Scope { repository: repository.to_owned(), actions: wanted })
}
