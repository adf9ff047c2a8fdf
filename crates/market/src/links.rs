//! Asks the links of a listing whether they answer, for the criterion `links-reachable`. Every request and every
//! redirect goes through the egress guard; nothing of a page is read but its status.

use crate::egress::Egress;
use crate::error::Result;
use certify::links::{Answer, LinkFact};
use futures_util::StreamExt;
use offer::document::Offer;
use std::time::Duration;
use url::Url;

/// Longest wait for one link, redirects included.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Most redirects of one link; browsers follow 20, and pages need one or two.
const REDIRECTS_MAX: usize = 5;

/// Links that are asked at the same time.
const AT_ONCE: usize = 8;

/// Asks the links of an offer, without a marketplace: only public addresses are reached.
///
/// # Errors
/// The HTTP client cannot start. What a link answers, or does not, is a fact and no error.
pub async fn ask(offer: &Offer) -> Result<Vec<LinkFact>> {
    let egress = Egress::new(&[]);
    Ok(ask_through(&egress, &egress.client()?, offer).await)
}

/// The same through a marketplace's guard and client. Sorted by URL.
pub(crate) async fn ask_through(egress: &Egress, http: &reqwest::Client, offer: &Offer) -> Vec<LinkFact> {
    // Owned, so that the future does not borrow from a closure and may move between threads.
    let asked: Vec<_> = certify::links::of(offer)
        .into_iter()
        .map(|(url, pointer)| ask_one(egress.clone(), http.clone(), url.to_owned(), pointer))
        .collect();
    futures_util::stream::iter(asked).buffered(AT_ONCE).collect().await
}

async fn ask_one(egress: Egress, http: reqwest::Client, url: String, pointer: String) -> LinkFact {
    let answer = match tokio::time::timeout(TIMEOUT, answer(&egress, &http, &url)).await {
        Ok(answer) => answer,
        Err(_) => Answer::Failed(format!("no answer within {} seconds", TIMEOUT.as_secs())),
    };
    LinkFact { pointer, url, answer }
}

async fn answer(egress: &Egress, http: &reqwest::Client, url: &str) -> Answer {
    let mut url: Url = match url.parse() {
        Ok(url) => url,
        Err(error) => return Answer::Failed(format!("it is no URL: {error}")),
    };
    for _ in 0..=REDIRECTS_MAX {
        if let Err(refusal) = egress.check(&url) {
            return Answer::Forbidden(refusal);
        }
        let got = match http.get(url.clone()).send().await {
            Ok(got) => got,
            Err(error) => return Answer::Failed(causes(&error.without_url())),
        };
        let location = got.headers().get("location").and_then(|value| value.to_str().ok());
        match location.filter(|_| got.status().is_redirection()).map(|location| url.join(location)) {
            None => return Answer::Status(got.status().as_u16()),
            Some(Ok(next)) if matches!(next.scheme(), "http" | "https") => url = next,
            Some(_) => return Answer::Failed("it redirects to something that is no http(s) URL".to_owned()),
        }
    }
    Answer::Failed(format!("more than {REDIRECTS_MAX} redirects"))
}

/// The innermost cause: the others say only that a request failed.
fn causes(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A server that answers each connection by the path that is asked for.
    async fn server() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 1024];
                let count = stream.read(&mut request).await.unwrap();
                let text = String::from_utf8_lossy(&request[..count]).into_owned();
                let head = match text.split(' ').nth(1).unwrap() {
                    "/there" => "200 OK\r\nContent-Length: 1000000000",
                    "/moved" => "302 Found\r\nLocation: /there",
                    "/inside" => "301 Moved Permanently\r\nLocation: http://127.0.0.2/secret",
                    "/file" => "301 Moved Permanently\r\nLocation: file:///etc/passwd",
                    "/round" => "302 Found\r\nLocation: /round",
                    _ => "404 Not Found",
                };
                let _ = stream
                    .write_all(format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n").as_bytes())
                    .await;
            }
        });
        port
    }

    #[tokio::test]
    async fn redirects_are_followed_only_to_where_requests_may_go() {
        let port = server().await;
        let egress = Egress::new(&["127.0.0.1".to_owned()]);
        let http = egress.client().unwrap();
        let ask = async |path: &str| answer(&egress, &http, &format!("http://127.0.0.1:{port}/{path}")).await;
        assert_eq!(ask("there").await, Answer::Status(200));
        assert_eq!(ask("moved").await, Answer::Status(200));
        assert_eq!(ask("gone").await, Answer::Status(404));
        assert_eq!(ask("round").await, Answer::Failed("more than 5 redirects".to_owned()));
        assert!(
            matches!(ask("inside").await, Answer::Forbidden(reason) if reason.starts_with("127.0.0.2 is"))
        );
        assert!(matches!(ask("file").await, Answer::Failed(cause) if cause.contains("no http(s) URL")));
        let strict = Egress::new(&[]);
        let inside = format!("http://127.0.0.1:{port}/there");
        assert!(matches!(answer(&strict, &http, &inside).await, Answer::Forbidden(_)));
        assert!(matches!(answer(&strict, &http, "not a URL").await, Answer::Failed(_)));
    }
}
