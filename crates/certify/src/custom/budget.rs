//! What one evaluation of an expression may cost. The interpreter knows no limit, so the expression is rewritten when it
//! is compiled: every turn of a loop, every search in a list and everything that makes a new value calls one of these
//! functions. When the budget is used up loops end, and the evaluation counts as failed whatever came out.
//!
//! The names begin with `@`, which nobody can write in CEL.

use cel::common::types::{CelList, CelMap, CelString};
use cel::common::value::{CowVal, Val};
use cel::{Context, ExecutionError, FunctionContext};
use regex_automata::meta::Regex;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Most turns of loops and compared list items of one evaluation: a few passes over the packages of a large image.
pub const STEPS_MAX: u64 = 200_000;
/// Most bytes of values that one evaluation may make.
pub const BYTES_MAX: u64 = 16 << 20;
/// Most distinct patterns that one evaluation may match with; each is compiled once.
const PATTERNS_MAX: usize = 32;
/// Most bytes of a compiled pattern.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// Counts a turn of a loop; false ends it.
pub const TICK: &str = "@tick";
/// Gives its argument back, and counts the bytes of what was just made.
pub const CHARGE: &str = "@charge";
/// Adds its arguments as `+` does, and counts the bytes of the sum before it is made.
pub const SUM: &str = "@sum";
/// Gives its argument back, and counts the items that are going to be looked through.
pub const SEARCH: &str = "@search";

/// What is left.
pub struct Budget {
    steps: AtomicU64,
    bytes: AtomicU64,
    used_up: AtomicBool,
    patterns: Mutex<HashMap<String, Regex>>,
}

type Counted = Box<
    dyn for<'c, 'v> Fn(&mut FunctionContext<'c, 'v>) -> Result<CowVal<'c, 'v>, ExecutionError> + Send + Sync,
>;

impl Budget {
    /// A whole one.
    pub fn whole() -> Arc<Budget> {
        Arc::new(Budget {
            steps: AtomicU64::new(STEPS_MAX),
            bytes: AtomicU64::new(BYTES_MAX),
            used_up: AtomicBool::new(false),
            patterns: Mutex::default(),
        })
    }

    /// Whether nothing that came out may be believed.
    pub fn is_used_up(&self) -> bool {
        self.used_up.load(Ordering::Relaxed)
    }

    /// Makes the functions known to an evaluation.
    pub fn register(budget: &Arc<Budget>, context: &mut Context<'_, '_>) -> Result<(), String> {
        let told = |error: cel::DeclarationError| error.to_string();
        let own = Arc::clone(budget);
        context.add_function(TICK, move || own.take(&own.steps, 1)).map_err(told)?;
        let own = Arc::clone(budget);
        let charge: Counted = Box::new(move |call| {
            let value = argument(call)?;
            own.spend(&own.bytes, weight(value.as_ref())).map(|()| value)
        });
        context.add_function(CHARGE, charge).map_err(told)?;
        let own = Arc::clone(budget);
        let sum: Counted = Box::new(move |call| {
            let (right, left) = (argument(call)?, argument(call)?);
            own.spend(&own.bytes, weight(left.as_ref()) + weight(right.as_ref()))?;
            let types = || [&left, &right].map(|value| value.get_type().name().to_owned()).into();
            let unknown = || ExecutionError::no_such_overload("_+_", types());
            let adder = left.as_adder().ok_or_else(unknown)?;
            Ok(CowVal::Owned(adder.add(right.as_ref())?.into_owned()))
        });
        context.add_function(SUM, sum).map_err(told)?;
        let own = Arc::clone(budget);
        let search: Counted = Box::new(move |call| {
            let value = argument(call)?;
            let items = value.as_sizer().map_or(0, |sizer| u64::try_from(*sizer.size().inner()).unwrap_or(0));
            let is_text = value.downcast_ref::<CelString>().is_some();
            own.spend(&own.steps, if is_text { 0 } else { items }).map(|()| value)
        });
        context.add_function(SEARCH, search).map_err(told)?;
        let own = Arc::clone(budget);
        let matches = move |cel::extractors::This(text): cel::extractors::This<Arc<String>>,
                            pattern: Arc<String>| { own.matches(&text, &pattern) };
        context.add_function("matches", matches).map_err(told)
    }

    fn take(&self, from: &AtomicU64, amount: u64) -> bool {
        let taken = from.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(amount));
        if taken.is_err() {
            self.used_up.store(true, Ordering::Relaxed);
        }
        !self.is_used_up()
    }

    fn spend(&self, from: &AtomicU64, amount: u64) -> Result<(), ExecutionError> {
        match self.take(from, amount) {
            true => Ok(()),
            false => Err(ExecutionError::function_error("the expression", "used its budget up")),
        }
    }

    /// CEL's `matches`: an unanchored search, in time linear in text and pattern.
    fn matches(&self, text: &str, pattern: &str) -> Result<bool, ExecutionError> {
        let wrong = |fact: String| ExecutionError::function_error("matches", fact);
        let mut patterns = self.patterns.lock().unwrap_or_else(PoisonError::into_inner);
        if !patterns.contains_key(pattern) {
            if patterns.len() == PATTERNS_MAX {
                return Err(wrong(format!("more than {PATTERNS_MAX} different patterns are used")));
            }
            let config = Regex::config().nfa_size_limit(Some(PATTERN_BYTES_MAX));
            let built = Regex::builder().configure(config).build(pattern);
            let built = built.map_err(|error| wrong(format!("{pattern:.100?} is no pattern: {error}")))?;
            patterns.insert(pattern.to_owned(), built);
        }
        Ok(patterns.get(pattern).is_some_and(|regex| regex.is_match(text)))
    }
}

fn argument<'c, 'v>(call: &mut FunctionContext<'c, 'v>) -> Result<CowVal<'c, 'v>, ExecutionError> {
    call.args.pop().ok_or_else(|| ExecutionError::invalid_argument_count(1, 0))
}

/// About as many bytes as the value takes.
fn weight(value: &dyn Val) -> u64 {
    // Of an item in a list or map.
    const ITEM: u64 = 32;
    if let Some(text) = value.downcast_ref::<CelString>() {
        ITEM + text.inner().len() as u64
    } else if let Some(list) = value.downcast_ref::<CelList>() {
        list.inner().iter().map(|item| weight(item.as_ref())).sum::<u64>() + ITEM
    } else if let Some(map) = value.downcast_ref::<CelMap>() {
        map.inner().iter().map(|(key, item)| weight(key.inner()) + weight(item.as_ref())).sum::<u64>() + ITEM
    } else {
        ITEM
    }
}
