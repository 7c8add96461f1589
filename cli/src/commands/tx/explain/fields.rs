//! What `tx explain` prints.

use bitcoin::{Amount, Transaction};
use serde::Serialize;
use staking_scripts::{Explanation, LeafKeys, PaidOutput, Parties, ProtocolOutput, SpentLeaf};

use super::known::{InDelegation, Known};
use crate::commands::stake::Violation;
use crate::output::{FAINT, STRONG, plain};

#[derive(Serialize)]
pub(super) struct Fields {
    pub(super) txid: String,
    pub(super) kind: &'static str,
    pub(super) finished: bool,
    pub(super) spent_path: Option<String>,
    pub(super) spent: Vec<Spent>,
    pub(super) staker: Option<String>,
    pub(super) finality_providers: Vec<String>,
    pub(super) provider_signers: Vec<String>,
    pub(super) covenant_members: usize,
    pub(super) quorum: u16,
    pub(super) covenant_signers: Vec<String>,
    pub(super) timelock: Option<u16>,
    pub(super) sequence: Vec<u32>,
    pub(super) lock_time: u32,
    pub(super) input_amounts_sat: Vec<Option<u64>>,
    pub(super) output_amounts_sat: Vec<u64>,
    pub(super) protocol_outputs: Vec<Paid>,
    pub(super) paid_sat: u64,
    pub(super) fee_sat: Option<u64>,
    pub(super) vsize: usize,
    /// Where a node has it: the height of its block, and how many blocks deep; 0 while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) block_height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) confirmations: Option<u32>,
    /// What it breaks under each version of the parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parameters: Option<Vec<UnderVersion>>,
    #[serde(rename = "delegation", skip_serializing_if = "Option::is_none")]
    pub(super) context: Option<InDelegation>,
}

/// What the transaction breaks under a version of the parameters.
#[derive(Serialize)]
pub(super) struct UnderVersion {
    pub(super) version: usize,
    pub(super) violations: Vec<Violation>,
}

#[derive(Serialize)]
pub(super) struct Spent {
    input: usize,
    outpoint: String,
    path: String,
    /// Which output of the stake, where a delegation tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'static str>,
}

/// An output of the protocol that the transaction pays to, as far as it is recognised.
#[derive(Serialize)]
pub(super) struct Paid {
    index: usize,
    output: &'static str,
    timelock: u16,
}

impl From<&PaidOutput> for Paid {
    fn from(paid: &PaidOutput) -> Self {
        Self { index: paid.index, output: paid.output.as_str(), timelock: paid.output.timelock().blocks() }
    }
}

