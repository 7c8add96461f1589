//! Explanation of a transaction: its kind in this protocol, by the leaf that its witness reveals, not by
//! position.
//!
//! Other protocols use the same internal key and some of the same leaves. A leaf counts at its place in a
//! script tree of the protocol alone, and where its timelock is satisfied; and a transaction is of a kind
//! that spends only in the protocol's form, and when it can be valid.

mod form;
mod kind;
mod selective;

use std::collections::BTreeMap;

use bitcoin::taproot::ControlBlock;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, Psbt, Transaction, TxIn, TxOut, Txid, XOnlyPublicKey, psbt};

pub use self::kind::{FeeBump, TransactionKind};
pub use self::selective::{RecoverError, recover_provider_key};
use crate::outputs::committee::CovenantCommittee;
use crate::outputs::descriptor::ProtocolOutput;
use crate::outputs::leaf::LeafKeys;
use crate::outputs::op_return::OpReturnData;
use crate::outputs::place::{LeafPlace, Places};
use crate::transactions::shown::{
    self, RevealedLeaf, commits, protocols_leaf, revealed_leaf, short_witness, spent_outputs, waits,
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
    /// The leaf's place in the script tree of the output.
    place: LeafPlace,
    /// Whether the witness can be valid: it has as many signatures as the script asks for, or will have.
    may_satisfy: bool,
}

impl SpentLeaf {
    /// Returns whether this control block has the leaf at the same place.
    pub(crate) fn is_at(&self, control_block: &ControlBlock) -> bool {
        self.place.is_of(control_block)
    }
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
    /// The OP_RETURN data of a phase-1 stake, if the transaction has it. Alone they make no stake, and may
    /// contradict the outputs: [`Phase1Stake::find`](crate::phase1::Phase1Stake::find) tells.
    pub op_return: Option<OpReturnData>,
    /// The sum of the outputs.
    pub paid: Amount,
    /// Whether an input offers several of the protocol's leaves for signing, so that its spend path is not
    /// known.
    ambiguous: bool,
}

/// Explains a transaction. Every transaction can be explained; one that is not of this protocol is
/// [`TransactionKind::Unknown`].
///
/// A leaf is searched for its timelock, at most four times for a transaction, and some hundredths of a second
/// each time; of a transaction that spends outputs with more timelocks, the other leaves are not recognised.
pub fn explain(transaction: &Transaction) -> Explanation {
    let mut leaves = Leaves::new(transaction.version);
    let inputs = transaction.input.iter().enumerate();
    let spent = inputs.filter_map(|(index, input)| leaves.revealed(index, input));
    let spent = spent.collect();
    named(transaction, spent, Vec::new(), false)
}

/// Explains the transaction of a PSBT: an input without a witness by the one leaf that the PSBT offers for
/// signing and the signatures collected, and an output by its script tree in the PSBT. The id is that of the
/// signed transaction, also where inputs are nested witness programs and nobody has signed.
pub fn explain_psbt(psbt: &Psbt) -> Explanation {
    let (mut transaction, held) = (psbt.unsigned_tx.clone(), spent_outputs(psbt));
    for ((input, signed), output) in transaction.input.iter_mut().zip(&psbt.inputs).zip(&held) {
        input.witness = signed.final_script_witness.clone().unwrap_or_default();
        // Part of the id.
        input.script_sig = shown::final_script_sig(signed, output.as_ref()).unwrap_or_default();
    }
    let mut leaves = Leaves::new(transaction.version);
    let inputs = || transaction.input.iter().zip(&psbt.inputs);
    let spent = inputs().zip(held).enumerate().filter_map(|(index, ((input, signed), output))| {
        if input.witness.is_empty() {
            return leaves.offered(index, input, signed, output.as_ref());
        }
        let leaf = leaves.revealed(index, input).or_else(|| leaves.signed(index, input))?;
        let is_spent = output.is_none_or(|output| reveals_leaf_of(&output, input));
        // What a wallet finalized can be completed.
        is_spent.then_some(SpentLeaf { may_satisfy: true, ..leaf })
    });
    let spent = spent.collect();
    let ambiguous = inputs().any(|(input, signed)| input.witness.is_empty() && offers_several(signed));
    let outputs = psbt.unsigned_tx.output.iter().zip(&psbt.outputs).enumerate();
    let recognised = outputs.filter_map(|(index, (out, described))| {
        let output = ProtocolOutput::of_tree(described.tap_tree.as_ref()?)?;
        (output.taproot().script_pubkey() == out.script_pubkey).then_some(PaidOutput { index, output })
    });
    named(&transaction, spent, recognised.collect(), ambiguous)
}

