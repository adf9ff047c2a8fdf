//! `deployment`: what a fleet manager applies, for one or several live plans or a preview, in each of the forms; and deleting
//! one that was kept.

use super::submission::split_offer;
use super::target::Target;
use crate::client::Payload;
use crate::output::{Failure, Output};
use axum::http::Method;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use offer::deployment::{Form, parse_lines};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// `edgemarket deployment`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Deployment {
    #[command(subcommand)]
    command: Option<DeploymentCommand>,
    /// PUBLISHER.OFFER/PLAN, or PUBLISHER.OFFER/PLAN=NAME to choose the module's name on the device
    #[arg(required = true, value_name = "PLAN")]
    plans: Vec<String>,
    /// What it is for
    #[arg(long, default_value = "azure", value_parser = PossibleValuesParser::new(Form::ALL.map(Form::id)))]
    form: String,
    /// Value of a placeholder, with the number of the plan before it when there are several (2:PORT=8080); may be repeated
    #[arg(long = "set", value_name = "[N:]NAME=VALUE")]
    values: Vec<String>,
    /// A route between the modules: NAME = FROM … INTO …; may be repeated
    #[arg(long = "route", value_name = "ROUTE")]
    routes: Vec<String>,
    /// Images follow `latest` rather than stay at the certified digest
    #[arg(long)]
    follow: bool,
    /// The same as --form azure-layered
    #[arg(long, conflicts_with = "form")]
    layered: bool,
    /// Of the submission that waits for sign-off rather than of what is live
    #[arg(long)]
    preview: bool,
    /// Keep it under a permanent link, for this subscription, which has acquired the plans
    #[arg(long, value_name = "ID", conflicts_with = "preview")]
    subscription: Option<uuid::Uuid>,
    /// Directory to write the files into; needed where a form has several
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    target: Target,
}

/// `edgemarket deployment COMMAND`
#[derive(Debug, Subcommand)]
enum DeploymentCommand {
    /// Delete a kept deployment: its link leads nowhere from then on
    Delete(Delete),
}

/// `edgemarket deployment delete`
#[derive(Debug, Args)]
struct Delete {
    /// ID of the deployment, as its link ends
    id: String,
    /// Only if it is the deployment that is meant: without it nothing is deleted
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    target: Target,
}

/// What the marketplace answers; the whole of it is printed with `--json`.
#[derive(Deserialize)]
struct Made {
    id: Option<String>,
    files: Vec<offer::deployment::File>,
    warnings: Vec<market::deployments::Warning>,
}

/// Prints the file on standard output, or writes the files into a directory; or deletes a kept deployment.
pub async fn deployment(args: &Deployment, output: &Output) -> Result<(), Failure> {
    match &args.command {
        Some(DeploymentCommand::Delete(args)) => delete(args, output).await,
        None => make(args, output).await,
    }
}

async fn delete(args: &Delete, output: &Output) -> Result<(), Failure> {
    // What else the text may be, it is one part of a path.
    let id: uuid::Uuid = args.id.parse().map_err(|_| {
        Failure::usage(format!("{:?} is no deployment's ID", args.id), "give the last part of its link")
    })?;
    if !args.yes {
        return Err(Failure::usage(
            format!("the deployment {id} was not deleted: it cannot be brought back"),
            "say --yes when you are sure",
        ));
    }
    args.target.call_for_nothing(Method::DELETE, &format!("/api/v1/deployments/{id}")).await?;
    output.remark(&output.text.with("deployment-deleted", &[("id", &id.to_string())]));
    Ok(())
}

async fn make(args: &Deployment, output: &Output) -> Result<(), Failure> {
    let answer: Value =
        args.target.call(Method::POST, "/api/v1/deployments", Payload::Json(body(args)?)).await?;
    let made: Made = serde_json::from_value(answer.clone()).map_err(|cause| {
        Failure::could_not_run(format!("the answer is no deployment: {cause}"), "please report this")
    })?;
    for warning in &made.warnings {
        output.remark(&format!(
            "{}: {}\n    {}: {}",
            output.text.get("level-warning"),
            output.text.told(&warning.message),
            output.text.get("hint"),
            output.text.told(&warning.hint)
        ));
    }
    if let Some(id) = &made.id {
        output.remark(&output.text.with("deployment-kept", &[("id", id)]));
    }
    if let Some(directory) = &args.output {
        return write(directory, &made.files, output);
    }
    if output.json {
        return output.json(&answer);
    }
    match made.files.as_slice() {
        [only] => output.print(&only.content),
        files => {
            let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
            Err(Failure::usage(
                format!("this form has {} files: {}", names.len(), names.join(", ")),
                "write them into a directory with --output DIR, or print them as JSON with --json",
            ))
        }
    }
}

