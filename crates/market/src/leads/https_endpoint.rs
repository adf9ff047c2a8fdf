//! Leads to an HTTPS endpoint: one POST of JSON with `Idempotency-Key`; any 2xx means that it was taken.

use super::Delivery;
use crate::market::Market;
use reqwest::StatusCode;
use std::time::Duration;
use url::Url;

/// Longest wait for the endpoint's answer.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Sends one lead. The body of the answer is not read.
pub(super) async fn send(market: &Market, url: &str, id: &str, body: &str) -> Delivery {
    let url: Url = match url.parse() {
        Ok(url) => url,
        Err(error) => return Delivery::Refused(format!("the lead endpoint is no URL: {error}")),
    };
    if let Err(refusal) = market.egress.check(&url) {
        return Delivery::Refused(format!("the lead endpoint cannot be reached: {refusal}"));
    }
    let request = market
        .http
        .post(url)
        .timeout(TIMEOUT)
        .header("content-type", "application/json")
        .header("idempotency-key", id)
        .body(body.to_owned());
    match request.send().await {
        Ok(answer) if answer.status().is_success() => Delivery::Delivered,
        Ok(answer) if may_pass(answer.status()) => {
            Delivery::Later(format!("the lead endpoint answered {}", answer.status()))
        }
        Ok(answer) => Delivery::Refused(format!("the lead endpoint answered {}", answer.status())),
        Err(error) => {
            Delivery::Later(format!("the lead endpoint does not answer: {}", causes(&error.without_url())))
        }
    }
}

fn may_pass(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS | StatusCode::CONFLICT
        )
}

/// The error with its causes: the outermost alone says only that something failed.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
