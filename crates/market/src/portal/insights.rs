//! Insights of one offer, and of all: charts, each with its table and the same as CSV. The form chooses the days and by
//! what downloads are told apart; it works by its address, so that a view can be kept as a link.

use super::chart::{Chart, SERIES_MAX, Series};
use super::layout::{self, Head};
use super::manage::page;
use super::posted::refused;
use super::submission::STYLE;
use super::{Language, format};
use crate::error::{Error, Result};
use crate::http::{Who, offer_of_path};
use crate::insights::{Days, Downloads, Judgement, OnDay};
use crate::market::Market;
use crate::text::Text;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use maud::{Markup, html};
use std::collections::BTreeMap;

type Names = Path<(String, String)>;
type Parameters = Query<BTreeMap<String, String>>;

/// By what downloads are told apart.
const DIMENSIONS: [&str; 4] = ["plan", "version", "platform", "region"];

/// Parameters: `from` and `to`, days; `by`, one of [`DIMENSIONS`].
pub(super) async fn of_offer(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path(names): Names,
    Query(parameters): Parameters,
) -> Response {
    let found = async {
        let (publisher, offer) = offer_of_path(&names)?;
        let days = days(&market, &parameters)?;
        Ok((days, market.insights(&actor, (&publisher, &offer), days).await?))
    };
    match found.await {
        Ok((days, insights)) => {
            let base = format!("/publish/{}/{}/insights", names.0, names.1);
            let by = by(&parameters);
            let content = html! {
                (form(&text, &base, days, Some(by)))
                (downloads(&text, &base, days, by, &insights.downloads))
                (by_day(&text, &base, days, ("acquisitions", &insights.acquisitions)))
                (by_day(&text, &base, days, ("leads", &insights.leads)))
                (vulnerabilities(&text, &base, &insights.vulnerabilities))
            };
            page(&text, (&names.0, &names.1), "insights", &content)
        }
        Err(error) => refused(text, error),
    }
}

/// Downloads of all offers of the actor, or of everybody's for an operator.
pub(super) async fn of_all(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Query(parameters): Parameters,
) -> Response {
    let found = async {
        let days = days(&market, &parameters)?;
        Ok((days, market.all_downloads(&actor, days).await?))
    };
    match found.await {
        Ok((days, found)) => {
            let content = html! {
                h1 { (text.get("manage-insights")) }
                (form(&text, "/insights", days, None))
                (downloads(&text, "/insights", days, "offer", &found))
            };
            let about = Head { style: Some(STYLE), unlisted: true, wide: true, ..Head::default() };
            layout::page_with(&text, &text.get("manage-insights"), &about, &content).into_response()
        }
        Err(error) => refused(text, error),
    }
}

/// A table of one offer as CSV: `downloads.csv`, `acquisitions.csv`, `leads.csv`, `vulnerabilities.csv`.
pub(super) async fn csv_of_offer(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Path((publisher, offer, table)): Path<(String, String, String)>,
    Query(parameters): Parameters,
) -> Response {
    let found = async {
        let (publisher, offer) = offer_of_path(&(publisher, offer))?;
        let days = days(&market, &parameters)?;
        let insights = market.insights(&actor, (&publisher, &offer), days).await?;
        match table.as_str() {
            "downloads.csv" => Ok(csv_downloads(&insights.downloads)),
            "acquisitions.csv" => Ok(csv_by_day("acquisitions", &insights.acquisitions)),
            "leads.csv" => Ok(csv_by_day("leads", &insights.leads)),
            "vulnerabilities.csv" => Ok(csv_vulnerabilities(&insights.vulnerabilities)),
            other => Err(Error::not_found(format!("the table {other:.60}"))),
        }
    };
    csv(text, found.await)
}

/// Downloads of all offers as CSV.
pub(super) async fn csv_of_all(
    State(market): State<Market>,
    Who(actor): Who,
    Language(text): Language,
    Query(parameters): Parameters,
) -> Response {
    let found = async {
        let days = days(&market, &parameters)?;
        Ok(csv_downloads(&market.all_downloads(&actor, days).await?))
    };
    csv(text, found.await)
}

fn csv(text: Text, found: Result<String>) -> Response {
    match found {
        Ok(table) => ([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], table).into_response(),
        Err(error) => refused(text, error),
    }
}

fn days(market: &Market, parameters: &BTreeMap<String, String>) -> Result<Days> {
    let given = |name| parameters.get(name).map(String::as_str);
    market.days(given("from"), given("to"))
}

fn by(parameters: &BTreeMap<String, String>) -> &'static str {
    let asked = parameters.get("by").map_or("", String::as_str);
    DIMENSIONS.into_iter().find(|dimension| *dimension == asked).unwrap_or("version")
}

