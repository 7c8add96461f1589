//! Reading a transaction back: what it is in this protocol, by the leaf its witness reveals, never by
//! position.

use std::collections::BTreeMap;

use bitcoin::secp256k1::SECP256K1;
use bitcoin::taproot::{ControlBlock, LeafVersion};
use bitcoin::{
    Amount, OutPoint, Psbt, Script, TapLeafHash, Transaction, TxIn, TxOut, Txid, XOnlyPublicKey, psbt,
};

use crate::outputs::INTERNAL_KEY;
use crate::outputs::descriptor::ProtocolOutput;
use crate::outputs::leaf::{LeafKeys, Path};
use crate::signing::psbt::spent_outputs;
use crate::watching::announcement::StakeAnnouncement;

/// What a transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransactionKind {
    /// It pays to a staking output, and spends none of the protocol's: a phase-1 stake, which says so with
    /// its OP_RETURN, or one whose output is recognised.
    Stake,
    /// Its one input spends a staking output through the unbonding path, into one output.
    Unbonding,
    /// Its first input spends a staking output through the unbonding path, beside a second one that funds the
    /// new stake.
    Extension,
    /// Its one input spends a staking or unbonding output through the slashing path, into two outputs.
    Slashing,
    /// It spends one or more matured outputs through the timelock path, and none through another.
    Withdrawal,
    /// Nothing in it shows the protocol, or it spends the protocol's outputs in a shape that the protocol
    /// does not have: then the paths are named all the same. A staking output cannot be told from any other
    /// Taproot output until it is spent, or its keys are known.
    Unknown,
}

impl TransactionKind {
    /// The kind as one lower-case word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stake => "stake",
            Self::Unbonding => "unbonding",
            Self::Extension => "extension",
            Self::Slashing => "slashing",
            Self::Withdrawal => "withdrawal",
            Self::Unknown => "unknown",
        }
    }
}

/// A leaf that an input reveals, and who signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpentLeaf {
    /// Which input.
    pub input: usize,
    /// What it spends.
    pub outpoint: OutPoint,
    /// What the leaf demands.
    pub keys: LeafKeys,
    /// The finality providers whose signatures are there: one, in a transaction that a node takes.
    pub provider_signers: Vec<XOnlyPublicKey>,
    /// The covenant members whose signatures are there, ascending.
    pub covenant_signers: Vec<XOnlyPublicKey>,
}

/// An output of the protocol that a transaction pays to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaidOutput {
    /// Which output.
    pub index: usize,
    /// What it is.
    pub output: ProtocolOutput,
}

/// What a transaction is in this protocol. Who signed is read from the places that the script gives the
/// signatures: they are present. Whether they verify is the chain's judgement, and needs the outputs spent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Its id.
    pub txid: Txid,
    /// What it is.
    pub kind: TransactionKind,
    /// The protocol's leaves that its inputs reveal.
    pub spent: Vec<SpentLeaf>,
    /// The protocol's outputs that are recognised, ascending: those that a PSBT describes, and those that the
    /// reader [knows](Self::knowing).
    pub outputs: Vec<PaidOutput>,
    /// What it says if it is a phase-1 stake.
    pub announcement: Option<StakeAnnouncement>,
    /// The sum of its outputs.
    pub paid: Amount,
    /// An input offers several of the protocol's leaves for signing, so that it spends an output of the
    /// protocol in a way that is not told.
    untold: bool,
}

/// Explains a transaction. Anything can be explained; what is not of this protocol is
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

/// Explains a transaction on its way through its signers: an input that has no witness yet is explained by
/// the one leaf that the PSBT offers for signing, its signers by the signatures collected, and an output by
/// the script tree that the PSBT gives of it.
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
                return offered_leaf(index, input.previous_output, signed);
            }
            spent_leaf(index, input).filter(|_| output.is_none_or(|output| reveals_leaf_of(&output, input)))
        });
    let untold = inputs().any(|(input, signed)| input.witness.is_empty() && offers_several(signed));
    let outputs = psbt.unsigned_tx.output.iter().zip(&psbt.outputs).enumerate();
    let recognised = outputs.filter_map(|(index, (out, described))| {
        let output = ProtocolOutput::of_tree(described.tap_tree.as_ref()?)?;
        (output.taproot().script_pubkey() == out.script_pubkey).then_some(PaidOutput { index, output })
    });
    named(&transaction, spent.collect(), recognised.collect(), untold)
}

impl Explanation {
    /// With the transaction's outputs that are among these recognised too, by their scripts: what tells a
    /// stake from other payments. The transaction is the one explained.
    #[must_use]
    pub fn knowing(self, transaction: &Transaction, known: &[ProtocolOutput]) -> Self {
        let scripts: Vec<_> = known.iter().map(|output| (output.taproot().script_pubkey(), output)).collect();
        let mut outputs: BTreeMap<usize, PaidOutput> =
            self.outputs.into_iter().map(|paid| (paid.index, paid)).collect();
        for (index, out) in transaction.output.iter().enumerate() {
            if let Some((_, output)) = scripts.iter().find(|(script, _)| *script == out.script_pubkey) {
                outputs.entry(index).or_insert_with(|| PaidOutput { index, output: (*output).clone() });
            }
        }
        named(transaction, self.spent, outputs.into_values().collect(), self.untold)
    }
}

