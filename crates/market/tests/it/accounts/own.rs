//! One's own page: password, sessions, language and theme, subscriptions, tokens; and what a session that ended leaves.

use super::{Browser, Clocked, PASSWORD};
use axum::http::{Method, StatusCode, header};

/// Fields of the form that changes the password.
fn passwords<'a>(present: &'a str, new: &'a str, again: &'a str) -> [(&'a str, &'a str); 3] {
    [("password", present), ("new-password", new), ("new-password-again", again)]
}

#[tokio::test]
async fn a_new_password_ends_every_other_session() {
    let clocked = Clocked::new().await;
    let mut here = clocked.person("ada", false).await;
    let mut there = Browser::new(&clocked.router);
    there.sign_in("ada", PASSWORD).await;
    let new = "nine blue bottles hang";
    for (fields, said) in [
        (passwords("wrong", new, new), "This is not your password."),
        (passwords(PASSWORD, new, "another one, longer"), "The two passwords are not the same."),
        (passwords(PASSWORD, "short", "short"), "The password has 5 characters; at least 15 are needed."),
        (passwords(PASSWORD, "adaadaadaadaada", "adaadaadaadaada"), "one of those that are guessed first"),
    ] {
        let refused = here.post("/account/password", &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text().contains(said), "{said}: {}", refused.text());
        assert!(refused.text().contains("aria-invalid=\"true\""));
        assert!(
            !refused.text().contains(new) && !refused.text().contains(PASSWORD),
            "no password comes back"
        );
    }
    let done = here.post("/account/password", &passwords(PASSWORD, new, new)).await;
    assert_eq!(done.header(header::LOCATION), "/account?done=password");
    assert_eq!(here.get("/account").await.status, StatusCode::OK);
    assert_eq!(there.get("/account").await.status, StatusCode::SEE_OTHER);
    let old = there.post("/sign-in", &[("name", "ada"), ("password", PASSWORD)]).await;
    assert_eq!(old.status, StatusCode::UNAUTHORIZED);
    there.sign_in("ada", new).await;
    // Whoever sits at an open session does not guess for ever.
    for _ in 0..10 {
        there.post("/account/password", &passwords("guess", new, new)).await;
    }
    let waits = there.post("/account/password", &passwords(new, PASSWORD, PASSWORD)).await;
    assert!(waits.text().contains("Too many wrong passwords. Try again in 1 minute."), "{}", waits.text());
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let clocked = Clocked::new().await;
    let mut here = clocked.person("ada", false).await;
    assert!(!here.get("/account").await.text().contains("Sign out everywhere else"));
    let mut there = Browser::new(&clocked.router);
    there.sign_in("ada", PASSWORD).await;
    let page = here.get("/account").await;
    assert_eq!(page.text().matches("Firefox · Linux").count(), 2, "{}", page.text());
    assert_eq!(page.text().matches("this one").count(), 1);
    here.post("/account/sessions/end", &[]).await;
    assert_eq!(there.get("/account").await.status, StatusCode::SEE_OTHER);
    assert_eq!(here.get("/account").await.status, StatusCode::OK);
}

#[tokio::test]
async fn language_and_theme_are_the_accounts_wherever_it_signs_in() {
    let clocked = Clocked::new().await;
    let mut here = clocked.person("ada", false).await;
    let fields = [("display-name", "Ada L."), ("language", "fr"), ("theme", "dark")];
    let saved = here.post("/account/profile", &fields).await;
    assert_eq!(saved.header(header::LOCATION), "/account?done=profile");
    let mut there = Browser::new(&clocked.router);
    there.sign_in("ada", PASSWORD).await;
    for path in ["/account", "/"] {
        let page = there.get(path).await;
        assert!(page.text().contains("<html data-theme=\"dark\" lang=\"fr\""), "{}", page.text());
        assert!(page.text().contains("<span>Ada L.</span>"), "the header says who is signed in");
    }
    // The links in the footer change the account's, from a page of ours alone.
    let choose = |path: &str, from: &str, cookie: &str| {
        let request = crate::http::request(Method::GET, path, "").header(header::REFERER, from);
        request
            .header(header::COOKIE, format!("edgemarket-session={cookie}"))
            .body(axum::body::Body::empty())
            .unwrap()
    };
    for (from, is_changed) in [("http://evil.example/", false), ("http://market.example/account", true)] {
        crate::http::send(&clocked.router, choose("/theme/light", from, &there.cookie)).await;
        crate::http::send(&clocked.router, choose("/language/en", from, &there.cookie)).await;
        let page = here.get("/").await;
        assert_eq!(page.text().contains("data-theme=\"light\" lang=\"en\""), is_changed, "{from}");
    }
}

