//! Explanation of a transaction: its kind in this protocol, by the leaf that its witness reveals, not by
//! position.

mod kind;
mod selective;

use std::collections::BTreeMap;

use bitcoin::taproot::ControlBlock;
use bitcoin::{Amount, OutPoint, Psbt, Transaction, TxIn, TxOut, Txid, XOnlyPublicKey, psbt};

pub use self::kind::{FeeBump, TransactionKind};
pub use self::selective::{RecoverError, recover_provider_key};
use crate::outputs::descriptor::ProtocolOutput;
use crate::outputs::leaf::{LeafKeys, SpendPath};
use crate::outputs::op_return::OpReturnData;
use crate::transactions::shown::{
    self, RevealedLeaf, commits, is_protocols, only_signature, revealed_leaf, spent_outputs,
};

/// A leaf that an input reveals, and the keys that signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpentLeaf {
    /// The index of the input.
    pub input: usize,
    /// The outpoint that it spends.
    pub outpoint: OutPoint,
    /// The keys, quorum and timelock of the leaf.
    pub keys: LeafKeys,
    /// The finality providers whose signatures are present: one, in a valid transaction.
    pub provider_signers: Vec<XOnlyPublicKey>,
    /// The covenant members whose signatures are present, ascending.
    pub covenant_signers: Vec<XOnlyPublicKey>,
}

/// An output of the protocol that a transaction pays to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaidOutput {
    /// The index of the output.
    pub index: usize,
    /// The output of the protocol.
    pub output: ProtocolOutput,
}

/// The explanation of a transaction: its kind, the leaves spent and the outputs paid. The signers are read
/// from the witness elements that the script assigns to their keys. The signatures are not verified, as that
/// needs the outputs spent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The transaction's id.
    pub txid: Txid,
    /// The kind of the transaction.
    pub kind: TransactionKind,
    /// The protocol's leaves that the inputs reveal.
    pub spent: Vec<SpentLeaf>,
    /// The protocol's outputs that are recognised, ascending: those that a PSBT describes, and those that the
    /// caller [knows](Self::with_known_outputs).
    pub outputs: Vec<PaidOutput>,
    /// The OP_RETURN data of a phase-1 stake, if the transaction has it.
    pub op_return: Option<OpReturnData>,
    /// The sum of the outputs.
    pub paid: Amount,
    /// Whether an input offers several of the protocol's leaves for signing, so that its spend path is not
    /// known.
    ambiguous: bool,
}

/// Explains a transaction. Every transaction can be explained; one that is not of this protocol is
/// [`TransactionKind::Unknown`].
pub fn explain(transaction: &Transaction) -> Explanation {
    let inputs = transaction.input.iter().enumerate();
    named(
        transaction,
        inputs.filter_map(|(index, input)| spent_leaf(index, input)).collect(),
        Vec::new(),
        false,
    )
}

/// Explains the transaction of a PSBT: an input without a witness by the one leaf that the PSBT offers for
/// signing and the signatures collected, and an output by its script tree in the PSBT.
pub fn explain_psbt(psbt: &Psbt) -> Explanation {
    let mut transaction = psbt.unsigned_tx.clone();
    for (input, signed) in transaction.input.iter_mut().zip(&psbt.inputs) {
        input.witness = signed.final_script_witness.clone().unwrap_or_default();
        // Part of the id.
        input.script_sig = signed.final_script_sig.clone().unwrap_or_default();
    }
    let inputs = || transaction.input.iter().zip(&psbt.inputs);
    let spent =
        inputs().zip(spent_outputs(psbt)).enumerate().filter_map(|(index, ((input, signed), output))| {
            if input.witness.is_empty() {
                return offered_leaf(index, input.previous_output, signed, output.as_ref());
            }
            let leaf = spent_leaf(index, input).or_else(|| signed_leaf(index, input));
            leaf.filter(|_| output.is_none_or(|output| reveals_leaf_of(&output, input)))
        });
    let ambiguous = inputs().any(|(input, signed)| input.witness.is_empty() && offers_several(signed));
    let outputs = psbt.unsigned_tx.output.iter().zip(&psbt.outputs).enumerate();
    let recognised = outputs.filter_map(|(index, (out, described))| {
        let output = ProtocolOutput::of_tree(described.tap_tree.as_ref()?)?;
        (output.taproot().script_pubkey() == out.script_pubkey).then_some(PaidOutput { index, output })
    });
    named(&transaction, spent.collect(), recognised.collect(), ambiguous)
}

