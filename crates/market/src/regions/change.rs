//! What an operator does with a region that is there: change it, pause it, try it at once, remove it; and what of that
//! keeps content from going there.

use super::{RegionDetail, RegionLimits, lane};
use crate::access::{self, Actor, Operation};
use crate::clock::Instant;
use crate::error::{Error, Kind, Result};
use crate::market::Market;
use crate::store::{history, regions, tasks};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// What may be changed of a region; what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct RegionChange {
    /// Whether step 5 waits for it, from the next submission on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// How content may go there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<RegionLimits>,
    /// Whether nothing goes there for now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
}

impl Market {
    /// Removes a region: nothing goes there any more, and what it holds stays there. Adding it again undoes that, and sends
    /// only what it lacks then. Operators only.
    pub async fn remove_region(&self, actor: &Actor, name: &str) -> Result<()> {
        access::permit(actor, Operation::Administer)?;
        let mut tx = self.store.write().await?;
        if !regions::delete(&mut tx, name).await? {
            return Err(Error::not_found(format!("the region {name}")));
        }
        regions::forget(&mut tx, name, self.now().0).await?;
        // What waits for it goes on without it.
        let now = tasks::now_ms(&mut tx).await?;
        tasks::wake_region(&mut tx, name, now).await?;
        let detail = json!({ "region": name });
        history::insert(&mut tx, &self.history_row(actor, None, None, "region-removed", detail)).await?;
        tx.commit().await?;
        self.lanes.halt(name);
        self.bell.ring();
        Ok(())
    }

    /// Changes a region; what goes there stops after its current piece and goes on by the new limits. Operators only.
    pub async fn change_region(
        &self,
        actor: &Actor,
        name: &str,
        change: RegionChange,
    ) -> Result<RegionDetail> {
        access::permit(actor, Operation::Administer)?;
        let mut tx = self.store.write().await?;
        let row = regions::get(&mut tx, name).await?;
        let mut row = row.ok_or_else(|| Error::not_found(format!("the region {name}")))?;
        if let Some(required) = change.required {
            row.required = i64::from(required);
        }
        if let Some(limits) = &change.limits {
            limits.write(&mut row)?;
        }
        if let Some(paused) = change.paused {
            row.paused_ms = paused.then(|| row.paused_ms.unwrap_or(self.now().0));
        }
        regions::update(&mut tx, &row).await?;
        let now = tasks::now_ms(&mut tx).await?;
        tasks::wake_region(&mut tx, name, now).await?;
        let mut detail = serde_json::to_value(&change).map_err(Error::internal)?;
        detail["region"] = json!(name);
        history::insert(&mut tx, &self.history_row(actor, None, None, "region-changed", detail)).await?;
        tx.commit().await?;
        self.lanes.halt(name);
        self.bell.ring();
        self.region_detail(actor, name).await
    }

    /// Tries everything that waits for a region at once, also what was given up; answers how many tasks. A window that is
    /// closed stays closed. Operators only.
    pub async fn retry_region(&self, actor: &Actor, name: &str) -> Result<u64> {
        access::permit(actor, Operation::Administer)?;
        let mut tx = self.store.write().await?;
        if regions::get(&mut tx, name).await?.is_none() {
            return Err(Error::not_found(format!("the region {name}")));
        }
        let now = tasks::now_ms(&mut tx).await?;
        let woken = tasks::wake_region(&mut tx, name, now).await?;
        let detail = json!({ "region": name, "tasks": woken });
        history::insert(&mut tx, &self.history_row(actor, None, None, "region-retried", detail)).await?;
        tx.commit().await?;
        self.bell.ring();
        Ok(woken)
    }

    /// Why nothing may go to a region now, and for how long that is known to last; `None` when it may.
    pub(crate) fn held_back(&self, row: &regions::RegionRow) -> Option<(Option<Duration>, Error)> {
        let name = &row.name;
        if let Some(since) = row.paused_ms {
            let text = format!("the region {name} is paused since {}", Instant(since));
            let hint = format!("an operator resumes it with `edgemarket region resume {name}`");
            return Some((None, Error::new(Kind::Conflict, text, hint)));
        }
        let opens = lane::schedule_of(row).opens(self.now())?;
        let wait = Duration::from_millis(u64::try_from(opens.0 - self.now().0).unwrap_or(0));
        let text = format!("the region {name} waits for its window, which opens at {opens}");
        let hint = format!(
            "it goes on by itself then; `edgemarket region set {name} --no-windows` opens it for good"
        );
        Some((Some(wait), Error::new(Kind::Conflict, text, hint)))
    }

    /// How long content may go to a region from now on; `None` without an end.
    pub(crate) fn closes_in(&self, row: &regions::RegionRow) -> Option<Duration> {
        let closes = lane::schedule_of(row).closes(self.now())?;
        Some(Duration::from_millis(u64::try_from(closes.0 - self.now().0).unwrap_or(0)))
    }
}
