//! Keys that have signed several leaves of one input.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::psbt::Input;
use bitcoin::{Psbt, TapLeafHash, TxIn, XOnlyPublicKey};

use crate::transactions::shown::{revealed_leaf, short_witness};

/// Returns the keys that have signed several leaves of an input, each with the index of the input, without
/// verifying the signatures: such a PSBT must not be passed on. Where a wallet finalized an input without
/// saying whose its signatures are, they count as those of every key of the leaf.
pub fn keys_of_several_leaves(psbt: &Psbt) -> Vec<(usize, XOnlyPublicKey)> {
    let inputs = psbt.inputs.iter().zip(&psbt.unsigned_tx.input).enumerate();
    inputs
        .flat_map(|(index, (input, txin))| {
            let signed = input.tap_script_sigs.keys().copied().chain(witness_signers(input, txin));
            several(signed).map(move |key| (index, key))
        })
        .collect()
}

/// Returns the keys that have signed, or may have, in a finalized witness, each with the leaf.
fn witness_signers(input: &Input, txin: &TxIn) -> Vec<(XOnlyPublicKey, TapLeafHash)> {
    let Some(witness) = &input.final_script_witness else { return Vec::new() };
    if let Some(leaf) = revealed_leaf(&TxIn { witness: witness.clone(), ..txin.clone() }) {
        let signed = leaf.places.iter().filter(|(_, place)| !place.is_empty());
        return signed.map(|(key, _)| (*key, leaf.hash)).collect();
    }
    let leaf = short_witness(witness);
    leaf.map(|leaf| leaf.keys.in_script_order().map(|key| (*key, leaf.hash)).collect()).unwrap_or_default()
}

/// Returns the keys that are there with several leaves.
pub(super) fn several(
    signed: impl Iterator<Item = (XOnlyPublicKey, TapLeafHash)>,
) -> impl Iterator<Item = XOnlyPublicKey> {
    let mut leaves_of = BTreeMap::<XOnlyPublicKey, usize>::new();
    for (key, _) in signed.collect::<BTreeSet<_>>() {
        let count = leaves_of.entry(key).or_default();
        *count = count.saturating_add(1);
    }
    leaves_of.into_iter().filter(|(_, count)| *count > 1).map(|(key, _)| key)
}
