//! The output of `tx explain`.

use bitcoin::{Amount, Transaction};
use serde::{Deserialize, Serialize};
use spv::anchors::{Phase1Data, Registry};
use staking_scripts::delegation::DelegationRelation;
use staking_scripts::explain::{PaidOutput, SpentLeaf};
use staking_scripts::outputs::{LeafKeys, ProtocolOutput};
use staking_scripts::{Explanation, Parties};

use super::known::InDelegation;
use crate::view::marks::MarkData;
use crate::view::output::CommandOutput;
use crate::view::payment::{self, Payment, PaymentInput, PaymentOutput};
use crate::view::text::{FAINT, STRONG};
use crate::view::violation::{self, Violation};

/// What a transaction is in the staking protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The transaction id, in display order.
    pub txid: String,
    /// `stake`, `unbonding`, `slashing`, `withdrawal`, `extension` or `unknown`.
    pub kind: String,
    /// Whether every input has its witness or script signature.
    pub finalized: bool,
    /// The path through which the first recognized input spends.
    pub spent_path: Option<String>,
    /// The inputs that spend a leaf of a stake.
    pub spent: Vec<SpentInput>,
    /// The staker's public key.
    pub staker: Option<String>,
    /// The finality providers' public keys.
    pub finality_providers: Vec<String>,
    /// The finality providers whose signatures are present.
    pub provider_signers: Vec<String>,
    /// How many members the covenant committee has; null when unknown.
    pub covenant_members: Option<usize>,
    /// How many covenant members must sign; null when unknown.
    pub quorum: Option<u16>,
    /// The covenant members whose signatures are present.
    pub covenant_signers: Vec<String>,
    /// The timelock in blocks.
    pub timelock: Option<u16>,
    /// The nSequence of each input.
    pub sequence: Vec<u32>,
    /// The nLockTime.
    pub nlocktime: u32,
    /// The satoshis of each input; null when unknown.
    pub input_amounts_sat: Vec<Option<u64>>,
    /// The satoshis of each output.
    pub output_amounts_sat: Vec<u64>,
    /// What the inputs spend.
    pub inputs: Vec<PaymentInput>,
    /// What the outputs pay, and to whom.
    pub outputs: Vec<PaymentOutput>,
    /// The outputs that belong to a stake, as far as they are recognized.
    pub protocol_outputs: Vec<StakeOutput>,
    /// The tag of the OP_RETURN data of a phase-1 stake, in hex. Anybody can write such data: only with
    /// `kind` `stake` is there the output that they name.
    pub op_return_tag: Option<String>,
    /// The data of OP_RETURN outputs that the staking protocol does not explain, and the marks of other
    /// chains that they are.
    pub marks: Vec<MarkData>,
    /// The satoshis of all outputs.
    pub paid_sat: u64,
    /// The fee in satoshis; null when an input's amount is unknown.
    pub fee_sat: Option<u64>,
    /// The fee rate in satoshis for 1000 virtual bytes, with the witnesses that are there or the least ones
    /// that will be; null where the fee is unknown.
    pub fee_rate_sat_per_kvb: Option<u64>,
    /// The virtual size.
    pub vsize: usize,
    /// The height of its block on the node's chain.
    pub block_height: Option<u32>,
    /// How many confirmations it has on the node's chain: 0 while it is unconfirmed.
    pub confirmations: Option<u32>,
    /// The rules that it breaks under each version of the parameters, of either form; null without
    /// `--params`.
    pub parameters: Option<Vec<UnderVersion>>,
    /// Which of the delegation's transactions it is; null without `--delegation`.
    pub delegation: Option<InDelegation>,
    /// Warnings.
    pub warnings: Vec<String>,
}

/// The rules that a transaction breaks under a version of the parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UnderVersion {
    /// The version, from 0.
    pub version: usize,
    /// The rules that are broken.
    pub violations: Vec<Violation>,
    /// Of OP_RETURN data of a phase-1 stake, the rules that this version does not have, or whose numbers are
    /// not given.
    pub not_checked: Vec<String>,
}

