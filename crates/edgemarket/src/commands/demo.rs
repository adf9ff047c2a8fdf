//! `demo`: one real publication from nothing, in one command: a module's image, a marketplace with two regions, a
//! publisher and a customer; publish, preview, sign-off, and a stranger's pull from both regions. What it promises it
//! checks; with `--exit` a broken promise is the exit status.

mod image;
mod offer;
mod pull;
mod verify;

use crate::client::{Client, Payload};
use crate::directory;
use crate::output::{Failure, Output};
use crate::running::{Running, bind, signalled};
use crate::watch;
use ::offer::submission::SubmissionState;
use ::offer::template::NewOffer;
use axum::http::Method;
use clap::Args;
use market::config::{Config, Settings};
use market::submissions::Submission;
use oci::digest::Digest;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Instant;

const PUBLISHER: &str = "contoso";
const OFFER: &str = "telemetry";
const PLAN: &str = "standard";
const TAGS: [&str; 4] = ["latest", "1.0.0", "1.0", "1"];

/// `edgemarket demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// Where the demo keeps its data; must be empty or absent [default: a new temporary directory]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address of the marketplace; its two regions take free ports beside it
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
    listen: SocketAddr,
    /// End when everything was shown, instead of serving until Ctrl-C
    #[arg(long)]
    exit: bool,
}

/// Runs the demo.
pub async fn demo(args: &Demo, output: &Output) -> Result<(), Failure> {
    let data = fresh_directory(args.data.as_deref())?;
    let stage = Stage::set(&data, args.listen, output).await?;
    let outcome = play(&stage, output).await;
    if outcome.is_ok() && !args.exit {
        output.remark(&format!("\n{}", output.text.get("demo-serving")));
        signalled().await;
    }
    for place in [stage.home, stage.east, stage.west] {
        place.running.stop().await;
    }
    if args.data.is_none() {
        // A temporary directory that cannot be removed is the system's to clean.
        let _ = std::fs::remove_dir_all(&data);
    }
    outcome
}

/// One instance of the marketplace, served in this process.
struct Place {
    running: Running,
    address: SocketAddr,
}

/// Everything that stands before the play begins.
struct Stage {
    home: Place,
    east: Place,
    west: Place,
    /// Speaks as the publisher.
    publisher: Client,
    publisher_token: String,
    /// Tokens of the subscription that the offer names, and of one that it does not.
    customer_token: String,
    stranger_token: String,
    /// Where the offer's directory and the image were made.
    offer_dir: PathBuf,
    layout: PathBuf,
    image: Digest,
    /// Where the marketplace's public keys are put.
    keys: PathBuf,
}

impl Stage {
    async fn set(data: &Path, listen: SocketAddr, output: &Output) -> Result<Stage, Failure> {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let east = start(&data.join("east"), "east", loopback).await?;
        let west = start(&data.join("west"), "west", loopback).await?;
        let home = start(&data.join("home"), "home", listen).await?;
        say(output, "demo-marketplace", "demo-at", &[("place", &format!("http://{}", home.address))]);
        let places = format!("east http://{}  west http://{}", east.address, west.address);
        say(output, "demo-regions", "demo-at", &[("place", &places)]);

        let operator = local(&home);
        for (name, region) in [("east", &east), ("west", &west)] {
            let token = new_token(&local(region), "region", Some("home")).await?;
            let request = json!({ "name": name, "kind": "instance", "url": format!("http://{}", region.address),
                "required": true, "password": token });
            let _: Value = operator.call(Method::POST, "/api/v1/regions", Payload::Json(request)).await?;
        }
        let publisher = json!({ "id": PUBLISHER, "name": "Contoso Modules" });
        let _: Value = operator.call(Method::POST, "/api/v1/publishers", Payload::Json(publisher)).await?;
        let publisher_token = new_token(&operator, "publisher", Some(PUBLISHER)).await?;
        let (subscription, customer_token) = new_customer(&operator, "Fabrikam Factories").await?;
        let (_, stranger_token) = new_customer(&operator, "Somebody Else").await?;

        let layout = data.join("image");
        let image = image::make(&layout, &TAGS)?;
        say(output, "demo-image", "demo-at", &[("place", &format!("{image}, {}", layout.display()))]);
        let offer_dir = data.join("offer");
        write_offer(&offer_dir, &home, &subscription)?;
        let document = offer_dir.join("offer.yaml").display().to_string();
        say(output, "demo-offer", "demo-at", &[("place", &document)]);
        let publisher = Client::remote(&format!("http://{}", home.address), Some(publisher_token.clone()))?;
        Ok(Stage {
            home,
            east,
            west,
            publisher,
            publisher_token,
            customer_token,
            stranger_token,
            offer_dir,
            layout,
            image,
            keys: data.join("keys.pem"),
        })
    }
}

