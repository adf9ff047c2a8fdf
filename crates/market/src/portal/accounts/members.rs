//! Members of a publisher, for its owners and operators: who they are, inviting, changing, removing; and its tokens.

use super::super::Language;
use super::super::format::day;
use super::super::posted::Fields;
use super::own::role_name;
use super::{Form, confirmed, failed, field, invitations, notices, page as whole, shown, tokens};
use crate::access::Actor;
use crate::accounts::{Fault, Invited, Member, MemberRole, Refusal};
use crate::error::{Error, Result};
use crate::http::Who;
use crate::market::Market;
use crate::text::Text;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use offer::identity::PublisherId;

pub(in super::super) async fn page(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(publisher): Path<String>,
    Query(given): Query<Fields>,
) -> Response {
    shown_with(&market, text, &actor, (&publisher, &given), (None, html! {})).await
}

async fn shown_with(
    market: &Market,
    text: Text,
    actor: &Actor,
    (publisher, given): (&str, &Fields),
    (fault, once): (Option<&Fault>, Markup),
) -> Response {
    let at = path(publisher);
    let read = async {
        let id = id_of(publisher)?;
        let members = market.members(actor, &id).await?;
        let open = market.invitations(actor, Some(&id)).await?;
        Ok::<_, Error>((members, open, market.publisher_tokens(actor, &id).await?))
    };
    let (members, open, publisher_tokens) = match read.await {
        Ok(read) => read,
        Err(error) => return failed(text, error, &at, given),
    };
    let title = text.with("members-of", &[("publisher", publisher)]);
    let roles = MemberRole::ALL.map(|role| (role.name().to_owned(), role_name(&text, role)));
    let chosen = if given.get("role").is_empty() { "editor" } else { given.get("role") };
    let content = html! {
        div.account {
            h1 { (title) }
            (notices(&text, given, fault))
            (once)
            section {
                @if members.is_empty() { p.empty { (text.get("members-empty")) } }
                ul.plain.rows { @for member in &members { (row(&text, &at, member)) } }
            }
            section #invite {
                h2 { (text.get("invite-somebody")) }
                p.hint { (text.get("invite-hint")) }
                form.fields method="post" action={ (at) "/invite" } {
                    (field(&text, "role", "member-role", fault).value(chosen).hint(text.get("member-roles-hint")).select(&roles))
                    button.primary { (text.get("invite-link")) }
                }
                (invitations::open(&text, &open, &at))
            }
            section #tokens {
                h2 { (text.get("publisher-tokens")) }
                p.hint { (text.get("publisher-tokens-hint")) }
                @if publisher_tokens.is_empty() { p.empty { (text.get("publisher-tokens-empty")) } }
                (tokens::list(&text, &publisher_tokens, &format!("/publishers/{publisher}/tokens")))
            }
        }
    };
    whole(&text, &title, &content)
}

fn row(text: &Text, at: &str, member: &Member) -> Markup {
    let other = if member.role == MemberRole::Owner { MemberRole::Editor } else { MemberRole::Owner };
    let encoded: String = url::form_urlencoded::byte_serialize(member.name.as_bytes()).collect();
    let at = format!("{at}/{encoded}");
    html! {
        li {
            div { strong { (member.display_name) } " " span.quiet { (member.name) } br;
                (role_name(text, member.role)) " · "
                span.small.quiet { (text.with("member-since", &[("day", &day(text, member.since))])) }
                @if member.disabled { " · " span.doubtful { (text.get("account-disabled")) } } }
            form method="post" action={ (at) "/role" } {
                input type="hidden" name="role" value=(other.name());
                button { (text.get(if other == MemberRole::Owner { "member-promote" } else { "member-demote" }))
                    span.unseen { " " (member.name) } }
            }
            (confirmed(&text.get("account-remove"), &text.get("member-remove-warning"), &format!("{at}/remove"),
                &text.with("account-remove-do", &[("name", &member.name)])))
        }
    }
}

pub(in super::super) async fn invite(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(publisher): Path<String>,
    Form(given): Form,
) -> Response {
    let invited = match given.get("role") {
        "owner" => Ok(Invited::Owner(publisher.clone())),
        "editor" => Ok(Invited::Editor(publisher.clone())),
        _ => Err(Refusal::from(Fault::invalid("role", "fault-role"))),
    };
    let made = match invited {
        Ok(invited) => market.invite(&actor, invited).await,
        Err(refusal) => Err(refusal),
    };
    match made {
        Ok(new) => {
            let once = invitations::just_made(&text, &new);
            shown_with(&market, text, &actor, (&publisher, &Fields::default()), (None, once)).await
        }
        Err(refusal) => refused(&market, text, &actor, (&publisher, &given), refusal).await,
    }
}

pub(in super::super) async fn change(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path((publisher, name)): Path<(String, String)>,
    Form(given): Form,
) -> Response {
    let done = async {
        let role = MemberRole::ALL.into_iter().find(|role| role.name() == given.get("role"));
        let role = role.ok_or_else(|| Fault::invalid("", "fault-role"))?;
        market.put_member(&actor, &id_of(&publisher)?, &name, role).await
    };
    match done.await {
        Ok(()) => Redirect::to(&format!("{}?done=member", path(&publisher))).into_response(),
        Err(refusal) => refused(&market, text, &actor, (&publisher, &given), refusal).await,
    }
}

pub(in super::super) async fn remove(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path((publisher, name)): Path<(String, String)>,
    Form(given): Form,
) -> Response {
    let done = async { market.remove_member(&actor, &id_of(&publisher)?, &name).await };
    match done.await {
        // Who left has no right to the page any more.
        Ok(()) if actor.account().is_some_and(|roles| roles.name == name) && !actor.is_operator() => {
            Redirect::to("/account?done=member-removed").into_response()
        }
        Ok(()) => Redirect::to(&format!("{}?done=member-removed", path(&publisher))).into_response(),
        Err(refusal) => refused(&market, text, &actor, (&publisher, &given), refusal).await,
    }
}

pub(in super::super) async fn revoke(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path((publisher, id)): Path<(String, String)>,
    Form(given): Form,
) -> Response {
    match market.revoke_token(&actor, &id).await {
        Ok(()) => Redirect::to(&format!("{}?done=token", path(&publisher))).into_response(),
        Err(error) => failed(text, error, &path(&publisher), &given),
    }
}

async fn refused(
    market: &Market,
    text: Text,
    actor: &Actor,
    (publisher, given): (&str, &Fields),
    refusal: Refusal,
) -> Response {
    let again = async |text: Text, fault: &Fault| {
        shown_with(market, text, actor, (publisher, given), (Some(fault), html! {})).await
    };
    shown(text, refusal, (&path(publisher), given), again).await
}

fn path(publisher: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(publisher.as_bytes()).collect();
    format!("/publishers/{encoded}/members")
}

fn id_of(publisher: &str) -> Result<PublisherId> {
    publisher.parse().map_err(|_| Error::not_found(format!("the publisher {publisher:.60}")))
}