impl Explanation {
    /// Returns the explanation without the leaves of other committees than these, and without the timelock
    /// leaves of staking outputs that have the unbonding leaf of none of them beside them: they are of
    /// another protocol, or of stakes of others.
    #[must_use]
    pub fn with_committees(mut self, transaction: &Transaction, known: &[&CovenantCommittee]) -> Self {
        self.spent.retain(|leaf| leaf.place.is_of_committees(&leaf.keys, known));
        named(transaction, self.spent, self.outputs, self.ambiguous)
    }

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
    // OP_RETURN data alone are no stake: anybody can write them.
    let stakes = outputs.iter().any(|paid| matches!(paid.output, ProtocolOutput::Staking(_)));
    let kind = match spent.as_slice() {
        [] if stakes && !ambiguous => TransactionKind::Stake,
        leaves => form::kind(transaction, leaves, &outputs),
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
    let mut offered = input.tap_scripts.iter();
    input.tap_scripts.len() > 1 && offered.any(|(at, (script, _))| protocols_leaf(at, script).is_some())
}

/// Recognises the leaves of one transaction.
struct Leaves {
    version: Version,
    places: Places,
}

impl Leaves {
    fn new(version: Version) -> Self {
        Self { version, places: Places::default() }
    }

    /// Returns the leaf that an input of a PSBT offers for signing.
    fn offered(
        &mut self,
        index: usize,
        txin: &TxIn,
        input: &psbt::Input,
        spent: Option<&TxOut>,
    ) -> Option<SpentLeaf> {
        let leaf = shown::offered_leaf(input, spent)?;
        let (hash, keys) = (leaf.hash(), leaf.keys);
        let signed = |key: &XOnlyPublicKey| input.tap_script_sigs.contains_key(&(*key, hash));
        self.spent(index, txin, keys, &leaf.control_block, signed)
    }

    /// Returns the leaf that an input's witness reveals.
    fn revealed(&mut self, index: usize, input: &TxIn) -> Option<SpentLeaf> {
        let RevealedLeaf { keys, places, control_block, .. } = revealed_leaf(input)?;
        let filled = places.iter().filter(|(_, place)| !place.is_empty()).count();
        let signed = places.into_iter().filter(|(_, place)| is_signature(place));
        let signed: Vec<_> = signed.map(|(key, _)| key).collect();
        let staker = signed.contains(keys.staker());
        let leaf = self.spent(index, input, keys, &control_block, |key| signed.contains(key))?;
        // The script takes exactly so many signatures, and nothing else but empty elements.
        let (provider, (_, quorum)) = (leaf.keys.finality_providers().len().min(1), leaf.keys.covenant());
        let is_complete = staker
            && leaf.provider_signers.len() == provider
            && leaf.covenant_signers.len() == usize::from(quorum)
            && filled == signed.len();
        Some(SpentLeaf { may_satisfy: is_complete, ..leaf })
    }

    /// Returns the leaf of a witness that a wallet finalized which does not know the script, with fewer
    /// signatures than it has keys.
    fn signed(&mut self, index: usize, input: &TxIn) -> Option<SpentLeaf> {
        let leaf = short_witness(&input.witness)?;
        self.spent(index, input, leaf.keys, &leaf.control_block, |_| false)
    }

    /// Returns the leaf, where the protocol has it at this place and its timelock is satisfied.
    fn spent(
        &mut self,
        index: usize,
        input: &TxIn,
        keys: LeafKeys,
        control_block: &ControlBlock,
        signed: impl Fn(&XOnlyPublicKey) -> bool,
    ) -> Option<SpentLeaf> {
        // Relative timelocks are of version 2 on (BIP-68), which Bitcoin Core compares without a sign.
        let has_timelocks = !matches!(self.version, Version(0 | 1));
        let is_timelock = matches!(keys, LeafKeys::Timelock { .. });
        if (is_timelock && !has_timelocks) || !waits(&keys, input.sequence) {
            return None;
        }
        let place = self.places.of(&keys, control_block)?;
        let among =
            |keys: &[XOnlyPublicKey]| keys.iter().filter(|key| signed(key)).copied().collect::<Vec<_>>();
        let (provider_signers, covenant_signers) =
            (among(keys.finality_providers()), among(keys.covenant().0));
        let outpoint = input.previous_output;
        let (input, may_satisfy) = (index, true);
        Some(SpentLeaf { input, outpoint, keys, provider_signers, covenant_signers, place, may_satisfy })
    }
}

/// Returns whether a witness element has the size of a signature: 64 bytes, or 65 with a sighash type.
fn is_signature(place: &[u8]) -> bool {
    matches!(place.len(), 64 | 65)
}
