//! All accounts, for operators: what each is; inviting, disabling, appointing, removing.

use super::super::Language;
use super::super::format::day;
use super::super::posted::Fields;
use super::own::role_name;
use super::{Form, confirmed, failed, field, invitations, notices, page as whole, shown};
use crate::access::Actor;
use crate::accounts::{Account, AccountChange, Fault, Invited, Refusal};
use crate::error::Error;
use crate::http::Who;
use crate::market::Market;
use crate::text::Text;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};

const PATH: &str = "/accounts";
/// Roles that an invitation can be for, by their names in the form.
const ROLES: [&str; 5] = ["operator", "owner", "editor", "customer", "guest"];

pub(in super::super) async fn page(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Query(given): Query<Fields>,
) -> Response {
    shown_with(&market, text, &actor, &given, (None, html! {})).await
}

async fn shown_with(
    market: &Market,
    text: Text,
    actor: &Actor,
    given: &Fields,
    (fault, once): (Option<&Fault>, Markup),
) -> Response {
    let read =
        async { Ok::<_, Error>((market.accounts(actor).await?, market.invitations(actor, None).await?)) };
    let (accounts, open) = match read.await {
        Ok(read) => read,
        Err(error) => return failed(text, error, PATH, given),
    };
    let roles = ROLES.map(|role| (role.to_owned(), text.get(&format!("role-{role}"))));
    let chosen = if given.get("role").is_empty() { "owner" } else { given.get("role") };
    let content = html! {
        div.account {
            h1 { (text.get("accounts")) }
            (notices(&text, given, fault))
            (once)
            section {
                @if accounts.is_empty() { p.empty { (text.get("accounts-empty")) } }
                ul.plain.rows { @for account in &accounts { (row(&text, account)) } }
            }
            section #invite {
                h2 { (text.get("invite-somebody")) }
                p.hint { (text.get("invite-hint")) }
                form.fields method="post" action="/accounts/invite" {
                    (field(&text, "role", "member-role", fault).value(chosen).select(&roles))
                    (field(&text, "subject", "invite-subject", fault).value(given.get("subject")).optional()
                        .hint(text.get("invite-subject-hint")).input())
                    button.primary { (text.get("invite-link")) }
                }
                (invitations::open(&text, &open, PATH))
            }
        }
    };
    whole(&text, &text.get("accounts"), &content)
}

fn row(text: &Text, account: &Account) -> Markup {
    let encoded: String = url::form_urlencoded::byte_serialize(account.name.as_bytes()).collect();
    let at = format!("{PATH}/{encoded}");
    let toggle = |field: &str, value: bool, key: &str| {
        html! {
            form method="post" action=(at) {
                input type="hidden" name=(field) value=(value);
                button { (text.get(key)) span.unseen { " " (account.name) } }
            }
        }
    };
    html! {
        li {
            div {
                strong { (account.display_name) } " " span.quiet { (account.name) }
                @if account.disabled { " · " span.doubtful { (text.get("account-disabled")) } }
                br;
                @if account.operator { span.chip { (text.get("role-operator")) } " " }
                @for membership in &account.publishers {
                    span.chip { (membership.publisher) ": " (role_name(text, membership.role)) } " "
                }
                @if !account.subscriptions.is_empty() {
                    span.chip { (text.with("own-subscriptions-count", &[("count", &account.subscriptions.len().to_string())])) } " "
                }
                span.small.quiet { (text.with("account-since", &[("day", &day(text, account.created))])) }
            }
            (toggle("operator", !account.operator, if account.operator { "operator-dismiss" } else { "operator-appoint" }))
            (toggle("disabled", !account.disabled, if account.disabled { "account-enable" } else { "account-disable" }))
            (confirmed(&text.get("account-remove"), &text.get("account-remove-warning"), &format!("{at}/remove"),
                &text.with("account-remove-do", &[("name", &account.name)])))
        }
    }
}

pub(in super::super) async fn invite(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Form(given): Form,
) -> Response {
    // Owners invite on the page of their members: here they would not see the link.
    if let Err(error) = market.invitations(&actor, None).await {
        return failed(text, error, PATH, &given);
    }
    let made = match invited(&given) {
        Ok(invited) => market.invite(&actor, invited).await.map_err(|refusal| match refusal {
            // What the field names is not there.
            Refusal::Error(error) if error.kind == crate::Kind::NotFound => {
                Fault::invalid("subject", "fault-subject").into()
            }
            other => other,
        }),
        Err(fault) => Err(fault.into()),
    };
    match made {
        Ok(new) => {
            let once = invitations::just_made(&text, &new);
            shown_with(&market, text, &actor, &Fields::default(), (None, once)).await
        }
        Err(refusal) => refused(&market, text, &actor, &given, refusal).await,
    }
}

fn invited(given: &Fields) -> Result<Invited, Fault> {
    let subject = given.get("subject").trim().to_owned();
    Ok(match given.get("role") {
        "operator" => Invited::Operator,
        "guest" => Invited::Guest,
        "owner" => Invited::Owner(subject),
        "editor" => Invited::Editor(subject),
        "customer" => {
            Invited::Customer(subject.parse().map_err(|_| Fault::invalid("subject", "fault-subject"))?)
        }
        _ => return Err(Fault::invalid("role", "fault-role")),
    })
}

pub(in super::super) async fn change(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(name): Path<String>,
    Form(given): Form,
) -> Response {
    let asked = |name: &str| given.get(name).parse().ok();
    let change = AccountChange { disabled: asked("disabled"), operator: asked("operator") };
    match market.change_account(&actor, &name, change).await {
        Ok(_) => Redirect::to("/accounts?done=account").into_response(),
        Err(refusal) => refused(&market, text, &actor, &given, refusal).await,
    }
}

pub(in super::super) async fn remove(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(name): Path<String>,
    Form(given): Form,
) -> Response {
    match market.remove_account(&actor, &name).await {
        Ok(()) => Redirect::to("/accounts?done=removed").into_response(),
        Err(refusal) => refused(&market, text, &actor, &given, refusal).await,
    }
}

async fn refused(market: &Market, text: Text, actor: &Actor, given: &Fields, refusal: Refusal) -> Response {
    let again = async |text: Text, fault: &Fault| {
        shown_with(market, text, actor, given, (Some(fault), html! {})).await
    };
    shown(text, refusal, (PATH, given), again).await
}
