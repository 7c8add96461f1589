//! What a PSBT's transaction spends and pays, and to whom: what a signer must see before it signs.

use std::collections::BTreeSet;

use bitcoin::psbt::Input;
use bitcoin::{
    Amount, FeeRate, OutPoint, Psbt, Script, ScriptBuf, Transaction, TxOut, Weight, XOnlyPublicKey,
};

use super::weight::least_weight;
use crate::coins::key_path::key_path_script;
use crate::explain::{Explanation, PaidOutput, SpentLeaf, TransactionKind};
use crate::outputs::descriptor::ProtocolOutput;
use crate::outputs::leaf::SpendPath;
use crate::transactions::shown::spent_outputs;
use crate::transactions::sighash::sum;

/// What a transaction spends and pays.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PaymentSummary {
    /// The inputs, in order.
    pub inputs: Vec<InputSummary>,
    /// The outputs, in order.
    pub outputs: Vec<OutputSummary>,
    /// The fee; `None` when an input's amount is not known, or it pays more than it spends.
    pub fee: Option<Amount>,
    /// The weight with the witnesses that it has, or the least ones that it will need.
    pub weight: Weight,
    /// The fee rate of the transaction of that weight.
    pub fee_rate: Option<FeeRate>,
}

/// An input.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct InputSummary {
    /// The output that it spends.
    pub outpoint: OutPoint,
    /// The output's amount and script; `None` where they are not known.
    pub spent: Option<TxOut>,
    /// The spend path, of an output of a stake.
    pub path: Option<SpendPath>,
}

/// An output.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct OutputSummary {
    /// The amount and the script.
    pub output: TxOut,
    /// Whose it is.
    pub owner: OutputOwner,
}

/// Whose an output is, by what is shown: nothing is taken from a PSBT's word alone.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum OutputOwner {
    /// The staker's: it pays to the key path of the key of the staker whose stake is spent.
    Staker,
    /// Change: it pays to the key path of the signer's key; without a signer, to the one script of all coins
    /// that fund the transaction.
    Change,
    /// An output of a stake, whose keys and times make this script, and which this transaction can make.
    Protocol {
        /// The output.
        output: Box<ProtocolOutput>,
        /// The stake's outpoint: of the staking output itself, or the first one spent.
        stake: OutPoint,
    },
    /// Burnt: an OP_RETURN output.
    Burnt,
    /// Nobody is known.
    Unknown,
}

impl OutputOwner {
    /// Returns the owner's name: one word, or an output of the protocol.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Staker => "staker",
            Self::Change => "change",
            Self::Protocol { output, .. } => output.as_str(),
            Self::Burnt => "burnt",
            Self::Unknown => "unknown",
        }
    }
}

/// Summarizes the transaction of a PSBT. `signer` is the key that is about to sign, where it is known.
pub fn summarize_psbt(
    psbt: &Psbt,
    explanation: &Explanation,
    signer: Option<&XOnlyPublicKey>,
) -> PaymentSummary {
    let spent = spent_outputs(psbt);
    let weight = least_weight(psbt, &spent, Weight::MAX);
    PaymentSummary::new(&psbt.unsigned_tx, spent, explanation, signer, weight)
}

/// Returns the inputs whose amount is the PSBT's word alone: legacy coins without the transaction that they
/// are of (`non_witness_utxo`). No signature for them commits to an amount, so that a wrong one hides a fee.
pub fn unproven_amounts(psbt: &Psbt) -> Vec<usize> {
    let is_legacy = |input: &Input| {
        let Some(spent) = input.witness_utxo.as_ref().filter(|_| input.non_witness_utxo.is_none()) else {
            return false;
        };
        let script = &spent.script_pubkey;
        // The redeem script of a nested witness program is the only push of its scriptSig.
        let pushed = input.final_script_sig.as_ref().and_then(|script| script.as_bytes().get(1..));
        let redeem = input.redeem_script.as_deref().or(pushed.map(Script::from_bytes));
        let is_nested =
            redeem.is_some_and(|redeem| redeem.is_witness_program() && *script == redeem.to_p2sh());
        !script.is_witness_program() && !is_nested
    };
    let inputs = psbt.inputs.iter().enumerate();
    inputs.filter(|(_, input)| is_legacy(input)).map(|(index, _)| index).collect()
}

