//! Signing in and out: the same answer to every wrong one, how often, and how long a session lasts.

use super::{Browser, Clocked, PASSWORD, make};
use crate::http::{get, secret};
use axum::http::{StatusCode, header};
use market::Actor;
use market::access::TokenRole;
use market::accounts::AccountChange;

/// The page without what was typed into it.
fn without(name: &str, page: &str) -> String {
    page.replace(&format!("value=\"{name}\""), "value=\"\"")
}

#[tokio::test]
async fn who_is_wrong_does_not_learn_in_what() {
    let clocked = Clocked::new().await;
    make(clocked.market(), "ada", false).await;
    make(clocked.market(), "gone", false).await;
    let change = AccountChange { disabled: Some(true), operator: None };
    clocked.market().change_account(&Actor::Operator, "gone", change).await.unwrap();
    let mut pages = Vec::new();
    for (name, password) in
        [("ada", "wrong"), ("nobody", PASSWORD), ("gone", PASSWORD), ("", ""), ("ada", "")]
    {
        let mut browser = Browser::new(&clocked.router);
        let answer = browser.post("/sign-in", &[("name", name), ("password", password)]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.header(header::CACHE_CONTROL), "private, no-store");
        assert!(answer.headers.get(header::SET_COOKIE).is_none());
        pages.push(without(name, answer.text()));
    }
    assert!(pages[0].contains("do not belong together"), "{}", pages[0]);
    assert!(pages.iter().all(|page| page == &pages[0]), "all the same");
    // What is no name either is answered alike, whatever it is.
    for odd in ["<script>alert(1)</script>", "a\u{202e}b", "🛡️", &"x".repeat(5_000)] {
        let answer =
            Browser::new(&clocked.router).post("/sign-in", &[("name", odd), ("password", odd)]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{odd}");
        assert!(!answer.text().contains("<script>alert"));
    }
    let named = Browser::new(&clocked.router).sign_in("  ADA ", PASSWORD).await;
    assert!(named.header(header::SET_COOKIE).contains("HttpOnly; SameSite=Lax; Max-Age=1209600"));
}

#[tokio::test]
async fn guessing_has_to_wait_and_is_told_how_long() {
    let clocked = Clocked::new().await;
    make(clocked.market(), "ada", false).await;
    for name in ["ada", "nobody"] {
        let mut guesser = Browser::new(&clocked.router);
        guesser.address = if name == "ada" { "198.51.100.1" } else { "198.51.100.2" };
        for _ in 0..10 {
            let answer = guesser.post("/sign-in", &[("name", name), ("password", "guess")]).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        }
        let answer = guesser.post("/sign-in", &[("name", name), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "also with the right one");
        assert_eq!(answer.header(header::RETRY_AFTER), "60");
        assert!(answer.text().contains("Try again in 60 seconds"), "{}", answer.text());
    }
    // Whose account it is comes in from elsewhere.
    Browser::new(&clocked.router).sign_in("ada", PASSWORD).await;
    clocked.pass_minutes(1);
    let mut guesser = Browser::new(&clocked.router);
    guesser.address = "198.51.100.1";
    guesser.sign_in("ada", PASSWORD).await;
}

#[tokio::test]
async fn a_session_is_new_each_time_and_ends() {
    let clocked = Clocked::new().await;
    let mut ada = clocked.person("ada", false).await;
    let first = ada.cookie.clone();
    // Somebody else's secret, put into the browser before, is not the session's afterwards.
    ada.sign_in("ada", PASSWORD).await;
    assert_ne!(ada.cookie, first);
    let fixed = format!("edgeses_{}", "A".repeat(43));
    ada.cookie = fixed.clone();
    ada.sign_in("ada", PASSWORD).await;
    assert_ne!(ada.cookie, fixed);
    assert_eq!(ada.get("/account").await.status, StatusCode::OK);
    // A secret of a session is no token.
    let api = get(&clocked.router, "/api/v1/offers", &ada.cookie).await;
    assert_eq!(api.status, StatusCode::UNAUTHORIZED);

    let signed_out = ada.cookie.clone();
    let out = ada.post("/sign-out", &[]).await;
    assert!(out.header(header::SET_COOKIE).contains("Max-Age=0"));
    ada.cookie = signed_out;
    let after = ada.get("/account").await;
    assert_eq!((after.status.as_u16(), after.header(header::LOCATION)), (303, "/sign-in?next=%2Faccount"));

    ada.sign_in("ada", PASSWORD).await;
    clocked.pass_minutes(47 * 60);
    assert_eq!(ada.get("/account").await.status, StatusCode::OK, "used within two days");
    clocked.pass_minutes(48 * 60);
    assert_eq!(ada.get("/account").await.status, StatusCode::SEE_OTHER, "not used for two days");
    ada.sign_in("ada", PASSWORD).await;
    for day in 1..=14 {
        clocked.pass_minutes(24 * 60);
        let expected = if day < 14 { StatusCode::OK } else { StatusCode::SEE_OTHER };
        assert_eq!(ada.get("/account").await.status, expected, "day {day}");
    }
}

#[tokio::test]
async fn the_way_back_leads_to_pages_of_ours_alone() {
    let clocked = Clocked::new().await;
    make(clocked.market(), "ada", false).await;
    for (next, location) in [
        ("/offers/contoso/sensor?plan=standard", "/offers/contoso/sensor?plan=standard"),
        ("//evil.example/", "/account"),
        ("/\\evil.example", "/account"),
        ("https://evil.example/", "/account"),
        ("javascript:alert(1)", "/account"),
        ("/\t/evil.example", "/account"),
        ("", "/account"),
    ] {
        let mut browser = Browser::new(&clocked.router);
        let fields = [("name", "ada"), ("password", PASSWORD), ("next", next)];
        let answer = browser.post("/sign-in", &fields).await;
        assert_eq!((answer.status.as_u16(), answer.header(header::LOCATION)), (303, location), "{next}");
        let encoded: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let again = browser.get(&format!("/sign-in?next={encoded}")).await;
        assert_eq!(again.header(header::LOCATION), location, "{next}: who is in already");
    }
    let page = get(&clocked.router, "/sign-in?next=//evil.example", "").await;
    assert!(!page.text().contains("evil.example"), "{}", page.text());
    let home = get(&clocked.router, "/search?q=a", "").await;
    assert!(home.text().contains("/sign-in?next=%2Fsearch%3Fq%3Da"), "the header leads back");
}

#[tokio::test]
async fn tokens_still_open_the_door() {
    let clocked = Clocked::new().await;
    let token = secret(clocked.market(), TokenRole::Publisher("contoso".to_owned())).await;
    let mut browser = Browser::new(&clocked.router);
    let answer = browser.post("/sign-in", &[("token", &token)]).await;
    assert_eq!((answer.status.as_u16(), browser.cookie.as_str()), (303, token.as_str()));
    assert!(answer.header(header::SET_COOKIE).contains("SameSite=Strict"));
    assert!(browser.get("/sign-in").await.text().contains("Signed in as publisher:contoso"));
    assert!(browser.get("/").await.text().contains("<span>publisher:contoso</span>"), "the header says so");
    assert_eq!(browser.get("/account").await.status, StatusCode::FORBIDDEN, "a token has no account");
}
