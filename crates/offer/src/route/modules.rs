//! Which paths mean something as a source, and which modules a plan's route may name.

use super::Route;
use super::ast::{Endpoint, Item, Source};
use crate::placeholder;

/// A module that a route may not name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleError {
    /// Column in characters, from 1.
    pub column: usize,
    /// The module's name, as written.
    pub module: String,
    /// The fact.
    pub message: String,
    /// The way out.
    pub hint: String,
}

/// The rule on `{module}` in a plan's default routes (spec `offer.md`, *Route syntax*): it is `own`, the plan's default
/// module name, or a placeholder.
pub fn check_modules(route: &Route, own: &str) -> Vec<ModuleError> {
    let source = route.source.module().map(|item| (item.column, item.text.as_str()));
    let sink = match &route.sink {
        Endpoint::Upstream => None,
        Endpoint::Module { column, module, .. } => Some((*column, module.as_str())),
    };
    let allowed = |module: &str| {
        module == own || placeholder::name_at(module).is_some_and(|name| name.len() + 2 == module.len())
    };
    source
        .into_iter()
        .chain(sink)
        .filter(|(_, module)| !allowed(module))
        .map(|(column, module)| ModuleError {
            column,
            module: module.to_owned(),
            message: format!("the route names the module {module:?}, but the plan's own module is {own}"),
            hint: if module.eq_ignore_ascii_case(own) {
                format!("write {own} with the same capital letters")
            } else {
                format!("write {own}, or a placeholder such as <FROM_MODULE_NAME> that the customer fills in")
            },
        })
        .collect()
}

impl Route {
    /// Whether the source or the sink names this module.
    pub fn names_module(&self, name: &str) -> bool {
        let sink = matches!(&self.sink, Endpoint::Module { module, .. } if module == name);
        sink || self.source.module().is_some_and(|module| module.text == name)
    }

    /// The route with the module `from` called `to` in source and sink.
    pub fn with_module_renamed(mut self, from: &str, to: &str) -> Route {
        if self.source.module().is_some_and(|module| module.text == from)
            && let Some(module) = self.source.items.get_mut(MODULE_ITEM)
        {
            to.clone_into(&mut module.text);
        }
        if let Endpoint::Module { path, module, input, .. } = &mut self.sink
            && module == from
        {
            *path = format!("/modules/{to}/inputs/{input}");
            to.clone_into(module);
        }
        self
    }
}

impl Source {
    /// The module that the path names, unless it is `*` or names none.
    pub fn module(&self) -> Option<&Item> {
        match &self.items[..] {
            [messages, modules, module, ..] if is(messages, "messages") && is(modules, "modules") => {
                Some(module).filter(|module| module.text != "*")
            }
            _ => None,
        }
    }
}

/// Which item of a source's path is the module: the third.
const MODULE_ITEM: usize = 2;

/// Edge Hub compares the path of a source in any case.
fn is(item: &Item, name: &str) -> bool {
    item.text.eq_ignore_ascii_case(name)
}

/// Why no message, or not the expected ones, comes from this path.
pub(super) fn path_warning(source: &Source) -> Option<(String, String)> {
    let known = match &source.items[..] {
        [any] => any.text == "*" || is(any, "twinChangeNotifications"),
        [messages, any] => is(messages, "messages") && any.text == "*",
        [messages, modules, rest @ ..] if is(messages, "messages") && is(modules, "modules") => match rest {
            [any] => any.text == "*",
            [module, any] => module.text != "*" && any.text == "*",
            [module, outputs, _] => module.text != "*" && is(outputs, "outputs"),
            _ => false,
        },
        _ => false,
    };
    if known {
        return None;
    }
    const PATHS: &str = "the known paths are /*, /messages/*, /messages/modules/*, /messages/modules/<NAME>/*, \
                         /messages/modules/<NAME>/outputs/*, /messages/modules/<NAME>/outputs/<OUTPUT> and \
                         /twinChangeNotifications";
    // Edge Hub drops the * at the end of a path and matches by prefix.
    let mut with_star = source.clone();
    with_star.items.push(Item { column: source.column, text: "*".to_owned() });
    if source.items.last().is_some_and(|item| item.text != "*") && path_warning(&with_star).is_none() {
        return Some((
            format!("Edge Hub reads the path {source} as {with_star}"),
            format!("write {with_star}"),
        ));
    }
    Some((
        format!("the path {source} is well-formed, but no message is known to come from it"),
        PATHS.to_owned(),
    ))
}
