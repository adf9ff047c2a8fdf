//! Support tickets: a publisher that is stuck at a step asks, an operator answers. A step that is overdue opens one by
//! itself, with its log, once.

use crate::access::{self, Actor, Operation};
use crate::clock::Instant;
use crate::error::{Error, Kind, Result};
use crate::market::Market;
use crate::store::steps::{self, MessageRow};
use crate::store::tickets::{self as store, OverdueRow, TicketMessageRow, TicketRow};
use crate::store::{Connection, Tx, history};
use offer::identity::PublisherId;
use offer::submission::Step;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

/// Longest text of a message in characters: a page of log lines.
pub const TEXT_CHARS_MAX: usize = 4_000;
/// Most tickets of one submission: six steps, and a few more.
pub const TICKETS_MAX: usize = 20;
/// Most messages of one ticket; a longer talk belongs on the telephone.
pub const MESSAGES_MAX: usize = 200;
/// Most tickets in one answer.
pub const PAGE_MAX: usize = 200;

/// Where a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TicketState {
    /// It waits for an operator.
    Open,
    /// An operator has written last.
    Answered,
    /// Nothing more is to be done.
    Closed,
}

impl TicketState {
    /// All states.
    pub const ALL: [TicketState; 3] = [TicketState::Open, TicketState::Answered, TicketState::Closed];

    /// As the API writes it.
    pub fn name(self) -> &'static str {
        match self {
            TicketState::Open => "open",
            TicketState::Answered => "answered",
            TicketState::Closed => "closed",
        }
    }

    /// The state of this [`name`](TicketState::name).
    pub fn from_name(name: &str) -> Option<TicketState> {
        TicketState::ALL.into_iter().find(|state| state.name() == name)
    }

    fn id(self) -> String {
        format!("{self:?}")
    }
}

/// A ticket in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct TicketSummary {
    pub id: String,
    pub publisher: String,
    pub offer: String,
    pub submission: String,
    pub step: Step,
    pub state: TicketState,
    pub opened_by: String,
    /// The step was overdue, and opened it by itself.
    pub automatic: bool,
    pub created: Instant,
    pub changed: Instant,
}

/// A ticket with everything that was written in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Ticket {
    #[serde(flatten)]
    pub summary: TicketSummary,
    /// Oldest first.
    pub messages: Vec<TicketMessage>,
}

/// Something that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct TicketMessage {
    pub author: String,
    pub at: Instant,
    pub text: String,
}

/// A ticket to open.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTicket {
    /// The step that it is about.
    pub step: Step,
    /// What is wrong, in 1 to [`TEXT_CHARS_MAX`] characters.
    pub text: String,
    /// Chosen by whoever asks; the same one twice opens one ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Uuid>,
}

/// An answer in a ticket.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// 1 to [`TEXT_CHARS_MAX`] characters.
    pub text: String,
    /// Chosen by whoever answers; the same one twice is one answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Uuid>,
}

impl Market {
    /// Opens a ticket on a step of a submission.
    pub async fn open_ticket(&self, actor: &Actor, submission: &str, new: &NewTicket) -> Result<Ticket> {
        let of = self.submission(actor, submission).await?.summary;
        let text = checked(&new.text)?;
        let (id, now) = (self.key(new.key), self.now().0);
        let row = TicketRow {
            id,
            publisher: of.publisher,
            offer: of.offer,
            submission: submission.to_owned(),
            step: new.step.id().to_owned(),
            state: TicketState::Open.id(),
            author: actor.to_string(),
            automatic: 0,
            created_ms: now,
            changed_ms: now,
        };
        let mut tx = self.store.write().await?;
        if let Some(there) = store::get(&mut tx, &row.id).await? {
            // The same form again; another's key is nobody's business.
            return match there.submission == row.submission && there.author == row.author {
                true => view(&mut tx, there).await,
                false => Err(Error::conflict("this key is taken", "choose another one")),
            };
        }
        let there = store::of_submission(&mut tx, submission).await?;
        if there.len() >= TICKETS_MAX {
            return Err(Error::conflict(
                format!("the submission has {} tickets, and at most {TICKETS_MAX} are taken", there.len()),
                "write in one of those that are there",
            ));
        }
        self.insert_ticket(&mut tx, &row, &text).await?;
        let offer = Some((row.publisher.as_str(), row.offer.as_str()));
        let detail = json!({ "ticket": row.id, "step": row.step });
        history::insert(&mut tx, &self.history_row(actor, offer, Some(submission), "ticket-opened", detail))
            .await?;
        self.finish_ticket(tx, row).await
    }

