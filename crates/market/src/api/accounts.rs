//! Accounts, invitations, members of publishers.

use crate::accounts::{
    Account, AccountChange, Invitation, Invited, Member, MemberRole, NewAccount, NewInvitation, Refusal,
};
use crate::error::Error;
use crate::http::Who;
use crate::market::Market;
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use offer::identity::PublisherId;
use serde::Deserialize;

type Answer<T> = Result<T, Problem>;

fn problem(refusal: Refusal) -> Problem {
    refusal.into_error().into()
}

pub(super) async fn accounts(State(market): State<Market>, Who(actor): Who) -> Answer<Json<Vec<Account>>> {
    Ok(Json(market.accounts(&actor).await?))
}

pub(super) async fn create_account(
    State(market): State<Market>,
    Who(actor): Who,
    Json(new): Json<NewAccount>,
) -> Answer<(StatusCode, Json<Account>)> {
    let made = market.create_account(&actor, new).await.map_err(problem)?;
    Ok((StatusCode::CREATED, Json(made)))
}

pub(super) async fn change_account(
    State(market): State<Market>,
    Who(actor): Who,
    Path(name): Path<String>,
    Json(change): Json<AccountChange>,
) -> Answer<Json<Account>> {
    Ok(Json(market.change_account(&actor, &name, change).await.map_err(problem)?))
}

pub(super) async fn remove_account(
    State(market): State<Market>,
    Who(actor): Who,
    Path(name): Path<String>,
) -> Answer<StatusCode> {
    market.remove_account(&actor, &name).await.map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}

/// A password to set.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    password: String,
}

pub(super) async fn set_password(
    State(market): State<Market>,
    Who(actor): Who,
    Path(name): Path<String>,
    Json(new): Json<NewPassword>,
) -> Answer<StatusCode> {
    market.set_password(&actor, &name, &new.password).await.map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which invitations: to one publisher, or all.
#[derive(Deserialize)]
pub(super) struct Which {
    publisher: Option<String>,
}

pub(super) async fn invitations(
    State(market): State<Market>,
    Who(actor): Who,
    Query(which): Query<Which>,
) -> Answer<Json<Vec<Invitation>>> {
    let publisher = which.publisher.as_deref().map(publisher_id).transpose()?;
    Ok(Json(market.invitations(&actor, publisher.as_ref()).await?))
}

pub(super) async fn invite(
    State(market): State<Market>,
    Who(actor): Who,
    Json(invited): Json<Invited>,
) -> Answer<(StatusCode, Json<NewInvitation>)> {
    Ok((StatusCode::CREATED, Json(market.invite(&actor, invited).await.map_err(problem)?)))
}

pub(super) async fn withdraw_invitation(
    State(market): State<Market>,
    Who(actor): Who,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    market.withdraw_invitation(&actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn members(
    State(market): State<Market>,
    Who(actor): Who,
    Path(publisher): Path<String>,
) -> Answer<Json<Vec<Member>>> {
    Ok(Json(market.members(&actor, &publisher_id(&publisher)?).await?))
}

/// A role to give.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRole {
    role: MemberRole,
}

pub(super) async fn put_member(
    State(market): State<Market>,
    Who(actor): Who,
    Path((publisher, name)): Path<(String, String)>,
    Json(new): Json<NewRole>,
) -> Answer<StatusCode> {
    let publisher = publisher_id(&publisher)?;
    market.put_member(&actor, &publisher, &name, new.role).await.map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn remove_member(
    State(market): State<Market>,
    Who(actor): Who,
    Path((publisher, name)): Path<(String, String)>,
) -> Answer<StatusCode> {
    market.remove_member(&actor, &publisher_id(&publisher)?, &name).await.map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}

fn publisher_id(text: &str) -> Result<PublisherId, Error> {
    text.parse().map_err(|_| Error::not_found(format!("the publisher {text:.60}")))
}
