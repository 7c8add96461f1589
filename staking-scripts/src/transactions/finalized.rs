//! The last look at a finished transaction: everything it promises is checked once more, on the transaction
//! itself.

use bitcoin::secp256k1::{Message, SECP256K1, schnorr};
use bitcoin::taproot::ControlBlock;
use bitcoin::{Amount, Script, Transaction, TxOut, Weight, XOnlyPublicKey};

use crate::outputs::leaf::Leaf;
use crate::outputs::relay::{MAX_WEIGHT, OutputTooSmall};
use crate::transactions::sighash::{leaf_sighash, sum};

/// A promise that a finished transaction breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FinalizedError {
    /// It is not the transaction that was signed.
    #[error("its {0} differs from the transaction that was signed")]
    Changed(&'static str),
    /// The witness does not end with the script and the control block of the intended leaf.
    #[error("its witness does not reveal the {0} leaf")]
    WrongLeaf(crate::outputs::leaf::SpendPath),
    /// The control block does not prove the script to be in the output spent.
    #[error("its control block does not lead to the output spent")]
    NotCommitted,
    /// The witness has more or fewer places than the script has keys.
    #[error("its witness has {found} places for signatures, and the script has {expected} keys")]
    WitnessLength {
        /// How many places the witness has.
        found: usize,
        /// How many keys the script has.
        expected: usize,
    },
    /// The staker's signature is absent.
    #[error("the staker's signature is absent")]
    NoStakerSignature,
    /// Not exactly one finality provider signed on the slashing path.
    #[error("{0} finality providers signed, and exactly one must")]
    ProviderSignatures(usize),
    /// Not exactly a quorum of the covenant committee signed.
    #[error("{found} covenant members signed, and exactly {quorum} must")]
    CovenantSignatures {
        /// How many signed.
        found: usize,
        /// How many must.
        quorum: u16,
    },
    /// A signature does not verify over the transaction.
    #[error("the signature of {0} does not verify")]
    InvalidSignature(XOnlyPublicKey),
    /// A coin that funds it is not signed.
    #[error("a coin that funds it is not signed")]
    UnsignedFunding,
    /// It pays out more than it spends.
    #[error("it pays {} sat and spends {} sat", .paid.to_sat(), .spent.to_sat())]
    CreatesValue {
        /// The sum of its outputs.
        paid: Amount,
        /// What its inputs hold.
        spent: Amount,
    },
    /// An output is dust.
    #[error(transparent)]
    Dust(#[from] OutputTooSmall),
    /// It is too heavy to be relayed.
    #[error("it weighs {0}, more than the 400000 weight units that nodes relay")]
    TooHeavy(Weight),
}

/// Checks a finished transaction that spends `prevouts`, the first of them through `leaf`, against the one
/// that was signed, `unsigned`.
///
/// # Errors
/// [`FinalizedError`] names the first promise that is broken.
pub(crate) fn check_finalized(
    transaction: &Transaction,
    unsigned: &Transaction,
    prevouts: &[TxOut],
    leaf: &Leaf,
) -> Result<(), FinalizedError> {
    check_unchanged(transaction, unsigned)?;
    let ([input, others @ ..], [prevout, ..]) = (transaction.input.as_slice(), prevouts) else {
        return Err(FinalizedError::Changed("number of inputs"));
    };
    if others.iter().any(|input| input.witness.is_empty()) {
        return Err(FinalizedError::UnsignedFunding);
    }
    let elements: Vec<&[u8]> = input.witness.iter().collect();
    let path = leaf.keys.path();
    let [places @ .., script, control_block] = elements.as_slice() else {
        return Err(FinalizedError::WrongLeaf(path));
    };
    if *script != leaf.script.as_bytes() || *control_block != leaf.control_block.serialize() {
        return Err(FinalizedError::WrongLeaf(path));
    }
    check_committed(control_block, &leaf.script, &prevout.script_pubkey)?;
    verify_signatures(places, transaction, prevouts, leaf)?;
    check_amounts(transaction, prevouts)?;
    match transaction.weight() {
        weight if weight > MAX_WEIGHT => Err(FinalizedError::TooHeavy(weight)),
        _ => Ok(()),
    }
}

fn check_unchanged(transaction: &Transaction, unsigned: &Transaction) -> Result<(), FinalizedError> {
    let outpoints = |tx: &Transaction| tx.input.iter().map(|input| input.previous_output).collect::<Vec<_>>();
    let sequences = |tx: &Transaction| tx.input.iter().map(|input| input.sequence).collect::<Vec<_>>();
    let unchanged = [
        ("version", transaction.version == unsigned.version),
        ("lock time", transaction.lock_time == unsigned.lock_time),
        ("number of inputs", transaction.input.len() == unsigned.input.len()),
        ("outpoint", outpoints(transaction) == outpoints(unsigned)),
        ("sequence", sequences(transaction) == sequences(unsigned)),
        ("outputs", transaction.output == unsigned.output),
        ("transaction id", transaction.compute_txid() == unsigned.compute_txid()),
    ];
    match unchanged.into_iter().find(|(_, same)| !same) {
        Some((what, _)) => Err(FinalizedError::Changed(what)),
        None => Ok(()),
    }
}

/// BIP-341, "Script validation rules": the control block must lead from the script to the output key.
fn check_committed(
    control_block: &[u8],
    script: &Script,
    script_pubkey: &Script,
) -> Result<(), FinalizedError> {
    let output_key = script_pubkey.as_bytes().get(2..).filter(|_| script_pubkey.is_p2tr());
    let output_key = output_key.and_then(|key| XOnlyPublicKey::from_slice(key).ok());
    let committed = ControlBlock::decode(control_block).is_ok_and(|block| {
        output_key.is_some_and(|key| block.verify_taproot_commitment(SECP256K1, key, script))
    });
    if committed { Ok(()) } else { Err(FinalizedError::NotCommitted) }
}

fn verify_signatures(
    places: &[&[u8]],
    transaction: &Transaction,
    prevouts: &[TxOut],
    leaf: &Leaf,
) -> Result<(), FinalizedError> {
    let keys: Vec<_> = leaf.keys.in_script_order().copied().collect();
    if places.len() != keys.len() {
        return Err(FinalizedError::WitnessLength { found: places.len(), expected: keys.len() });
    }
    let sighash = leaf_sighash(transaction, prevouts, 0, leaf.hash())
        .ok_or(FinalizedError::Changed("number of inputs"))?;
    let mut signed = Vec::new();
    // The script takes its signatures from the top of the stack, so the last place belongs to the first key.
    for (key, place) in keys.iter().zip(places.iter().rev()).filter(|(_, place)| !place.is_empty()) {
        // 64 bytes exactly: the implied SIGHASH_DEFAULT.
        schnorr::Signature::from_slice(place)
            .and_then(|signature| SECP256K1.verify_schnorr(&signature, &Message::from(sighash), key))
            .map_err(|_| FinalizedError::InvalidSignature(*key))?;
        signed.push(*key);
    }
    let among = |keys: &[XOnlyPublicKey]| keys.iter().filter(|key| signed.contains(key)).count();
    if !signed.contains(leaf.keys.staker()) {
        return Err(FinalizedError::NoStakerSignature);
    }
    let providers = leaf.keys.finality_providers();
    if !providers.is_empty() && among(providers) != 1 {
        return Err(FinalizedError::ProviderSignatures(among(providers)));
    }
    let (covenant, quorum) = leaf.keys.covenant();
    let found = among(covenant);
    if found == usize::from(quorum) {
        Ok(())
    } else {
        Err(FinalizedError::CovenantSignatures { found, quorum })
    }
}

fn check_amounts(transaction: &Transaction, prevouts: &[TxOut]) -> Result<(), FinalizedError> {
    let paid = sum(&transaction.output).unwrap_or(Amount::MAX);
    let spent = sum(prevouts).unwrap_or(Amount::ZERO);
    if paid > spent {
        return Err(FinalizedError::CreatesValue { paid, spent });
    }
    transaction.output.iter().try_for_each(OutputTooSmall::check)?;
    Ok(())
}
