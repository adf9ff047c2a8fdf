//! Asks the listing's links for `certify`, where the person who runs it wants that.

use crate::output::Failure;
use certify::links::LinkFact;
use offer::document::Reading;

/// What the links of this offer and plan answer; `None` when they are not to be asked, or there is no readable offer.
pub fn ask(offer: Option<&(Reading, String)>, wanted: bool) -> Result<Option<Vec<LinkFact>>, Failure> {
    let offer = offer.filter(|_| wanted).and_then(|(reading, _)| reading.offer.as_ref());
    let Some(offer) = offer else { return Ok(None) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| {
        Failure::could_not_run(format!("asking the links cannot start: {cause}"), "leave out --check-links")
    })?;
    Ok(Some(runtime.block_on(market::links::ask(offer))?))
}
