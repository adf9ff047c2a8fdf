//! Accounts over HTTP, as a browser meets them: here is the browser, and a marketplace whose clock the test turns.

mod bad;
mod joining;
mod members;
mod own;
mod signing;

use crate::http::{Answer, HOST, request, send};
use crate::support::{Place, config, found};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, header};
use market::accounts::NewAccount;
use market::clock::{Clock, Ids};
use market::{Actor, Market};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;

/// A password that is good enough.
pub const PASSWORD: &str = "seven green bottles";
/// 2026-11-28T12:00:00Z.
const START_MS: i64 = 1_795_867_200_000;

/// A marketplace with a clock.
pub struct Clocked {
    pub place: Place,
    pub router: Router,
    clock: Arc<AtomicI64>,
}

impl Clocked {
    pub async fn new() -> Clocked {
        let directory = TempDir::new().unwrap();
        let clock = Arc::new(AtomicI64::new(START_MS));
        let now = Arc::clone(&clock);
        let hands = Clock::from_fn(move || now.load(Ordering::SeqCst));
        let market = Market::open(config(&directory), hands, Ids::system()).await.unwrap();
        found(&market).await;
        Clocked { router: market::router(market.clone()), place: Place { directory, market }, clock }
    }

    pub fn market(&self) -> &Market {
        &self.place.market
    }

    pub fn pass_minutes(&self, minutes: i64) {
        self.clock.fetch_add(minutes * 60_000, Ordering::SeqCst);
    }

    /// An account, signed in.
    pub async fn person(&self, name: &str, operator: bool) -> Browser {
        make(self.market(), name, operator).await;
        let mut browser = Browser::new(&self.router);
        browser.sign_in(name, PASSWORD).await;
        browser
    }
}

/// Makes an account.
pub async fn make(market: &Market, name: &str, operator: bool) {
    let (display_name, password) = (String::new(), PASSWORD.to_owned());
    let new = NewAccount { name: name.to_owned(), display_name, password, operator };
    market.create_account(&Actor::Operator, new).await.unwrap();
}

/// A browser: it keeps the session's cookie, and sends forms from this site.
pub struct Browser {
    router: Router,
    pub cookie: String,
    pub address: &'static str,
    pub origin: String,
}

impl Browser {
    pub fn new(router: &Router) -> Browser {
        let origin = format!("http://{HOST}");
        Browser { router: router.clone(), cookie: String::new(), address: "192.0.2.1", origin }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.call(Method::GET, path, Body::empty()).await
    }

    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        self.call(Method::POST, path, Body::from(form.finish())).await
    }

    pub async fn call(&mut self, method: Method, path: &str, body: Body) -> Answer {
        let mut request = request(method, path, "").header("x-forwarded-for", self.address);
        request =
            request.header(header::ORIGIN, &self.origin).header(header::USER_AGENT, "Firefox/140.0 Linux");
        if !self.cookie.is_empty() {
            request = request.header(header::COOKIE, format!("edgemarket-session={}", self.cookie));
        }
        let answer = send(&self.router, request.body(body).unwrap()).await;
        let set = answer.header(header::SET_COOKIE).to_owned();
        if let Some(rest) = set.strip_prefix("edgemarket-session=") {
            self.cookie = rest.split(';').next().unwrap().to_owned();
        }
        answer
    }

    pub async fn sign_in(&mut self, name: &str, password: &str) -> Answer {
        let answer = self.post("/sign-in", &[("name", name), ("password", password)]).await;
        assert_eq!((answer.status.as_u16(), answer.header(header::LOCATION)), (303, "/account"), "{name}");
        answer
    }

    /// The link that the page shows, by this beginning.
    pub fn link(answer: &Answer, beginning: &str) -> String {
        assert_eq!(answer.status.as_u16(), 200, "{}", answer.text());
        let at = answer.text().find(beginning).unwrap_or_else(|| panic!("{beginning}: {}", answer.text()));
        answer.text()[at..].split('<').next().unwrap().to_owned()
    }
}

/// Fields of the form behind a link.
pub fn joining<'a>(code: &'a str, name: &'a str) -> Vec<(&'a str, &'a str)> {
    let password = [("new-password", PASSWORD), ("new-password-again", PASSWORD)];
    [("code", code), ("name", name), ("display-name", "Somebody")].into_iter().chain(password).collect()
}

/// The code in a link.
pub fn code(link: &str) -> String {
    link.split_once("code=").expect("a code").1.to_owned()
}

/// Every sentence that a refusal or a field names is there, with its hint.
#[test]
fn every_sentence_is_there() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let known = std::fs::read_to_string(root.join("locales/en/accounts.ftl")).unwrap();
    let known = known + &std::fs::read_to_string(root.join("locales/en/storefront.ftl")).unwrap();
    let is_there = |key: &str| known.lines().any(|line| line.split(" = ").next() == Some(key));
    let mut seen = 0;
    for folder in ["src/accounts", "src/portal/accounts"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let source = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            let words = source.split('"').skip(1).step_by(2);
            for key in words.filter(|word| word.starts_with("fault-") || word.starts_with("done-")) {
                seen += 1;
                assert!(is_there(key), "{key}");
                assert!(key.starts_with("done-") || is_there(&format!("{key}-hint")), "{key}-hint");
            }
            for call in source.split("field(").skip(1) {
                let label = call.split('"').nth(3).unwrap_or_default();
                assert!(
                    !call.starts_with("&text") && !call.starts_with("text,") || is_there(label),
                    "{label}"
                );
            }
        }
    }
    assert!(seen > 20, "{seen}");
}