    /// Writes in a ticket. What an operator writes answers it; what its publisher writes opens it again.
    pub async fn answer_ticket(&self, actor: &Actor, id: &str, new: &NewMessage) -> Result<Ticket> {
        let text = checked(&new.text)?;
        let mut tx = self.store.write().await?;
        let row = permitted(&mut tx, actor, id).await?;
        let state = state_of(&row)?;
        let (key, now) = (self.key(new.key), self.now().0);
        let written = store::messages(&mut tx, id).await?;
        if written.iter().any(|message| message.id == key) {
            return view(&mut tx, row).await;
        }
        if state == TicketState::Closed {
            return Err(Error::conflict(
                "this ticket is closed",
                "open a new one from the step that is stuck",
            ));
        }
        if written.len() >= MESSAGES_MAX {
            return Err(Error::conflict(
                format!("this ticket has {} messages, and at most {MESSAGES_MAX} are taken", written.len()),
                "close it and open a new one",
            ));
        }
        let message = TicketMessageRow {
            id: key,
            ticket: id.to_owned(),
            author: actor.to_string(),
            at_ms: now,
            message: text,
        };
        if !store::insert_message(&mut tx, &message).await? {
            return Err(Error::conflict("this key is taken", "choose another one"));
        }
        let answers = access::permit(actor, Operation::Administer).is_ok();
        let state = if answers { TicketState::Answered } else { TicketState::Open };
        store::set_state(&mut tx, id, &state.id(), now).await?;
        self.finish_ticket(tx, TicketRow { state: state.id(), changed_ms: now, ..row }).await
    }

    /// Closes a ticket. One that is closed stays so.
    pub async fn close_ticket(&self, actor: &Actor, id: &str) -> Result<Ticket> {
        let mut tx = self.store.write().await?;
        let row = permitted(&mut tx, actor, id).await?;
        if state_of(&row)? == TicketState::Closed {
            return view(&mut tx, row).await;
        }
        let now = self.now().0;
        store::set_state(&mut tx, id, &TicketState::Closed.id(), now).await?;
        let offer = Some((row.publisher.as_str(), row.offer.as_str()));
        let entry =
            self.history_row(actor, offer, Some(&row.submission), "ticket-closed", json!({ "ticket": id }));
        history::insert(&mut tx, &entry).await?;
        self.finish_ticket(tx, TicketRow { state: TicketState::Closed.id(), changed_ms: now, ..row }).await
    }

    /// One ticket.
    pub async fn ticket(&self, actor: &Actor, id: &str) -> Result<Ticket> {
        let mut c = self.store.read().await?;
        let row = permitted(&mut c, actor, id).await?;
        view(&mut c, row).await
    }

    /// Tickets of the actor's offers, or of all for an operator; those that changed last come first. Of one state, when it
    /// is given; at most [`PAGE_MAX`].
    pub async fn tickets(&self, actor: &Actor, state: Option<TicketState>) -> Result<Vec<TicketSummary>> {
        access::permit(actor, Operation::HaveOffers)?;
        let (state, limit) = (state.map(TicketState::id), i64::try_from(PAGE_MAX).unwrap_or(i64::MAX));
        let mut c = self.store.read().await?;
        let mut rows = Vec::new();
        if access::permit(actor, Operation::Administer).is_ok() {
            rows = store::list(&mut c, None, state.as_deref(), limit).await?;
        }
        for publisher in actor.publishers() {
            rows.extend(store::list(&mut c, Some(publisher.as_str()), state.as_deref(), limit).await?);
        }
        rows.sort_by(|a, b| (b.changed_ms, &b.id).cmp(&(a.changed_ms, &a.id)));
        rows.truncate(PAGE_MAX);
        rows.into_iter().map(TicketSummary::try_from).collect()
    }

    fn key(&self, key: Option<Uuid>) -> String {
        key.unwrap_or_else(|| self.ids.next()).to_string()
    }

    async fn insert_ticket(&self, tx: &mut Tx, row: &TicketRow, text: &str) -> Result<bool> {
        if !store::insert(tx, row).await? {
            return Ok(false);
        }
        let message = TicketMessageRow {
            id: self.ids.next().to_string(),
            ticket: row.id.clone(),
            author: row.author.clone(),
            at_ms: row.created_ms,
            message: text.to_owned(),
        };
        store::insert_message(tx, &message).await
    }

    /// Commits, and tells those who look at the submission.
    async fn finish_ticket(&self, mut tx: Tx, row: TicketRow) -> Result<Ticket> {
        let (submission, publisher, offer) =
            (row.submission.clone(), row.publisher.clone(), row.offer.clone());
        let ticket = view(&mut tx, row).await?;
        tx.commit().await?;
        self.announce(&submission, &publisher, &offer);
        Ok(ticket)
    }
}

/// Opens a ticket for every step that has become overdue.
pub(crate) async fn look(market: &Market) -> Result<()> {
    let now = market.now().0;
    for step in Step::ALL {
        let Some(maximum) = step.duration_max() else { continue };
        let before = now.saturating_sub_unsigned(maximum.as_millis() as u64);
        let overdue = store::overdue(&mut *market.store.read().await?, step.id(), before).await?;
        for row in overdue {
            open_by_itself(market, step, &row).await?;
        }
    }
    Ok(())
}

