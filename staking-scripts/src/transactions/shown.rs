//! The data that an input carries: the leaf that its witness reveals or its PSBT offers, and the output that
//! the PSBT says it spends.

use bitcoin::relative::LockTime;
use bitcoin::script::{Builder, PushBytesBuf};
use bitcoin::secp256k1::SECP256K1;
use bitcoin::taproot::{ControlBlock, LeafVersion};
use bitcoin::{Psbt, Script, ScriptBuf, Sequence, TapLeafHash, TxIn, TxOut, Witness, XOnlyPublicKey, psbt};

use crate::outputs::leaf::{Leaf, LeafKeys};
use crate::outputs::place::{is_at_its_depth, is_nums_tapscript};

/// Returns the output that each input of a PSBT spends; `None` where the PSBT has none, or two that differ.
pub fn spent_outputs(psbt: &Psbt) -> Vec<Option<TxOut>> {
    let described = psbt.unsigned_tx.input.iter().zip(&psbt.inputs);
    described.map(|(input, described)| prevout(input, described)).collect()
}

fn prevout(input: &TxIn, described: &psbt::Input) -> Option<TxOut> {
    let (outpoint, said) = (input.previous_output, described.witness_utxo.as_ref());
    let Some(source) = &described.non_witness_utxo else { return said.cloned() };
    let output = source.output.get(usize::try_from(outpoint.vout).ok()?)?;
    let agrees = source.compute_txid() == outpoint.txid && said.is_none_or(|said| said == output);
    agrees.then(|| output.clone())
}

/// Returns the scriptSig of an input when it is signed, which is part of the transaction's id: the final one,
/// none of a native witness program, or the redeem script of a nested one. `None` where only signing tells
/// it, or the output spent is not known.
pub(crate) fn final_script_sig(input: &psbt::Input, spent: Option<&TxOut>) -> Option<ScriptBuf> {
    if input.final_script_sig.is_some() || input.final_script_witness.is_some() {
        return Some(input.final_script_sig.clone().unwrap_or_default());
    }
    let script = &spent?.script_pubkey;
    if script.is_witness_program() {
        return Some(ScriptBuf::new());
    }
    let redeem = input.redeem_script.as_ref()?;
    let nested = redeem.is_witness_program() && *script == redeem.to_p2sh();
    let push = PushBytesBuf::try_from(redeem.to_bytes()).ok().filter(|_| nested)?;
    Some(Builder::new().push_slice(push).into_script())
}

/// Returns the inputs of a PSBT whose signing changes the transaction's id in a way that is not known yet:
/// coins of no witness program, or nested ones without their redeem script.
pub fn unsettled_inputs(psbt: &Psbt) -> Vec<usize> {
    let described = psbt.inputs.iter().zip(spent_outputs(psbt)).enumerate();
    let unsettled = described
        .filter(|(_, (input, spent))| spent.is_some() && final_script_sig(input, spent.as_ref()).is_none());
    unsettled.map(|(index, _)| index).collect()
}

/// Returns the leaf that a PSBT's input offers for signing, when it offers exactly one: a leaf of the
/// protocol, and of the output spent where that is known.
pub(crate) fn offered_leaf(input: &psbt::Input, spent: Option<&TxOut>) -> Option<Leaf> {
    let mut offered = input.tap_scripts.iter();
    let (control_block, (script, version)) = offered.next()?;
    if offered.next().is_some() || *version != LeafVersion::TapScript {
        return None;
    }
    let keys = protocols_leaf(control_block, script)?;
    if spent.is_some_and(|output| !commits(output, control_block, script)) {
        return None;
    }
    Some(Leaf { keys, script: script.clone(), control_block: control_block.clone() })
}

/// Returns whether an output has this leaf.
pub(crate) fn commits(output: &TxOut, control_block: &ControlBlock, script: &Script) -> bool {
    let program = output.script_pubkey.as_bytes().get(2..).filter(|_| output.script_pubkey.is_p2tr());
    let key = program.and_then(|program| XOnlyPublicKey::from_slice(program).ok());
    // Signatures are made and verified for tapscript: a leaf of another version is another leaf.
    control_block.leaf_version == LeafVersion::TapScript
        && key.is_some_and(|key| control_block.verify_taproot_commitment(SECP256K1, key, script))
}

