//! `copy FROM TO`: an image, with all its platforms, between registries, layout directories and archives. What the
//! target has already is not sent again, so a copy that was broken off goes on where it was.

use crate::interrupt;
use crate::output::{Failure, Output};
use crate::registry_access::RegistryAccess;
use crate::transfer::{Content, Follow, choose, target};
use clap::Args;
use oci::client::{Client, HttpOptions, http_client};
use oci::reference::Locator;
use oci::source::{OpenOptions, Source, open};
use offer::platform::Platform;
use serde_json::json;
use std::sync::Arc;

/// What `copy` takes.
#[derive(Debug, Args)]
pub struct Copy {
    /// Layout directory, archive, or registry/repository[:tag]; also oci:, oci-archive:, docker-archive:, docker://
    from: String,
    /// ./DIRECTORY[:TAG], ./ARCHIVE.tar[:TAG], or registry/repository[:tag]; also oci:, oci-archive:, docker-archive:,
    /// docker://
    to: String,
    /// Only the image of this platform, for example linux/arm/v7; a Docker archive has one image, by default this machine's
    #[arg(long)]
    platform: Option<Platform>,
    /// Copy what refers to the image, too: signatures, bills of materials, certifications, deltas
    #[arg(long)]
    referrers: bool,
    #[command(flatten)]
    registry: RegistryAccess,
}

/// Runs it.
pub fn run(arguments: &Copy, output: &Output) -> Result<(), Failure> {
    let target = target(&arguments.to)?;
    let runtime = tokio::runtime::Runtime::new().map_err(|cause| {
        Failure::could_not_run(
            format!("no threads can be started: {cause}"),
            "free some memory, then try again",
        )
    })?;
    let follow = Arc::new(Follow::new(output));
    let last = Arc::clone(&follow);
    let _interruptible = interrupt::watch(None, || true, move || last.finish())?;
    let client = arguments.registry.options()?;
    let options = OpenOptions { client: client.clone(), http: None, runtime: Some(runtime.handle().clone()) };
    let from = Locator::parse(&arguments.from)?;
    let source: Arc<dyn Source> = open(&from, &options)?.into();
    let root = choose(source.as_ref(), source.resolve(None)?, arguments.platform.as_ref(), &target)?;
    let content = Content::new(&from, source, root, arguments.referrers)?;
    let done = match &target {
        Locator::Registry(reference) => {
            let http = http_client(HttpOptions::default())?;
            let to = Client::new(http, reference.registry(), client)?;
            runtime.block_on(content.push(&to, reference, &follow))
        }
        _ => content.write(&target, &follow),
    };
    follow.finish();
    done?;
    tell(&follow, &content, &target, output)
}

fn tell(follow: &Follow, content: &Content, target: &Locator, output: &Output) -> Result<(), Failure> {
    let sums = follow.sums();
    let (to, digest) = (target.to_string(), content.root.digest.to_string());
    let value = json!({
        "digest": digest, "to": to, "referrers": content.referrers.len(), "bytesSent": sums.sent,
        "blobsSent": sums.blobs_sent, "blobsThere": sums.blobs_there,
    });
    output.value(&value, |_| {
        let sent = indicatif::BinaryBytes(sums.sent).to_string();
        let values = [
            ("to", to.as_str()),
            ("digest", &digest),
            ("sent", &sent),
            ("blobs", &sums.blobs_sent.to_string()),
            ("there", &sums.blobs_there.to_string()),
            ("referrers", &content.referrers.len().to_string()),
        ];
        format!("{}\n", output.text.with("copied", &values))
    })
}
