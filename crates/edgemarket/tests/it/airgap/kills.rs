//! SIGKILL at random instants of an import: repeated, it goes on, and in the end everything is there, though garbage is
//! collected in between without any grace period.

use super::{json, source, with};
use crate::command::{command, directory};
use crate::kills::kills_and_random;
use crate::publication::publish;
use crate::server::Server;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// How often an import is killed, unless `EDGEMARKET_KILLS` says otherwise.
const KILLS: usize = 20;

/// Longest wait before a kill. A whole import takes about this long.
const KILL_WITHIN_MS: u64 = 400;

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_killed_goes_on() {
    let (kills, mut random) = kills_and_random(KILLS);
    let work = directory();
    let dir = work.path();
    let (home, one) = source(dir, 1).await;
    let two = publish(&home, "valve", "1.0.0", &["latest", "1.0.0"], 2).await;
    let exported = json(dir, &with(&["export", "all.tar"], &super::at(&home)));
    home.stop();
    let (mut killed, mut round) = (0, 0);
    while killed < kills {
        round += 1;
        let mut there = Server::start(&format!("killed-{round}")).await;
        there.kill();
        let data = there.data().to_string_lossy().into_owned();
        json(dir, &["key", "trust", "keys.pem", "--data", &data]);
        loop {
            let mut import = command(dir)
                .args(["import", "all.tar", "--data", &data])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("the binary runs");
            tokio::time::sleep(Duration::from_millis(random.below(KILL_WITHIN_MS))).await;
            if let Some(ended) = import.try_wait().expect("a child") {
                assert!(ended.success(), "a kill must not make an import fail");
                break;
            }
            import.kill().expect("it can be killed");
            import.wait().expect("it ended");
            killed += 1;
            collect(dir, &data);
        }
        let done = json(dir, &["import", "all.tar", "--data", &data]);
        assert_eq!((&done["id"], done["finished"].is_string()), (&exported["id"], true));
        collect(dir, &data);
        there.restart().await;
        for (offer, digest) in [("meter", &one), ("valve", &two)] {
            let repository = format!("contoso/{offer}/standard");
            assert_eq!(there.manifest_digest(&repository, "latest").await.as_ref(), Some(digest));
            there.pull_every_blob(&repository, "1.0.0").await;
        }
        there.stop();
    }
}

fn collect(dir: &Path, data: &str) {
    let mut command = command(dir);
    command.args(["blobs", "collect", "--quiet", "--data", data]).env("EDGEMARKET_COLLECT_GRACE", "0s");
    assert!(command.status().expect("the binary runs").success());
}