/// The publication itself; an error is a promise that was not kept.
async fn play(stage: &Stage, output: &Output) -> Result<(), Failure> {
    let home = stage.home.address.to_string();
    let incoming = format!("incoming/{PUBLISHER}/{OFFER}");
    image::push(&stage.layout, &home, &incoming, &stage.publisher_token, &TAGS).await?;
    say(output, "demo-pushed", "demo-pushed-as-publisher", &[("place", &format!("{home}/{incoming}"))]);
    output.remark("");

    let begun = Instant::now();
    let submission = publish(stage).await?;
    let waiting = watch::follow(&stage.publisher, &submission, output, false).await?;
    expect_state(&waiting, SubmissionState::WaitingForPublisherReview)?;
    let published_ms = begun.elapsed().as_millis();
    output.remark(&format!("\n{}", output.text.with("demo-waits", &[("ms", &published_ms.to_string())])));

    let preview = format!("preview/{PUBLISHER}/{OFFER}/{PLAN}");
    let name = format!("{PUBLISHER}/{OFFER}/{PLAN}");
    let pulled = pull::verified(&home, &preview, "1.0.0", Some(&stage.customer_token)).await?;
    expect_digest("the preview, pulled by the customer", pulled, stage.image)?;
    let image = format!("{home}/{preview}:1.0.0");
    say(output, "demo-preview", "demo-preview-pulled", &[("image", &image)]);
    pull::refused(&home, &preview, "1.0.0", None).await?;
    pull::refused(&home, &preview, "1.0.0", Some(&stage.stranger_token)).await?;
    pull::refused(&home, &name, "1.0.0", None).await?;
    say(output, "demo-nothing", "demo-preview-refused", &[]);
    output.remark("");

    let path = format!("/api/v1/offers/{PUBLISHER}/{OFFER}/go-live");
    let submission: Submission = stage.publisher.call(Method::POST, &path, Payload::Empty).await?;
    let live = watch::follow(&stage.publisher, &submission, output, true).await?;
    expect_state(&live, SubmissionState::Succeeded)?;
    output.remark("");
    for (region, server) in [("east", &stage.east), ("west", &stage.west), ("home", &stage.home)] {
        let host = server.address.to_string();
        for tag in TAGS {
            let pulled = pull::verified(&host, &name, tag, None).await?;
            expect_digest(&format!("{host}/{name}:{tag}"), pulled, stage.image)?;
        }
        let (image, digest) = (format!("{host}/{name}"), stage.image.to_string());
        let pulled = output.text.with("demo-pulled", &[("image", &image), ("digest", &digest)]);
        output.remark(&format!("{region:12} {pulled}"));
    }
    verify::fetch_keys(&format!("http://{home}"), &stage.keys).await?;
    let east = format!("{}/{name}:1.0.0", stage.east.address);
    verify::verified(&east, &stage.keys).await?;
    say(output, "demo-verify", "demo-verified", &[("image", &east)]);
    show(stage, output, published_ms).await
}

/// A line with its label in front.
fn say(output: &Output, label: &str, key: &str, values: &[(&str, &str)]) {
    output.remark(&format!("{:12} {}", output.text.get(label), output.text.with(key, values)));
}

/// Says where everything is, having fetched each of it.
async fn show(stage: &Stage, output: &Output, published_ms: u128) -> Result<(), Failure> {
    let base = format!("http://{}", stage.home.address);
    let live = format!("{base}/api/v1/catalogue/{PUBLISHER}/{OFFER}/{PLAN}");
    let platform = image::platform();
    let links = [
        ("page", format!("{base}/offers/{PUBLISHER}/{OFFER}")),
        ("report", format!("{live}/report")),
        ("sbom", format!("{live}/sbom?platform={platform}")),
        ("deployment", format!("{live}/deployment")),
    ];
    let anyone = Client::remote(&base, None)?;
    for (what, url) in &links {
        let answer =
            anyone.bytes(Method::GET, url.strip_prefix(&base).unwrap_or(url), Payload::Empty).await?;
        if answer.is_empty() {
            return Err(Failure::new(format!("the {what} at {url} is empty"), "please report this"));
        }
    }
    let line =
        |(what, url): &(&str, String)| format!("{:12} {url}\n", output.text.get(&format!("demo-{what}")));
    let mut text: String = links.iter().map(line).collect();
    let again =
        format!("{}/{PUBLISHER}/{OFFER}/{PLAN}:1.0.0 --key {}", stage.west.address, stage.keys.display());
    text += &format!("{:12} edgemarket verify {again}\n", output.text.get("demo-verify"));
    let mut value: serde_json::Map<String, Value> =
        links.iter().map(|(what, url)| ((*what).to_owned(), json!(url))).collect();
    value.insert("digest".to_owned(), json!(stage.image));
    value.insert("publishToSignOffMs".to_owned(), json!(u64::try_from(published_ms).unwrap_or(u64::MAX)));
    value.insert(
        "regions".to_owned(),
        json!([stage.east.address.to_string(), stage.west.address.to_string()]),
    );
    if output.json { output.json_line(&value) } else { output.print(&format!("\n{text}")) }
}

