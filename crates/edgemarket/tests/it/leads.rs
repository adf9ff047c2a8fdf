//! A publisher's lead destination, for tests.

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Receives leads over HTTP and remembers them by idempotency key.
pub struct LeadReceiver {
    address: SocketAddr,
    busy: Arc<AtomicBool>,
    received: Arc<Mutex<BTreeMap<String, usize>>>,
    bodies: Arc<Mutex<BTreeMap<String, serde_json::Value>>>,
}

impl LeadReceiver {
    pub async fn start() -> LeadReceiver {
        let received: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
        let seen = Arc::clone(&received);
        let bodies: Arc<Mutex<BTreeMap<String, serde_json::Value>>> = Arc::default();
        let kept = Arc::clone(&bodies);
        let busy: Arc<AtomicBool> = Arc::default();
        let refusing = Arc::clone(&busy);
        let router = Router::new().route(
            "/leads",
            post(move |headers: HeaderMap, body: axum::body::Bytes| async move {
                let key = headers
                    .get("idempotency-key")
                    .and_then(|key| key.to_str().ok())
                    .unwrap_or("none")
                    .to_owned();
                let body = serde_json::from_slice(&body).unwrap_or_default();
                kept.lock().expect("not poisoned").insert(key.clone(), body);
                *seen.lock().expect("not poisoned").entry(key).or_default() += 1;
                match refusing.load(Ordering::SeqCst) {
                    true => StatusCode::SERVICE_UNAVAILABLE,
                    false => StatusCode::OK,
                }
            }),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        LeadReceiver { address, busy, received, bodies }
    }

    /// Whether it answers 503 from now on.
    pub fn set_busy(&self, busy: bool) {
        self.busy.store(busy, Ordering::SeqCst);
    }

    /// How often each key arrived.
    pub fn by_key(&self) -> BTreeMap<String, usize> {
        self.received.lock().expect("not poisoned").clone()
    }

    /// The leads, each once.
    pub fn bodies(&self) -> Vec<serde_json::Value> {
        self.bodies.lock().expect("not poisoned").values().cloned().collect()
    }

    /// Where leads are to be sent.
    pub fn url(&self) -> String {
        format!("http://{}/leads", self.address)
    }

    /// Makes it the destination of an offer's leads.
    pub fn name_in(&self, files: &mut BTreeMap<String, Vec<u8>>) {
        let document = files.remove("offer.yaml").expect("the document");
        let document = String::from_utf8(document).expect("UTF-8");
        let replaced =
            document.replace("kind: none", &format!("kind: https-endpoint\n  url: {}", self.url()));
        assert_ne!(document, replaced, "the template has the destination `none`");
        files.insert("offer.yaml".to_owned(), replaced.into_bytes());
    }
}