impl Explanation {
    /// Returns the explanation with the outputs of `transaction`, the one explained, that are among `known`
    /// recognised too, by their scripts. This distinguishes a stake from other payments.
    #[must_use]
    pub fn with_known_outputs(self, transaction: &Transaction, known: &[ProtocolOutput]) -> Self {
        let scripts: Vec<_> = known.iter().map(|output| (output.taproot().script_pubkey(), output)).collect();
        let mut outputs: BTreeMap<usize, PaidOutput> =
            self.outputs.into_iter().map(|paid| (paid.index, paid)).collect();
        for (index, out) in transaction.output.iter().enumerate() {
            if let Some((_, output)) = scripts.iter().find(|(script, _)| *script == out.script_pubkey) {
                outputs.entry(index).or_insert_with(|| PaidOutput { index, output: (*output).clone() });
            }
        }
        named(transaction, self.spent, outputs.into_values().collect(), self.ambiguous)
    }
}

fn named(
    transaction: &Transaction,
    spent: Vec<SpentLeaf>,
    outputs: Vec<PaidOutput>,
    ambiguous: bool,
) -> Explanation {
    let op_return = OpReturnData::of(transaction).ok();
    let stakes =
        op_return.is_some() || outputs.iter().any(|paid| matches!(paid.output, ProtocolOutput::Staking(_)));
    let paths: Vec<_> = spent.iter().map(|leaf| (leaf.input, leaf.keys.path())).collect();
    let kind = match (paths.as_slice(), transaction.input.len(), transaction.output.len()) {
        ([], _, _) if stakes && !ambiguous => TransactionKind::Stake,
        ([(0, SpendPath::Unbonding)], 1, 1) => TransactionKind::Unbonding,
        ([(0, SpendPath::Unbonding)], 2, _) => TransactionKind::Extension,
        ([(0, SpendPath::Slashing)], 1, 2) => TransactionKind::Slashing,
        // The staker alone decides what else goes into a withdrawal.
        ([_, ..], _, _) if paths.iter().all(|(_, path)| *path == SpendPath::Timelock) => {
            TransactionKind::Withdrawal
        }
        _ => TransactionKind::Unknown,
    };
    let paid = transaction.output.iter().try_fold(Amount::ZERO, |sum, out| sum.checked_add(out.value));
    let (txid, paid) = (transaction.compute_txid(), paid.unwrap_or(Amount::MAX));
    Explanation { txid, kind, spent, outputs, op_return, paid, ambiguous }
}

fn reveals_leaf_of(output: &TxOut, input: &TxIn) -> bool {
    let control_block =
        input.witness.taproot_control_block().and_then(|bytes| ControlBlock::decode(bytes).ok());
    let leaf = input.witness.taproot_leaf_script();
    leaf.zip(control_block).is_some_and(|(leaf, control_block)| commits(output, &control_block, leaf.script))
}

fn offers_several(input: &psbt::Input) -> bool {
    input.tap_scripts.len() > 1 && input.tap_scripts.keys().any(is_protocols)
}

fn offered_leaf(
    index: usize,
    outpoint: OutPoint,
    input: &psbt::Input,
    spent: Option<&TxOut>,
) -> Option<SpentLeaf> {
    let leaf = shown::offered_leaf(input, spent)?;
    let (hash, keys) = (leaf.hash(), leaf.keys);
    let signed = |key: &XOnlyPublicKey| input.tap_script_sigs.contains_key(&(*key, hash));
    Some(spent_by(index, outpoint, keys, signed))
}

fn spent_by(
    index: usize,
    outpoint: OutPoint,
    keys: LeafKeys,
    signed: impl Fn(&XOnlyPublicKey) -> bool,
) -> SpentLeaf {
    let among = |keys: &[XOnlyPublicKey]| keys.iter().filter(|key| signed(key)).copied().collect::<Vec<_>>();
    let (provider_signers, covenant_signers) = (among(keys.finality_providers()), among(keys.covenant().0));
    SpentLeaf { input: index, outpoint, keys, provider_signers, covenant_signers }
}

fn spent_leaf(index: usize, input: &TxIn) -> Option<SpentLeaf> {
    let RevealedLeaf { keys, places, .. } = revealed_leaf(input)?;
    let signed: Vec<_> =
        places.into_iter().filter(|(_, place)| is_signature(place)).map(|(key, _)| key).collect();
    Some(spent_by(index, input.previous_output, keys, |key| signed.contains(key)))
}

/// Returns the leaf of a witness that a wallet finalized which does not know the script, with its signature
/// alone.
fn signed_leaf(index: usize, input: &TxIn) -> Option<SpentLeaf> {
    let leaf = only_signature(&input.witness)?;
    Some(spent_by(index, input.previous_output, leaf.keys, |_| false))
}

/// Returns whether a witness element has the size of a signature: 64 bytes, or 65 with a sighash type.
fn is_signature(place: &[u8]) -> bool {
    matches!(place.len(), 64 | 65)
}
