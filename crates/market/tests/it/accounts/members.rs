//! Members of a publisher: who may change whom, and what ends with a membership.

use super::{Browser, Clocked, code, joining};
use crate::support::contoso;
use axum::http::{StatusCode, header};
use market::accounts::{AccountChange, MemberRole};
use market::{Actor, Kind};

/// An owner and an editor of the publisher.
async fn two(clocked: &Clocked) -> (Browser, Browser) {
    let (owner, editor) = (clocked.person("olga", false).await, clocked.person("ed", false).await);
    for (name, role) in [("olga", MemberRole::Owner), ("ed", MemberRole::Editor)] {
        clocked.market().put_member(&Actor::Operator, &contoso(), name, role).await.unwrap();
    }
    (owner, editor)
}

/// The secret that the page shows.
fn shown_secret(page: &str) -> String {
    let at = page.find("edgemkt_").expect("a token");
    page[at..].split('<').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_last_owner_stays_unless_an_operator_asks() {
    let clocked = Clocked::new().await;
    let (mut owner, _) = two(&clocked).await;
    let members = "/publishers/contoso/members";
    for (path, fields) in [("olga/role", vec![("role", "editor")]), ("olga/remove", vec![])] {
        let refused = owner.post(&format!("{members}/{path}"), &fields).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        assert!(refused.text().contains("this is the last owner"), "{}", refused.text());
    }
    let done = owner.post(&format!("{members}/ed/role"), &[("role", "owner")]).await;
    assert_eq!(done.header(header::LOCATION), "/publishers/contoso/members?done=member");
    let gone = owner.post(&format!("{members}/olga/remove"), &[]).await;
    assert_eq!(gone.header(header::LOCATION), "/account?done=member-removed");
    assert_eq!(owner.get(members).await.status, StatusCode::FORBIDDEN);
    let mut operator = clocked.person("ada", true).await;
    operator.post(&format!("{members}/ed/remove"), &[]).await;
    assert!(operator.get(members).await.text().contains("Nobody is a member yet"));
}

#[tokio::test]
async fn owners_find_nobody_out_and_publishers_stay_apart() {
    let clocked = Clocked::new().await;
    let (mut owner, mut editor) = two(&clocked).await;
    clocked.person("eve", false).await;
    let fabrikam = "fabrikam".parse().unwrap();
    clocked.market().add_publisher(&Actor::Operator, &fabrikam, "Fabrikam").await.unwrap();
    for name in ["eve", "nobody"] {
        let path = format!("/publishers/contoso/members/{name}/role");
        assert_eq!(owner.post(&path, &[("role", "editor")]).await.status, StatusCode::NOT_FOUND, "{name}");
    }
    for path in ["/publishers/fabrikam/members", "/publishers/nobody/members", "/publishers/%3Cb%3E/members"]
    {
        assert_eq!(owner.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    for path in ["members/olga/remove", "members/ed/role", "members/invite"] {
        let path = format!("/publishers/contoso/{path}");
        assert_eq!(editor.post(&path, &[("role", "owner")]).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let odd = owner.post("/publishers/contoso/members/ed/role", &[("role", "king")]).await;
    assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn tokens_and_links_end_with_what_they_came_from() {
    let clocked = Clocked::new().await;
    let (mut owner, mut editor) = two(&clocked).await;
    let market = clocked.market();
    let fields = [("label", "build server"), ("role", "publisher contoso"), ("days", "30")];
    let token = shown_secret(editor.post("/account/tokens", &fields).await.text());
    assert_eq!(market.authenticate(&token).await.unwrap(), Actor::Publisher(contoso()));
    assert!(!editor.get("/account").await.text().contains(&token), "shown once");
    // Its owner sees it, and ends it.
    let page = owner.get("/publishers/contoso/members").await;
    let id = market.publisher_tokens(&Actor::Operator, &contoso()).await.unwrap()[0].id.clone();
    assert!(page.text().contains("build server") && page.text().contains(&id));
    let revoked = owner.post(&format!("/publishers/contoso/tokens/{id}/revoke"), &[]).await;
    assert_eq!(revoked.status, StatusCode::SEE_OTHER);
    assert!(market.authenticate(&token).await.is_err());

    let token = shown_secret(editor.post("/account/tokens", &fields).await.text());
    let off = AccountChange { disabled: Some(true), operator: None };
    market.change_account(&Actor::Operator, "ed", off).await.unwrap();
    assert_eq!(market.authenticate(&token).await.unwrap_err().kind, Kind::Unauthenticated, "disabled");
    let on = AccountChange { disabled: Some(false), operator: None };
    market.change_account(&Actor::Operator, "ed", on).await.unwrap();
    assert!(market.authenticate(&token).await.is_ok());
    // An owner who goes takes the links that it made along, or it would be back by one of them.
    market.put_member(&Actor::Operator, &contoso(), "ed", MemberRole::Owner).await.unwrap();
    editor.sign_in("ed", super::PASSWORD).await;
    let made = editor.post("/publishers/contoso/members/invite", &[("role", "owner")]).await;
    let link = Browser::link(&made, "http://127.0.0.1:8080/invitation?code=");
    owner.post("/publishers/contoso/members/ed/remove", &[]).await;
    assert!(market.authenticate(&token).await.is_err(), "revoked");
    market.put_member(&Actor::Operator, &contoso(), "ed", MemberRole::Editor).await.unwrap();
    assert!(market.authenticate(&token).await.is_err(), "for ever");
    let back = Browser::new(&clocked.router).post("/invitation", &joining(&code(&link), "ed2")).await;
    assert_eq!(back.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_last_operator_stays() {
    let clocked = Clocked::new().await;
    let mut ada = clocked.person("ada", true).await;
    for (path, fields) in [
        ("/accounts/ada", vec![("disabled", "true")]),
        ("/accounts/ada", vec![("operator", "false")]),
        ("/accounts/ada/remove", vec![]),
    ] {
        let refused = ada.post(path, &fields).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{path}");
        assert!(refused.text().contains("the last operator"), "{}", refused.text());
    }
    clocked.person("bob", false).await;
    let done = ada.post("/accounts/bob", &[("operator", "true")]).await;
    assert_eq!(done.header(header::LOCATION), "/accounts?done=account");
    assert_eq!(
        ada.post("/accounts/ada/remove", &[]).await.header(header::LOCATION),
        "/accounts?done=removed"
    );
    assert_eq!(ada.get("/accounts").await.status, StatusCode::SEE_OTHER, "its session is gone");
}
