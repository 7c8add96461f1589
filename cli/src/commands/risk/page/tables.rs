//! The tables of the page.

use maud::{Markup, html};

use super::graph::short;
use super::{grouped, more};
use crate::view::risk::{
    ChainPower, ChainRisk, OperatorFall, PowerCost, ProviderRisk, RiskReport, RiskVerdict, SatBounds,
};

/// How many rows a table has; the JSON has all.
const ROWS: usize = 500;

/// A name, shortened, with all of it in the tooltip.
fn name(name: &str) -> Markup {
    html! { @if short(name) == name { (name) } @else { span title=(name) { (short(name)) } } }
}

/// Names in a cell.
fn names(all: &[String]) -> Markup {
    html! {
        @if all.is_empty() { "–" }
        @for (place, one) in all.iter().take(8).enumerate() { @if place > 0 { ", " } (name(one)) }
        @if all.len() > 8 { " and " (all.len().saturating_sub(8)) " more" }
    }
}

fn bounds(found: SatBounds) -> String {
    match found.at_least == found.at_most {
        true => grouped(found.at_most),
        false => format!("{} to {}", grouped(found.at_least), grouped(found.at_most)),
    }
}

fn cost(chain: &ChainRisk, power: ChainPower) -> Option<&PowerCost> {
    chain.costs.iter().find(|cost| cost.power == power)
}

/// What it costs to cheat each chain, and how much it may hold.
pub(super) fn chains(report: &RiskReport) -> Markup {
    html! {
        section {
            h2 { "Chains" }
            table {
                thead { tr {
                    th scope="col" { "Chain" }
                    th.number scope="col" { "Holds, sat" }
                    th.number scope="col" { "May hold, sat" }
                    th.number scope="col" { "Power, sat" }
                    th.number scope="col" { "Slashed to stall" }
                    th.number scope="col" { "Slashed to finalize twice" }
                    th scope="col" { "By" }
                } }
                tbody {
                    @for chain in report.chains.iter().take(ROWS) { (chain_row(chain)) }
                }
            }
            (more(report.chains.len(), ROWS, "chains"))
        }
    }
}

fn chain_row(chain: &ChainRisk) -> Markup {
    let twice = cost(chain, ChainPower::FinalizeTwice);
    let too_much = chain.may_hold_sat.is_some_and(|may_hold| chain.value_sat > may_hold.at_least);
    let may_hold = chain.may_hold_sat.map_or_else(|| "any".to_owned(), bounds);
    let stall = cost(chain, ChainPower::Stall).map_or(0, |cost| cost.slashed_sat);
    html! {
        tr {
            th scope="row" { (name(&chain.name)) }
            td.number {
                span class=[too_much.then_some("bad")] { (grouped(chain.value_sat)) }
                @if let Some(value) = &chain.value { div.soft { (value) } }
            }
            td.number { (may_hold) }
            td.number { (grouped(chain.power_sat)) }
            td.number { (stall) }
            td.number { (grouped(twice.map_or(0, |cost| cost.slashed_sat))) }
            td.names { (names(twice.map_or(&[], |cost| &cost.providers))) }
        }
    }
}

fn concentration_row(chain: &ChainRisk) -> Markup {
    let found = &chain.concentration;
    let largest = found.top_shares.first().map_or(0.0, |top| 100.0 * top.share);
    let operators = |power| cost(chain, power).map_or(0, |cost| cost.operators);
    html! {
        tr {
            th scope="row" { (name(&chain.name)) }
            td.number { (found.operators) }
            @for power in ChainPower::ALL { td.number { (operators(power)) } }
            td.number { (format!("{largest:.1} %")) }
            td.number { (format!("{:.0}", found.hhi)) }
            td.number { (format!("{:.3}", found.gini)) }
            td.number { (format!("{:.3}", found.theil)) }
            td.number { (format!("{:.2}", found.shannon_bits)) }
        }
    }
}

/// How concentrated each chain's power is.
pub(super) fn concentration(report: &RiskReport) -> Markup {
    let measured: Vec<_> = report.chains.iter().filter(|chain| chain.concentration.operators > 0).collect();
    html! {
        section {
            h2 { "Concentration, by operator" }
            table {
                thead { tr {
                    th scope="col" { "Chain" }
                    th.number scope="col" { "Operators" }
                    @for power in ChainPower::ALL { th.number scope="col" { "With " (power.share()) } }
                    th.number scope="col" { "Largest" }
                    th.number scope="col" { "HHI" }
                    th.number scope="col" { "Gini" }
                    th.number scope="col" { "Theil" }
                    th.number scope="col" { "Entropy, bits" }
                } }
                tbody {
                    @for chain in measured.iter().take(ROWS) { (concentration_row(chain)) }
                }
            }
            (more(measured.len(), ROWS, "chains"))
        }
    }
}

/// Whose fall takes which chains along.
pub(super) fn falls(report: &RiskReport) -> Markup {
    let without = |fall: &OperatorFall| match fall.without_it {
        Some(RiskVerdict::Secure) => "no",
        Some(RiskVerdict::AttackPays) => "yes",
        Some(RiskVerdict::Undecided) => "undecided",
        None => "–",
    };
    html! {
        section {
            h2 { "Falls" }
            table {
                thead { tr {
                    th scope="col" { "Operator" }
                    th.number scope="col" { "Staked, sat" }
                    th.number scope="col" { "Secures" }
                    th scope="col" { "Stalls" }
                    th scope="col" { "Finalizes twice" }
                    th scope="col" { "Finalizes alone" }
                    th scope="col" { "An attack pays without it" }
                } }
                tbody {
                    @for fall in report.falls.iter().take(ROWS) {
                        tr {
                            th scope="row" { (name(&fall.operator)) }
                            td.number { (grouped(fall.stake_sat)) }
                            td.number { (fall.secures.len()) }
                            td.names { (names(&fall.stalls)) }
                            td.names { (names(&fall.finalizes_twice)) }
                            td.names { (names(&fall.finalizes_alone)) }
                            td { (without(fall)) }
                        }
                    }
                }
            }
            (more(report.falls.len(), ROWS, "operators"))
        }
    }
}

/// The providers, those with the largest stakes first.
pub(super) fn providers(report: &RiskReport) -> Markup {
    let mut providers: Vec<&ProviderRisk> = report.providers.iter().collect();
    providers.sort_by_key(|provider| std::cmp::Reverse(provider.stake_sat));
    html! {
        section {
            h2 { "Providers" }
            table {
                thead { tr {
                    th scope="col" { "Provider" }
                    th scope="col" { "Operator" }
                    th.number scope="col" { "Staked, sat" }
                    th.number scope="col" { "Slashable once, sat" }
                    th.number scope="col" { "On chains" }
                    th.number scope="col" { "Which hold, sat" }
                } }
                tbody {
                    @for provider in providers.iter().take(ROWS) {
                        tr {
                            th scope="row" { (name(&provider.name)) }
                            td { (name(&provider.operator)) }
                            td.number { (grouped(provider.stake_sat)) }
                            td.number { (grouped(provider.slashable_sat)) }
                            td.number { (provider.chains) }
                            td.number { (grouped(provider.value_sat)) }
                        }
                    }
                }
            }
            (more(providers.len(), ROWS, "providers"))
        }
    }
}
