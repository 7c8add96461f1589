//! The outputs of a scenario: those of the protocol with their spend paths, and the others.

use bitcoin::opcodes::all::OP_RETURN;
use bitcoin::script::Instruction;
use bitcoin::{OutPoint, Script, TxOut};
use maud::{Markup, html};
use staking_scripts::outputs::Leaf;

use super::super::record::Background;
use super::life::{Life, Numbered};
use super::text::{address, long, outpoint, sat};
use super::transaction::{contents, figures};
use super::who::{Spend, demand, signers};

/// Draws an output of the protocol: every spend path, what was tried there, and which one was taken.
pub(super) fn locked(life: &Life<'_>, script_id: &str, background: &Background) -> Markup {
    let locked = life.locked;
    html! {
        article.output.locked {
            header {
                h4 { span.soft { "output " (locked.outpoint.vout) } " " (locked.name) }
                p.amount { (sat(locked.amount)) }
            }
            p { (address(&locked.taproot.script_pubkey())) }
            p.soft {
                (outpoint(&locked.outpoint)) ", since block " (life.made.played.block)
                @if let Some((spent, _)) = &life.spent { ", spent in block " (spent.played.block) }
                ". " a href={ "#" (script_id) } { "Its scripts" } "."
            }
            ul.paths {
                @for leaf in locked.taproot.leaves() { (path(life, leaf, background)) }
            }
        }
    }
}

/// Draws a spend path: what it requires, the refused attempts, and the step that took it.
fn path(life: &Life<'_>, leaf: &Leaf, background: &Background) -> Markup {
    let path = leaf.keys.path();
    let here = |spend: &Spend| spend.path() == path;
    let taken = life.spent.as_ref().filter(|(_, spend)| here(spend));
    let tried = taken.is_some() || life.attempts.iter().any(|(_, spend)| here(spend));
    html! {
        li class={ (path) @if !tried { " untried" } } {
            p {
                b.path { (path) " path" } " " span.soft { (demand(&leaf.keys)) }
            }
            @for (attempt, spend) in life.attempts.iter().filter(|(_, spend)| here(spend)) {
                (refused(attempt, spend, background))
            }
            @if let Some((numbered, _)) = taken {
                p.verdict.good {
                    span.mark aria-hidden="true" { "✓" } " taken by "
                    a href={ "#" (numbered.id()) } { span.number { (numbered.number) } " " (numbered.step.name) }
                }
            } @else if !tried {
                p.verdict.soft { span.mark aria-hidden="true" { "–" } " not tried" }
            }
        }
    }
}

/// Draws an attempt that the node refused, and why.
fn refused(attempt: &Numbered<'_>, spend: &Spend, background: &Background) -> Markup {
    let step = attempt.step;
    html! {
        div.attempt id=(attempt.id()) {
            p.verdict.bad {
                span.mark aria-hidden="true" { "✗" } " refused: " span.number { (attempt.number) } " " (step.name)
            }
            p { (step.text) ", for block " (attempt.played.block) }
            p { (long(attempt.played.transaction.compute_txid())) }
            p { (signers(spend, background)) }
            p { "The node: " code.reason { (step.reason.as_deref().unwrap_or_default()) } }
            (figures(attempt.played, step.fee_sat))
            (contents(attempt.played, background))
        }
    }
}

/// Draws a coin that a transaction spends.
pub(super) fn coin(place: &OutPoint, coin: &TxOut, background: &Background) -> Markup {
    html! {
        div.branch {
            article.output.plain {
                header { h4 { (owner(&coin.script_pubkey, background)) "'s coin" } p.amount { (sat(coin.value)) } }
                p.soft { (outpoint(place)) ", through the key path" }
            }
        }
    }
}

/// Draws an output that is not of the protocol.
pub(super) fn plain(output: &TxOut, vout: u32, background: &Background) -> Markup {
    let script = &output.script_pubkey;
    let (name, what) = match burnt(script) {
        Some(said) => ("burnt".to_owned(), html! { code { "OP_RETURN " (said) } ", which nobody can spend" }),
        None => (format!("to {}", owner(script, background)), address(script)),
    };
    html! {
        div.branch {
            article.output.plain {
                header {
                    h4 { span.soft { "output " (vout) } " " (name) }
                    p.amount { (sat(output.value)) }
                }
                p.soft { (what) }
            }
        }
    }
}

/// Returns the owner of a script pubkey in words.
fn owner(script: &Script, background: &Background) -> &'static str {
    if script == background.wallet_script.as_script() { "the staker" } else { "someone" }
}

/// Returns the data of an OP_RETURN output as quoted text; `None` for another output.
fn burnt(script: &Script) -> Option<String> {
    let mut instructions = script.instructions();
    match (instructions.next()?.ok()?, instructions.next()?.ok()?) {
        (Instruction::Op(OP_RETURN), Instruction::PushBytes(said)) => {
            Some(format!("\"{}\"", String::from_utf8_lossy(said.as_bytes()).escape_debug()))
        }
        _ => None,
    }
}