fn strings(items: &[impl ToString]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

pub(super) fn fields(
    transaction: &Transaction,
    input_amounts: &[Option<Amount>],
    explanation: &Explanation,
    known: Option<&Known>,
) -> Fields {
    let spent: Option<&SpentLeaf> = explanation.spent.first();
    let keys = spent.map(|spent| &spent.keys);
    let announcement = explanation.announcement.as_ref();
    // Of a stake, the staking output, wherever it stands.
    let staking = explanation.outputs.iter().find(|paid| matches!(paid.output, ProtocolOutput::Staking(_)));
    let paid = staking.or(explanation.outputs.first()).map(|paid| &paid.output);
    let parties = paid.and_then(ProtocolOutput::parties);
    let staker = keys.map(LeafKeys::staker).or(paid.map(ProtocolOutput::staker));
    let staker = staker.or(announcement.map(|said| &said.staker));
    let revealed = keys.map(LeafKeys::finality_providers).filter(|providers| !providers.is_empty());
    let providers = match (revealed, parties, announcement) {
        (Some(revealed), _, _) => strings(revealed),
        (None, Some(parties), _) => strings(parties.finality_providers().as_slice()),
        (None, None, Some(said)) => vec![said.finality_provider.to_string()],
        (None, None, None) => Vec::new(),
    };
    let timelock = match (keys, paid, announcement) {
        (Some(LeafKeys::Timelock { timelock, .. }), _, _) => Some(timelock.blocks()),
        (None, Some(ProtocolOutput::Staking(output)), _) => Some(output.staking_time().blocks()),
        (None, _, Some(said)) => Some(said.staking_time.blocks()),
        _ => None,
    };
    let of_output = parties.map(Parties::covenant).filter(|_| keys.is_none());
    let (covenant_members, quorum) = match (of_output, keys.map(LeafKeys::covenant)) {
        (Some(covenant), _) => (covenant.members().len(), covenant.quorum()),
        (None, Some((members, quorum))) => (members.len(), quorum),
        (None, None) => (0, 0),
    };
    let held = input_amounts.iter().try_fold(Amount::ZERO, |sum, amount| sum.checked_add((*amount)?));
    Fields {
        txid: explanation.txid.to_string(),
        kind: explanation.kind.as_str(),
        finished: true,
        spent_path: keys.map(|keys| keys.path().to_string()),
        spent: explanation
            .spent
            .iter()
            .map(|spent| Spent {
                input: spent.input,
                outpoint: spent.outpoint.to_string(),
                path: spent.keys.path().to_string(),
                output: known.and_then(|known| known.output(spent.outpoint)),
            })
            .collect(),
        staker: staker.map(ToString::to_string),
        finality_providers: providers,
        provider_signers: spent.map(|spent| strings(&spent.provider_signers)).unwrap_or_default(),
        covenant_members,
        quorum,
        covenant_signers: spent.map(|spent| strings(&spent.covenant_signers)).unwrap_or_default(),
        timelock,
        sequence: transaction.input.iter().map(|input| input.sequence.0).collect(),
        lock_time: transaction.lock_time.to_consensus_u32(),
        input_amounts_sat: input_amounts.iter().map(|amount| amount.map(Amount::to_sat)).collect(),
        output_amounts_sat: transaction.output.iter().map(|output| output.value.to_sat()).collect(),
        protocol_outputs: explanation.outputs.iter().map(Paid::from).collect(),
        paid_sat: explanation.paid.to_sat(),
        fee_sat: held.and_then(|held| held.checked_sub(explanation.paid)).map(Amount::to_sat),
        vsize: transaction.vsize(),
        block_height: None,
        confirmations: None,
        parameters: None,
        context: None,
    }
}

pub(super) fn text(fields: &Fields, explanation: &Explanation) -> String {
    let mut lines = vec![format!("{STRONG}{}{STRONG:#} {}", fields.kind, fields.txid)];
    for spent in &fields.spent {
        let of = spent.output.map(|output| format!(" of the {output} output")).unwrap_or_default();
        lines.push(format!(
            "input {} spends {} through the {} path{of}",
            spent.input, spent.outpoint, spent.path
        ));
    }
    if let Some(staker) = &fields.staker {
        lines.push(format!("staker              {staker}"));
    }
    for provider in &fields.finality_providers {
        let signed = if fields.provider_signers.contains(provider) { " (signature present)" } else { "" };
        lines.push(format!("finality provider   {provider}{signed}"));
    }
    if fields.quorum > 0 && fields.spent.is_empty() {
        lines.push(format!("covenant            {} of {} members", fields.quorum, fields.covenant_members));
    } else if fields.quorum > 0 {
        let (signed, members) = (fields.covenant_signers.len(), fields.covenant_members);
        lines.push(format!(
            "covenant            signatures of {signed} of {members} members are present, the quorum is {}",
            fields.quorum
        ));
        lines.extend(
            fields
                .covenant_signers
                .iter()
                .map(|signer| format!("  {FAINT}signature of{FAINT:#}      {signer}")),
        );
    }
    if let Some(timelock) = fields.timelock {
        lines.push(format!("timelock            {timelock} blocks"));
    }
    if let Some(said) = &explanation.announcement {
        lines.push(format!("announced with tag  {}", hex::encode(said.tag)));
    }
    let mut recognised = fields.protocol_outputs.iter().peekable();
    for (index, amount) in fields.output_amounts_sat.iter().enumerate() {
        let paid = recognised.next_if(|paid| paid.index == index);
        let paid = paid.map(|paid| {
            format!(", the {} output, open to the staker after {} blocks", paid.output, paid.timelock)
        });
        lines.push(format!("output {index:<3}          {amount} sat{}", paid.unwrap_or_default()));
    }
    let fee = fields.fee_sat.map(|fee| format!("fee {fee} sat, "));
    let size = if fields.finished { "" } else { " without the witnesses that are still absent" };
    lines.push(format!("size                {}{} vB{size}", fee.unwrap_or_default(), fields.vsize));
    match (fields.block_height, fields.confirmations) {
        (Some(height), Some(deep)) => {
            lines.push(format!("block               at height {height}, {deep} deep"))
        }
        (None, Some(_)) => lines.push("block               none yet, it waits".to_owned()),
        (_, None) => {}
    }
    for UnderVersion { version, violations } in fields.parameters.iter().flatten() {
        let kept = if violations.is_empty() {
            "no rule is broken that it tells of"
        } else {
            "these rules are broken:"
        };
        lines.push(format!("under version {version:<6}{kept}"));
        lines.extend(violations.iter().map(|found| format!("  {}: {}", found.rule, plain(&found.message))));
    }
    if let Some(InDelegation { part, violations, provider_secret_key }) = &fields.context {
        lines.push(format!("of the delegation       {}", part.unwrap_or("none of its transactions")));
        lines.extend(violations.iter().map(|found| format!("  {}: {}", found.rule, plain(&found.message))));
        let key = provider_secret_key.iter();
        lines.extend(key.map(|key| format!("finality provider's key {key}")));
    }
    lines.join("\n")
}
