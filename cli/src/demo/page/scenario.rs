//! One scenario, drawn: outputs and transactions from top to bottom, as the chain saw them.

use maud::{Markup, html};
use staking_scripts::SpendPath;

use super::super::record::{Background, Role};
use super::super::report::{ScenarioReport, Step};
use super::life::{Life, Numbered, lives, transactions};
use super::text::{blocks, list, prose, sat};
use super::who::{Spend, signers};
use super::{lifeline, output, script, transaction, votes};

/// The note on the signatures of the slashing path.
const DECRYPTED: &str = "The finality provider's signature is made with the extracted key, and the members' are decrypted with it.";

/// Draws a scenario from its first step to the status of its stake.
pub(super) fn section(scenario: &ScenarioReport, background: &Background) -> Markup {
    let lives = lives(scenario);
    html! {
        section.scenario id=(scenario.name) aria-labelledby={ (scenario.name) "-title" } {
            header {
                h2 id={ (scenario.name) "-title" } {
                    span.name { (scenario.name) }
                    (super::sentence(&scenario.title))
                }
                p { (status(&scenario.final_status)) }
            }
            (lifeline::figure(scenario, &lives))
            h3 { "What happened, from top to bottom" }
            ol.flow role="list" {
                @for (number, step) in (1..).zip(&scenario.steps) {
                    @match (&step.played, &step.reason) {
                        (None, _) => (said(number, step, scenario)),
                        // Drawn at the output that it tried to spend.
                        (Some(_), Some(_)) => {},
                        (Some(played), None) => (confirmed(
                            &Numbered { number, scenario: &scenario.name, step, played },
                            &lives,
                            background,
                        )),
                    }
                }
                li.end { p { "The stake is " (status(&scenario.final_status)) } }
            }
        }
    }
}

/// Draws the status of a stake.
pub(super) fn status(status: &str) -> Markup {
    html! { strong class={ "status " (status.to_lowercase()) } { (status) } }
}

/// Draws a step without a transaction.
fn said(number: usize, step: &Step, scenario: &ScenarioReport) -> Markup {
    let equivocation = scenario.equivocation.as_ref().filter(|_| step.name == "extract");
    html! {
        li.note id={ (scenario.name) "-" (number) } {
            p { span.number { (number) } " " b { (step.name) } ": " (prose(&step.text)) "." }
            @if let Some(reason) = &step.reason {
                p.verdict.bad { span.mark aria-hidden="true" { "✗" } " refused by the signer: " code.reason { (reason) } }
            }
            @if let Some(equivocation) = equivocation { (votes::figure(equivocation, scenario)) }
        }
    }
}

/// Draws a confirmed transaction, with the outputs that it spends above it and those that it makes below.
fn confirmed(numbered: &Numbered<'_>, lives: &[Life<'_>], background: &Background) -> Markup {
    let played = numbered.played;
    let transaction = &played.transaction;
    let txid = transaction.compute_txid();
    // Coins join the line that comes from the output of the protocol; what goes elsewhere branches off before
    // the line goes on.
    let inputs = transaction.input.iter().zip(&played.spent).enumerate();
    let (spends, coins): (Vec<_>, Vec<_>) = inputs
        .map(|(index, input)| (Spend::of(transaction, index), input))
        .partition(|(spend, _)| spend.is_some());
    let kept = || lives.iter().filter(|life| life.locked.outpoint.txid == txid);
    let others = (0u32..).zip(&transaction.output);
    let others = others.filter(|(vout, _)| !kept().any(|life| life.locked.outpoint.vout == *vout));
    html! {
        li.event {
            div.inputs {
                @for (_, (input, coin)) in coins { (output::coin(&input.previous_output, coin, background)) }
                @for (spend, (input, _)) in spends {
                    @let life = lives.iter().find(|life| life.locked.outpoint == input.previous_output);
                    @if let (Some(spend), Some(life)) = (spend, life) {
                        (edge(&spend, life, numbered, background))
                    }
                }
            }
            (transaction::card(numbered, background))
            div.outputs {
                @for (vout, paid) in others { (output::plain(paid, vout, background)) }
                @for life in kept() { (output::locked(life, &script::id(&life.locked.taproot), background)) }
            }
        }
    }
}

/// Draws the line from an output through a path to the transaction that spends it.
fn edge(spend: &Spend, life: &Life<'_>, numbered: &Numbered<'_>, background: &Background) -> Markup {
    let signed: Vec<Role> = spend
        .places
        .iter()
        .filter(|(_, signed)| *signed)
        .filter_map(|(key, _)| background.role(key))
        .collect();
    let path = spend.path();
    html! {
        div class={ "edge " (path) } {
            p {
                b.path { (path) " path" } " "
                span.soft {
                    (blocks(numbered.played.block.saturating_sub(life.made.played.block))) " after the " (life.locked.name)
                    ", " (sat(life.locked.amount))
                }
            }
            p { (signers(spend, background)) }
            p.soft { (who_signed(&signed)) ". " (elements(spend)) }
            @if path == SpendPath::Slashing { p.soft { (DECRYPTED) } }
        }
    }
}

/// Returns who signed: `Signed by the staker, finality provider 1 and covenant members 1, 2 and 3`.
fn who_signed(signed: &[Role]) -> String {
    let mut members: Vec<usize> = Vec::new();
    let mut names = Vec::new();
    for role in signed {
        match role {
            Role::CovenantMember(number) => members.push(*number),
            role => names.push(role.name()),
        }
    }
    members.sort_unstable();
    if !members.is_empty() {
        let numbers: Vec<_> = members.iter().map(usize::to_string).collect();
        names.push(format!("covenant members {}", list(&numbers)));
    }
    format!("Signed by {}", list(&names))
}

/// Returns what the elements of a witness are, in words.
fn elements(spend: &Spend) -> String {
    let empty = spend.places.iter().filter(|(_, signed)| !signed).count();
    let count =
        |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let signatures = count(spend.places.len().saturating_sub(empty), "signature", "signatures");
    let empty =
        if empty == 0 { String::new() } else { format!(", {}", count(empty, "empty place", "empty places")) };
    format!("Witness: {signatures}{empty}, script, control block.")
}

/// Returns how many transactions of a scenario were confirmed, and how many were refused.
pub(super) fn summary(scenario: &ScenarioReport) -> (usize, usize) {
    let (refused, confirmed): (Vec<_>, Vec<_>) =
        transactions(scenario).partition(|numbered| numbered.step.reason.is_some());
    (confirmed.len(), refused.len())
}