async fn publish(stage: &Stage) -> Result<Submission, Failure> {
    let files = directory::read(&stage.offer_dir)?;
    let base = format!("/api/v1/offers/{PUBLISHER}/{OFFER}");
    let tar = Payload::Tar(directory::to_tar(&files)?);
    let _: Value = stage.publisher.call(Method::PUT, &format!("{base}/draft"), tar).await?;
    let path = format!("{base}/submissions");
    Ok(stage.publisher.call(Method::POST, &path, Payload::Json(json!({}))).await?)
}

fn write_offer(dir: &Path, home: &Place, subscription: &str) -> Result<(), Failure> {
    let files = offer::files(&NewOffer {
        publisher: PUBLISHER.to_owned(),
        offer: OFFER.to_owned(),
        plan: PLAN.to_owned(),
        name: "Machine Telemetry".to_owned(),
        repository: format!("{}/incoming/{PUBLISHER}/{OFFER}", home.address),
        tags: TAGS.map(str::to_owned).to_vec(),
        preview_subscription: subscription.to_owned(),
    });
    directory::write(dir, &files)
}

async fn start(data: &Path, region: &str, listen: SocketAddr) -> Result<Place, Failure> {
    let (listener, address) = bind(listen).await?;
    // The demo is short, and starts no container on somebody's machine unasked.
    let sandbox = "off".to_owned();
    let settings = Settings { listen: address, region: region.to_owned(), sandbox, ..Settings::default() };
    let mut running = Running::open(Config::new(data, settings)).await?;
    running.serve(listener);
    Ok(Place { running, address })
}

/// The operator of an instance in this process.
fn local(place: &Place) -> Client {
    Client::in_process(&place.running)
}

async fn new_token(operator: &Client, role: &str, subject: Option<&str>) -> Result<String, Failure> {
    let mut request = json!({ "role": role, "label": "demo", "expiresDays": 1 });
    if let Some(subject) = subject {
        request["subject"] = json!(subject);
    }
    let made: market::tokens::NewToken =
        operator.call(Method::POST, "/api/v1/tokens", Payload::Json(request)).await?;
    Ok(made.secret)
}

async fn new_customer(operator: &Client, owner: &str) -> Result<(String, String), Failure> {
    let request = Payload::Json(json!({ "owner": owner }));
    let made: market::subscriptions::Subscription =
        operator.call(Method::POST, "/api/v1/subscriptions", request).await?;
    let id = made.id.to_string();
    let token = new_token(operator, "customer", Some(&id)).await?;
    Ok((id, token))
}

fn fresh_directory(given: Option<&Path>) -> Result<PathBuf, Failure> {
    let unusable = |path: &Path, cause: &dyn std::fmt::Display| {
        Failure::could_not_run(
            format!("{} cannot be used: {cause}", path.display()),
            "name another --data directory",
        )
    };
    let Some(path) = given else {
        let made = tempfile::Builder::new().prefix("edgemarket-demo-").tempdir();
        return made.map(tempfile::TempDir::keep).map_err(|cause| unusable(&std::env::temp_dir(), &cause));
    };
    std::fs::create_dir_all(path).map_err(|cause| unusable(path, &cause))?;
    let mut entries = std::fs::read_dir(path).map_err(|cause| unusable(path, &cause))?;
    if entries.next().is_some() {
        return Err(Failure::could_not_run(
            format!("{} is not empty", path.display()),
            "the demo begins with nothing: name a new directory with --data",
        ));
    }
    path.canonicalize().map_err(|cause| unusable(path, &cause))
}

fn expect_state(submission: &Submission, expected: SubmissionState) -> Result<(), Failure> {
    let summary = &submission.summary;
    if summary.state == expected {
        return Ok(());
    }
    let reason = summary.reason.as_deref().unwrap_or("no reason given");
    Err(Failure::new(
        format!("the submission is {:?} rather than {expected:?}: {reason}", summary.state),
        "the messages above say what happened",
    ))
}

fn expect_digest(what: &str, found: Digest, expected: Digest) -> Result<(), Failure> {
    if found == expected {
        return Ok(());
    }
    Err(Failure::new(format!("{what} is {found}, but {expected} was certified"), "please report this"))
}
