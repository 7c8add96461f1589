//! A scenario's outputs over the height of the chain: each is a bar from the block that made it to the block
//! that spent it.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::super::report::ScenarioReport;
use super::life::Life;
use super::text::blocks;

/// The height of an output's row, in pixels.
const ROW: f64 = 58.0;
/// The height of the axis with its labels, in pixels.
const AXIS: f64 = 26.0;

/// The scale of the axis, from the first block drawn to the last. Positions on it are in percent of the
/// width, so that the drawing fits every window and its letters keep their size.
struct Scale {
    first: u32,
    last: u32,
}

impl Scale {
    /// Returns the position of a block, in percent of the width.
    fn share(&self, block: u32) -> f64 {
        let whole = f64::from(self.last.saturating_sub(self.first).max(1));
        // What stands at the ends shall not be cut off.
        1.0 + 98.0 * f64::from(block.saturating_sub(self.first)) / whole
    }

    /// Returns the position of a block as an attribute.
    fn at(&self, block: u32) -> String {
        percent(self.share(block))
    }
}

fn percent(share: f64) -> String {
    format!("{share:.2}%")
}

/// Draws a scenario's outputs as bars over the height of the chain.
pub(super) fn figure(scenario: &ScenarioReport, lives: &[Life<'_>]) -> Markup {
    let heights = || lives.iter().flat_map(|life| [Some(life.made.played.block), end(life)]).flatten();
    let (Some(first), Some(last)) = (heights().min(), heights().max()) else { return Markup::default() };
    let scale = Scale { first, last };
    let rows = f64::from(u32::try_from(lives.len()).unwrap_or(u32::MAX)) * ROW;
    let told: Vec<_> = lives.iter().map(tell).collect();
    let tops = (0u32..).map(|row| f64::from(row) * ROW);
    html! {
        figure.lifeline {
            svg width="100%" height=(rows + AXIS) role="img"
                aria-label={ (scenario.name) " by height: " (told.join("; ")) }
            {
                @for (life, top) in lives.iter().zip(tops) { (row(life, top, &scale)) }
                line.axis x1=(scale.at(first)) x2=(scale.at(last)) y1=(rows + 4.0) y2=(rows + 4.0) {}
                text x=(scale.at(first)) y=(rows + 20.0) { "block " (first) }
                text.end x=(scale.at(last)) y=(rows + 20.0) { "block " (last) }
            }
            figcaption {
                "A bar is an output as long as it is unspent, then the path through which it was spent. " span.bad { "✗" }
                " is an attempt that was refused."
            }
        }
    }
}

/// Returns the height of the block that spent the output.
fn end(life: &Life<'_>) -> Option<u32> {
    life.spent.as_ref().map(|(spent, _)| spent.played.block)
}

/// Returns the life of an output in words, for those who do not see the drawing.
fn tell(life: &Life<'_>) -> String {
    let from = life.made.played.block;
    match &life.spent {
        Some((spent, spend)) => {
            format!("{}, blocks {from} to {}, {} path", life.locked.name, spent.played.block, spend.path())
        }
        None => format!("{}, since block {from}", life.locked.name),
    }
}

/// Draws the row of one output: its name, its bar, and the refused attempts under it.
fn row(life: &Life<'_>, top: f64, scale: &Scale) -> Markup {
    let from = life.made.played.block;
    let until = end(life).unwrap_or(scale.last);
    let (start, stop) = (scale.share(from), scale.share(until));
    let path = life.spent.as_ref().map(|(_, spend)| spend.path().to_string());
    let mut attempts: BTreeMap<u32, usize> = BTreeMap::new();
    for (attempt, _) in &life.attempts {
        let count = attempts.entry(attempt.played.block).or_default();
        *count = count.saturating_add(1);
    }
    // A name stands at that end of its bar from which it has more room.
    let leans_left = start > 50.0;
    let named_at = if leans_left { stop } else { start };
    html! {
        g {
            text class=[leans_left.then_some("end")] x=(percent(named_at)) y=(top + 14.0) {
                (life.locked.name)
                tspan.soft { ", " (blocks(until.saturating_sub(from))) }
                @if let Some(path) = &path { tspan.soft { " → " } tspan class=(path) { (path) } }
            }
            rect class={ "bar " (path.as_deref().unwrap_or_default()) }
                x=(percent(start)) width=(percent((stop - start).max(0.5)))
                y=(top + 22.0) height="8" rx="2" {}
            @for (block, count) in &attempts {
                text class={ "bad" @if scale.share(*block) > 50.0 { " end" } } x=(scale.at(*block)) y=(top + 46.0) {
                    "✗" @if *count > 1 { " " (count) " times" } @else { " once" }
                }
            }
        }
    }
}