/// An input that spends a leaf of a stake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SpentInput {
    /// The input, from 0.
    pub input: usize,
    /// The output that it spends: TXID:INDEX.
    pub outpoint: String,
    /// The path through which it spends.
    pub path: String,
    /// Which output of the stake it spends; null unless a delegation tells.
    pub output: Option<String>,
}

/// An output that belongs to a stake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StakeOutput {
    /// The output, from 0.
    pub index: usize,
    /// `staking`, `unbonding` or `slashing-refund`.
    pub output: String,
    /// Its timelock in blocks.
    pub timelock: u16,
}

impl From<&PaidOutput> for StakeOutput {
    fn from(paid: &PaidOutput) -> Self {
        Self {
            index: paid.index,
            output: paid.output.as_str().to_owned(),
            timelock: paid.output.timelock().blocks(),
        }
    }
}

fn strings(items: &[impl ToString]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

/// Returns what other chains' marks a transaction has. The data of a phase-1 stake are its own.
fn marks(transaction: &Transaction, explanation: &Explanation) -> Vec<MarkData> {
    let registry = Registry::new();
    let own = explanation.op_return.as_ref().map(|said| (said.staker.serialize(), said.tag));
    let is_own = |data: &[u8]| {
        let read = Phase1Data::from_bytes(data).map(|data| (data.staker, data.tag.0));
        own.is_some() && read == own
    };
    let told = registry.explain(transaction).into_iter().filter(|told| !is_own(&told.data));
    told.map(|told| MarkData::new(told, &registry, true)).collect()
}

pub(super) fn fields(
    transaction: &Transaction,
    input_amounts: &[Option<Amount>],
    explanation: &Explanation,
    known: Option<&DelegationRelation<'_>>,
    payment: Payment,
) -> Output {
    let spent: Option<&SpentLeaf> = explanation.spent.first();
    let keys = spent.map(|spent| &spent.keys);
    let op_return = explanation.op_return.as_ref();
    // Of a stake, the staking output, wherever it stands.
    let staking = explanation.outputs.iter().find(|paid| matches!(paid.output, ProtocolOutput::Staking(_)));
    let paid = staking.or(explanation.outputs.first()).map(|paid| &paid.output);
    let parties = paid.and_then(ProtocolOutput::parties);
    let staker = keys.map(LeafKeys::staker).or(paid.map(ProtocolOutput::staker));
    let staker = staker.or(op_return.map(|said| &said.staker));
    let revealed = keys.map(LeafKeys::finality_providers).filter(|providers| !providers.is_empty());
    let providers = match (revealed, parties, op_return) {
        (Some(revealed), _, _) => strings(revealed),
        (None, Some(parties), _) => strings(parties.finality_providers().as_slice()),
        (None, None, Some(said)) => vec![said.finality_provider.to_string()],
        (None, None, None) => Vec::new(),
    };
    let timelock = match (keys, paid, op_return) {
        (Some(LeafKeys::Timelock { timelock, .. }), _, _) => Some(timelock.blocks()),
        (None, Some(ProtocolOutput::Staking(output)), _) => Some(output.staking_time().blocks()),
        (None, _, Some(said)) => Some(said.staking_time.blocks()),
        _ => None,
    };
    let of_output = parties.map(Parties::covenant).filter(|_| keys.is_none());
    let of_output = of_output.map(|covenant| (covenant.members().len(), covenant.quorum()));
    // The timelock path shows no committee.
    let of_leaf = keys.map(LeafKeys::covenant).filter(|(members, _)| !members.is_empty());
    let committee = of_output.or(of_leaf.map(|(members, quorum)| (members.len(), quorum)));
    Output {
        txid: explanation.txid.to_string(),
        kind: explanation.kind.as_str().to_owned(),
        finalized: true,
        spent_path: keys.map(|keys| keys.path().to_string()),
        spent: explanation
            .spent
            .iter()
            .map(|spent| SpentInput {
                input: spent.input,
                outpoint: spent.outpoint.to_string(),
                path: spent.keys.path().to_string(),
                output: known
                    .and_then(|known| known.output(spent.outpoint))
                    .map(|output| output.as_str().to_owned()),
            })
            .collect(),
        staker: staker.map(ToString::to_string),
        finality_providers: providers,
        provider_signers: spent.map(|spent| strings(&spent.provider_signers)).unwrap_or_default(),
        covenant_members: committee.map(|(members, _)| members),
        quorum: committee.map(|(_, quorum)| quorum),
        covenant_signers: spent.map(|spent| strings(&spent.covenant_signers)).unwrap_or_default(),
        timelock,
        sequence: transaction.input.iter().map(|input| input.sequence.0).collect(),
        nlocktime: transaction.lock_time.to_consensus_u32(),
        input_amounts_sat: input_amounts.iter().map(|amount| amount.map(Amount::to_sat)).collect(),
        output_amounts_sat: transaction.output.iter().map(|output| output.value.to_sat()).collect(),
        inputs: payment.inputs,
        outputs: payment.outputs,
        protocol_outputs: explanation.outputs.iter().map(StakeOutput::from).collect(),
        op_return_tag: op_return.map(|data| hex::encode(data.tag)),
        marks: marks(transaction, explanation),
        paid_sat: explanation.paid.to_sat(),
        fee_sat: payment.fee_sat,
        fee_rate_sat_per_kvb: payment.fee_rate_sat_per_kvb,
        vsize: transaction.vsize(),
        block_height: None,
        confirmations: None,
        parameters: None,
        delegation: None,
        warnings: payment.warnings,
    }
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        text(self)
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

fn text(fields: &Output) -> String {
    let mut lines = vec![format!("{STRONG}{}{STRONG:#} {}", fields.kind, fields.txid)];
    for spent in &fields.spent {
        let of = spent.output.as_ref().map(|output| format!(" of the {output} output")).unwrap_or_default();
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
    if let (Some(quorum), Some(members)) = (fields.quorum, fields.covenant_members) {
        let signed = fields.covenant_signers.len();
        let said = match fields.spent.is_empty() {
            true => format!("{quorum} of {members} members"),
            false => {
                format!("signatures of {signed} of {members} members are present, the quorum is {quorum}")
            }
        };
        lines.push(format!("covenant            {said}"));
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
    // Anybody can write such data.
    let alone =
        if fields.kind == "stake" { "" } else { ", of data of a phase-1 stake, which alone are none" };
    lines.extend(fields.op_return_tag.as_ref().map(|tag| format!("OP_RETURN tag       {tag}{alone}")));
    for StakeOutput { index, output, timelock } in &fields.protocol_outputs {
        lines.push(format!(
            "output {index:<3}          the {output} output, open to the staker after {timelock} blocks"
        ));
    }
    lines.extend(fields.marks.iter().filter(|data| data.mark.is_some()).flat_map(MarkData::lines));
    lines.extend(payment::lines(
        &fields.inputs,
        &fields.outputs,
        fields.fee_sat,
        fields.fee_rate_sat_per_kvb,
    ));
    let size = if fields.finalized { "" } else { " without the missing witnesses" };
    lines.push(format!("size                {} vB{size}", fields.vsize));
    match (fields.block_height, fields.confirmations) {
        (Some(height), Some(deep)) => {
            lines.push(format!("block               at height {height}, {deep} confirmations"))
        }
        (None, Some(_)) => lines.push("block               none, it is unconfirmed".to_owned()),
        (_, None) => {}
    }
    for UnderVersion { version, violations, not_checked } in fields.parameters.iter().flatten() {
        let kept = if violations.is_empty() { "no rule is broken, as far as it shows" } else { "it breaks:" };
        lines.push(format!("under version {version:<6}{kept}"));
        lines.extend(violation::lines(violations));
        lines.extend((!not_checked.is_empty()).then(|| format!("  not checked: {}", not_checked.join(", "))));
    }
    if let Some(InDelegation { stake_transaction, violations, provider_secret_key }) = &fields.delegation {
        lines.push(format!(
            "of the delegation       {}",
            stake_transaction.as_deref().unwrap_or("none of its transactions")
        ));
        lines.extend(violation::lines(violations));
        let key = provider_secret_key.iter();
        lines.extend(key.map(|key| format!("finality provider's key {key}")));
    }
    lines.join("\n")
}
