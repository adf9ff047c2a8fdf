//! The one place that decides who may do what. Every use case, and the registry's owner, asks [`permit`]; nobody else
//! compares roles. It decides on facts that the caller has read from the store; it reads nothing itself.

use crate::error::{Error, Kind};
use offer::identity::PublisherId;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
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
    /// A person who signed in by name, and may do what any of its roles allows.
    Account(Arc<AccountRoles>),
}

/// What an account is, all at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountRoles {
    /// The account's ID.
    pub id: String,
    /// The name that it signs in by.
    pub name: String,
    /// It runs the marketplace.
    pub operator: bool,
    /// Publishers that it is a member of.
    pub publishers: Vec<PublisherId>,
    /// Those of them that it is an owner of.
    pub owned: Vec<PublisherId>,
    /// Subscriptions that it holds.
    pub subscriptions: Vec<Uuid>,
}

impl Actor {
    /// Subscriptions that this actor may acquire for.
    pub fn subscriptions(&self) -> &[Uuid] {
        match self {
            Actor::Customer(own) => std::slice::from_ref(own),
            Actor::Account(roles) => &roles.subscriptions,
            _ => &[],
        }
    }

    /// Publishers whose offers are this actor's own; an operator manages those of all, and has none.
    pub fn publishers(&self) -> &[PublisherId] {
        match self {
            Actor::Publisher(own) => std::slice::from_ref(own),
            Actor::Account(roles) => &roles.publishers,
            _ => &[],
        }
    }

    /// Whether it runs the marketplace.
    pub fn is_operator(&self) -> bool {
        match self {
            Actor::Operator => true,
            Actor::Account(roles) => roles.operator,
            _ => false,
        }
    }

    /// The person who signed in by name.
    pub fn account(&self) -> Option<&AccountRoles> {
        match self {
            Actor::Account(roles) => Some(roles),
            _ => None,
        }
    }

    /// Publishers whose members and tokens are this actor's business. A publisher's token is not for that: what a build
    /// machine holds shall not invite people.
    fn owned(&self) -> &[PublisherId] {
        self.account().map_or(&[], |roles| &roles.owned)
    }

    /// Whether it is this by itself, and not by being an operator who may do everything.
    pub(crate) fn holds(&self, role: &TokenRole) -> bool {
        match role {
            TokenRole::Operator => self.is_operator(),
            TokenRole::Publisher(id) => self.publishers().iter().any(|own| own.as_str() == id),
            TokenRole::Customer(id) => self.subscriptions().contains(id),
            TokenRole::Region(_) => false,
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
            Actor::Account(roles) => write!(f, "account:{}", roles.name),
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
    /// Publishers, subscriptions, regions, tokens, accounts, dead tasks.
    Administer,
    /// Look after one's own account: password, sessions, tokens, subscriptions.
    HaveAccount,
    /// See, invite, change and remove the members of a publisher, and revoke its tokens.
    ManageMembers(&'a PublisherId),
    /// Make a token of this role.
    MakeToken(&'a TokenRole),
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
    /// Acquire, deploy and see what was acquired and deployed for a subscription.
    UseSubscription(&'a Uuid),
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
                format!("nobody in particular may {}", denied.what),
                "sign in, or send a token; an operator makes it with `edgemarket token create`",
            ),
            Kind::NotFound => Error::not_found("this offer or publisher"),
            kind => Error::new(
                kind,
                denied.to_string(),
                "sign in with an account that has the right role, or use a token of it",
            ),
        }
    }
}

/// Whether this actor may do this: whether any of its roles allows it.
pub fn permit(actor: &Actor, operation: Operation<'_>) -> Result<(), Denied> {
    use Operation::*;
    let operator = actor.is_operator();
    let is_of = |publisher: &PublisherId| actor.publishers().contains(publisher);
    let allowed = match operation {
        Browse => true,
        Administer | Certify => operator,
        HaveAccount => actor.account().is_some(),
        HaveOffers => operator || !actor.publishers().is_empty(),
        ManageOffers(publisher) => operator || is_of(publisher),
        ManageMembers(publisher) => operator || actor.owned().contains(publisher),
        // A token makes no other one, but an operator's.
        MakeToken(role) => operator || (actor.account().is_some() && actor.holds(role)),
        SeePreview { publisher, subscriptions } => {
            let named = |own| subscriptions.contains(own);
            operator || is_of(publisher) || actor.subscriptions().iter().any(named)
        }
        UseSubscription(subscription) => operator || actor.subscriptions().contains(subscription),
        Replicate => matches!(actor, Actor::Region(_)),
        Pull(repository) => may_pull(actor, repository),
        Push(repository) => may_push(actor, repository),
        Delete(repository) => operator && repository != Repository::Unknown,
    };
    if allowed {
        return Ok(());
    }
    let kind = match operation {
        _ if *actor == Actor::Anonymous => Kind::Unauthenticated,
        ManageOffers(publisher) | ManageMembers(publisher) | SeePreview { publisher, .. } => {
            let publishes = !actor.publishers().is_empty();
            if publishes && !is_of(publisher) { Kind::NotFound } else { Kind::Denied }
        }
        UseSubscription(_) => Kind::NotFound,
        _ => Kind::Denied,
    };
    Err(Denied { actor: actor.to_string(), what: describe(operation), kind })
}

fn may_pull(actor: &Actor, repository: Repository<'_>) -> bool {
    match repository {
        Repository::Public { open: true } => true,
        Repository::Unknown => false,
        _ if actor.is_operator() => true,
        Repository::Incoming { publisher } => is_of(actor, publisher),
        Repository::Preview { granted, .. } => granted && !actor.subscriptions().is_empty(),
        Repository::Public { open: false } => false,
    }
}

/// Nobody pushes to the public scope but the pipeline, which does not come through the registry's door, and the
/// pipeline of the home marketplace, which comes with a region token. A private plan never comes from elsewhere.
/// Operators may try out in the incoming scope what they remove again: nothing of it is read but by its publisher.
fn may_push(actor: &Actor, repository: Repository<'_>) -> bool {
    match repository {
        Repository::Incoming { publisher } => actor.is_operator() || is_of(actor, publisher),
        Repository::Public { open } => open && matches!(actor, Actor::Region(_)),
        _ => false,
    }
}

fn is_of(actor: &Actor, publisher: &str) -> bool {
    actor.publishers().iter().any(|own| own.as_str() == publisher)
}

fn describe(operation: Operation<'_>) -> String {
    match operation {
        Operation::Administer => "administer the marketplace".to_owned(),
        Operation::HaveAccount => {
            "have an account: only who signed in by name and password has one".to_owned()
        }
        Operation::ManageMembers(publisher) => format!("manage the members of {publisher}"),
        Operation::MakeToken(_) => "make a token of this role".to_owned(),
        Operation::Certify => "waive findings of certifications".to_owned(),
        Operation::HaveOffers => "manage offers".to_owned(),
        Operation::ManageOffers(publisher) => format!("manage the offers of {publisher}"),
        Operation::Browse => "browse live offers".to_owned(),
        Operation::SeePreview { publisher, .. } => format!("see a preview of {publisher}"),
        Operation::UseSubscription(_) => "acquire and deploy for this subscription".to_owned(),
        Operation::Pull(_) => "pull from this repository".to_owned(),
        Operation::Push(_) => "push to this repository".to_owned(),
        Operation::Replicate => "move the tags of a region".to_owned(),
        Operation::Delete(_) => "remove anything from this repository".to_owned(),
    }
}