impl PaymentSummary {
    /// Summarizes a transaction whose inputs spend these outputs, as far as they are known.
    pub fn of_transaction(
        transaction: &Transaction,
        spent: Vec<Option<TxOut>>,
        explanation: &Explanation,
    ) -> Self {
        let mut summary = Self::new(transaction, spent, explanation, None, transaction.weight());
        // What a witness reveals is valid for the output spent, or the transaction is in no block.
        for leaf in &explanation.spent {
            if let Some(input) = summary.inputs.get_mut(leaf.input) {
                input.path = Some(leaf.keys.path());
            }
        }
        summary
    }

    fn new(
        transaction: &Transaction,
        spent: Vec<Option<TxOut>>,
        explanation: &Explanation,
        signer: Option<&XOnlyPublicKey>,
        weight: Weight,
    ) -> Self {
        let held: Option<Vec<TxOut>> = spent.iter().cloned().collect();
        let held = held.as_deref().and_then(sum);
        let paid = sum(&transaction.output);
        let fee = held.zip(paid).and_then(|(held, paid)| held.checked_sub(paid));
        let fee_rate = rate(fee, weight);
        let path = |input| explanation.spent.iter().find(|leaf| leaf.input == input);
        let inputs: Vec<_> = transaction
            .input
            .iter()
            .zip(spent)
            .enumerate()
            .map(|(index, (input, spent))| InputSummary {
                outpoint: input.previous_output,
                // Of an output that is not known, the path is the PSBT's word.
                path: path(index).filter(|_| spent.is_some()).map(|leaf| leaf.keys.path()),
                spent,
            })
            .collect();
        let owners = Owners::new(explanation, &inputs, signer);
        let outputs = transaction.output.iter().enumerate();
        let outputs = outputs
            .map(|(index, output)| OutputSummary { output: output.clone(), owner: owners.of(index, output) });
        let outputs = outputs.collect();
        Self { inputs, outputs, fee, weight, fee_rate }
    }
}

impl PaymentSummary {
    /// Returns the summary with the fee rate of another weight.
    #[must_use]
    pub fn with_weight(self, weight: Weight) -> Self {
        Self { weight, fee_rate: rate(self.fee, weight), ..self }
    }

    /// Returns the outputs, by their index, that pay to none of the scripts given and that the stake spent
    /// does not imply: the unbonding output of its unbonding transaction, the refund of a slashing
    /// transaction, and what that burns. A new staking output locks coins under keys of whoever made it, so
    /// it is expected like any address. An OP_RETURN output without an amount is.
    pub fn unexpected(&self, signer: &XOnlyPublicKey, expected: &[ScriptBuf]) -> Vec<usize> {
        let implied = |owner: &OutputOwner| match owner {
            OutputOwner::Protocol { output, .. } => {
                output.staker() == signer && !matches!(**output, ProtocolOutput::Staking(_))
            }
            _ => false,
        };
        let slashes = self.outputs.len() == 2
            && self.inputs.iter().all(|input| input.path == Some(SpendPath::Slashing))
            && self.outputs.iter().any(|paid| implied(&paid.owner));
        let is_expected = |paid: &OutputSummary| match &paid.owner {
            OutputOwner::Burnt if slashes || paid.output.value == Amount::ZERO => true,
            owner => implied(owner) || expected.contains(&paid.output.script_pubkey),
        };
        let unexpected = self.outputs.iter().enumerate().filter(|(_, paid)| !is_expected(paid));
        unexpected.map(|(index, _)| index).collect()
    }
}