#[tokio::test]
async fn somebody_without_a_role_makes_a_subscription() {
    let clocked = Clocked::new().await;
    let mut ada = clocked.person("ada", false).await;
    let page = ada.get("/account").await;
    assert_eq!(page.header(header::CACHE_CONTROL), "private, no-store");
    assert!(page.text().contains("You have no role yet") && page.text().contains("you have none yet"));
    let made = ada.post("/account/subscriptions", &[("owner", "Lyon plant")]).await;
    assert_eq!(made.header(header::LOCATION), "/account?done=subscription");
    let page = ada.get("/account?done=subscription").await;
    assert!(page.text().contains("Lyon plant") && page.text().contains("1 subscription"), "{}", page.text());
    for _ in 0..49 {
        ada.post("/account/subscriptions", &[("owner", "Lyon plant")]).await;
    }
    let many = ada.post("/account/subscriptions", &[("owner", "Lyon plant")]).await;
    assert_eq!(many.status, StatusCode::CONFLICT);
    assert!(many.text().contains("You have 50 subscriptions, which is the most."));
}

#[tokio::test]
async fn tokens_are_for_ones_own_roles_and_end() {
    let clocked = Clocked::new().await;
    let mut ada = clocked.person("ada", false).await;
    for role in [
        "operator",
        "publisher contoso",
        "customer 00000000-0000-0000-0000-000000000000",
        "region x",
        "",
        "x y",
    ] {
        let refused = ada.post("/account/tokens", &[("label", "x"), ("role", role), ("days", "90")]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{role}");
    }
    ada.post("/account/subscriptions", &[("owner", "Lyon plant")]).await;
    let page = ada.get("/account").await;
    let at = page.text().find("value=\"customer ").expect("the role is offered") + 7;
    let role = page.text()[at..].split('"').next().unwrap().to_owned();
    let made = ada.post("/account/tokens", &[("label", "edge"), ("role", &role), ("days", "30")]).await;
    let at = made.text().find("edgemkt_").expect("a token");
    let token = made.text()[at..].split('<').next().unwrap().to_owned();
    assert_eq!(format!("{}", clocked.market().authenticate(&token).await.unwrap()), role.replace(' ', ":"));
    clocked.pass_minutes(30 * 24 * 60);
    assert!(clocked.market().authenticate(&token).await.is_err());
    // It makes no other, and revokes only what is its own.
    let mut eve = clocked.person("eve", false).await;
    ada.sign_in("ada", PASSWORD).await;
    let page = ada.get("/account").await;
    let path = page.text().split("action=\"").find(|part| part.contains("/revoke\"")).expect("a form");
    let path = path.split('"').next().unwrap().to_owned();
    assert_eq!(eve.post(&path, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ada.post(&path, &[]).await.header(header::LOCATION), "/account?done=token");
    assert_eq!(ada.post(&path, &[]).await.status, StatusCode::NOT_FOUND, "once");
}

#[tokio::test]
async fn what_was_typed_outlives_the_session() {
    let clocked = Clocked::new().await;
    let mut ada = clocked.person("ada", false).await;
    clocked.pass_minutes(49 * 60);
    let late = ada.post("/account/subscriptions", &[("owner", "Usine n° 3 & fils")]).await;
    assert_eq!(late.status, StatusCode::SEE_OTHER);
    let door = late.header(header::LOCATION).to_owned();
    let page = ada.get(&door).await;
    let at = page.text().find("name=\"next\" value=\"").expect("the way back") + 19;
    let next = page.text()[at..].split('"').next().unwrap().replace("&amp;", "&");
    let fields = [("name", "ada"), ("password", PASSWORD), ("next", next.as_str())];
    let back = ada.post("/sign-in", &fields).await.header(header::LOCATION).to_owned();
    let form = ada.get(&back).await;
    assert!(form.text().contains("value=\"Usine n° 3 &amp; fils\""), "{back}: {}", form.text());
    clocked.pass_minutes(49 * 60);
    let late = ada.post("/account/password", &passwords(PASSWORD, "secret words to come", "x")).await;
    assert_eq!(late.header(header::LOCATION), "/sign-in?next=%2Faccount", "no password goes into an address");
}
