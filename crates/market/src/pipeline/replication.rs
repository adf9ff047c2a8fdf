//! Step 5: one task per region brings everything there and verifies it by digest. The step is complete when every
//! required region holds everything; an optional region catches up later.

use super::set_step;
use crate::error::Result;
use crate::market::Market;
use crate::store::Tx;
use crate::store::regions::{self, SubmissionRegionRow};
use crate::tasks::{self, Kind};
use offer::submission::{Step, StepStatus};

/// Begins the step: a row and a task for every region that there is now. A region that is added later gets what is live
/// then.
pub(crate) async fn begin(market: &Market, tx: &mut Tx, submission: &str) -> Result<()> {
    set_step(market, tx, submission, Step::Replication, StepStatus::InProgress).await?;
    let mut places = vec![(market.config.settings.region.clone(), 1)];
    places.extend(regions::list(tx).await?.into_iter().map(|region| (region.name, region.required)));
    for (region, required) in places {
        let row = SubmissionRegionRow {
            region,
            required,
            state: "Waiting".to_owned(),
            message: None,
            changed_ms: market.now().0,
        };
        regions::put_state(tx, submission, &row).await?;
        let key = format!("{submission}/{}", row.region);
        tasks::enqueue(market, tx, Kind::Replicate, &key, submission).await?;
    }
    Ok(())
}
