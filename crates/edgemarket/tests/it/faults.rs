//! What goes wrong around a publication: bad documents, repositories, regions, disks and locks. Each ends with a clear
//! error and a hint, the right exit status, nothing lost and nothing half done.

mod disk;
mod documents;
mod images;
mod locks;
mod regions;
mod repositories;

use crate::server::{Server, TestOffer};
use offer::submission::SubmissionState;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A command of the program against a server, in this directory.
pub fn command(directory: &Path, server: &Server, arguments: &[&str]) -> Command {
    let mut command = crate::command::command(directory);
    command.args(arguments).args(["--server", &format!("http://{}", server.address)]);
    command.args(["--token", &server.token]);
    command
}

/// Runs a command without keeping this thread's other work waiting; what it said.
pub async fn tell(directory: &Path, mut command: Command) -> String {
    let directory = directory.to_owned();
    let run = move || {
        let output = command.output().expect("the binary runs");
        crate::command::told(&directory, &output)
    };
    tokio::task::spawn_blocking(run).await.expect("no panic")
}

/// Waits until the offer's newest submission is in this state.
pub async fn wait_for(home: &Server, offer: &TestOffer, state: SubmissionState) {
    for _ in 0..1_200 {
        let submission = offer.submission(home).await;
        if submission.summary.state == state {
            return;
        }
        assert!(!submission.summary.state.is_final(), "{submission:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{state:?} was not reached: {:#?}", offer.submission(home).await);
}
