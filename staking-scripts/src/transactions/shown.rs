//! The data that an input carries: the leaf that its witness reveals or its PSBT offers, and the output that
//! the PSBT says it spends.

use bitcoin::secp256k1::SECP256K1;
use bitcoin::taproot::{ControlBlock, LeafVersion};
use bitcoin::{Psbt, Script, ScriptBuf, TapLeafHash, TxIn, TxOut, Witness, XOnlyPublicKey, psbt};

use crate::outputs::leaf::{Leaf, LeafKeys};
use crate::outputs::output::NUMS_INTERNAL_KEY;

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

/// Returns the leaf that a PSBT's input offers for signing, when it offers exactly one: a leaf of the
/// protocol, and of the output spent where that is known.
pub(crate) fn offered_leaf(input: &psbt::Input, spent: Option<&TxOut>) -> Option<Leaf> {
    let mut offered = input.tap_scripts.iter();
    let (control_block, (script, version)) = offered.next()?;
    if offered.next().is_some() || *version != LeafVersion::TapScript || !is_protocols(control_block) {
        return None;
    }
    if spent.is_some_and(|output| !commits(output, control_block, script)) {
        return None;
    }
    let keys = LeafKeys::from_script(script).ok()?;
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

/// Returns whether the control block is of an output of the protocol: the NUMS internal key, and at most
/// three leaves.
pub(crate) fn is_protocols(control_block: &ControlBlock) -> bool {
    control_block.leaf_version == LeafVersion::TapScript
        && control_block.internal_key.to_string() == NUMS_INTERNAL_KEY
        && control_block.merkle_branch.len() <= 2
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
    let keys = LeafKeys::from_script(leaf.script).ok()?;
    let hash = TapLeafHash::from_script(leaf.script, LeafVersion::TapScript);
    let mut elements: Vec<_> = input.witness.iter().collect();
    if input.witness.taproot_annex().is_some() {
        elements.pop();
    }
    let [places @ .., _, control_block] = elements.as_slice() else { return None };
    let control_block = ControlBlock::decode(control_block).ok()?;
    if !is_protocols(&control_block) || !input.script_sig.is_empty() {
        return None;
    }
    // An input without the nSequence of the timelock is no withdrawal: it is not valid.
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
    let script = leaf.script.to_owned();
    Some(RevealedLeaf { keys, hash, script, control_block, places })
}

/// A leaf of the protocol with one signature, whose key the script names among others.
pub(crate) struct OnlySignature<'a> {
    pub(crate) keys: LeafKeys,
    pub(crate) hash: TapLeafHash,
    pub(crate) script: ScriptBuf,
    pub(crate) control_block: ControlBlock,
    pub(crate) signature: &'a [u8],
}

/// Returns the leaf and the signature of a witness of three elements (signature, script and control block)
/// whose script asks for more signatures: wallets that do not know the script finalize so.
pub(crate) fn only_signature(witness: &Witness) -> Option<OnlySignature<'_>> {
    let elements: Vec<&[u8]> = witness.iter().collect();
    let [signature, script, control_block] = elements.as_slice() else { return None };
    let (script, control_block) = (Script::from_bytes(script), ControlBlock::decode(control_block).ok()?);
    let keys = LeafKeys::from_script(script).ok().filter(|keys| keys.in_script_order().count() > 1)?;
    let hash = TapLeafHash::from_script(script, LeafVersion::TapScript);
    is_protocols(&control_block).then(|| OnlySignature {
        keys,
        hash,
        script: script.to_owned(),
        control_block,
        signature,
    })
}
