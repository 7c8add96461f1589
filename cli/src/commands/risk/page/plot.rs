//! Curves as SVG: axes, and lines on them.

use finality::risk::{Ratio, RiskModel};
use maud::{Markup, html};

use crate::view::risk::RiskReport;

/// The size of a plot, and its frame.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 330.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 690.0;
const TOP: f64 = 18.0;
const BOTTOM: f64 = 280.0;
/// How many chains have a curve: each has its own colour.
pub(super) const CURVES: usize = 8;
/// The highest that the plot of one more chain goes.
const HIGHEST: f64 = 4.0;

/// Returns a count as a float.
pub(super) fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Returns a part as a share of all.
pub(super) fn share(part: u64, all: u64) -> f64 {
    Ratio::new(part.into(), all.into()).map_or(0.0, Ratio::to_f64)
}

/// Returns a coordinate.
pub(super) fn at(coordinate: f64) -> String {
    format!("{coordinate:.1}")
}

/// A line of a plot: points from 0 to 1 in both directions.
struct Line {
    name: String,
    points: Vec<(f64, f64)>,
}

/// A mark on an axis: where, from 0 to 1, and its text.
type Mark = (f64, String);

struct Plot<'a> {
    title: &'a str,
    x: &'a str,
    marks_x: Vec<Mark>,
    marks_y: Vec<Mark>,
    /// Levels that mean something.
    levels: Vec<Mark>,
    lines: Vec<Line>,
    /// Whether there is room above the curves on the left side, else on the right.
    rises_slowly: bool,
}

fn x(share: f64) -> f64 {
    LEFT + share * (RIGHT - LEFT)
}

fn y(share: f64) -> f64 {
    BOTTOM - share * (BOTTOM - TOP)
}

fn path(points: &[(f64, f64)]) -> String {
    let points: Vec<_> = points.iter().map(|(px, py)| format!("{},{}", at(x(*px)), at(y(*py)))).collect();
    points.join(" ")
}

/// A line from one side to the other.
fn across(class: &str, height: f64) -> Markup {
    let height = at(height);
    html! { line class=(class) x1=(at(LEFT)) x2=(at(RIGHT)) y1=(height) y2=(height) {} }
}

impl Plot<'_> {
    fn draw(&self) -> Markup {
        html! {
            figure {
                svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(self.title) {
                    (self.axes())
                    @for (place, text) in &self.levels {
                        (across("level", y(*place)))
                        @let (class, side) = self.level_names();
                        text class=(class) x=(side) y=(at(y(*place) - 5.0)) { (text) }
                    }
                    @for (number, line) in self.lines.iter().enumerate() { (line.draw(number)) }
                }
                @if self.lines.len() > 1 {
                    figcaption.legend {
                        @for (number, line) in self.lines.iter().enumerate() { (line.legend(number)) }
                    }
                }
            }
        }
    }

    /// The class and the place of the levels' names: a single curve rises from the left, and stays below.
    fn level_names(&self) -> (&'static str, String) {
        match self.rises_slowly {
            true => ("level-name", at(LEFT + 6.0)),
            false => ("level-name end", at(RIGHT - 4.0)),
        }
    }

    fn axes(&self) -> Markup {
        html! {
            @for (place, text) in &self.marks_y {
                (across("grid", y(*place)))
                text.end x=(at(LEFT - 8.0)) y=(at(y(*place) + 4.0)) { (text) }
            }
            @for (share, text) in &self.marks_x {
                @let place = at(x(*share));
                line.tick x1=(place) x2=(place) y1=(at(BOTTOM)) y2=(at(BOTTOM + 5.0)) {}
                @if *share > 0.9 && text.len() > 6 {
                    text.end x=(at(RIGHT + 14.0)) y=(at(BOTTOM + 19.0)) { (text) }
                } @else {
                    text.middle x=(place) y=(at(BOTTOM + 19.0)) { (text) }
                }
            }
            (across("axis", BOTTOM))
            text.middle x=(at((LEFT + RIGHT) / 2.0)) y=(at(HEIGHT - 8.0)) { (self.x) }
        }
    }
}