fn form(text: &Text, base: &str, days: Days, by: Option<&str>) -> Markup {
    html! {
        form.versions action=(base) {
            div { label for="from" { (text.get("insights-from")) } input #from name="from" type="date" value=(days.from) required; }
            div { label for="to" { (text.get("insights-to")) } input #to name="to" type="date" value=(days.to) required; }
            @if let Some(by) = by {
                div { label for="by" { (text.get("insights-by")) } select #by name="by" {
                    @for one in DIMENSIONS { option value=(one) selected[one == by] { (text.get(&format!("insights-by-{one}"))) } }
                } }
            }
            button.primary { (text.get("insights-show")) }
        }
    }
}

fn downloads(text: &Text, base: &str, days: Days, by: &str, found: &[Downloads]) -> Markup {
    let key = |one: &Downloads| match by {
        "plan" => one.plan.clone(),
        "platform" => one.platform.clone(),
        "region" => one.region.clone(),
        "offer" => format!("{}.{}", one.publisher, one.offer),
        _ => one.tag.clone(),
    };
    let all = all_days(days);
    let total: u64 = found.iter().map(|one| one.downloads).sum();
    let series = series(text, &all, found.iter().map(|one| (one.day, key(one), one.downloads)));
    let labels: Vec<String> = all.iter().map(ToString::to_string).collect();
    let description = text.with(
        "insights-downloads-desc",
        &[("total", &total.to_string()), ("from", &days.from.to_string()), ("to", &days.to.to_string())],
    );
    let title = text.get("insights-downloads");
    let chart =
        Chart { id: "downloads", title: &title, description: &description, labels: &labels, series: &series };
    let rows = html! { @for one in found { tr {
        td { (one.day) }
        @if by == "offer" { th scope="row" { (one.publisher) "." (one.offer) } td { (one.region) } }
        @else { td { (one.plan) } td { (one.tag) } td { (one.platform) } td { (one.region) } }
        td.number { (format::number(text, one.downloads)) }
    } } };
    let columns: &[&str] = match by {
        "offer" => &["insights-day", "offer", "insights-by-region", "insights-downloads"],
        _ => &[
            "insights-day",
            "plan",
            "insights-by-version",
            "insights-by-platform",
            "insights-by-region",
            "insights-downloads",
        ],
    };
    let csv = format!("{base}/downloads.csv?from={}&to={}", days.from, days.to);
    section(text, &title, total > 0, &chart, &description, (columns, &rows), &csv)
}

/// What is only counted by day, under the name that its messages and its table have.
fn by_day(text: &Text, base: &str, days: Days, (name, found): (&str, &[OnDay])) -> Markup {
    let all = all_days(days);
    let total: u64 = found.iter().map(|one| one.count).sum();
    let title = text.get(name);
    let series = series(text, &all, found.iter().map(|one| (one.day, title.clone(), one.count)));
    let labels: Vec<String> = all.iter().map(ToString::to_string).collect();
    let description = text.with(
        &format!("insights-{name}-desc"),
        &[("total", &total.to_string()), ("from", &days.from.to_string()), ("to", &days.to.to_string())],
    );
    let chart =
        Chart { id: name, title: &title, description: &description, labels: &labels, series: &series };
    let rows = html! { @for one in found { tr { td { (one.day) } td.number { (one.count) } } } };
    let csv = format!("{base}/{name}.csv?from={}&to={}", days.from, days.to);
    section(text, &title, total > 0, &chart, &description, (&["insights-day", name][..], &rows), &csv)
}

fn vulnerabilities(text: &Text, base: &str, found: &[Judgement]) -> Markup {
    let checked: Vec<&Judgement> = found.iter().filter(|one| one.checked).collect();
    let title = text.get("insights-vulnerabilities");
    type Read = fn(&Judgement) -> u64;
    let severities: [(&str, Read); 4] = [
        ("severity-critical", |one| one.critical),
        ("severity-high", |one| one.high),
        ("severity-medium", |one| one.medium),
        ("severity-low", |one| one.low),
    ];
    let series = severities.map(|(name, read)| Series {
        name: text.get(name),
        values: checked.iter().map(|one| read(one)).collect(),
    });
    let labels: Vec<String> = checked.iter().map(|one| one.at.date().to_string()).collect();
    let last = checked.last().map_or(0, |one| one.critical + one.high + one.medium + one.low);
    let description = text.with("insights-vulnerabilities-desc", &[("count", &last.to_string())]);
    let chart = Chart {
        id: "vulnerabilities",
        title: &title,
        description: &description,
        labels: &labels,
        series: &series,
    };
    let rows = html! { @for one in found { tr {
        td { (format::instant(text, one.at)) }
        td { a href={ "/submissions/" (one.submission) } { (text.get("submission")) " " (one.number) }
            @if one.again { " · " (text.get("insights-again")) } }
        @if one.checked {
            @for (_, read) in severities { td.number { (read(one)) } }
        } @else {
            td colspan="4" { (text.get("insights-unchecked")) }
        }
    } } };
    let columns = [
        "history-when",
        "submission",
        "severity-critical",
        "severity-high",
        "severity-medium",
        "severity-low",
    ];
    let csv = format!("{base}/vulnerabilities.csv");
    section(text, &title, !found.is_empty(), &chart, &description, (&columns[..], &rows), &csv)
}

fn section(
    text: &Text,
    title: &str,
    some: bool,
    chart: &Chart<'_>,
    description: &str,
    (columns, rows): (&[&str], &Markup),
    csv: &str,
) -> Markup {
    let id = format!("{}-heading", chart.id);
    html! {
        section.insight {
            h2 id=(id) { (title) }
            @if some {
                p { (description) }
                @if !chart.labels.is_empty() { (chart.draw()) }
                details {
                    summary { (text.get("insights-table")) }
                    div.scroll tabindex="0" role="region" aria-labelledby=(id) { table {
                        thead { tr { @for column in columns { th scope="col" { (text.get(column)) } } } }
                        tbody { (rows) }
                    } }
                }
                p { a href=(csv) download { (text.get("insights-csv")) } }
            } @else {
                p.empty { (text.get(&format!("insights-none-{}", chart.id))) }
            }
        }
    }
}

/// The largest kinds, each with a value for each day; what is left over is added up.
fn series(text: &Text, days: &[Date], rows: impl Iterator<Item = (Date, String, u64)>) -> Vec<Series> {
    let mut by_kind: BTreeMap<String, BTreeMap<Date, u64>> = BTreeMap::new();
    for (day, kind, count) in rows {
        *by_kind.entry(kind).or_default().entry(day).or_default() += count;
    }
    let mut kinds: Vec<(String, BTreeMap<Date, u64>)> = by_kind.into_iter().collect();
    kinds.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.values().sum::<u64>()));
    let rest = if kinds.len() > SERIES_MAX { kinds.split_off(SERIES_MAX - 1) } else { Vec::new() };
    if !rest.is_empty() {
        let mut sum: BTreeMap<Date, u64> = BTreeMap::new();
        for (day, count) in rest.into_iter().flat_map(|(_, counts)| counts) {
            *sum.entry(day).or_default() += count;
        }
        kinds.push((text.get("insights-others"), sum));
    }
    let of = |(kind, counts): (String, BTreeMap<Date, u64>)| Series {
        name: if kind.is_empty() { text.get("insights-unknown") } else { kind },
        values: days.iter().map(|day| counts.get(day).copied().unwrap_or(0)).collect(),
    };
    kinds.into_iter().map(of).collect()
}