async fn open_by_itself(market: &Market, step: Step, overdue: &OverdueRow) -> Result<()> {
    let (now, author) = (market.now().0, "pipeline".to_owned());
    let mut tx = market.store.write().await?;
    let log = steps::messages(&mut tx, &overdue.submission).await?;
    let row = TicketRow {
        id: market.ids.next().to_string(),
        publisher: overdue.publisher.clone(),
        offer: overdue.offer.clone(),
        submission: overdue.submission.clone(),
        step: step.id().to_owned(),
        state: TicketState::Open.id(),
        author,
        automatic: 1,
        created_ms: now,
        changed_ms: now,
    };
    let log: Vec<&MessageRow> = log.iter().filter(|message| message.step == row.step).collect();
    let text = overdue_text(step, Instant(overdue.started_ms), &log);
    if !market.insert_ticket(&mut tx, &row, &text).await? {
        return Ok(());
    }
    let offer = Some((row.publisher.as_str(), row.offer.as_str()));
    let detail = json!({ "ticket": row.id, "step": row.step });
    let entry = market.history_row(&"pipeline", offer, Some(&row.submission), "step-overdue", detail);
    history::insert(&mut tx, &entry).await?;
    tracing::warn!(submission = row.submission, step = row.step, "a step is overdue");
    market.finish_ticket(tx, row).await.map(drop)
}

/// What the ticket of an overdue step says: since when it runs, and the end of its log.
fn overdue_text(step: Step, started: Instant, log: &[&MessageRow]) -> String {
    let maximum = step.duration_max().unwrap_or_default().as_secs() / 60;
    let head = format!("The step {} runs since {started}; its maximum is {maximum} minutes.\n", step.id());
    let mut lines = Vec::new();
    let mut room = TEXT_CHARS_MAX.saturating_sub(head.chars().count());
    for message in log.iter().rev() {
        let line = format!("{} {} {}\n", Instant(message.at_ms), message.level, message.message);
        let Some(left) = room.checked_sub(line.chars().count()) else { break };
        room = left;
        lines.push(line);
    }
    lines.push(head);
    lines.reverse();
    lines.concat()
}

/// The text as it is kept: lines end with a line feed, and nothing else of it steers a terminal.
fn checked(text: &str) -> Result<String> {
    let text = text.replace("\r\n", "\n");
    let text = text.trim();
    let chars = text.chars().count();
    if chars == 0 || chars > TEXT_CHARS_MAX {
        return Err(Error::invalid(
            format!("the text has {chars} characters, and 1 to {TEXT_CHARS_MAX} are taken"),
            "say what you tried, what you saw, and what you expected",
        ));
    }
    if let Some(bad) = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        return Err(Error::invalid(
            format!("the text has the control character U+{:04X}", u32::from(bad)),
            "paste plain text",
        ));
    }
    Ok(text.to_owned())
}

/// The ticket, if there is one that the actor may see.
async fn permitted(c: &mut Connection, actor: &Actor, id: &str) -> Result<TicketRow> {
    access::permit(actor, Operation::HaveOffers)?;
    let missing = || Error::not_found(format!("the ticket {id:.60}"));
    let row = store::get(c, id).await?.ok_or_else(missing)?;
    let publisher: PublisherId = row.publisher.parse().map_err(Error::internal)?;
    access::permit(actor, Operation::ManageOffers(&publisher)).map_err(|_| missing())?;
    Ok(row)
}

async fn view(c: &mut Connection, row: TicketRow) -> Result<Ticket> {
    let messages = store::messages(c, &row.id).await?;
    let message = |row: TicketMessageRow| TicketMessage {
        author: row.author,
        at: Instant(row.at_ms),
        text: row.message,
    };
    Ok(Ticket { summary: row.try_into()?, messages: messages.into_iter().map(message).collect() })
}

fn state_of(row: &TicketRow) -> Result<TicketState> {
    let state = TicketState::ALL.into_iter().find(|state| state.id() == row.state);
    state.ok_or_else(|| Error::new(Kind::Internal, "a ticket has an unknown state", "look into the log"))
}

impl TryFrom<TicketRow> for TicketSummary {
    type Error = Error;

    fn try_from(row: TicketRow) -> Result<TicketSummary> {
        Ok(TicketSummary {
            state: state_of(&row)?,
            step: Step::from_id(&row.step).ok_or_else(|| Error::internal("a ticket of an unknown step"))?,
            id: row.id,
            publisher: row.publisher,
            offer: row.offer,
            submission: row.submission,
            opened_by: row.author,
            automatic: row.automatic == 1,
            created: Instant(row.created_ms),
            changed: Instant(row.changed_ms),
        })
    }
}