fn rate(fee: Option<Amount>, weight: Weight) -> Option<FeeRate> {
    let per_kwu = fee?.to_sat().checked_mul(1000)?.checked_div(weight.to_wu())?;
    Some(FeeRate::from_sat_per_kwu(per_kwu))
}

/// What tells whose an output is.
struct Owners<'a> {
    explanation: &'a Explanation,
    staker: Option<ScriptBuf>,
    change: Option<ScriptBuf>,
}

impl<'a> Owners<'a> {
    /// Without a signer, the staker is that of the leaves spent, where it is one; and change is what goes
    /// back to the one script that all coins of a funding transaction have: another's coin may be among
    /// them.
    fn new(explanation: &'a Explanation, inputs: &[InputSummary], signer: Option<&XOnlyPublicKey>) -> Self {
        if let Some(signer) = signer {
            let own = key_path_script(signer);
            let spends = explanation.spent.iter().any(|leaf| leaf.keys.staker() == signer);
            let (staker, change) = if spends { (Some(own), None) } else { (None, Some(own)) };
            return Self { explanation, staker, change };
        }
        let known = |leaf: &&SpentLeaf| inputs.get(leaf.input).is_some_and(|input| input.spent.is_some());
        let stakers: BTreeSet<_> =
            explanation.spent.iter().filter(known).map(|leaf| key_path_script(leaf.keys.staker())).collect();
        let coins: Option<BTreeSet<_>> =
            inputs.iter().map(|input| Some(input.spent.as_ref()?.script_pubkey.clone())).collect();
        let coins = coins.filter(|_| explanation.spent.is_empty()).unwrap_or_default();
        let only = |scripts: BTreeSet<ScriptBuf>| scripts.first().filter(|_| scripts.len() == 1).cloned();
        Self { explanation, staker: only(stakers), change: only(coins) }
    }

    fn of(&self, index: usize, output: &TxOut) -> OutputOwner {
        let paid = self.explanation.outputs.iter().find(|paid| paid.index == index);
        if let Some((output, stake)) = paid.and_then(|paid| Some((&paid.output, self.stake(paid)?))) {
            return OutputOwner::Protocol { output: Box::new(output.clone()), stake };
        }
        let script = Some(&output.script_pubkey);
        if output.script_pubkey.is_op_return() {
            OutputOwner::Burnt
        } else if script == self.staker.as_ref() {
            OutputOwner::Staker
        } else if script == self.change.as_ref() {
            OutputOwner::Change
        } else {
            OutputOwner::Unknown
        }
    }

    /// Returns the stake that an output of the protocol is of, where this transaction can make it: a PSBT can
    /// describe the keys of any output.
    fn stake(&self, paid: &PaidOutput) -> Option<OutPoint> {
        let own = OutPoint::new(self.explanation.txid, u32::try_from(paid.index).ok()?);
        let leaf = self.explanation.spent.first();
        let is_stakers = leaf.is_none_or(|leaf| leaf.keys.staker() == paid.output.staker());
        match (self.explanation.kind, &paid.output, leaf) {
            (TransactionKind::Stake, ProtocolOutput::Staking(_), None) => Some(own),
            (TransactionKind::Extension, ProtocolOutput::Staking(_), Some(_)) => {
                Some(own).filter(|_| is_stakers)
            }
            (TransactionKind::Unbonding, ProtocolOutput::Unbonding(output), Some(leaf)) => {
                let committee = output.parties().covenant();
                let same: BTreeSet<_> = committee.members().iter().collect();
                let (members, quorum) = leaf.keys.covenant();
                let is_committee = quorum == committee.quorum() && same == members.iter().collect();
                Some(leaf.outpoint).filter(|_| is_stakers && is_committee)
            }
            (TransactionKind::Slashing, ProtocolOutput::SlashingRefund(_), Some(leaf)) => {
                Some(leaf.outpoint).filter(|_| is_stakers)
            }
            _ => None,
        }
    }
}
