//! One's own account: roles, profile, password, sessions, subscriptions, tokens.

use super::super::format::day;
use super::super::posted::Fields;
use super::super::session::own_submissions;
use super::super::{Failed, Language};
use super::joining::new_password;
use super::{Form, failed, field, notices, page as whole, private, shown, tokens, typed_again};
use crate::accounts::{
    Account, Fault, MemberRole, PASSWORD_CHARS_MAX, Profile, Refusal, Session, SessionView,
};
use crate::error::{Error, Kind};
use crate::http::{ClientAddress, Visitor, Who};
use crate::market::Market;
use crate::publishers::NAME_CHARS_MAX;
use crate::subscriptions::Subscription;
use crate::text::Text;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};

const PATH: &str = "/account";

pub(in super::super) async fn page(
    State(market): State<Market>,
    Who(actor): Who,
    visitor: Visitor,
    Language(text): Language,
    Query(given): Query<Fields>,
) -> Response {
    match visitor.session {
        Some(session) => shown_with(&market, text, &session, &given, (None, html! {})).await,
        // A token has no account, and nobody is asked to sign in.
        None => match market.own_account(&actor).await {
            Err(error) => failed(text, error, PATH, &given),
            Ok(_) => private(Failed(text, no_session())),
        },
    }
}

/// The page, with what is wrong with a form of it, and something that is shown this once.
async fn shown_with(
    market: &Market,
    text: Text,
    session: &Session,
    given: &Fields,
    (fault, once): (Option<&Fault>, Markup),
) -> Response {
    let actor = &session.actor;
    let read = async {
        let account = market.own_account(actor).await?;
        let (sessions, tokens) = (market.own_sessions(session).await?, market.own_tokens(actor).await?);
        Ok::<_, Error>((account, sessions, tokens, market.own_subscriptions(actor).await?))
    };
    let (account, sessions, tokens, subscriptions) = match read.await {
        Ok(read) => read,
        Err(error) => return failed(text, error, PATH, given),
    };
    let content = html! {
        div.account {
            h1 { (account.display_name) }
            p.lead { (text.with("signed-in-as", &[("who", &account.name)])) }
            (notices(&text, given, fault))
            (once)
            (roles(&text, &account))
            @if !account.publishers.is_empty() { section { (own_submissions(&text, market, actor).await) } }
            (subscriptions_section(&text, given, fault, &subscriptions))
            (tokens::section(&text, given, fault, &account, &tokens))
            (profile(&text, given, fault, session))
            (password(&text, fault, &account))
            (sessions_section(&text, &sessions))
            form method="post" action="/sign-out" { button { (text.get("sign-out")) } }
        }
    };
    whole(&text, &text.get("account"), &content)
}

/// What every form of this page does: the work for who is signed in, then the page again; a refusal beside its field, and
/// the door, with what was typed, for who is not signed in any more.
async fn act(
    market: &Market,
    visitor: Visitor,
    (text, given, done): (Text, Fields, &str),
    work: impl AsyncFnOnce(&Session, &Fields) -> Result<(), Refusal>,
) -> Response {
    let Some(session) = visitor.session else { return typed_again(PATH, &given) };
    match work(&session, &given).await {
        Ok(()) => Redirect::to(&format!("{PATH}?done={done}")).into_response(),
        Err(refusal) => {
            let again = async |text: Text, fault: &Fault| {
                shown_with(market, text, &session, &given, (Some(fault), html! {})).await
            };
            shown(text, refusal, (PATH, &given), again).await
        }
    }
}

pub(in super::super) async fn change_profile(
    State(market): State<Market>,
    visitor: Visitor,
    Language(text): Language,
    Form(given): Form,
) -> Response {
    act(&market, visitor, (text, given, "profile"), async |session, given| {
        let (name, language, theme) = (given.get("display-name"), given.get("language"), given.get("theme"));
        let profile = Profile { display_name: Some(name), language: Some(language), theme: Some(theme) };
        market.change_profile(&session.actor, profile).await
    })
    .await
}