fn all_days(days: Days) -> Vec<Date> {
    let mut all = Vec::new();
    let mut day = days.from;
    while day <= days.to {
        all.push(day);
        let Ok(next) = day.tomorrow() else { break };
        day = next;
    }
    all
}

fn csv_downloads(found: &[Downloads]) -> String {
    let mut table = "day,publisher,offer,plan,version,platform,region,downloads\r\n".to_owned();
    for one in found {
        let cells = [&one.publisher, &one.offer, &one.plan, &one.tag, &one.platform, &one.region];
        let cells: Vec<String> = cells.into_iter().map(|cell| quoted(cell)).collect();
        table.push_str(&format!("{},{},{}\r\n", one.day, cells.join(","), one.downloads));
    }
    table
}

fn csv_by_day(name: &str, found: &[OnDay]) -> String {
    let rows: String = found.iter().map(|one| format!("{},{}\r\n", one.day, one.count)).collect();
    format!("day,{name}\r\n{rows}")
}

fn csv_vulnerabilities(found: &[Judgement]) -> String {
    let mut table = "at,submission,again,checked,critical,high,medium,low\r\n".to_owned();
    for one in found {
        let Judgement { at, number, again, checked, critical, high, medium, low, .. } = one;
        table.push_str(&format!("{at},{number},{again},{checked},{critical},{high},{medium},{low}\r\n"));
    }
    table
}

/// A cell as RFC 4180 has it. A spreadsheet takes what begins with `=`, `+`, `-` or `@` for a formula, and would run what a
/// stranger wrote into an image; an apostrophe before it keeps it a text.
fn quoted(cell: &str) -> String {
    let guard = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if guard.is_empty() && !cell.contains([',', '"', '\n', '\r']) {
        return cell.to_owned();
    }
    format!("\"{guard}{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn no_cell_is_a_formula() {
        let cells = ["1.0.0", "", "a,b", "say \"hi\"", "=1+1", "@x", "-2", "linux/arm64"];
        let found = cells.map(quoted);
        assert_eq!(
            found,
            ["1.0.0", "", "\"a,b\"", "\"say \"\"hi\"\"\"", "\"'=1+1\"", "\"'@x\"", "\"'-2\"", "linux/arm64"]
        );
    }
}
