//! The check of a finalized transaction: every field and signature, on the transaction itself.

use bitcoin::secp256k1::{Message, SECP256K1, schnorr};
use bitcoin::taproot::ControlBlock;
use bitcoin::{Amount, Script, Transaction, TxOut, XOnlyPublicKey};

use crate::outputs::leaf::Leaf;
use crate::outputs::relay::{MAX_WEIGHT, UnsafeOutput};
use crate::transactions::sighash::{leaf_sighash, sum};
use crate::transactions::spend::FinalizeError;

/// Checks a finalized transaction that spends `prevouts`, the first of them through `leaf`, against the one
/// that was signed, `unsigned`.
///
/// # Errors
/// [`FinalizeError`] names the first check that fails.
pub(crate) fn check_finalized(
    transaction: &Transaction,
    unsigned: &Transaction,
    prevouts: &[TxOut],
    leaf: &Leaf,
) -> Result<(), FinalizeError> {
    check_unchanged(transaction, unsigned)?;
    let ([input, others @ ..], [prevout, ..]) = (transaction.input.as_slice(), prevouts) else {
        return Err(FinalizeError::Changed("number of inputs"));
    };
    if others.iter().any(|input| input.witness.is_empty()) {
        return Err(FinalizeError::UnsignedFunding);
    }
    let elements: Vec<&[u8]> = input.witness.iter().collect();
    let path = leaf.keys.path();
    let [places @ .., script, control_block] = elements.as_slice() else {
        return Err(FinalizeError::WrongLeaf(path));
    };
    if *script != leaf.script.as_bytes() || *control_block != leaf.control_block.serialize() {
        return Err(FinalizeError::WrongLeaf(path));
    }
    check_committed(control_block, &leaf.script, &prevout.script_pubkey)?;
    verify_signatures(places, transaction, prevouts, leaf)?;
    check_amounts(transaction, prevouts)?;
    match transaction.weight() {
        weight if weight > MAX_WEIGHT => Err(FinalizeError::TooHeavy(weight)),
        _ => Ok(()),
    }
}

fn check_unchanged(transaction: &Transaction, unsigned: &Transaction) -> Result<(), FinalizeError> {
    let outpoints = |tx: &Transaction| tx.input.iter().map(|input| input.previous_output).collect::<Vec<_>>();
    let sequences = |tx: &Transaction| tx.input.iter().map(|input| input.sequence).collect::<Vec<_>>();
    let unchanged = [
        ("version", transaction.version == unsigned.version),
        ("nLockTime", transaction.lock_time == unsigned.lock_time),
        ("number of inputs", transaction.input.len() == unsigned.input.len()),
        ("outpoint", outpoints(transaction) == outpoints(unsigned)),
        ("nSequence", sequences(transaction) == sequences(unsigned)),
        ("outputs", transaction.output == unsigned.output),
        ("transaction id", transaction.compute_txid() == unsigned.compute_txid()),
    ];
    match unchanged.into_iter().find(|(_, same)| !same) {
        Some((what, _)) => Err(FinalizeError::Changed(what)),
        None => Ok(()),
    }
}

/// Refuses a control block that does not prove the script to be in the output (BIP-341, "Script validation
/// rules").
fn check_committed(
    control_block: &[u8],
    script: &Script,
    script_pubkey: &Script,
) -> Result<(), FinalizeError> {
    let output_key = script_pubkey.as_bytes().get(2..).filter(|_| script_pubkey.is_p2tr());
    let output_key = output_key.and_then(|key| XOnlyPublicKey::from_slice(key).ok());
    let committed = ControlBlock::decode(control_block).is_ok_and(|block| {
        output_key.is_some_and(|key| block.verify_taproot_commitment(SECP256K1, key, script))
    });
    if committed { Ok(()) } else { Err(FinalizeError::NotCommitted) }
}

fn verify_signatures(
    places: &[&[u8]],
    transaction: &Transaction,
    prevouts: &[TxOut],
    leaf: &Leaf,
) -> Result<(), FinalizeError> {
    let keys: Vec<_> = leaf.keys.in_script_order().copied().collect();
    if places.len() != keys.len() {
        return Err(FinalizeError::WitnessLength { found: places.len(), expected: keys.len() });
    }
    let sighash = leaf_sighash(transaction, prevouts, 0, leaf.hash())
        .ok_or(FinalizeError::Changed("number of inputs"))?;
    let mut signed = Vec::new();
    // The script takes its signatures from the top of the stack, so the last element is of the first key.
    for (key, place) in keys.iter().zip(places.iter().rev()).filter(|(_, place)| !place.is_empty()) {
        // Exactly 64 bytes, which implies SIGHASH_DEFAULT.
        schnorr::Signature::from_slice(place)
            .and_then(|signature| SECP256K1.verify_schnorr(&signature, &Message::from(sighash), key))
            .map_err(|_| FinalizeError::InvalidSignature(*key))?;
        signed.push(*key);
    }
    let among = |keys: &[XOnlyPublicKey]| keys.iter().filter(|key| signed.contains(key)).count();
    if !signed.contains(leaf.keys.staker()) {
        return Err(FinalizeError::NoStakerSignature);
    }
    let providers = leaf.keys.finality_providers();
    if !providers.is_empty() && among(providers) != 1 {
        return Err(FinalizeError::ProviderSignatures(among(providers)));
    }
    let (covenant, quorum) = leaf.keys.covenant();
    let found = among(covenant);
    if found == usize::from(quorum) {
        Ok(())
    } else {
        Err(FinalizeError::CovenantSignatures { found, quorum })
    }
}

fn check_amounts(transaction: &Transaction, prevouts: &[TxOut]) -> Result<(), FinalizeError> {
    let paid = sum(&transaction.output).unwrap_or(Amount::MAX);
    let spent = sum(prevouts).unwrap_or(Amount::ZERO);
    if paid > spent {
        return Err(FinalizeError::CreatesValue { paid, spent });
    }
    transaction.output.iter().try_for_each(UnsafeOutput::check_amount).map_err(FinalizeError::Output)
}
