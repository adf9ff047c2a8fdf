//! The first operator's link, and invitations: good once, for a while, and for the role that they are for.

use super::{Browser, Clocked, PASSWORD, code, joining, make};
use crate::http::{call, secret};
use crate::support::{CUSTOMER, config_at};
use axum::http::{Method, StatusCode, header};
use market::access::TokenRole;
use market::accounts::Invited;
use market::clock::{Clock, Ids};
use market::{Actor, Market};

async fn first_code(market: &Market) -> String {
    let (link, _) = market.first_sign_in().await.unwrap().expect("a link");
    assert!(link.starts_with("http://127.0.0.1:8080/first-sign-in?code="), "{link}");
    code(&link)
}

#[tokio::test]
async fn the_first_link_makes_the_operator_once() {
    let clocked = Clocked::new().await;
    let old = first_code(clocked.market()).await;
    let new = first_code(clocked.market()).await;
    let mut browser = Browser::new(&clocked.router);
    let refused = browser.get(&format!("/first-sign-in?code={old}")).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "an earlier start's");
    let page = browser.get(&format!("/first-sign-in?code={new}")).await;
    assert!(page.text().contains("Make the operator’s account"), "{}", page.text());
    assert_eq!(page.header(header::CACHE_CONTROL), "private, no-store");
    let made = browser.post("/invitation", &joining(&new, "ada")).await;
    assert_eq!(made.header(header::LOCATION), "/account?done=welcome", "{}", made.text());
    assert_eq!(browser.get("/accounts").await.status, StatusCode::OK);

    let double = Browser::new(&clocked.router).post("/invitation", &joining(&new, "ada")).await;
    assert_eq!(double.header(header::LOCATION), "/account?done=welcome", "the second of two clicks");
    let again = Browser::new(&clocked.router).post("/invitation", &joining(&new, "eve")).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND, "used twice");
    assert_eq!(clocked.market().first_sign_in().await.unwrap(), None, "there is an account");
}

#[tokio::test]
async fn the_first_link_ends_by_itself_and_by_any_other_beginning() {
    let clocked = Clocked::new().await;
    let first = first_code(clocked.market()).await;
    clocked.pass_minutes(24 * 60);
    let late = Browser::new(&clocked.router).post("/invitation", &joining(&first, "ada")).await;
    assert_eq!(late.status, StatusCode::NOT_FOUND);
    let first = first_code(clocked.market()).await;
    make(clocked.market(), "made-otherwise", false).await;
    let late = Browser::new(&clocked.router).post("/invitation", &joining(&first, "ada")).await;
    assert_eq!(late.status, StatusCode::NOT_FOUND);

    let other = tempfile::TempDir::new().unwrap();
    let market = Market::open(config_at(other.path()), Clock::system(), Ids::system()).await.unwrap();
    let token = secret(&market, TokenRole::Operator).await;
    assert_eq!(market.first_sign_in().await.unwrap(), None, "somebody runs it by token");
    let tokens = market.tokens(&Actor::Operator).await.unwrap();
    market.revoke_token(&Actor::Operator, &tokens[0].id).await.unwrap();
    assert!(market.authenticate(&token).await.is_err());
    assert!(market.first_sign_in().await.unwrap().is_some());
}

