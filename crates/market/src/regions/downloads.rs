//! Downloads in the regions that are instances: each counts its own, and is asked for them by its home marketplace, with
//! the token that content is sent there with. An older instance has no answer; then there are no counts of it.

use super::instance::read_problem;
use super::{RegionKind, credential_owner};
use crate::downloads::{CountedDownloads, PAGE_MAX};
use crate::error::{Error, Result};
use crate::market::Market;
use crate::store::{downloads as store, regions};
use oci::client::{HttpOptions, http_client};
use std::time::Duration;

/// Where an instance tells of its downloads.
const PATH: &str = "/api/v1/replica/downloads";
/// Longest wait for one page.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Most bytes of one page.
const PAGE_BYTES_MAX: usize = 8 << 20;
/// Most pages of one region at a time; the next time goes on.
const PAGES_MAX: usize = 200;

impl Market {
    /// Asks every region that is an instance for what it counted. One that does not answer keeps no other waiting for long.
    pub(crate) async fn collect_downloads(&self) -> Result<()> {
        let rows = regions::list(&mut *self.store.read().await?).await?;
        let is_asked =
            |row: &regions::RegionRow| row.kind == RegionKind::Instance.id() && row.paused_ms.is_none();
        let http = http_client(HttpOptions::default())?;
        for row in rows.into_iter().filter(is_asked) {
            if let Err(error) = self.collect_from(&http, &row).await {
                tracing::info!(%error, region = row.name, "the downloads of a region could not be asked for");
            }
        }
        Ok(())
    }

    async fn collect_from(&self, http: &reqwest::Client, row: &regions::RegionRow) -> Result<()> {
        let Some(sealed) = &row.sealed else { return Ok(()) };
        let token = self.vault.open_sealed(&credential_owner(&row.name), sealed)?;
        let url: url::Url = row.url.parse().map_err(Error::internal)?;
        let last = store::last_day(&mut *self.store.read().await?, &row.name).await?;
        // The last day may not have been over; the one before it ended while nobody asked.
        let since = last.map_or(0, |day| day.saturating_sub(1).max(0));
        let mut offset = 0;
        for _ in 0..PAGES_MAX {
            let mut address = url.join(PATH).map_err(Error::internal)?;
            address.set_query(Some(&format!("since={since}&offset={offset}")));
            let page = page_of_downloads(http, address, &token).await?;
            self.take_downloads(&row.name, &page).await?;
            if page.len() < PAGE_MAX {
                break;
            }
            offset += page.len();
        }
        Ok(())
    }
}

async fn page_of_downloads(
    http: &reqwest::Client,
    address: url::Url,
    token: &str,
) -> Result<Vec<CountedDownloads>> {
    let request = http.get(address).bearer_auth(token).timeout(TIMEOUT);
    let mut response = request.send().await.map_err(|error| Error::internal(error.without_url()))?;
    let status = response.status();
    if !status.is_success() {
        let problem = read_problem(response).await;
        return Err(Error::internal(format!("it answered {status} {}", problem.detail)));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| Error::internal(error.without_url()))? {
        if body.len() + chunk.len() > PAGE_BYTES_MAX {
            return Err(Error::internal(format!("its answer has more than {PAGE_BYTES_MAX} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body)
        .map_err(|error| Error::internal(format!("its answer is no such JSON: {error}")))
}