impl Line {
    fn draw(&self, number: usize) -> Markup {
        let dots = self.points.iter().filter(|_| self.points.len() <= 40);
        html! {
            polyline class=(format!("curve c{number}")) points=(path(&self.points)) { title { (self.name) } }
            @for (px, py) in dots {
                circle class=(format!("dot c{number}")) cx=(at(x(*px))) cy=(at(y(*py))) r="3" {}
            }
        }
    }

    fn legend(&self, number: usize) -> Markup {
        let class = format!("curve c{number}");
        html! {
            span {
                svg viewBox="0 0 28 10" aria-hidden="true" { line class=(class) x1="1" x2="27" y1="5" y2="5" {} }
                " " (self.name)
            }
        }
    }
}

/// The share of the largest operators, by how many they are: where a curve crosses a level stands the
/// Nakamoto coefficient.
pub(super) fn power(model: &RiskModel, report: &RiskReport) -> Markup {
    let most = report.chains.iter().map(|chain| chain.concentration.operators).max().unwrap_or_default();
    let chains = report.chains.iter().enumerate().filter(|(_, chain)| chain.concentration.operators > 0);
    let lines = chains.take(CURVES).map(|(place, chain)| {
        let found = model.concentration(place);
        let point = |count: usize| {
            let share = found.top_share(count).map_or(0.0, Ratio::to_f64);
            (float(count) / float(most.max(1)), share)
        };
        Line { name: chain.name.clone(), points: (0..=found.len()).map(point).collect() }
    });
    let step = most.div_ceil(10).max(1);
    let percent = |number: u32| (f64::from(number) / 100.0, format!("{number} %"));
    Plot {
        title: "Share of each chain's power that its largest operators have",
        x: "so many of the largest operators",
        marks_x: (0..=most)
            .step_by(step)
            .map(|count| (float(count) / float(most.max(1)), count.to_string()))
            .collect(),
        marks_y: [0, 20, 40, 60, 80, 100].map(percent).to_vec(),
        levels: vec![
            (1.0 / 3.0, "1/3: stall; above, finalize twice".to_owned()),
            (2.0 / 3.0, "above 2/3: finalize alone".to_owned()),
        ],
        lines: lines.collect(),
        rises_slowly: false,
    }
    .draw()
}

/// What the best attack gains for each satoshi that it loses, by what one more chain holds; `None` where
/// nothing is known of it.
pub(super) fn one_more(report: &RiskReport) -> Option<Markup> {
    let curve = &report.one_more_chain.curve;
    let last = curve.last()?.value_sat;
    let gains = || curve.iter().map(|point| point.gain_per_loss.map_or(HIGHEST, |found| found.at_least));
    let top = gains().fold(1.25, f64::max).min(HIGHEST);
    let point = |(value, gain): (u64, f64)| (share(value, last), (gain / top).min(1.0));
    let points = curve.iter().map(|point| point.value_sat).zip(gains()).map(point).collect();
    let step = if top > 2.0 { 0.5 } else { 0.25 };
    let steps = (0..=8_u32).map(|count| f64::from(count) * step).filter(|gain| *gain <= top);
    let every = curve.len().div_ceil(4).max(1);
    let marks_x = curve.iter().step_by(every);
    let plot = Plot {
        title: "What the best attack gains for each satoshi that it loses, by the value of one more chain",
        x: "value of one more chain, in satoshis",
        marks_x: marks_x
            .map(|point| (share(point.value_sat, last), super::grouped(point.value_sat)))
            .collect(),
        marks_y: steps.map(|gain| (gain / top, format!("{gain:.2}"))).collect(),
        levels: vec![(1.0 / top, "above 1 an attack pays".to_owned())],
        lines: vec![Line { name: "gain for each satoshi lost".to_owned(), points }],
        rises_slowly: true,
    };
    Some(plot.draw())
}
