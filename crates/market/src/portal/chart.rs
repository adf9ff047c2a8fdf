//! Charts as SVG, drawn on the server: stacked bars over days or instants. A chart says in words what it shows, and each bar
//! its own number; the exact numbers stand in the table beside it. Colours come from the style sheet by class.

use maud::{Markup, html};

/// Size of the picture in its own units.
const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 260.0;
/// Room for the numbers on the left, and for the labels below.
const LEFT: f64 = 56.0;
const BOTTOM: f64 = 28.0;
const TOP: f64 = 10.0;
/// Labels below that fit beside each other.
const LABELS_MAX: usize = 8;
/// Series that have a colour of their own.
pub(super) const SERIES_MAX: usize = 6;

/// What is drawn in one colour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Series {
    pub name: String,
    /// One for each label.
    pub values: Vec<u64>,
}

/// A chart.
pub(super) struct Chart<'a> {
    /// Prefix of the ids in it.
    pub id: &'a str,
    pub title: &'a str,
    /// One sentence: what it shows.
    pub description: &'a str,
    /// Below each bar.
    pub labels: &'a [String],
    pub series: &'a [Series],
}

impl Chart<'_> {
    /// The drawing and its legend.
    pub fn draw(&self) -> Markup {
        let sums: Vec<u64> = (0..self.labels.len()).map(|at| self.sum(at)).collect();
        let top = nice(sums.iter().copied().max().unwrap_or(0));
        let (title, description) = (format!("{}-title", self.id), format!("{}-description", self.id));
        html! {
            figure.chart {
                svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-labelledby=(title) aria-describedby=(description) {
                    title id=(title) { (self.title) }
                    desc id=(description) { (self.description) }
                    @for step in 0..=4_u64 { (grid(top, step)) }
                    @for at in 0..self.labels.len() { (self.bar(at, top)) }
                    (self.axis())
                }
                @if self.series.len() > 1 {
                    figcaption { ul.legend { @for (index, series) in self.series.iter().enumerate() {
                        li { span class={ "swatch s" (index) } aria-hidden="true" {} (series.name) }
                    } } }
                }
            }
        }
    }

    fn sum(&self, at: usize) -> u64 {
        self.series.iter().filter_map(|series| series.values.get(at)).sum()
    }

    fn slot(&self) -> f64 {
        (WIDTH - LEFT) / (self.labels.len().max(1) as f64)
    }

    fn bar(&self, at: usize, top: u64) -> Markup {
        let slot = self.slot();
        let width = (slot * 0.8).clamp(1.0, 40.0);
        let x = LEFT + slot * (at as f64) + (slot - width) / 2.0;
        let mut below = 0;
        html! {
            @for (index, series) in self.series.iter().enumerate() {
                @let value = series.values.get(at).copied().unwrap_or(0);
                @if value > 0 {
                    @let (low, high) = (y(below, top), y(below + value, top));
                    rect class={ "s" (index) } x=(short(x)) y=(short(high)) width=(short(width)) height=(short((low - high).max(0.5))) {
                        title { (self.labels[at]) " · " (series.name) ": " (value) }
                    }
                    @let () = below += value;
                }
            }
        }
    }

    /// The labels, as many as fit.
    fn axis(&self) -> Markup {
        let every = self.labels.len().div_ceil(LABELS_MAX).max(1);
        let slot = self.slot();
        html! {
            @for (at, label) in self.labels.iter().enumerate().filter(|(at, _)| at % every == 0) {
                text.label x=(short(LEFT + slot * (at as f64 + 0.5))) y=(short(HEIGHT - 8.0)) text-anchor="middle" { (label) }
            }
        }
    }
}

/// One of the lines across, with its number.
fn grid(top: u64, step: u64) -> Markup {
    // A quarter of the top is a whole number.
    let value = top / 4 * step;
    let at = short(y(value, top));
    html! {
        line.grid x1=(LEFT) x2=(WIDTH) y1=(at) y2=(at) {}
        text.label x=(LEFT - 8.0) y=(at) text-anchor="end" dominant-baseline="middle" { (value) }
    }
}

fn y(value: u64, top: u64) -> f64 {
    let room = HEIGHT - TOP - BOTTOM;
    TOP + room * (1.0 - (value as f64) / (top.max(1) as f64))
}

/// The top of the scale: the smallest of 4, 8, 20, 40, 80, 200, … that is not below the largest sum.
fn nice(largest: u64) -> u64 {
    let mut unit = 1_u64;
    loop {
        for step in [4, 8, 20] {
            let top = unit.saturating_mul(step);
            if top >= largest {
                return top;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

/// A coordinate with one digit: more makes the page longer, not finer.
fn short(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_round_and_hold_the_largest_sum() {
        assert_eq!([0, 1, 4, 5, 9, 21, 81, 12_345].map(nice), [4, 4, 4, 8, 20, 40, 200, 20_000]);
        assert!(nice(u64::MAX) == u64::MAX);
    }

    #[test]
    fn a_chart_says_what_it_shows() {
        let labels = ["1".to_owned(), "2 <b>".to_owned()];
        let series = [
            Series { name: "a".to_owned(), values: vec![1, 3] },
            Series { name: "b".to_owned(), values: vec![0, 1] },
        ];
        let chart = Chart {
            id: "c",
            title: "Downloads",
            description: "From 1 to 2",
            labels: &labels,
            series: &series,
        };
        insta::assert_snapshot!(chart.draw().into_string());
        let none = Chart { labels: &[], series: &[], ..chart };
        assert!(none.draw().into_string().contains("<svg"));
    }
}
