//! Editing a draft by its fields, as the form does: what a section shows, and storing what was typed into it. The document
//! is edited in place (`offer::edit`). When somebody else wrote meanwhile, both changes are kept where they do not touch the
//! same field, and nothing is stored where they do.

use crate::access::{self, Actor, Operation};
use crate::bundles::Files;
use crate::error::{Error, Kind, Result};
use crate::market::Market;
use crate::offers::{Draft, IfMatch};
use offer::edit;
use offer::finding::Finding;
use offer::form::{self, Field};
use offer::identity::{OfferId, PublisherId};
use offer::merge::{Conflict, merge};
use offer::module_name::default_module_name;
use offer::pictures;
use offer::reading::DOCUMENT;
use offer::sections::Section;
use offer::template::{NewOffer, new_offer};
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::BTreeMap;

mod texts;

/// How often a save begins again because somebody else's came in between.
const ATTEMPTS: usize = 8;

/// What was typed into a section.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    /// The section's values as they were when the form was shown.
    pub base: Value,
    /// The section's values as they are to be.
    pub yours: Value,
    /// Pictures by the pointer of the field that names them.
    pub pictures: BTreeMap<String, Vec<u8>>,
    /// A plan that is gone is added again.
    pub again: bool,
}

/// What became of it.
#[derive(Debug)]
pub enum Saved {
    /// It is stored.
    Stored {
        /// The draft as it is now.
        draft: Box<Draft>,
        /// Where the section is now: a plan may have moved.
        section: Section,
        /// Pictures that were refused.
        refused: Vec<Finding>,
    },
    /// Somebody else changed the same fields: nothing is stored.
    Conflict {
        /// The draft as it is now.
        draft: Box<Draft>,
        /// Where the section is now.
        section: Section,
        /// Both changes together, yours where they differ.
        merged: Value,
        /// Where they differ.
        conflicts: Vec<Conflict>,
        /// The plan was removed.
        gone: bool,
    },
}

/// The values that the form shows: the document's, with the texts that lie in files of their own.
pub fn shown(files: &Files) -> Result<Value, Box<Finding>> {
    let document = files.get(DOCUMENT).map(|bytes| String::from_utf8_lossy(bytes)).unwrap_or_default();
    let mut values = match document.trim().is_empty() {
        true => Value::Object(serde_json::Map::new()),
        false => edit::values(&document)?,
    };
    texts::fill(&mut values, files);
    Ok(values)
}

/// Number of plans.
pub fn plans(values: &Value) -> usize {
    values.pointer("/plans").and_then(Value::as_array).map_or(0, Vec::len)
}

/// The part of the values that these fields are.
pub fn slice(values: &Value, fields: &[(String, Field)]) -> Value {
    let mut part = Value::Object(serde_json::Map::new());
    for (pointer, _) in fields {
        if let Some(value) = values.pointer(pointer) {
            form::put(&mut part, pointer, Some(value.clone()));
        }
    }
    part
}

impl Market {
    /// A new draft: the template of the command line, with this name.
    pub async fn new_draft(&self, actor: &Actor, key: (&PublisherId, &OfferId), name: &str) -> Result<Draft> {
        let files = self.fresh(key, name);
        self.put_draft(actor, key, files, IfMatch::New).await
    }

    /// The files that a new offer of this name begins with.
    pub fn fresh(&self, (publisher, offer): (&PublisherId, &OfferId), name: &str) -> Files {
        let name = if default_module_name(name).is_ok() { name } else { offer.as_str() };
        new_offer(&NewOffer {
            publisher: publisher.to_string(),
            offer: offer.to_string(),
            name: name.to_owned(),
            repository: format!("{}/incoming/{publisher}/{offer}", self.config.registry_host()),
            ..NewOffer::default()
        })
    }