pub(in super::super) async fn change_password(
    State(market): State<Market>,
    visitor: Visitor,
    ClientAddress(address): ClientAddress,
    Language(text): Language,
    Form(given): Form,
) -> Response {
    act(&market, visitor, (text, given, "password"), async |session, given| {
        let (present, new) = (given.get("password"), given.get("new-password"));
        if new != given.get("new-password-again") {
            return Err(Fault::invalid("new-password-again", "fault-password-again").into());
        }
        market.change_password(session, (present, new), address).await
    })
    .await
}

pub(in super::super) async fn end_sessions(
    State(market): State<Market>,
    visitor: Visitor,
    Language(text): Language,
    Form(given): Form,
) -> Response {
    act(&market, visitor, (text, given, "sessions"), async |session, _| {
        market.end_other_sessions(session).await?;
        Ok(())
    })
    .await
}

pub(in super::super) async fn add_subscription(
    State(market): State<Market>,
    visitor: Visitor,
    Language(text): Language,
    Form(given): Form,
) -> Response {
    act(&market, visitor, (text, given, "subscription"), async |session, given| {
        market.add_own_subscription(&session.actor, given.get("owner")).await?;
        Ok(())
    })
    .await
}

pub(in super::super) async fn create_token(
    State(market): State<Market>,
    visitor: Visitor,
    Language(text): Language,
    Form(given): Form,
) -> Response {
    let Some(session) = visitor.session else { return typed_again(PATH, &given) };
    match tokens::create(&market, &session.actor, &given).await {
        Ok(new) => {
            let once = tokens::just_made(&text, &new);
            shown_with(&market, text, &session, &Fields::default(), (None, once)).await
        }
        Err(refusal) => {
            let again = async |text: Text, fault: &Fault| {
                shown_with(&market, text, &session, &given, (Some(fault), html! {})).await
            };
            shown(text, refusal, (PATH, &given), again).await
        }
    }
}

pub(in super::super) async fn revoke_token(
    State(market): State<Market>,
    visitor: Visitor,
    Language(text): Language,
    Path(id): Path<String>,
    Form(given): Form,
) -> Response {
    act(&market, visitor, (text, given, "token"), async |session, _| {
        Ok(market.revoke_token(&session.actor, &id).await?)
    })
    .await
}

fn no_session() -> Error {
    Error::new(Kind::Denied, "an account is looked after in a browser", "sign in there by name and password")
}

fn roles(text: &Text, account: &Account) -> Markup {
    let has_none = !account.operator && account.publishers.is_empty() && account.subscriptions.is_empty();
    html! {
        section {
            h2 { (text.get("account-roles")) }
            @if has_none { p.empty { (text.get("account-roles-empty")) } }
            ul.plain.roles {
                @if account.operator {
                    li { strong { (text.get("role-operator")) }
                        " · " a href="/accounts" { (text.get("accounts")) } " · " a href="/regions" { (text.get("regions")) }
                        " · " a href="/tickets" { (text.get("tickets")) } " · " a href="/insights" { (text.get("manage-insights")) } }
                }
                @for membership in &account.publishers {
                    li { strong { (membership.publisher) } " · " (role_name(text, membership.role))
                        @if membership.role == MemberRole::Owner {
                            " · " a href={ "/publishers/" (membership.publisher) "/members" } { (text.get("members")) }
                        } }
                }
                @if !account.subscriptions.is_empty() {
                    li { strong { (text.get("role-customer")) } " · "
                        (text.with("own-subscriptions-count", &[("count", &account.subscriptions.len().to_string())])) }
                }
            }
        }
    }
}

/// A member's role in the reader's language.
pub(super) fn role_name(text: &Text, role: MemberRole) -> String {
    text.get(match role {
        MemberRole::Owner => "role-owner",
        MemberRole::Editor => "role-editor",
    })
}

