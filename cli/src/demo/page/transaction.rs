//! One transaction: its card in the drawing, and all that is in it.

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{Amount, TxIn, TxOut};
use maud::{Markup, html};

use super::super::record::{Background, Played};
use super::life::Numbered;
use super::text::{fact, grouped, long, sat};
use super::who::Spend;

/// Draws a confirmed transaction.
pub(super) fn card(numbered: &Numbered<'_>, background: &Background) -> Markup {
    let Numbered { number, step, played, .. } = numbered;
    html! {
        article.tx id=(numbered.id()) {
            header {
                h4 { span.number { (number) } " " (step.name) " " span.kind { "transaction" } }
                p.block { "block " b { (grouped(played.block.into())) } }
            }
            p { (super::sentence(&step.text)) "." }
            p { (long(played.transaction.compute_txid())) }
            (figures(played, step.fee_sat))
            (contents(played, background))
        }
    }
}

/// Draws the amounts, the fee and the size of a transaction.
pub(super) fn figures(played: &Played, fee_sat: Option<u64>) -> Markup {
    let sum = |outputs: &[TxOut]| {
        outputs.iter().try_fold(Amount::ZERO, |sum, output| sum.checked_add(output.value))
    };
    let transaction = &played.transaction;
    let taken = sum(&played.spent);
    let given = sum(&transaction.output);
    let vsize = u64::try_from(transaction.vsize()).unwrap_or(u64::MAX);
    // To the tenth, as wallets show it.
    let rate = fee_sat.and_then(|fee| fee.checked_mul(10)?.checked_div(vsize));
    html! {
        dl.figures {
            @if let Some(taken) = taken { (fact("in", &sat(taken))) }
            @if let Some(given) = given { (fact("out", &sat(given))) }
            @if let Some(fee) = fee_sat { (fact("fee", &sat(Amount::from_sat(fee)))) }
            (fact("size", &html! { (grouped(vsize)) "\u{202f}vB" }))
            @if let Some(tenths) = rate { (fact("rate", &html! { (tenths / 10) "." (tenths % 10) "\u{202f}sat/vB" })) }
        }
    }
}

/// Draws all that is in a transaction, folded.
pub(super) fn contents(played: &Played, background: &Background) -> Markup {
    let transaction = &played.transaction;
    let inputs = transaction.input.iter().zip(&played.spent).enumerate();
    html! {
        details {
            summary { "Inputs, outputs and witness" }
            dl.facts {
                (fact("version", &html! { (transaction.version.0) }))
                (fact("nLockTime", &html! { (transaction.lock_time.to_consensus_u32()) }))
                (fact("weight", &html! { (transaction.weight().to_wu()) " weight units" }))
            }
            @for (index, (input, spent)) in inputs {
                h5 { "Input " (index) ", " (sat(spent.value)) }
                dl.facts {
                    (fact("spends", &long(input.previous_output)))
                    (fact("nSequence", &html! { code { (format!("{:08x}", input.sequence.0)) } (relative_timelock(input)) }))
                }
                (witness(input, Spend::of(transaction, index).as_ref(), background))
            }
            @for (index, output) in transaction.output.iter().enumerate() {
                h5 { "Output " (index) ", " (sat(output.value)) }
                p { (long(output.script_pubkey.to_hex_string())) }
            }
            h5 { "The transaction's bytes" }
            p { (long(serialize_hex(transaction))) }
        }
    }
}

/// Draws the meaning of an input's nSequence (BIP-68).
fn relative_timelock(input: &TxIn) -> Markup {
    html! {
        @match input.sequence.to_relative_lock_time() {
            Some(_) => { ": " (input.sequence.0) " blocks after the output it spends" }
            None => { ": final" }
        }
    }
}

/// Draws the witness of an input, element by element.
fn witness(input: &TxIn, spend: Option<&Spend>, background: &Background) -> Markup {
    let labels = spend.map_or_else(
        || vec!["signature of the wallet's key, for the key path".to_owned()],
        |spend| labels(spend, background),
    );
    html! {
        ol.witness start="0" {
            @for (element, label) in input.witness.iter().zip(&labels) {
                li {
                    span.label { (label) @if !element.is_empty() { ", " (element.len()) " bytes" } }
                    @if !element.is_empty() { " " (long(hex::encode(element))) }
                }
            }
        }
    }
}

/// Returns what each element of a leaf's witness is, from the bottom of the stack to the top.
fn labels(spend: &Spend, background: &Background) -> Vec<String> {
    let place = |(key, signed): &(_, bool)| match (background.name(key), signed) {
        (name, true) => format!("place of {name}"),
        (name, false) => format!("place of {name}, empty"),
    };
    let mut labels: Vec<_> = spend.places.iter().rev().map(place).collect();
    labels.push(format!("script of the {} leaf", spend.path()));
    labels.push("control block".to_owned());
    labels
}