    /// Whether a publisher can still make an offer of this ID.
    pub async fn is_free(&self, actor: &Actor, (publisher, offer): (&PublisherId, &OfferId)) -> Result<bool> {
        access::permit(actor, Operation::ManageOffers(publisher))?;
        match self.offer_row(publisher, offer).await {
            Ok(_) => Ok(false),
            Err(error) if error.kind == Kind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Stores what was typed into a section, together with what others stored since it was shown.
    pub async fn save_section(
        &self,
        actor: &Actor,
        key: (&PublisherId, &OfferId),
        section: Section,
        typed: Typed,
    ) -> Result<Saved> {
        for _ in 0..ATTEMPTS {
            let draft = self.draft(actor, key).await?;
            let old = shown(&draft.files).map_err(|finding| unreadable(&finding))?;
            let place = match place(section, &typed.base, &old) {
                Some(place) => place,
                None if typed.again => Section::Plan(plans(&old)),
                None => {
                    let merged = typed.yours;
                    let (draft, conflicts) = (Box::new(draft), Vec::new());
                    return Ok(Saved::Conflict { draft, section, merged, conflicts, gone: true });
                }
            };
            let fields = place.fields(plans(&old), &self.config.policy.offer);
            let (base, yours) = (moved(&typed.base, section, place), moved(&typed.yours, section, place));
            let theirs = slice(&old, &fields);
            let base = if typed.again { theirs.clone() } else { base };
            let merged = merge(Some(&base), Some(&yours), Some(&theirs));
            let value = merged.value.unwrap_or_default();
            if !merged.conflicts.is_empty() {
                let (draft, section, conflicts) = (Box::new(draft), place, merged.conflicts);
                return Ok(Saved::Conflict { draft, section, merged: value, conflicts, gone: false });
            }
            let mut new = old.clone();
            if plans(&old) <= index(place).unwrap_or(0) && typed.again {
                append_plan(&mut new);
            }
            for (pointer, _) in &fields {
                form::put(&mut new, pointer, value.pointer(pointer).cloned());
            }
            let (files, refused) = self.with_pictures(&draft.files, &mut new, &typed.pictures);
            match self.put_values(actor, key, (&draft, &files), (&old, new)).await {
                Err(error) if error.kind == Kind::Stale => continue,
                Err(error) => return Err(error),
                Ok(draft) => {
                    return Ok(Saved::Stored { draft: Box::new(draft), section: place, refused });
                }
            }
        }
        Err(Error::conflict(
            "others change this offer all the time, so that the change could not be stored",
            "save it again",
        ))
    }

    /// Adds a plan behind the others, or a copy of one; returns its place.
    pub async fn add_plan(
        &self,
        actor: &Actor,
        key: (&PublisherId, &OfferId),
        id: &str,
        copy_of: Option<usize>,
    ) -> Result<usize> {
        let draft = self.draft(actor, key).await?;
        let old = shown(&draft.files).map_err(|finding| unreadable(&finding))?;
        let (count, max) = (plans(&old), self.config.policy.offer.plans);
        if count >= max {
            return Err(Error::invalid(
                format!("the offer has {count} plans, at most {max} are allowed"),
                "remove one that is not needed",
            ));
        }
        let mut new = old.clone();
        append_plan(&mut new);
        if let Some(plan) = copy_of.and_then(|index| old.pointer(&format!("/plans/{index}"))) {
            let mut plan = plan.clone();
            // Pictures and files stay those of the first one; a text in a file becomes the copy's own.
            if let Some(plan) = plan.as_object_mut() {
                plan.remove("screenshots");
                if plan.contains_key("description") {
                    plan.remove("descriptionFile");
                }
            }
            form::put(&mut new, &format!("/plans/{count}"), Some(plan));
        }
        form::put(&mut new, &format!("/plans/{count}/id"), Some(Value::from(id)));
        self.put_values(actor, key, (&draft, &draft.files), (&old, new)).await?;
        Ok(count)
    }

    /// Removes a plan from the draft. Its ID says which one is meant: another may have its place by now.
    pub async fn remove_plan(
        &self,
        actor: &Actor,
        key: (&PublisherId, &OfferId),
        index: usize,
        id: &str,
    ) -> Result<()> {
        let draft = self.draft(actor, key).await?;
        let old = shown(&draft.files).map_err(|finding| unreadable(&finding))?;
        let mut new = old.clone();
        let plans = new.pointer_mut("/plans").and_then(Value::as_array_mut);
        let found = plans.filter(|plans| plans.get(index).is_some_and(|plan| id_of(plan) == id));
        let Some(plans) = found else {
            return Err(Error::not_found(format!("the plan {id:.60}")));
        };
        plans.remove(index);
        self.put_values(actor, key, (&draft, &draft.files), (&old, new)).await.map(drop)
    }

    /// Stores a draft whose values changed from `old` to `new`, both as they are shown.
    async fn put_values(
        &self,
        actor: &Actor,
        key: (&PublisherId, &OfferId),
        (draft, files): (&Draft, &Files),
        (old, new): (&Value, Value),
    ) -> Result<Draft> {
        let mut files = files.clone();
        let mut new = new;
        texts::take_out(&mut new, old, &mut files);
        let before = texts::named(old);
        for gone in before.difference(&texts::named(&new)) {
            files.remove(gone);
        }
        let document =
            draft.files.get(DOCUMENT).map(|bytes| String::from_utf8_lossy(bytes)).unwrap_or_default();
        let document = edit::edit(&document, &new).map_err(|finding| unwritable(&finding))?;
        files.insert(DOCUMENT.to_owned(), document.into_bytes());
        self.store_draft(actor, key, files, IfMatch::Etag(draft.etag), true).await
    }

    /// The files with these pictures, whose paths are put into the values; and why some were refused.
    fn with_pictures(
        &self,
        files: &Files,
        values: &mut Value,
        pictures: &BTreeMap<String, Vec<u8>>,
    ) -> (Files, Vec<Finding>) {
        let (mut files, mut refused) = (files.clone(), Vec::new());
        for (pointer, bytes) in pictures {
            let Some(size) = pictures::size_of(pointer, &self.config.policy.offer) else { continue };
            if let Err(error) = pictures::check(bytes, size) {
                let hint = format!("save the picture as a PNG of {}×{} pixels", size.0, size.1);
                refused.push(Finding::error(error.rule(), pointer, format!("the picture {error}"), hint));
                continue;
            }
            let path = texts::path_for(pointer, values, &files);
            form::put(values, pointer, Some(Value::from(path.as_str())));
            // There is no such row, and so no field that would name the file.
            if values.pointer(pointer).is_some() {
                files.insert(path, bytes.clone());
            }
        }
        leave_out_empty_rows(values, &mut refused);
        (files, refused)
    }
}

/// Takes out the rows that were to have nothing but a picture, which was refused. The refusal is about the empty row at the end
/// of the form instead.
fn leave_out_empty_rows(values: &mut Value, refused: &mut [Finding]) {
    let row_of = |pointer: &str| {
        let mut parts = pointer.rsplitn(3, '/');
        let (field, index) = (parts.next()?.to_owned(), parts.next()?.parse::<usize>().ok()?);
        Some((parts.next()?.to_owned(), index, field))
    };
    // From the last row on: those before it keep their places.
    refused.sort_by_key(|finding| Reverse(row_of(&finding.pointer).map(|(_, index, _)| index)));
    let mut moved = Vec::new();
    for finding in refused {
        let Some((list, index, field)) = row_of(&finding.pointer) else { continue };
        let Some(rows) = values.pointer_mut(&list).and_then(Value::as_array_mut) else { continue };
        if rows.get(index).and_then(Value::as_object).is_some_and(serde_json::Map::is_empty) {
            rows.remove(index);
            moved.push((finding, list, field));
        }
    }
    for (finding, list, field) in moved {
        let left = values.pointer(&list).and_then(Value::as_array).map_or(0, Vec::len);
        finding.pointer = format!("{list}/{left}/{field}");
        if left == 0 {
            form::put(values, &list, None);
        }
    }
}

fn index(section: Section) -> Option<usize> {
    if let Section::Plan(index) = section { Some(index) } else { None }
}

fn id_of(plan: &Value) -> &str {
    plan.get("id").and_then(Value::as_str).unwrap_or_default()
}

/// Where the section is in the values now. A plan is known by the ID that it had, else by its place; `None`: it is gone.
fn place(section: Section, base: &Value, values: &Value) -> Option<Section> {
    let Section::Plan(index) = section else { return Some(section) };
    let plans = values.pointer("/plans").and_then(Value::as_array)?;
    let id = base.pointer(&format!("/plans/{index}")).map(id_of).filter(|id| !id.is_empty());
    if plans.get(index).is_some_and(|plan| id.is_none_or(|id| id_of(plan) == id)) {
        return Some(section);
    }
    plans.iter().position(|plan| id.is_some_and(|id| id_of(plan) == id)).map(Section::Plan)
}

/// The values of a plan's section at another place.
fn moved(values: &Value, from: Section, to: Section) -> Value {
    match (from, to) {
        (Section::Plan(from), Section::Plan(to)) if from != to => {
            let mut moved = Value::Object(serde_json::Map::new());
            let plan = values.pointer(&format!("/plans/{from}")).cloned();
            form::put(&mut moved, &format!("/plans/{to}"), plan);
            moved
        }
        _ => values.clone(),
    }
}

fn append_plan(values: &mut Value) {
    if !values.pointer("/plans").is_some_and(Value::is_array) {
        form::put(values, "/plans", Some(Value::Array(Vec::new())));
    }
    if let Some(plans) = values.pointer_mut("/plans").and_then(Value::as_array_mut) {
        plans.push(Value::Object(serde_json::Map::new()));
    }
}

fn unreadable(finding: &Finding) -> Error {
    let place = finding.position.as_ref().map(|position| format!("{position}: ")).unwrap_or_default();
    let (message, hint) = (format!("{place}{}", finding.message), finding.hint.clone());
    Error { findings: vec![finding.clone()], ..Error::conflict(message, hint) }
}

fn unwritable(finding: &Finding) -> Error {
    let (message, hint) = (finding.message.clone(), finding.hint.clone());
    Error { findings: vec![finding.clone()], ..Error::invalid(message, hint) }
}
