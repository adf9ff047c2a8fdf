//! The form of a deployment. Each placeholder has a field of its kind with its rule; what was sent stays when something is
//! wrong, with the error beside it.

use super::{Chosen, Faults, Loaded};
use crate::portal::deploying::error_of;
use crate::portal::posted::Fields;
use crate::text::Text;
use maud::{Markup, html};
use offer::deployment::Form;
use offer::deployment::values::{Asked, Kind, VALUE_CHARS_MAX};
use offer::module_name::MODULE_NAME_CHARS_MAX;

pub(super) fn page(text: &Text, loaded: &Loaded, fields: &Fields, faults: &Faults) -> Markup {
    html! {
        nav.crumbs aria-label=(text.get("breadcrumb")) { ol {
            li { a href="/modules" { (text.get("my-modules")) } } li { (text.get("deploy")) }
        } }
        h1 { (title(text, loaded)) }
        @if let Some(error) = &faults.error {
            @if error.findings.is_empty() { (error_of(text, error)) }
            @else {
                div.failed role="alert" {
                    p { strong { (text.get("deploy-look")) } }
                    @if !faults.elsewhere().is_empty() {
                        ul { @for finding in faults.elsewhere() { li { (text.told(&finding.message)) p.hint { (text.told(&finding.hint)) } } } }
                    }
                }
            }
        }
        @if !faults.lines.is_empty() {
            div.failed role="alert" { p { strong { (text.get("deploy-routes-refused")) } } }
        }
        form.entry method="post" action="/deploy" {
            @for (index, chosen) in loaded.modules.iter().enumerate() {
                (module(text, loaded, index, chosen, fields, faults))
            }
            (routes(text, loaded, fields, faults))
            (target(text, loaded, fields))
            p { button.primary { (text.get("deploy-make")) } }
        }
    }
}

/// What is deployed.
pub(super) fn title(text: &Text, loaded: &Loaded) -> String {
    match loaded.modules.as_slice() {
        [only] => text.with("deploy-title", &[("title", &only.mine.title)]),
        all => text.with("deploy-title-many", &[("count", &all.len().to_string())]),
    }
}

fn module(
    text: &Text,
    loaded: &Loaded,
    index: usize,
    chosen: &Chosen,
    fields: &Fields,
    faults: &Faults,
) -> Markup {
    let earlier = loaded.earlier.as_ref().and_then(|earlier| {
        let own = |module: &&crate::deployments::ModuleWanted| {
            (&module.publisher, &module.offer, &module.plan)
                == (&chosen.part.module.publisher, &chosen.part.module.offer, &chosen.part.module.plan)
        };
        earlier.modules.iter().find(own)
    });
    let name_field = format!("name.{index}");
    let name = fields.first(&name_field).map(str::to_owned);
    let name = name.or_else(|| earlier.and_then(|module| module.name.clone())).unwrap_or_default();
    let wrong = faults.at(&format!("/modules/{index}/name"));
    html! {
        fieldset {
            legend {
                (chosen.mine.title)
                @if chosen.mine.plan_title != chosen.mine.title { " · " (chosen.mine.plan_title) }
                " " span.quiet { (chosen.part.image.tag) }
            }
            input type="hidden" name="module" value=(chosen.mine.acquisition.id);
            div.field {
                label for=(name_field) { (text.get("module-name")) }
                input id=(name_field) name=(name_field) value=(name) placeholder=(chosen.name) maxlength=(MODULE_NAME_CHARS_MAX)
                    spellcheck="false" autocapitalize="none" aria-describedby={ (name_field) "-help" }
                    aria-invalid[!wrong.is_empty()];
                p.hint id={ (name_field) "-help" } {
                    @for finding in &wrong { span.fault { (text.told(&finding.message)) ". " (text.told(&finding.hint)) } " " }
                    (text.with("deploy-name-help", &[("name", &chosen.name)]))
                }
            }
            @if chosen.asked.is_empty() { p.hint { (text.get("deploy-no-values")) } }
            @for asked in &chosen.asked {
                @let given = fields.first(&format!("value.{index}.{}", asked.name)).map(str::to_owned);
                @let known = earlier.and_then(|module| module.values.get(&asked.name).cloned());
                (value(text, index, asked, &given.or(known).unwrap_or_default(), faults))
            }
        }
    }
}

