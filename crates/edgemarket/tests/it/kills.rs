//! SIGKILL at random instants of publications (spec `publishing.md`, *Every transition survives a crash at any
//! instant*): after each restart every submission ends as it should, and no step runs again that had completed. Garbage is
//! collected all the while, without any grace period; then all that is recorded is there and sound.

use crate::server::{self, Server, TestOffer};
use offer::submission::{StepStatus, SubmissionState};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// So that a collection removes at once whatever it may.
const NO_GRACE: &str = "collect-grace = \"0s\"\n";

/// How often the server is killed, unless `EDGEMARKET_KILLS` says otherwise.
const KILLS: usize = 12;

/// Longest wait before a kill. Publishing a tiny image takes about this long.
const KILL_WITHIN_MS: u64 = 700;

/// Longest wait between the begin of a collection and a kill. A collection of these few offers takes about this long.
const COLLECTING_MS: u64 = 60;

/// Publications that run at the same time; each kill hits all of them.
const OFFERS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publications_survive_kills_at_random_instants() {
    let (kills, mut random) = kills_and_random(KILLS);
    let leads = crate::leads::LeadReceiver::start().await;
    let region = Server::start("region").await;
    let region_token =
        region.operator_token(json!({ "role": "region", "subject": "home", "label": "test" })).await;
    let mut home = Server::start_with("home", NO_GRACE).await;
    home.add_region("east", &region, &region_token).await;

    let mut published = Vec::new();
    let mut round = 0;
    let mut killed = 0;
    while killed < kills {
        round += 1;
        let mut offers = Vec::new();
        for number in 0..OFFERS {
            offers.push(TestOffer::make(&home, &format!("offer-{round}-{number}"), &leads).await);
        }
        for offer in &offers {
            offer.publish(&home).await;
        }
        killed += kill_until(
            &mut home,
            &offers,
            SubmissionState::WaitingForPublisherReview,
            kills - killed,
            &mut random,
        )
        .await;
        for offer in &offers {
            offer.go_live(&home).await;
        }
        killed +=
            kill_until(&mut home, &offers, SubmissionState::Succeeded, kills - killed, &mut random).await;
        for offer in &offers {
            check_end(&home, &region, offer).await;
        }
        published.extend(offers);
    }
    check_store(&mut home, &region, &published).await;
    // One test lead an offer; a receiver that honours the key sees each once.
    let received = leads.by_key();
    assert_eq!(received.len(), round * OFFERS, "each offer sent one test lead: {received:?}");
    home.stop();
    region.stop();
}

/// Kills and restarts the server at random instants until all offers are in `state` (or the kills are used up, then
/// waits for it), and returns how often. What was complete before a kill must be the same after it.
async fn kill_until(
    home: &mut Server,
    offers: &[TestOffer],
    state: SubmissionState,
    kills_max: usize,
    random: &mut Random,
) -> usize {
    let mut kills = 0;
    while kills < kills_max && !all_in(home, offers, state).await {
        tokio::time::sleep(Duration::from_millis(random.below(KILL_WITHIN_MS))).await;
        let before = completed(home, offers).await;
        // Most kills hit a collection; one that runs still is as good.
        let collect = home.try_api("POST", "/blobs/collect", json!({})).await;
        assert!(collect == 202 || collect == 409, "{collect}");
        tokio::time::sleep(Duration::from_millis(random.below(COLLECTING_MS))).await;
        home.kill();
        kills += 1;
        home.restart().await;
        let after = completed(home, offers).await;
        for (step, instants) in &before {
            assert_eq!(
                after.get(step),
                Some(instants),
                "the completed step {step} is as it was before the kill"
            );
        }
    }
    for _ in 0..6_000 {
        if all_in(home, offers, state).await {
            return kills;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut states = Vec::new();
    for offer in offers {
        states.push(offer.submission(home).await);
    }
    panic!("after {kills} kills not every submission is {state:?}: {states:#?}");
}

async fn all_in(home: &Server, offers: &[TestOffer], state: SubmissionState) -> bool {
    for offer in offers {
        let found = offer.submission(home).await.summary.state;
        assert!(
            !matches!(found, SubmissionState::Failed | SubmissionState::Canceled),
            "a kill must not fail a submission: {:#?}",
            offer.submission(home).await
        );
        if found != state {
            return false;
        }
    }
    true
}

/// Start and end of every completed step, by offer and step.
async fn completed(home: &Server, offers: &[TestOffer]) -> BTreeMap<String, (String, String)> {
    let mut all = BTreeMap::new();
    for offer in offers {
        for step in offer.submission(home).await.steps {
            if step.status == StepStatus::Complete {
                let instants = (format!("{:?}", step.started), format!("{:?}", step.finished));
                all.insert(format!("{} {}", offer.id, step.id.id()), instants);
            }
        }
    }
    all
}

/// After a restart and a last collection, which removes all that the killed ones left: everything that is recorded is there
/// and sound, nothing else is, and every image of every round can be pulled.
async fn check_store(home: &mut Server, region: &Server, offers: &[TestOffer]) {
    home.kill();
    home.restart().await;
    for what in ["collect", "collect", "scrub"] {
        let path = format!("/blobs/{what}");
        home.api("POST", &path, Some(json!({}))).await;
        let mut found = home.api("GET", &path, None).await;
        while found["state"] == "running" {
            tokio::time::sleep(Duration::from_millis(20)).await;
            found = home.api("GET", &path, None).await;
        }
        assert_eq!(found["state"], "finished", "{found:#}");
        if what == "scrub" {
            assert_eq!((&found["rotten"], &found["orphans"]), (&0.into(), &0.into()), "{found:#}");
            assert_eq!(found["blobsChecked"], found["blobs"], "{found:#}");
        } else {
            assert_eq!(found["leftOut"], json!([]), "{found:#}");
        }
    }
    for offer in offers {
        check_end(home, region, offer).await;
    }
}

/// Every step completed once, and the image can be pulled from both places with its digest.
async fn check_end(home: &Server, region: &Server, offer: &TestOffer) {
    for place in [home, region] {
        for tag in server::TAGS {
            let digest = place.manifest_digest(&offer.repository(), tag).await;
            assert_eq!(digest.as_deref(), Some(offer.digest.as_str()), "{}:{tag}", offer.repository());
        }
        place.pull_every_blob(&offer.repository(), "latest").await;
    }
}

/// How many kills, and the instants of them: `EDGEMARKET_KILLS` and `EDGEMARKET_SEED`, if they are set.
pub fn kills_and_random(default: usize) -> (usize, Random) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let kills = number("EDGEMARKET_KILLS").map_or(default, |kills| kills as usize);
    let seed = number("EDGEMARKET_SEED").unwrap_or_else(seed_of_now);
    eprintln!("{kills} kills with EDGEMARKET_SEED={seed}");
    (kills, Random(seed))
}

/// xorshift64*: enough for choosing instants, and repeatable from its seed.
pub struct Random(u64);

impl Random {
    /// From a seed; 0 would give nothing but zeros.
    pub fn of(seed: u64) -> Random {
        Random(seed | 1)
    }

    /// A number below this one.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % bound
    }
}

fn seed_of_now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    u64::from(since.subsec_nanos()) << 20 | since.as_secs() | 1
}