/// Returns the leaf of this script, when an output of the protocol has it at the depth of its control block,
/// under the NUMS internal key.
pub(crate) fn protocols_leaf(control_block: &ControlBlock, script: &Script) -> Option<LeafKeys> {
    // Cheaper than the script is to read.
    let keys = is_nums_tapscript(control_block).then(|| LeafKeys::from_script(script).ok())??;
    is_at_its_depth(&keys, control_block).then_some(keys)
}

/// Returns whether an input's nSequence satisfies the leaf's timelock, if it has one (BIP-112): a number of
/// blocks that is at least as high.
pub(crate) fn waits(keys: &LeafKeys, sequence: Sequence) -> bool {
    match keys {
        LeafKeys::Timelock { timelock, .. } => {
            LockTime::from_height(timelock.blocks()).is_implied_by_sequence(sequence)
        }
        LeafKeys::Unbonding { .. } | LeafKeys::Slashing { .. } => true,
    }
}

/// A leaf that a witness reveals, with its signatures.
pub(crate) struct RevealedLeaf {
    pub(crate) keys: LeafKeys,
    pub(crate) hash: TapLeafHash,
    pub(crate) script: ScriptBuf,
    pub(crate) control_block: ControlBlock,
    /// The witness element for each key's signature, in the order of the script.
    pub(crate) places: Vec<(XOnlyPublicKey, Vec<u8>)>,
}

/// Returns the leaf of the protocol that an input's witness reveals.
pub(crate) fn revealed_leaf(input: &TxIn) -> Option<RevealedLeaf> {
    // An annex is the last element of the witness (BIP-341); the library distinguishes it from the control
    // block.
    let leaf = input.witness.taproot_leaf_script().filter(|leaf| leaf.version == LeafVersion::TapScript)?;
    let hash = TapLeafHash::from_script(leaf.script, LeafVersion::TapScript);
    let mut elements: Vec<_> = input.witness.iter().collect();
    if input.witness.taproot_annex().is_some() {
        elements.pop();
    }
    let [places @ .., _, control_block] = elements.as_slice() else { return None };
    let control_block = ControlBlock::decode(control_block).ok()?;
    let keys = protocols_leaf(&control_block, leaf.script)?;
    // An input that does not wait for the timelock is no withdrawal: it is not valid.
    if !input.script_sig.is_empty() || !waits(&keys, input.sequence) {
        return None;
    }
    let in_order: Vec<_> = keys.in_script_order().copied().collect();
    if places.len() != in_order.len() {
        return None;
    }
    let places = in_order.into_iter().zip(places.iter().rev().map(|place| place.to_vec())).collect();
    let script = leaf.script.to_owned();
    Some(RevealedLeaf { keys, hash, script, control_block, places })
}

/// A leaf of the protocol with fewer signatures than its script has keys, and nothing for the other keys.
pub(crate) struct ShortWitness<'a> {
    pub(crate) keys: LeafKeys,
    pub(crate) hash: TapLeafHash,
    pub(crate) script: ScriptBuf,
    pub(crate) control_block: ControlBlock,
    pub(crate) signatures: Vec<&'a [u8]>,
}

/// Returns the leaf and the signatures of a witness with fewer elements than the script takes: wallets that
/// do not know the script finalize with the signatures that there are, and leave no place for the others.
pub(crate) fn short_witness(witness: &Witness) -> Option<ShortWitness<'_>> {
    let elements: Vec<&[u8]> = witness.iter().collect();
    let [signatures @ .., script, control_block] = elements.as_slice() else { return None };
    let (script, control_block) = (Script::from_bytes(script), ControlBlock::decode(control_block).ok()?);
    let keys = protocols_leaf(&control_block, script)?;
    if signatures.is_empty() || signatures.len() >= keys.in_script_order().count() {
        return None;
    }
    let hash = TapLeafHash::from_script(script, LeafVersion::TapScript);
    Some(ShortWitness {
        keys,
        hash,
        script: script.to_owned(),
        control_block,
        signatures: signatures.to_vec(),
    })
}