fn named(
    transaction: &Transaction,
    spent: Vec<SpentLeaf>,
    outputs: Vec<PaidOutput>,
    untold: bool,
) -> Explanation {
    let announcement = StakeAnnouncement::of(transaction).ok();
    let stakes = announcement.is_some()
        || outputs.iter().any(|paid| matches!(paid.output, ProtocolOutput::Staking(_)));
    let paths: Vec<_> = spent.iter().map(|leaf| (leaf.input, leaf.keys.path())).collect();
    let kind = match (paths.as_slice(), transaction.input.len(), transaction.output.len()) {
        ([], _, _) if stakes && !untold => TransactionKind::Stake,
        ([(0, Path::Unbonding)], 1, 1) => TransactionKind::Unbonding,
        ([(0, Path::Unbonding)], 2, _) => TransactionKind::Extension,
        ([(0, Path::Slashing)], 1, 2) => TransactionKind::Slashing,
        // The staker alone decides what else goes into a withdrawal.
        ([_, ..], _, _) if paths.iter().all(|(_, path)| *path == Path::Timelock) => {
            TransactionKind::Withdrawal
        }
        _ => TransactionKind::Unknown,
    };
    let paid = transaction.output.iter().try_fold(Amount::ZERO, |sum, out| sum.checked_add(out.value));
    let (txid, paid) = (transaction.compute_txid(), paid.unwrap_or(Amount::MAX));
    Explanation { txid, kind, spent, outputs, announcement, paid, untold }
}

/// The leaf that a PSBT offers for signing, when it offers one only: one of the protocol, and of the output
/// that it spends where that is known.
pub(crate) fn offered_keys(input: &psbt::Input) -> Option<(LeafKeys, TapLeafHash)> {
    let mut offered = input.tap_scripts.iter();
    let (control_block, (script, version)) = offered.next()?;
    if offered.next().is_some() || *version != LeafVersion::TapScript || !is_protocols(control_block) {
        return None;
    }
    if input.witness_utxo.as_ref().is_some_and(|output| !commits(output, control_block, script)) {
        return None;
    }
    Some((LeafKeys::from_script(script).ok()?, TapLeafHash::from_script(script, LeafVersion::TapScript)))
}

/// Whether an output has this leaf.
fn commits(output: &TxOut, control_block: &ControlBlock, script: &Script) -> bool {
    let program = output.script_pubkey.as_bytes().get(2..).filter(|_| output.script_pubkey.is_p2tr());
    let key = program.and_then(|program| XOnlyPublicKey::from_slice(program).ok());
    key.is_some_and(|key| control_block.verify_taproot_commitment(SECP256K1, key, script))
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

fn offered_leaf(index: usize, outpoint: OutPoint, input: &psbt::Input) -> Option<SpentLeaf> {
    let (keys, hash) = offered_keys(input)?;
    let signed = |key: &XOnlyPublicKey| input.tap_script_sigs.contains_key(&(*key, hash));
    Some(spent_by(index, outpoint, keys, signed))
}

/// Whether the control block is of an output of the protocol: without a key path, and with at most three
/// leaves.
fn is_protocols(control_block: &ControlBlock) -> bool {
    control_block.internal_key.to_string() == INTERNAL_KEY && control_block.merkle_branch.len() <= 2
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

/// A leaf that a witness reveals.
pub(crate) struct RevealedLeaf {
    pub(crate) keys: LeafKeys,
    pub(crate) hash: TapLeafHash,
    /// What stands where each key's signature belongs, in the order of the script.
    pub(crate) places: Vec<(XOnlyPublicKey, Vec<u8>)>,
}

/// The leaf of the protocol that an input's witness reveals.
pub(crate) fn revealed_leaf(input: &TxIn) -> Option<RevealedLeaf> {
    // An annex would stand last in the witness (BIP-341); the library tells it from the control block.
    let leaf = input.witness.taproot_leaf_script().filter(|leaf| leaf.version == LeafVersion::TapScript)?;
    let keys = LeafKeys::from_script(leaf.script).ok()?;
    let hash = TapLeafHash::from_script(leaf.script, LeafVersion::TapScript);
    let mut elements: Vec<_> = input.witness.iter().collect();
    if input.witness.taproot_annex().is_some() {
        elements.pop();
    }
    let [places @ .., _, control_block] = elements.as_slice() else { return None };
    if !is_protocols(&ControlBlock::decode(control_block).ok()?) || !input.script_sig.is_empty() {
        return None;
    }
    // A timelock that the input does not wait for makes no withdrawal: no node would ever take it.
    if let LeafKeys::Timelock { timelock, .. } = keys
        && input.sequence != timelock.sequence()
    {
        return None;
    }
    let in_order: Vec<_> = keys.in_script_order().copied().collect();
    if places.len() != in_order.len() {
        return None;
    }
    let places = in_order.into_iter().zip(places.iter().rev().map(|place| place.to_vec())).collect();
    Some(RevealedLeaf { keys, hash, places })
}

fn spent_leaf(index: usize, input: &TxIn) -> Option<SpentLeaf> {
    let RevealedLeaf { keys, places, .. } = revealed_leaf(input)?;
    let signed: Vec<_> =
        places.into_iter().filter(|(_, place)| is_signature(place)).map(|(key, _)| key).collect();
    Some(spent_by(index, input.previous_output, keys, |key| signed.contains(key)))
}

/// Whether a place of the witness has the size of a signature: 64 bytes, or 65 with a sighash type.
fn is_signature(place: &[u8]) -> bool {
    matches!(place.len(), 64 | 65)
}