#[tokio::test]
async fn an_operator_invites_an_owner_who_invites_an_editor() {
    let clocked = Clocked::new().await;
    let mut operator = clocked.person("ada", true).await;
    let fields = [("role", "owner"), ("subject", "contoso")];
    let made = operator.post("/accounts/invite", &fields).await;
    let link = Browser::link(&made, "http://127.0.0.1:8080/invitation?code=");
    assert!(!operator.get("/accounts").await.text().contains(&code(&link)), "shown once");

    let mut owner = Browser::new(&clocked.router);
    let page = owner.get(&format!("/invitation?code={}", code(&link))).await;
    assert!(page.text().contains("You are invited to be an owner of contoso"), "{}", page.text());
    owner.post("/invitation", &joining(&code(&link), "olga@contoso.com")).await;
    assert!(owner.get("/account").await.text().contains("/publishers/contoso/members"));
    let twice = Browser::new(&clocked.router).post("/invitation", &joining(&code(&link), "eve")).await;
    assert_eq!(twice.status, StatusCode::NOT_FOUND);

    let made = owner.post("/publishers/contoso/members/invite", &[("role", "editor")]).await;
    let link = Browser::link(&made, "http://127.0.0.1:8080/invitation?code=");
    let mut editor = Browser::new(&clocked.router);
    editor.post("/invitation", &joining(&code(&link), "ed")).await;
    assert!(editor.get("/account").await.text().contains("Editor"));
    assert_eq!(editor.get("/publishers/contoso/members").await.status, StatusCode::FORBIDDEN);
    let members = owner.get("/publishers/contoso/members").await;
    assert!(
        members.text().contains("olga@contoso.com") && members.text().contains(">ed<"),
        "{}",
        members.text()
    );

    for (who, invited, expected) in [
        (&mut owner, r#"{"role":"editor","subject":"fabrikam"}"#, StatusCode::NOT_FOUND),
        (&mut editor, r#"{"role":"editor","subject":"contoso"}"#, StatusCode::FORBIDDEN),
    ] {
        let refused = who.call(Method::POST, "/api/v1/invitations", invited.into()).await;
        assert!(refused.status == StatusCode::UNSUPPORTED_MEDIA_TYPE, "JSON comes from programs");
        let sent = send_json(&clocked, who, invited).await;
        assert_eq!(sent, expected, "{invited}");
    }
    assert_eq!(send_json(&clocked, &mut owner, r#"{"role":"operator"}"#).await, StatusCode::FORBIDDEN);
}

async fn send_json(clocked: &Clocked, who: &mut Browser, json: &str) -> StatusCode {
    let request = crate::http::request(Method::POST, "/api/v1/invitations", "")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ORIGIN, &who.origin)
        .header(header::COOKIE, format!("edgemarket-session={}", who.cookie));
    crate::http::send(&clocked.router, request.body(json.to_owned().into()).unwrap()).await.status
}

#[tokio::test]
async fn an_invitation_adds_a_role_to_an_account_that_is_there() {
    let clocked = Clocked::new().await;
    let mut ada = clocked.person("ada", false).await;
    for (invited, shown) in [
        (Invited::Editor("contoso".to_owned()), "contoso"),
        (Invited::Customer(CUSTOMER), "1 subscription"),
        (Invited::Operator, "Operator"),
    ] {
        let new = clocked.market().invite(&Actor::Operator, invited).await.unwrap();
        let path = format!("/invitation?code={}", code(&new.link));
        let stranger = Browser::new(&clocked.router).get(&path).await;
        assert!(
            stranger.text().contains("/sign-in?next=%2Finvitation%3Fcode%3D"),
            "the way of who has an account"
        );
        let page = ada.get(&path).await;
        assert!(page.text().contains("You are signed in as ada"), "{}", page.text());
        let done = ada.post("/invitation", &[("code", &code(&new.link))]).await;
        assert_eq!(done.header(header::LOCATION), "/account?done=accepted");
        assert!(ada.get("/account").await.text().contains(shown), "{shown}");
        let again = ada.post("/invitation", &[("code", &code(&new.link))]).await;
        assert_eq!(again.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn invitations_are_withdrawn_and_end() {
    let clocked = Clocked::new().await;
    let mut ada = clocked.person("ada", true).await;
    let market = clocked.market().clone();
    let new = market.invite(&Actor::Operator, Invited::Guest).await.unwrap();
    let path = format!("/invitations/{}/withdraw?from=/accounts", new.invitation.id);
    let mut stranger = clocked.person("eve", false).await;
    assert_eq!(stranger.post(&path, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ada.post(&path, &[]).await.header(header::LOCATION), "/accounts?done=removed");
    let late = Browser::new(&clocked.router).post("/invitation", &joining(&code(&new.link), "x1")).await;
    assert_eq!(late.status, StatusCode::NOT_FOUND);
    let new = market.invite(&Actor::Operator, Invited::Guest).await.unwrap();
    clocked.pass_minutes(7 * 24 * 60);
    let late = Browser::new(&clocked.router).post("/invitation", &joining(&code(&new.link), "x1")).await;
    assert_eq!(late.status, StatusCode::NOT_FOUND);
    assert_eq!(market.invitations(&Actor::Operator, None).await.unwrap(), []);
}

#[tokio::test]
async fn programs_do_the_same_over_the_api() {
    let clocked = Clocked::new().await;
    let token = secret(clocked.market(), TokenRole::Operator).await;
    let api = async |method: Method, path: &str, json: &str| {
        call(&clocked.router, method, &format!("/api/v1{path}"), &token, json).await
    };
    let new = format!(r#"{{"name":"Ada","displayName":"Ada L.","password":"{PASSWORD}","operator":true}}"#);
    let made = api(Method::POST, "/accounts", &new).await;
    assert_eq!((made.status.as_u16(), made.json()["name"].as_str()), (201, Some("ada")), "{}", made.text());
    assert!(!made.text().contains("argon2") && !made.text().contains(PASSWORD));
    let (fact, hint) = api(Method::POST, "/accounts", &new).await.problem(StatusCode::CONFLICT);
    assert_eq!((fact.as_str(), hint.is_empty()), ("The name ada is taken.", false));
    let short = r#"{"name":"bob","password":"short"}"#;
    api(Method::POST, "/accounts", short).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    let role = api(Method::PUT, "/publishers/contoso/members/ada", r#"{"role":"owner"}"#).await;
    assert_eq!(role.status, StatusCode::NO_CONTENT, "{}", role.text());
    let listed = api(Method::GET, "/accounts", "").await.json();
    assert_eq!(listed[0]["publishers"][0]["role"], "owner");
    assert_eq!(api(Method::GET, "/publishers/contoso/members", "").await.json()[0]["name"], "ada");

    let mut ada = Browser::new(&clocked.router);
    ada.sign_in("ada", PASSWORD).await;
    let set = api(Method::PUT, "/accounts/ada/password", r#"{"password":"eight brown bottles"}"#).await;
    assert_eq!(set.status, StatusCode::NO_CONTENT);
    assert_eq!(ada.get("/account").await.status, StatusCode::SEE_OTHER, "its sessions ended");
    ada.sign_in("ada", "eight brown bottles").await;
    let off = api(Method::PATCH, "/accounts/ada", r#"{"disabled":true}"#).await;
    assert_eq!(off.json()["disabled"], true);
    assert_eq!(ada.get("/account").await.status, StatusCode::SEE_OTHER);
    assert_eq!(api(Method::DELETE, "/accounts/ada", "").await.status, StatusCode::NO_CONTENT);
    api(Method::DELETE, "/accounts/ada", "").await.problem(StatusCode::NOT_FOUND);
    api(Method::POST, "/accounts", &new).await.problem(StatusCode::CONFLICT);
    let invited = api(Method::POST, "/invitations", r#"{"role":"editor","subject":"contoso"}"#).await.json();
    let id = invited["id"].as_str().unwrap();
    assert_eq!(api(Method::GET, "/invitations?publisher=contoso", "").await.json()[0]["id"], id);
    assert_eq!(api(Method::DELETE, &format!("/invitations/{id}"), "").await.status, StatusCode::NO_CONTENT);
    for subject in [r#"{"role":"owner","subject":"nobody"}"#, r#"{"role":"owner","subject":"<b>"}"#] {
        api(Method::POST, "/invitations", subject).await.problem(StatusCode::NOT_FOUND);
    }
}
