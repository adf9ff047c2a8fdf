//! The one place that decides who may do what. Every use case, and the registry's owner, asks [`permit`]; nobody else
//! compares roles. It decides on facts that the caller has read from the store; it reads nothing itself.

use crate::error::{Error, Kind};
use offer::identity::PublisherId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "role", content = "subject")]
pub enum Actor {
    /// Nobody in particular.
    Anonymous,
    /// Runs the marketplace; also the owner of the data directory on the command line.
    Operator,
    /// A vendor.
    Publisher(PublisherId),
    /// A customer's subscription.
    Customer(Uuid),
    /// The home marketplace of this region, which pushes here what its pipeline finished.
    Region(String),
}

impl Actor {
    /// Subscriptions that this actor may acquire for.
    pub fn subscriptions(&self) -> &[Uuid] {
        match self {
            Actor::Customer(own) => std::slice::from_ref(own),
            _ => &[],
        }
    }

    /// Publishers whose offers are this actor's own; an operator manages those of all, and has none.
    pub fn publishers(&self) -> &[PublisherId] {
        match self {
            Actor::Publisher(own) => std::slice::from_ref(own),
            _ => &[],
        }
    }
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Actor::Anonymous => f.write_str("anonymous"),
            Actor::Operator => f.write_str("operator"),
            Actor::Publisher(id) => write!(f, "publisher:{id}"),
            Actor::Customer(id) => write!(f, "customer:{id}"),
            Actor::Region(name) => write!(f, "region:{name}"),
        }
    }
}

/// Roles that a token can have, with their subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "role", content = "subject")]
#[allow(missing_docs, reason = "as the Actor of the same name")]
pub enum TokenRole {
    Operator,
    Publisher(String),
    Customer(Uuid),
    Region(String),
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy)]
pub enum Operation<'a> {
    /// Publishers, subscriptions, regions, tokens, dead tasks.
    Administer,
    /// Waive findings of certifications, and decide on those that wait for a person. Operators are the certifiers.
    Certify,
    /// Have offers to manage at all, whichever they are. Asked before something is looked up by its bare id, so that the
    /// answer to those who never may see it does not depend on whether it exists.
    HaveOffers,
    /// See and change drafts, publish, go live, cancel, read history and operations of this publisher's offers.
    ManageOffers(&'a PublisherId),
    /// See live offers, their pages, reports, SBOMs and deployments.
    Browse,
    /// See the preview of a submission that waits for sign-off.
    SeePreview {
        /// Whose offer it is.
        publisher: &'a PublisherId,
        /// The subscriptions that it names.
        subscriptions: &'a [Uuid],
    },
    /// Read from a registry repository.
    Pull(Repository<'a>),
    /// Write to a registry repository.
    Push(Repository<'a>),
    /// Remove from a registry repository.
    Delete(Repository<'a>),
    /// Move the tags of public repositories, as a region of another marketplace.
    Replicate,
}

/// A registry repository, by scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repository<'a> {
    /// `incoming/{publisher}/…`.
    Incoming {
        /// Who may push there, beside operators.
        publisher: &'a str,
    },
    /// `preview/{publisher}/{offer}/{plan}`.
    Preview {
        /// Whose offer it is.
        publisher: &'a str,
        /// The asking subscription is named by the submission that waits for sign-off.
        granted: bool,
    },
    /// `{publisher}/{offer}/{plan}`.
    Public {
        /// The plan is public, or private and the asker is of its audience.
        open: bool,
    },
    /// Any other name.
    Unknown,
}

/// A refusal: who may not do what. [`Error`] is made of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{actor} may not {what}")]
pub struct Denied {
    /// Who.
    pub actor: String,
    /// What.
    pub what: String,
    /// How it is said: [`Kind::Unauthenticated`] to nobody in particular, [`Kind::NotFound`] to a publisher that asks
    /// for what is another's, [`Kind::Denied`] else.
    pub kind: Kind,
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Error {
        match denied.kind {
            Kind::Unauthenticated => Error::new(
                Kind::Unauthenticated,
                format!("a token is needed to {}", denied.what),
                "send one, or sign in with it; an operator makes it with `edgemarket token create`",
            ),
            Kind::NotFound => Error::not_found("this offer"),
            kind => Error::new(
                kind,
                denied.to_string(),
                "use a token of the right role; `edgemarket token create` makes one",
            ),
        }
    }
}

/// Whether this actor may do this.
pub fn permit(actor: &Actor, operation: Operation<'_>) -> Result<(), Denied> {
    use Operation::*;
    let allowed = match (actor, operation) {
        (
            Actor::Operator,
            Administer | Certify | HaveOffers | ManageOffers(_) | Browse | SeePreview { .. },
        ) => true,
        (_, Browse) => true,
        (Actor::Region(_), Replicate) => true,
        (Actor::Publisher(_), HaveOffers) => true,
        (Actor::Publisher(own), ManageOffers(publisher)) => own == publisher,
        (Actor::Publisher(own), SeePreview { publisher, .. }) => own == publisher,
        (Actor::Customer(own), SeePreview { subscriptions, .. }) => subscriptions.contains(own),
        (_, Pull(repository)) => may_pull(actor, repository),
        (_, Push(repository)) => may_push(actor, repository),
        (_, Delete(repository)) => *actor == Actor::Operator && repository != Repository::Unknown,
        _ => false,
    };
    if allowed {
        return Ok(());
    }
    let kind = match (actor, operation) {
        (Actor::Anonymous, _) => Kind::Unauthenticated,
        (Actor::Publisher(_), ManageOffers(_) | SeePreview { .. }) => Kind::NotFound,
        _ => Kind::Denied,
    };
    Err(Denied { actor: actor.to_string(), what: describe(operation), kind })
}

fn may_pull(actor: &Actor, repository: Repository<'_>) -> bool {
    match (actor, repository) {
        (_, Repository::Public { open: true }) => true,
        (_, Repository::Unknown) => false,
        (Actor::Operator, _) => true,
        (Actor::Publisher(own), Repository::Incoming { publisher }) => own.as_str() == publisher,
        (Actor::Customer(_), Repository::Preview { granted, .. }) => granted,
        _ => false,
    }
}

/// Nobody pushes to the public scope but the pipeline, which does not come through the registry's door, and the
/// pipeline of the home marketplace, which comes with a region token. A private plan never comes from elsewhere.
/// Operators may try out in the incoming scope what they remove again: nothing of it is read but by its publisher.
fn may_push(actor: &Actor, repository: Repository<'_>) -> bool {
    match (actor, repository) {
        (Actor::Operator, Repository::Incoming { .. }) => true,
        (Actor::Publisher(own), Repository::Incoming { publisher }) => own.as_str() == publisher,
        (Actor::Region(_), Repository::Public { open }) => open,
        _ => false,
    }
}

fn describe(operation: Operation<'_>) -> String {
    match operation {
        Operation::Administer => "administer the marketplace".to_owned(),
        Operation::Certify => "waive findings of certifications".to_owned(),
        Operation::HaveOffers => "manage offers".to_owned(),
        Operation::ManageOffers(publisher) => format!("manage the offers of {publisher}"),
        Operation::Browse => "browse live offers".to_owned(),
        Operation::SeePreview { publisher, .. } => format!("see a preview of {publisher}"),
        Operation::Pull(_) => "pull from this repository".to_owned(),
        Operation::Push(_) => "push to this repository".to_owned(),
        Operation::Replicate => "move the tags of a region".to_owned(),
        Operation::Delete(_) => "remove anything from this repository".to_owned(),
    }
}