fn profile(text: &Text, given: &Fields, fault: Option<&Fault>, session: &Session) -> Markup {
    let or = |name, stored| if given.get(name).is_empty() { stored } else { given.get(name) };
    let languages = [("", text.get("language-browser")), ("en", "English".into()), ("fr", "Français".into())];
    let languages = languages.map(|(value, label)| (value.to_owned(), label));
    let themes =
        super::super::theme::THEMES.map(|theme| (theme.to_owned(), text.get(&format!("theme-{theme}"))));
    let theme = if session.theme.is_empty() { "auto" } else { session.theme.as_str() };
    html! {
        section #profile {
            h2 { (text.get("account-profile")) }
            form.fields method="post" action="/account/profile" {
                (field(text, "display-name", "display-name", fault).value(or("display-name", session.display_name.as_str()))
                    .autocomplete("name").max(NAME_CHARS_MAX).input())
                (field(text, "language", "language", fault).value(or("language", session.language.as_str())).select(&languages))
                (field(text, "theme", "theme", fault).value(or("theme", theme)).select(&themes))
                button { (text.get("profile-save")) }
            }
        }
    }
}

fn password(text: &Text, fault: Option<&Fault>, account: &Account) -> Markup {
    html! {
        section #password-change {
            h2 { (text.get("password-change")) }
            p.hint { (text.get("password-change-hint")) }
            form.fields method="post" action="/account/password" {
                // For programs that keep passwords: whose this is.
                input.unseen type="text" name="name" value=(account.name) autocomplete="username" readonly
                    tabindex="-1" aria-label=(text.get("account-name"));
                (field(text, "password", "password-present", fault).kind("password").autocomplete("current-password")
                    .max(PASSWORD_CHARS_MAX).input())
                (new_password(text, fault))
                button { (text.get("password-change")) }
            }
        }
    }
}

fn sessions_section(text: &Text, sessions: &[SessionView]) -> Markup {
    html! {
        section #sessions {
            h2 { (text.get("account-sessions")) }
            ul.plain.sessions { @for session in sessions {
                li {
                    (browser_name(text, &session.browser))
                    @if session.current { " " span.chip { (text.get("session-here")) } }
                    br;
                    span.small.quiet {
                        (text.with("session-since", &[("day", &day(text, session.created)), ("seen", &day(text, session.seen))]))
                    }
                }
            } }
            @if sessions.len() > 1 {
                form method="post" action="/account/sessions/end" { button { (text.get("sessions-end")) } }
            }
        }
    }
}

/// What people call a browser, out of what it calls itself; its own words where it is none of the usual ones.
fn browser_name(text: &Text, agent: &str) -> String {
    // The order matters: each of them names those below as well (RFC 9110 § 10.1.5 and its history).
    let browsers = [
        ("Firefox/", "Firefox"),
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    let systems = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ];
    let find = |names: &[(&str, &'static str)]| {
        names.iter().find(|(part, _)| agent.contains(part)).map(|(_, name)| *name)
    };
    match (find(&browsers), find(&systems)) {
        (Some(browser), Some(system)) => format!("{browser} · {system}"),
        (Some(browser), None) => browser.to_owned(),
        _ if agent.is_empty() => text.get("session-unknown"),
        _ => agent.chars().take(60).collect(),
    }
}

fn subscriptions_section(
    text: &Text,
    given: &Fields,
    fault: Option<&Fault>,
    subscriptions: &[Subscription],
) -> Markup {
    html! {
        section #subscriptions {
            h2 { (text.get("own-subscriptions")) }
            @if subscriptions.is_empty() { p.empty { (text.get("own-subscriptions-empty")) } }
            ul.plain { @for subscription in subscriptions {
                li { strong { (subscription.owner) } " " code.digest { (subscription.id) } }
            } }
            form.fields method="post" action="/account/subscriptions" {
                (field(text, "owner", "subscription-owner", fault).value(given.get("owner"))
                    .max(NAME_CHARS_MAX).hint(text.get("subscription-owner-hint")).input())
                button { (text.get("subscription-add")) }
            }
        }
    }
}
