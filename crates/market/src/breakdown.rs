//! When the program itself fails at a request: a panic, a file that is lost, a database that is gone. What happened stands in
//! the log under a reference; whoever asked is told the reference, and nothing of what happened.

use crate::market::Market;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;

/// What happened, on its way from where it was noticed to where the answer leaves: an extension of the answer.
#[derive(Debug, Clone)]
pub(crate) struct Cause(pub String);

/// What was asked for. Without the query, which may hold the code of an invitation.
#[derive(Debug)]
pub(crate) struct Asked {
    method: Method,
    path: String,
}

impl Asked {
    pub fn of(request: &Request) -> Asked {
        Asked { method: request.method().clone(), path: request.uri().path().to_owned() }
    }

    /// Writes a failure into the log; its reference, if the answer is one.
    pub fn reference(&self, market: &Market, response: &mut Response) -> Option<String> {
        let status = response.status();
        if !status.is_server_error() {
            return None;
        }
        // The end of an id is random; twelve digits can be read out on the telephone.
        let reference = market.ids.next().simple().to_string().split_off(20);
        let cause = response.extensions_mut().remove::<Cause>().map_or_else(String::new, |cause| cause.0);
        let (method, path) = (&self.method, self.path.as_str());
        let status = status.as_u16();
        tracing::error!(reference, %method, path, status, error = cause, "a request failed");
        Some(reference)
    }
}

/// The handler's answer. One that panics answers too, so that its connection, and what else goes over it, lives on.
pub(crate) async fn run(next: Next, request: Request) -> Response {
    AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<&str>().map(|said| (*said).to_owned());
        let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        failed(format!("panic: {said}"))
    })
}

/// An answer that says nothing yet but that it is none.
pub(crate) fn failed(cause: String) -> Response {
    let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
    response.extensions_mut().insert(Cause(cause));
    response
}
