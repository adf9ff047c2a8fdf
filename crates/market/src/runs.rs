//! Long work of which one runs at a time, in the memory of this process: scrubs and collections. A restart ends it, and it
//! can be begun again at any time.

use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum RunState {
    Running,
    Finished,
    Failed,
}

impl RunState {
    /// The state after this outcome, and why it failed.
    pub(crate) fn after(outcome: Result<()>) -> (RunState, Option<String>) {
        match outcome {
            Ok(()) => (RunState::Finished, None),
            Err(error) => (RunState::Failed, Some(error.message)),
        }
    }
}

/// What the run that runs or ran last tells of itself.
pub(crate) struct Last<T>(Mutex<Option<T>>);

impl<T> Default for Last<T> {
    fn default() -> Last<T> {
        Last(Mutex::new(None))
    }
}

impl<T: Clone> Last<T> {
    fn lock(&self) -> MutexGuard<'_, Option<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a new run in place of the last; false, and nothing changes, while that one runs.
    pub(crate) fn begin(&self, new: &T, state: impl FnOnce(&T) -> RunState) -> bool {
        let mut last = self.lock();
        let runs = last.as_ref().is_some_and(|last| state(last) == RunState::Running);
        if !runs {
            *last = Some(new.clone());
        }
        !runs
    }

    pub(crate) fn get(&self) -> Option<T> {
        self.lock().clone()
    }

    pub(crate) fn progress(&self, change: impl FnOnce(&mut T)) {
        self.lock().as_mut().map(change);
    }
}
