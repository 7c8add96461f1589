//! The demo's report: steps, each with its transaction or its refusal.

use bitcoin::Amount;
use bitcoin::consensus::encode::serialize_hex;
use serde::{Deserialize, Serialize};
use staking_scripts::SpendPath;

use super::record::{Equivocation, Locked, Played};
use crate::view::text::{BAD, FAINT, GOOD, STRONG};

/// One step.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// What happened, in plain words.
    pub text: String,
    /// The id of the transaction that it made or tried.
    pub txid: Option<String>,
    /// The transaction itself, as hex.
    pub transaction: Option<String>,
    /// Its size in virtual bytes.
    pub vsize: Option<usize>,
    /// Its fee.
    pub fee_sat: Option<u64>,
    /// The height of the block that confirmed it.
    pub height: Option<u32>,
    /// The path through which it spends.
    pub path: Option<String>,
    /// Why Bitcoin Core refused it, or, where there is no transaction, the signer; absent when nobody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The transaction that it made or tried, for the page.
    #[serde(skip)]
    pub(crate) played: Option<Played>,
}

impl Step {
    /// Returns a step without a transaction.
    pub(crate) fn said(name: &str, text: impl Into<String>) -> Self {
        let (name, text) = (name.to_owned(), text.into());
        Self {
            name,
            text,
            txid: None,
            transaction: None,
            vsize: None,
            fee_sat: None,
            height: None,
            path: None,
            reason: None,
            played: None,
        }
    }

    /// Returns a step that made, or tried, a transaction.
    pub(crate) fn with(
        name: &str,
        text: impl Into<String>,
        played: Played,
        fee: Amount,
        path: Option<SpendPath>,
    ) -> Self {
        let tx = &played.transaction;
        Self {
            txid: Some(tx.compute_txid().to_string()),
            transaction: Some(serialize_hex(tx)),
            vsize: Some(tx.vsize()),
            fee_sat: Some(fee.to_sat()),
            path: path.map(|path| path.to_string()),
            played: Some(played),
            ..Self::said(name, text)
        }
    }
}

/// One scenario, played to its end.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ScenarioReport {
    /// Its name.
    pub name: String,
    /// What it shows, in a few words.
    pub title: String,
    /// The steps.
    pub steps: Vec<Step>,
    /// The staking output's script pubkey.
    pub staking_script_pubkey: String,
    /// Whether the key extracted from the two votes is the finality provider's; null where nobody
    /// equivocates.
    pub extracted_key_matches: Option<bool>,
    /// The stake's state at the end: SLASHED or WITHDRAWN.
    pub final_status: String,
    /// The outputs of the protocol in the order in which they were made, for the page.
    #[serde(skip)]
    pub(crate) outputs: Vec<Locked>,
    /// The two votes and the key extracted from them, for the page.
    #[serde(skip)]
    pub(crate) equivocation: Option<Equivocation>,
}

/// The report of the demo.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The seed, with which the demo can be repeated.
    pub seed: String,
    /// The node it was played on.
    pub node: String,
    /// The scenarios.
    pub scenarios: Vec<ScenarioReport>,
}

impl Output {
    /// Returns the report as text, with `closing` as its last line.
    pub(crate) fn text(&self, closing: &str) -> String {
        let mut lines = vec![
            format!("Every transaction below was validated by {}.", self.node),
            format!("{FAINT}Keys come from the seed {}: --seed plays the same again.{FAINT:#}", self.seed),
        ];
        for scenario in &self.scenarios {
            lines.push(format!("\n{STRONG}{}: {}{STRONG:#}", scenario.name, scenario.title));
            scenario.steps.iter().for_each(|step| step.lines(&mut lines));
            lines.push(format!("  {STRONG}the stake is {}{STRONG:#}", scenario.final_status));
        }
        lines.push(format!("\n{FAINT}{closing}{FAINT:#}"));
        lines.join("\n")
    }
}

impl Step {
    /// Adds the step's lines of text.
    fn lines(&self, lines: &mut Vec<String>) {
        let mark = match &self.reason {
            Some(_) => format!("{BAD}x{BAD:#}"),
            None => format!("{GOOD}*{GOOD:#}"),
        };
        lines.push(format!("  {mark} {:<24} {}", self.name, self.text));
        if let Some(reason) = &self.reason {
            let by = if self.txid.is_some() { "Bitcoin Core" } else { "the signer" };
            lines.push(format!("    {:<24} refused by {by}: {BAD}{reason}{BAD:#}", ""));
        }
        let Some(txid) = &self.txid else { return };
        let mut facts = Vec::new();
        facts.extend(self.vsize.map(|vsize| format!("{vsize} vB")));
        facts.extend(self.fee_sat.map(|fee| format!("fee {fee} sat")));
        facts.extend(self.path.as_ref().map(|path| format!("{path} path")));
        facts.extend(self.height.map(|height| format!("block {height}")));
        lines.push(format!("    {:<24} {FAINT}{txid}{FAINT:#}", ""));
        lines.push(format!("    {:<24} {FAINT}{}{FAINT:#}", "", facts.join(" · ")));
    }
}