/// The field of a placeholder.
fn value(text: &Text, index: usize, asked: &Asked, value: &str, faults: &Faults) -> Markup {
    let id = format!("value.{index}.{}", asked.name);
    let wrong = !faults.at(&format!("/modules/{index}/values/{}", asked.name)).is_empty();
    let fault = if value.is_empty() { "deploy-value-missing" } else { "deploy-value-wrong" };
    let lines = value.contains('\n');
    let help = format!("{id}-help");
    let (kind, mode) = match asked.kind {
        Kind::Secret => ("password", "text"),
        Kind::Port | Kind::Number => ("text", "numeric"),
        Kind::Url => ("url", "url"),
        Kind::Email => ("email", "email"),
        _ => ("text", "text"),
    };
    html! {
        div.field {
            label for=(id) { code { (asked.name) } }
            @if lines && asked.kind == Kind::Text {
                textarea id=(id) name=(id) rows="3" required maxlength=(VALUE_CHARS_MAX) aria-describedby=(help) aria-invalid[wrong] { "\n" (value) }
            } @else {
                input id=(id) name=(id) type=(kind) inputmode=(mode) value=(value) required maxlength=(VALUE_CHARS_MAX)
                    autocomplete="off" spellcheck="false" autocapitalize="none" aria-describedby=(help) aria-invalid[wrong];
            }
            p.hint id=(help) {
                @if wrong { span.fault { (text.get(fault)) } " " }
                (text.get(&format!("value-{}", asked.kind.id())))
                span.small { " · " (text.get("deploy-stands-in")) " " (text.told(&asked.places.join(", "))) }
            }
        }
    }
}

/// Routes between the modules, as lines.
fn routes(text: &Text, loaded: &Loaded, fields: &Fields, faults: &Faults) -> Markup {
    let written = fields.first("routes").map(str::to_owned);
    let earlier = loaded.earlier.iter().flat_map(|earlier| &earlier.routes);
    let earlier = || earlier.map(|route| format!("{} = {}\n", route.name, route.value)).collect::<String>();
    let written = written.unwrap_or_else(earlier);
    let findings = faults.error.iter().flat_map(|error| &error.findings);
    let wrong: Vec<_> = findings.filter(|finding| finding.pointer.starts_with("/routes")).collect();
    let is_wrong = !wrong.is_empty() || !faults.lines.is_empty();
    let names: Vec<&str> = loaded.modules.iter().map(|chosen| chosen.name.as_str()).collect();
    html! {
        fieldset {
            legend { (text.get("deploy-routes")) }
            label for="routes" { (text.get("deploy-routes-label")) }
            textarea #routes name="routes" rows="4" spellcheck="false" autocapitalize="none" maxlength="20000"
                aria-describedby="routes-help" aria-invalid[is_wrong] { "\n" (written) }
            div #routes-help {
                @if is_wrong { ul.faults {
                    @for fault in &faults.lines { li {
                        span.fault { (text.with("deploy-route-at", &[("line", &fault.line.to_string()), ("column", &fault.column.to_string())])) } " "
                        (text.told(&fault.message)) ". " (text.told(&fault.hint))
                    } }
                    @for finding in &wrong { li { span.fault { (text.told(&finding.message)) } " " (text.told(&finding.hint)) } }
                } }
                p.hint { (text.get("deploy-routes-help")) " " @for name in &names { code { (name) } " " } }
                pre { "sensor-to-filter = FROM /messages/modules/" (names.first().unwrap_or(&"Sensor")) "/outputs/* INTO BrokeredEndpoint(\"/modules/"
                    (names.get(1).unwrap_or(&"Filter")) "/inputs/in\")" }
            }
        }
    }
}

/// What it is for, and whether images move.
fn target(text: &Text, loaded: &Loaded, fields: &Fields) -> Markup {
    let earlier = loaded.earlier.as_ref();
    let chosen =
        Form::of_id(fields.get("form")).or(earlier.map(|earlier| earlier.form)).unwrap_or(Form::Azure);
    let follow = match fields.first("images") {
        Some(images) => images == "follow",
        None => earlier.is_some_and(|earlier| earlier.follow),
    };
    html! {
        fieldset {
            legend { (text.get("deploy-form")) }
            @for form in Form::ALL { label.check {
                input type="radio" name="form" value=(form.id()) checked[form == chosen];
                span { strong { (text.get(&format!("form-{}", form.id()))) } br; span.hint { (text.get(&format!("form-{}-help", form.id()))) } }
            } }
        }
        fieldset {
            legend { (text.get("deploy-images")) }
            label.check { input type="radio" name="images" value="pin" checked[!follow];
                span { strong { (text.get("deploy-pin")) } br; span.hint { (text.get("deploy-pin-help")) } } }
            label.check { input type="radio" name="images" value="follow" checked[follow];
                span { strong { (text.get("deploy-follow")) } br; span.hint { (text.get("deploy-follow-help")) } } }
        }
    }
}
