//! Accounts from a fresh data directory on: the link that the server prints, the operator, who invites an owner, who
//! invites an editor; in the browser, in both languages; and the commands.

use crate::browser::{Browser, in_both_sizes};
use crate::server::{PROGRAM, free_address, run};
use serde_json::json;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

const PASSWORD: &str = "seven green bottles";

/// A server that nobody has used yet.
struct Fresh {
    child: Child,
    base: String,
    link: String,
    _data: TempDir,
}

impl Fresh {
    fn start() -> Fresh {
        let data = tempfile::tempdir().expect("a temporary directory");
        let path = data.path().to_str().expect("UTF-8");
        run(&["publisher", "add", "contoso", "--data", path]);
        let address = free_address();
        let mut child = Command::new(PROGRAM)
            .args(["serve", "--lang", "en", "--data", path, "--listen", &address.to_string()])
            .env("EDGEMARKET_SANDBOX", "off")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let link = output.lines().map_while(Result::ok).find(|line| line.contains("/first-sign-in?code="));
        Fresh { child, base: format!("http://{address}"), link: link.expect("the link"), _data: data }
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The page that is open, in both themes and sizes: it fits, anybody can use it, and a picture is kept.
async fn look(browser: &Browser, name: &str) {
    for theme in ["light", "dark"] {
        let set = "document.documentElement.dataset.theme = arguments[0]";
        browser.client.execute(set, vec![json!(theme)]).await.expect("a theme");
        in_both_sizes(browser, &format!("accounts-{name}"), theme).await;
    }
    browser.client.set_window_size(1_100, 1_400).await.expect("a size");
}

/// What the page shows this once, without the button that the script adds.
async fn shown_once(browser: &Browser) -> String {
    let script = "return document.querySelector('.once pre').firstChild.textContent";
    let text = browser.client.execute(script, Vec::new()).await.expect("the text");
    text.as_str().expect("text").to_owned()
}

/// Fills the form behind a link and sends it.
async fn join(browser: &Browser, name: &str, display_name: &str) {
    browser.fill("#name", name).await;
    browser.fill("#display-name", display_name).await;
    browser.fill("#new-password", PASSWORD).await;
    browser.fill("#new-password-again", PASSWORD).await;
    browser.press("main form.fields button").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_join_from_the_first_link_on() {
    let server = Fresh::start();
    let browser = Browser::start("en").await;
    browser.client.goto(&server.link).await.expect("the first link");
    assert_eq!(browser.text("h1").await, "Make the operator’s account");
    look(&browser, "first").await;
    join(&browser, "ada", "Ada Lovelace").await;
    browser.wait_for("Welcome. Your account was made").await;
    look(&browser, "own").await;

    browser.client.goto(&format!("{}/accounts", server.base)).await.expect("the accounts");
    browser.press("#role option[value=owner]").await;
    browser.fill("#subject", "contoso").await;
    browser.press("#invite form.fields button").await;
    browser.wait_for("Invitation made").await;
    let link = shown_once(&browser).await;
    look(&browser, "list").await;
    browser.client.goto(&format!("{}/regions", server.base)).await.expect("the regions");
    look(&browser, "regions").await;
    browser.client.goto(&format!("{}/accounts", server.base)).await.expect("the accounts");
    browser.press("header form.out button").await;
    browser.wait_for("Sign in").await;

    browser.client.goto(link.trim()).await.expect("the owner's link");
    browser.wait_for("You are invited to be an owner of contoso").await;
    look(&browser, "invitation").await;
    join(&browser, "olga@contoso.example", "Olga Owner").await;
    browser.wait_for("Welcome.").await;
    assert!(browser.text("header nav").await.contains("Olga Owner"));
    browser.press("a[href='/publishers/contoso/members']").await;
    browser.wait_for("Members of contoso").await;
    browser.press("#invite form.fields button").await;
    browser.wait_for("Invitation made").await;
    let link = shown_once(&browser).await;
    look(&browser, "members").await;
    an_editor_in_french(&server, link.trim()).await;

    // By the keyboard alone: the second button is behind the first.
    browser.client.goto(&format!("{}/publishers/contoso/members", server.base)).await.expect("the members");
    browser.wait_for("Édith").await;
    let remove = "const open = document.querySelector('.rows li:first-child details summary'); open.focus();
        return document.activeElement === open";
    assert_eq!(browser.client.execute(remove, Vec::new()).await.expect("focus"), json!(true));
    browser.client.active_element().await.expect("it").send_keys("\u{e007}").await.expect("Enter");
    browser.press(".rows li:first-child button.danger").await;
    browser.wait_for("The membership has ended.").await;
    browser.end().await;
}

/// She joins, makes a token, signs out, mistypes her password, and signs in.
async fn an_editor_in_french(server: &Fresh, link: &str) {
    let browser = Browser::start("fr").await;
    browser.client.goto(link).await.expect("the editor's link");
    browser.wait_for("Vous êtes invité à rédiger les offres de contoso").await;
    join(&browser, "edith", "Édith").await;
    browser.wait_for("Bienvenue. Votre compte a été créé").await;
    browser.fill("#label", "serveur de construction").await;
    browser.press("#tokens form.fields button").await;
    browser.wait_for("Jeton créé : serveur de construction").await;
    assert!(shown_once(&browser).await.starts_with("edgemkt_"));
    look(&browser, "own-french").await;
    browser.press("header form.out button").await;
    browser.client.goto(&format!("{}/publishers/contoso/members", server.base)).await.expect("a page");
    browser.wait_for("Mot de passe oublié ?").await;
    look(&browser, "door-french").await;
    browser.fill("#name", "edith").await;
    browser.fill("#password", "not the password").await;
    browser.press("main form.fields button").await;
    browser.wait_for("Le nom et le mot de passe ne vont pas ensemble").await;
    look(&browser, "door-refused-french").await;
    browser.fill("#password", PASSWORD).await;
    browser.press("main form.fields button").await;
    // An editor has no right to that page, and is told so where she wanted to go.
    browser.wait_for("Accès refusé").await;
    browser.end().await;
}

#[test]
fn accounts_come_and_go_by_command() {
    let data = tempfile::tempdir().expect("a temporary directory");
    let data = data.path().to_str().expect("UTF-8");
    let on = |args: &[&str]| run(&[args, &["--data", data, "--lang", "en"]].concat());
    on(&["publisher", "add", "contoso"]);
    let mut child = Command::new(PROGRAM)
        .args(["account", "create", "Ada", "--operator", "--password-stdin", "--data", data])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = child.stdin.take().expect("piped");
    writeln!(input, "{PASSWORD}").expect("written");
    drop(input);
    let made = child.wait_with_output().expect("it ends");
    assert_eq!((made.status.code(), made.stdout.as_slice()), (Some(0), b"ada\n".as_slice()));
    let listed = on(&["account", "list"]);
    assert!(
        listed.starts_with("ada") && listed.contains("enabled") && listed.contains("operator"),
        "{listed}"
    );
    assert!(on(&["account", "disable", "ada"]).contains("disabled"));
    assert!(on(&["account", "enable", "ada"]).contains("enabled"));
    let link = on(&["account", "invite", "owner", "--subject", "contoso"]);
    assert!(link.starts_with("http://127.0.0.1:8080/invitation?code="), "{link}");
    let open = on(&["account", "invitations"]);
    assert!(open.contains("owner contoso") && open.contains("by operator"), "{open}");
    let id = open.split_whitespace().next().expect("an ID");
    assert_eq!(on(&["account", "withdraw", id]).trim(), id);
    assert_eq!(on(&["account", "invitations", "--json"]).trim(), "[]");

    let set = |password: &str| {
        let mut command = Command::new(PROGRAM);
        command.args([
            "account",
            "set-password",
            "ada",
            "--password-env",
            "NEW",
            "--data",
            data,
            "--lang",
            "en",
        ]);
        command.env("NEW", password).output().expect("the program runs")
    };
    let refused = set("short");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said.contains("at least 15 are needed") && said.contains("hint"), "{said}");
    assert_eq!(set("eight brown bottles").status.code(), Some(0));
    assert_eq!(on(&["account", "remove", "ada"]).trim(), "ada");
    assert_eq!(on(&["account", "list", "--quiet"]), "");
}
