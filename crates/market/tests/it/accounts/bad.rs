//! Every field of every form about accounts with what it must not be, and every form from another site.

use super::{Browser, Clocked, code, joining};
use crate::support::contoso;
use axum::http::StatusCode;
use market::accounts::{Invited, MemberRole};
use market::{Actor, portal};

/// Texts that no field takes as they are, or that it must show as text.
fn hostile() -> Vec<String> {
    let texts = [
        "",
        " ",
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "javascript:alert(1)",
        "a\u{202e}b",
        "\u{feff}",
        "a\nb\0c",
        "🛡️🛡️🛡️",
        "' OR 1=1 --",
        "../../etc/passwd",
    ];
    texts.iter().map(|text| (*text).to_owned()).chain(["x".repeat(300), "é".repeat(20_000)]).collect()
}

/// What a page must never do with what was typed.
fn is_sound(page: &str) {
    for raw in ["<script>alert", "<img src=x", "href=\"javascript", "panicked"] {
        assert!(!page.contains(raw), "{raw}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_with_what_it_must_not_be() {
    let clocked = Clocked::new().await;
    let mut ada = clocked.person("ada", true).await;
    clocked.market().put_member(&Actor::Operator, &contoso(), "ada", MemberRole::Owner).await.unwrap();
    let link = clocked.market().invite(&Actor::Operator, Invited::Guest).await.unwrap().link;
    let code = code(&link);
    let good = joining(&code, "somebody");
    let password = [
        ("password", "wrong"),
        ("new-password", "seven green bottles"),
        ("new-password-again", "seven green bottles"),
    ];
    let forms: Vec<(&str, Vec<(&str, &str)>)> = vec![
        ("/invitation", good),
        ("/account/profile", vec![("display-name", "Ada"), ("language", "en"), ("theme", "dark")]),
        ("/account/password", password.to_vec()),
        ("/account/subscriptions", vec![("owner", "Lyon")]),
        ("/account/tokens", vec![("label", "x"), ("role", "operator"), ("days", "90")]),
        ("/publishers/contoso/members/invite", vec![("role", "editor")]),
        ("/publishers/contoso/members/ada/role", vec![("role", "owner")]),
        ("/accounts/invite", vec![("role", "owner"), ("subject", "contoso")]),
        ("/accounts/ada", vec![("disabled", "false"), ("operator", "true")]),
    ];
    for (path, fields) in &forms {
        for at in 0..fields.len() {
            for text in hostile() {
                let mut sent = fields.clone();
                sent[at].1 = &text;
                // Whoever has no session sees the form behind the link.
                let mut stranger = Browser::new(&clocked.router);
                let browser = if *path == "/invitation" { &mut stranger } else { &mut ada };
                let answer = browser.post(path, &sent).await;
                let status = answer.status.as_u16();
                assert!(
                    [200, 303, 404, 409, 422].contains(&status),
                    "{path} {} {text:.30}: {status}",
                    sent[at].0
                );
                is_sound(answer.text());
            }
        }
        // A missing field is an empty one.
        let answer = if *path == "/invitation" {
            Browser::new(&clocked.router).post(path, &[]).await
        } else {
            ada.post(path, &[]).await
        };
        assert!([200, 303, 404, 422].contains(&answer.status.as_u16()), "{path}: {}", answer.status);
    }
    // Of a field that comes twice the first counts.
    let twice = [("owner", "First"), ("owner", "Second")];
    ada.post("/account/subscriptions", &twice).await;
    let page = ada.get("/account").await;
    assert!(page.text().contains("First") && !page.text().contains("Second"));
    let large = "x".repeat(70_000);
    let refused = ada.post("/account/subscriptions", &[("owner", &large)]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("The form has more than 64 KiB."), "{}", refused.text());
}

#[tokio::test]
async fn a_name_is_said_to_be_wrong_beside_its_field_and_nothing_typed_is_lost() {
    let clocked = Clocked::new().await;
    clocked.person("ada", true).await;
    let link = clocked.market().invite(&Actor::Operator, Invited::Guest).await.unwrap().link;
    let code = code(&link);
    for (name, said) in [
        ("a", "The name has 1 characters; 2 to 64 are allowed."),
        ("ada lovelace", "The name has other characters"),
        ("ADA", "The name ada is taken."),
    ] {
        let answer = Browser::new(&clocked.router).post("/invitation", &joining(&code, name)).await;
        assert!(answer.text().contains(said), "{said}: {}", answer.text());
        assert!(
            answer.text().contains("id=\"name-fault\"")
                && answer.text().contains("aria-describedby=\"name-fault name-hint\"")
        );
        assert!(
            answer.text().contains(&format!("value=\"{name}\""))
                && answer.text().contains("value=\"Somebody\"")
        );
    }
    let french = Browser::new(&clocked.router).post("/invitation?lang=fr", &joining(&code, "a")).await;
    assert!(french.text().contains("Le nom a 1 caractères ; il en faut de 2 à 64."), "{}", french.text());
}

#[tokio::test]
async fn no_form_of_another_site_does_anything() {
    let clocked = Clocked::new().await;
    let mut ada = clocked.person("ada", true).await;
    let posts = portal::ROUTES.iter().chain(portal::MANAGING_ROUTES).filter(|(method, _)| *method == "POST");
    let mut seen = 0;
    for (_, path) in posts {
        let path = [("account", "ada"), ("publisher", "contoso"), ("offer", "sensor"), ("id", "unknown")]
            .into_iter()
            .chain([("plan", "standard"), ("tab", "listing"), ("index", "0")])
            .fold((*path).to_owned(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value));
        for origin in ["http://evil.example", "null", "http://market.example:81", ""] {
            ada.origin = origin.to_owned();
            let answer = ada.post(&path, &[("name", "eve"), ("role", "operator")]).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} from {origin}");
            seen += 1;
        }
    }
    assert!(seen > 60, "{seen}");
    ada.origin = format!("http://{}", crate::http::HOST);
    assert_eq!(ada.get("/accounts").await.status, StatusCode::OK, "still signed in, still there");
    assert_eq!(clocked.market().invitations(&Actor::Operator, None).await.unwrap(), []);
}
