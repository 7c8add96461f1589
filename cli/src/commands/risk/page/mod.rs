//! The page of a report: one HTML file, which asks for nothing else and runs no scripts.

mod graph;
mod plot;
mod tables;

use finality::risk::RiskModel;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::view::page::{HEAD, REPORT_STYLE};
use crate::view::risk::{RiskReport, RiskVerdict};

const STYLE: &str = include_str!("page.css");
/// By what a page of this command is known.
pub(super) const MARK: &str = "<title>Shared security</title>";

/// Returns a number in groups of three digits, between which a line does not break.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && digits.len().saturating_sub(place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// Returns an answer with its amounts in groups: numbers before "sat", and after "of", "holds" and "costs".
fn spaced(answer: &str) -> String {
    let words: Vec<&str> = answer.split(' ').collect();
    let spaced = words.iter().enumerate().map(|(place, word)| {
        let before = place.checked_sub(1).and_then(|place| words.get(place)).copied().unwrap_or_default();
        let after = words.get(place.saturating_add(1)).copied().unwrap_or_default();
        let digits = word.trim_matches(|c: char| !c.is_ascii_digit());
        let is_amount = after.starts_with("sat")
            || ["could", "and"].contains(&after)
                && word.starts_with(|c: char| c == '(' || c.is_ascii_digit())
            || ["of", "holds", "costs"].contains(&before);
        match digits.parse() {
            Ok(number) if is_amount && digits.len() > 4 => word.replace(digits, &grouped(number)),
            _ => (*word).to_owned(),
        }
    });
    spaced.collect::<Vec<_>>().join(" ")
}

fn fact(name: &str, value: impl std::fmt::Display) -> Markup {
    html! { div { dt { (name) } dd { (value.to_string()) } } }
}

fn more(all: usize, most: usize, what: &str) -> Markup {
    html! { @if all > most { p.soft { "and " (all.saturating_sub(most)) " more " (what) } } }
}

/// Returns the page.
pub(super) fn page(model: &RiskModel, report: &RiskReport) -> String {
    let (verdict, class) = match report.security.verdict {
        RiskVerdict::Secure => ("no attack pays", "good"),
        RiskVerdict::AttackPays => ("an attack pays", "bad"),
        RiskVerdict::Undecided => ("undecided", "warn"),
    };
    let operators = report.falls.len();
    let (mark, marked) = match report.security.attack {
        Some(_) => ("bad", "pays most."),
        None => ("mark", "would gain most for what it loses."),
    };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                (PreEscaped(HEAD))
                (PreEscaped(MARK))
                style { (PreEscaped(REPORT_STYLE)) (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "Shared security" }
                    p.verdict {
                        span class=(class) { (verdict) }
                        @if let Some(height) = report.height { " " span.soft { "at Bitcoin height " (height) } }
                    }
                    dl.facts {
                        (fact("chains", report.chains.len()))
                        (fact("providers", report.providers.len()))
                        (fact("operators", operators))
                        (fact("staked, sat", grouped(report.stake_sat)))
                        (fact("slashing rate", &report.slashing_rate))
                        (fact("slashable, sat", grouped(report.slashable_sat)))
                    }
                    @for warning in &report.warnings { p.warn { (warning) } }
                }
                main {
                    section {
                        h2 { "Answers" }
                        ul.answers { @for answer in &report.answers { li { (spaced(answer)) } } }
                    }
                    section {
                        h2 { "Who secures what" }
                        p.soft {
                            "Operators by stake on the left, chains on the right; a line is as thick as the share of the chain's power. "
                            span class=(mark) { "Marked" } " is the attack that " (marked)
                        }
                        (graph::graph(model, report))
                        (more(operators.max(report.chains.len()), graph::MOST, "are in the tables alone"))
                    }
                    section {
                        h2 { "Power" }
                        p.soft { "How much of each chain's power its largest operators have together." }
                        (plot::power(model, report))
                        (more(report.chains.len(), plot::CURVES, "chains have no curve here"))
                    }
                    section {
                        h2 { "One more chain" }
                        p.soft { "What the best attack on any chains would gain for each satoshi that it loses, if one more chain were secured by all providers (threshold 1/3)." }
                        @match plot::one_more(report) {
                            Some(drawn) => (drawn),
                            None => p { "There is nothing to draw: one more chain may hold nothing, or any value." },
                        }
                    }
                    (tables::chains(report))
                    (tables::concentration(report))
                    (tables::falls(report))
                    (tables::providers(report))
                    (notes())
                }
            }
        }
    };
    page.into_string()
}

/// What the figures mean, and what they do not.
fn notes() -> Markup {
    html! {
        section {
            h2 { "What these figures say" }
            ul {
                li { "All amounts are in satoshis, and all come from the input." }
                li { "What an attack costs is the slashable part of the stakes, stake × slashing rate, never the stakes; and it is lost once, whatever the number of chains." }
                li { "A stall is not slashed: silence costs the rewards of the time and nothing else." }
                li { "A chain's value is what the input says that whoever corrupts it gains. Nothing here checks that." }
                li { "An attack pays when it gains more than it loses; one that breaks even does not. A coalition corrupts a chain with the chain's threshold of its power, or more." }
                li { "Where a figure stands between two bounds, the search ended before it knew; the truth is between them." }
                li { "Providers of one operator count as one where operators are counted. Who runs what is the input's word." }
            }
        }
    }
}
