//! Support tickets.

use crate::error::Error;
use crate::http::Who;
use crate::market::Market;
use crate::problem::Problem;
use crate::tickets::{NewMessage, NewTicket, Ticket, TicketState, TicketSummary};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use std::collections::BTreeMap;

type Answer<T> = Result<T, Problem>;

/// Parameter: `state` (`open`, `answered`, `closed`); without it all.
pub(super) async fn tickets(
    State(market): State<Market>,
    Who(actor): Who,
    Query(parameters): Query<BTreeMap<String, String>>,
) -> Answer<Json<Vec<TicketSummary>>> {
    let state = match parameters.get("state") {
        None => None,
        Some(name) => Some(TicketState::from_name(name).ok_or_else(|| {
            Error::invalid(
                format!("there are no tickets of the state {name:.40}"),
                "choose one of open, answered, closed",
            )
        })?),
    };
    Ok(Json(market.tickets(&actor, state).await?))
}

pub(super) async fn ticket(
    State(market): State<Market>,
    Who(actor): Who,
    Path(id): Path<String>,
) -> Answer<Json<Ticket>> {
    Ok(Json(market.ticket(&actor, &id).await?))
}

pub(super) async fn open(
    State(market): State<Market>,
    Who(actor): Who,
    Path(submission): Path<String>,
    Json(new): Json<NewTicket>,
) -> Answer<(StatusCode, Json<Ticket>)> {
    Ok((StatusCode::CREATED, Json(market.open_ticket(&actor, &submission, &new).await?)))
}

pub(super) async fn answer(
    State(market): State<Market>,
    Who(actor): Who,
    Path(id): Path<String>,
    Json(new): Json<NewMessage>,
) -> Answer<(StatusCode, Json<Ticket>)> {
    Ok((StatusCode::CREATED, Json(market.answer_ticket(&actor, &id, &new).await?)))
}

pub(super) async fn close(
    State(market): State<Market>,
    Who(actor): Who,
    Path(id): Path<String>,
) -> Answer<Json<Ticket>> {
    Ok(Json(market.close_ticket(&actor, &id).await?))
}
