//! Spends that must fail. The library refuses to finalize them, so their witnesses are built here.

use bitcoin::{TapSighash, Transaction, Witness, XOnlyPublicKey};
use eots::{SecretKey, SignError};
use staking_scripts::outputs::Leaf;

/// Returns the transaction with a witness for `leaf` that has, for each of the script's keys, the bytes that
/// `place` returns, or an empty element. Nothing is checked: this is for spends that a node must refuse.
pub fn with_witness(
    unsigned: &Transaction,
    leaf: &Leaf,
    place: impl Fn(&XOnlyPublicKey) -> Option<Vec<u8>>,
) -> Transaction {
    let mut elements: Vec<_> =
        leaf.keys.in_script_order().rev().map(|key| place(key).unwrap_or_default()).collect();
    elements.push(leaf.script.to_bytes());
    elements.push(leaf.control_block.serialize());
    let mut transaction = unsigned.clone();
    if let Some(input) = transaction.input.first_mut() {
        input.witness = Witness::from_slice(&elements);
    }
    transaction
}

/// Returns a function for [`with_witness`]: for the key of one of `signers` it returns that signer's BIP-340
/// signature over `sighash`, for another key `None`.
///
/// # Errors
/// As [`SecretKey::sign_bip340`].
pub fn signed_by(
    signers: &[&SecretKey],
    sighash: TapSighash,
) -> Result<impl Fn(&XOnlyPublicKey) -> Option<Vec<u8>>, SignError> {
    let mut signed = Vec::new();
    for signer in signers {
        signed.push((*signer.public_key(), signer.sign_bip340(sighash)?.serialize().to_vec()));
    }
    Ok(move |key: &XOnlyPublicKey| {
        signed.iter().find(|(signer, _)| signer == key).map(|(_, signature)| signature.clone())
    })
}
