//! Who may do what: challenges, tokens, and what a stranger can learn.

use crate::support::{Registry, failure, header};
use oci::digest::Digest;
use reqwest::{Method, StatusCode};
use serde_json::Value;

#[tokio::test]
async fn the_base_asks_for_a_token_and_takes_it() {
    let registry = Registry::start().await;
    for path in ["/v2/", "/v2"] {
        let response = registry.anonymous(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        let realm = format!("Bearer realm=\"http://{}/v2/token\",service=\"test-registry\"", registry.host);
        assert_eq!(header(&response, "www-authenticate"), realm);
        assert_eq!(header(&response, "docker-distribution-api-version"), "registry/2.0");
    }
    let token: Value =
        registry.anonymous(Method::GET, "/v2/token").send().await.unwrap().json().await.unwrap();
    assert_eq!(token["expires_in"], 300);
    assert_eq!(token["token"], token["access_token"]);
    let with = |token: &str| registry.anonymous(Method::GET, "/v2/").bearer_auth(token).send();
    assert_eq!(with(token["token"].as_str().unwrap()).await.unwrap().status(), StatusCode::OK);
    assert_eq!(with("forged").await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let malformed = registry.anonymous(Method::GET, "/v2/").header("authorization", "Basic %%%").send();
    assert_eq!(malformed.await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_covers_its_scopes_and_no_more() {
    let registry = Registry::start().await;
    let (digest, _) = registry.push_image("acme/one", "latest", b"layer").await;
    registry.push_image("acme/two", "latest", b"layer").await;
    let path = "/v2/token?service=test-registry&scope=repository:acme/one:pull&scope=registry:catalog:*";
    let token: Value = registry.acme(Method::GET, path).send().await.unwrap().json().await.unwrap();
    let token = token["token"].as_str().unwrap();
    let with = |path: &'static str| registry.anonymous(Method::GET, path).bearer_auth(token).send();
    let pulled = with("/v2/acme/one/manifests/latest").await.unwrap();
    assert_eq!(header(&pulled, "docker-content-digest"), digest.to_string());
    let other = with("/v2/acme/two/manifests/latest").await.unwrap();
    assert_eq!(other.status(), StatusCode::UNAUTHORIZED);
    let challenge = header(&other, "www-authenticate");
    assert!(
        challenge.ends_with(",scope=\"repository:acme/two:pull\",error=\"insufficient_scope\""),
        "{challenge}"
    );
    let push = registry.anonymous(Method::POST, "/v2/acme/one/blobs/uploads/").bearer_auth(token);
    let push = push.send().await.unwrap();
    assert!(header(&push, "www-authenticate").contains("scope=\"repository:acme/one:pull,push\""));
    // One challenge names all that a mount needs, so that one token is enough.
    let mount = format!("/v2/acme/one/blobs/uploads/?mount={}&from=acme/two", Digest::of(b"layer"));
    let refused = registry.anonymous(Method::POST, &mount).send().await.unwrap();
    let scope = "repository:acme/one:pull,push repository:acme/two:pull";
    assert!(header(&refused, "www-authenticate").ends_with(&format!(",scope=\"{scope}\"")));
    let path = format!("/v2/token?scope={}", scope.replace(' ', "+"));
    let token: Value = registry.acme(Method::GET, &path).send().await.unwrap().json().await.unwrap();
    let mounted = registry.anonymous(Method::POST, &mount).bearer_auth(token["token"].as_str().unwrap());
    assert_eq!(mounted.send().await.unwrap().status(), StatusCode::CREATED);
    // A token for one of the two is told of the other.
    let path = "/v2/token?scope=repository:acme/one:pull,push";
    let token: Value = registry.acme(Method::GET, path).send().await.unwrap().json().await.unwrap();
    let mount = mount.replace(&Digest::of(b"layer").to_string(), &Digest::of(b"other").to_string());
    let narrow = registry.anonymous(Method::POST, &mount).bearer_auth(token["token"].as_str().unwrap());
    let narrow = narrow.send().await.unwrap();
    assert!(header(&narrow, "www-authenticate").contains(scope));
    assert_eq!(failure(narrow).await, (401, "UNAUTHORIZED".into()));
}

#[tokio::test]
async fn the_oauth_form_takes_passwords_and_refresh_tokens() {
    let registry = Registry::start().await;
    let post = |form: &'static str| registry.anonymous(Method::POST, "/v2/token").body(form).send();
    let password = "grant_type=password&username=acme&password=acme-secret&service=s&scope=repository:acme/a:pull,push+repository:acme/b:pull";
    let token: Value = post(password).await.unwrap().json().await.unwrap();
    let token = token["access_token"].as_str().unwrap();
    let push = registry.anonymous(Method::POST, "/v2/acme/a/blobs/uploads/").bearer_auth(token);
    assert_eq!(push.send().await.unwrap().status(), StatusCode::ACCEPTED);
    let push = registry.anonymous(Method::POST, "/v2/acme/b/blobs/uploads/").bearer_auth(token);
    assert_eq!(push.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);

    let wrong = post("grant_type=password&username=acme&password=guess").await.unwrap();
    assert_eq!(header(&wrong, "www-authenticate"), "Basic realm=\"test-registry\"");
    assert_eq!(failure(wrong).await, (401, "UNAUTHORIZED".into()));
    let wrong = post("grant_type=refresh_token&refresh_token=forged").await.unwrap();
    assert_eq!(failure(wrong).await, (401, "UNAUTHORIZED".into()));
    assert_eq!(failure(post("grant_type=magic").await.unwrap()).await, (400, "UNSUPPORTED".into()));
    let many = format!("/v2/token?{}", "scope=repository:acme/a:pull&".repeat(65));
    assert_eq!(registry.acme(Method::GET, &many).send().await.unwrap().status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_forbidden_repository_looks_like_a_missing_one() {
    let registry = Registry::start().await;
    let (digest, _) = registry.push_image("acme/secret", "latest", b"layer").await;
    let layer = Digest::of(b"layer");
    let tails = [
        "manifests/latest".to_owned(),
        format!("manifests/{digest}"),
        format!("blobs/{layer}"),
        "tags/list".into(),
        format!("referrers/{digest}"),
    ];
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        for tail in &tails {
            let ask = async |name: &str| {
                let request = registry.anonymous(method.clone(), &format!("/v2/{name}/{tail}"));
                let response = request.basic_auth("other", Some("other-secret")).send().await.unwrap();
                let mut headers = response.headers().clone();
                headers.remove("date");
                (response.status(), headers, response.text().await.unwrap())
            };
            let (forbidden, missing) = (ask("acme/secret").await, ask("acme/nothing").await);
            assert_eq!(forbidden, missing, "{method} {tail}");
            assert!(forbidden.0.is_client_error());
        }
    }
    let anonymous = registry.anonymous(Method::GET, "/v2/acme/secret/manifests/latest").send().await.unwrap();
    assert_eq!(failure(anonymous).await, (401, "UNAUTHORIZED".into()));
}

#[tokio::test]
async fn a_stored_digest_is_readable_only_where_it_was_put() {
    let registry = Registry::start().await;
    let (digest, text) = registry.push_image("acme/one", "latest", b"layer").await;
    let layer = Digest::of(b"layer");
    registry.push_blob("acme/two", b"something else").await;
    for path in [
        format!("/v2/acme/two/blobs/{layer}"),
        format!("/v2/acme/two/manifests/{digest}"),
        format!("/v2/acme/one/blobs/{digest}"),
    ] {
        assert_eq!(registry.get(&path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    // Nor can a manifest bring in what its pusher never had.
    let response = registry.put_manifest("acme/two", "latest", crate::support::MANIFEST, &text).await;
    assert_eq!(failure(response).await, (400, "MANIFEST_BLOB_UNKNOWN".into()));
}

#[tokio::test]
async fn the_public_scope_is_pulled_by_all_and_pushed_by_one() {
    let registry = Registry::start().await;
    let content = b"open to all";
    let digest = Digest::of(content);
    let path = format!("/v2/public/app/blobs/uploads/?digest={digest}");
    let push = |user: &'static str| {
        let request =
            registry.anonymous(Method::POST, &path).basic_auth(user, Some(format!("{user}-secret")));
        request.body(content.to_vec()).send()
    };
    let refused = push("acme").await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(refused.text().await.unwrap().contains("only the pipeline writes to the public scope"));
    assert_eq!(push("pipeline").await.unwrap().status(), StatusCode::CREATED);
    let pulled =
        registry.anonymous(Method::GET, &format!("/v2/public/app/blobs/{digest}")).send().await.unwrap();
    assert_eq!(pulled.bytes().await.unwrap(), &content[..]);
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let registry = Registry::start().await;
    for path in ["/v2/", "/v2/token", "/v2/acme/app/tags/list", "/v2/acme/app/manifests/1.0"] {
        let request = registry.anonymous(Method::GET, path).basic_auth("hasty", Some("guess"));
        let response = request.send().await.unwrap();
        assert_eq!(header(&response, "retry-after"), "7", "{path}");
        assert_eq!(failure(response).await, (429, "TOOMANYREQUESTS".into()), "{path}");
    }
}