fn body(args: &Deployment) -> Result<Value, Failure> {
    let mut modules = args.plans.iter().map(|plan| module(plan)).collect::<Result<Vec<Value>, Failure>>()?;
    let mut values = vec![Map::new(); modules.len()];
    for given in &args.values {
        let (index, name, value) = value_of(given, modules.len())?;
        values[index].insert(name, json!(value));
    }
    for (module, values) in modules.iter_mut().zip(values) {
        module["values"] = Value::Object(values);
    }
    let routes = parse_lines(&args.routes.join("\n")).map_err(|errors| {
        let first = errors.into_iter().next();
        let (line, column, message, hint) =
            first.map(|error| (error.line, error.column, error.message, error.hint)).unwrap_or_default();
        Failure::usage(format!("--route number {line}, column {column}: {message}"), hint)
    })?;
    let routes: Vec<Value> =
        routes.iter().map(|route| json!({ "name": route.name, "value": route.value })).collect();
    let form = if args.layered { Form::AzureLayered.id() } else { &args.form };
    Ok(json!({
        "form": form,
        "follow": args.follow,
        "preview": args.preview,
        "subscription": args.subscription,
        "modules": modules,
        "routes": routes,
    }))
}

fn module(text: &str) -> Result<Value, Failure> {
    let (plan, module_name) = match text.split_once('=') {
        Some((plan, name)) => (plan, Some(name)),
        None => (text, None),
    };
    let (publisher, offer, plan) = split_plan(plan)?;
    Ok(json!({ "publisher": publisher, "offer": offer, "plan": plan, "name": module_name }))
}

/// The parts of PUBLISHER.OFFER/PLAN.
pub fn split_plan(text: &str) -> Result<(String, String, String), Failure> {
    let (name, plan) = text.split_once('/').ok_or_else(|| {
        Failure::usage(
            format!("{text:?} names no plan"),
            "write PUBLISHER.OFFER/PLAN, for example contoso.telemetry/standard",
        )
    })?;
    let (publisher, offer) = split_offer(name)?;
    Ok((publisher.to_string(), offer.to_string(), plan.to_owned()))
}

/// Which module, and which value.
fn value_of(given: &str, modules: usize) -> Result<(usize, String, &str), Failure> {
    let (name, value) = given
        .split_once('=')
        .ok_or_else(|| Failure::usage(format!("--set {given:?} has no `=`"), "write --set NAME=VALUE"))?;
    let bad = |message: String| {
        Failure::usage(message, format!("write --set N:NAME=VALUE, with N from 1 to {modules}"))
    };
    match name.split_once(':') {
        Some((number, name)) => match number.parse::<usize>() {
            Ok(number) if (1..=modules).contains(&number) => Ok((number - 1, name.to_owned(), value)),
            _ => Err(bad(format!("--set {number}:{name} names no plan by its number"))),
        },
        None if modules == 1 => Ok((0, name.to_owned(), value)),
        None => Err(bad(format!("--set {name} does not say for which of the {modules} plans it is"))),
    }
}

/// Writes files into a directory, which is made. Names come from a server, and only plain ones are taken.
fn write(
    directory: &std::path::Path,
    files: &[offer::deployment::File],
    output: &Output,
) -> Result<(), Failure> {
    let failed = |what: String, hint: &str| Failure::could_not_run(what, hint);
    std::fs::create_dir_all(directory).map_err(|cause| {
        failed(format!("making {}: {cause}", directory.display()), "choose a directory that can be written")
    })?;
    for file in files {
        let is_plain = !file.name.starts_with('.')
            && file.name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
        if !is_plain {
            return Err(failed(format!("the server names a file {:?}", file.name), "please report this"));
        }
        let path = directory.join(&file.name);
        std::fs::write(&path, &file.content).map_err(|cause| {
            failed(format!("writing {}: {cause}", path.display()), "check the directory and the disk")
        })?;
        output.print(&format!("{}\n", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        deployment: Deployment,
    }

    fn parsed(line: &[&str]) -> Result<Deployment, clap::Error> {
        Line::try_parse_from(["deployment"].iter().chain(line)).map(|line| line.deployment)
    }

    #[test]
    fn a_plan_is_deployed_and_an_id_is_deleted() {
        let made = parsed(&["contoso.sensor/standard", "--form", "compose"]).expect("a plan");
        assert!(made.command.is_none() && made.plans == ["contoso.sensor/standard"]);
        let deleted = parsed(&["delete", "x", "--yes", "--data", "d"]).expect("an ID");
        let Some(DeploymentCommand::Delete(delete)) = deleted.command else { panic!("nothing is deleted") };
        assert!(delete.yes && delete.id == "x");
        for bad in [&[][..], &["delete"], &["--follow"], &["delete", "x", "--form", "compose"]] {
            assert!(parsed(bad).is_err(), "{bad:?}");
        }
    }
}
