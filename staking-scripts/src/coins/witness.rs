//! Finalizing of PSBTs that wallets signed. The miniscript library keeps a witness that a wallet has
//! finalized, whatever is in it; so every witness is interpreted here, and its sighash types are checked.

use bitcoin::secp256k1::SECP256K1;
use bitcoin::sighash::Prevouts;
use bitcoin::{EcdsaSighashType, Psbt, TapSighashType, Transaction, TxOut};
use miniscript::interpreter::{Interpreter, KeySigPair, SatisfiedConstraint};
use miniscript::psbt::PsbtExt;

use crate::outputs::leaf::MAX_SCRIPT;

/// Finalizes the PSBT, and verifies every input's witness against the output that it spends.
pub(crate) fn finalize_verified(psbt: &mut Psbt, prevouts: &[TxOut]) -> Result<Transaction, String> {
    psbt.finalize_mut(SECP256K1)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
    let transaction = psbt.clone().extract_tx_unchecked_fee_rate();
    for index in 0..transaction.input.len() {
        verify_input(&transaction, index, prevouts).map_err(|reason| format!("input {index}: {reason}"))?;
    }
    Ok(transaction)
}

/// Returns the signatures in an input's witness, each verified. They must cover the whole transaction: with
/// another sighash type, somebody could use the input in another transaction.
pub(crate) fn verify_input(
    transaction: &Transaction,
    index: usize,
    prevouts: &[TxOut],
) -> Result<Vec<KeySigPair>, String> {
    let (input, spent) =
        transaction.input.get(index).zip(prevouts.get(index)).ok_or("what it spends is not known")?;
    if input.witness.iter().any(|element| element.len() > MAX_SCRIPT) {
        return Err(format!("an element of its witness is too long; must be at most {MAX_SCRIPT} bytes"));
    }
    let (sequence, lock_time) = (input.sequence, transaction.lock_time);
    let interpreter = Interpreter::from_txdata(
        &spent.script_pubkey,
        &input.script_sig,
        &input.witness,
        sequence,
        lock_time,
    )
    .map_err(|e| e.to_string())?;
    let all = Prevouts::All(prevouts);
    let mut signatures = Vec::new();
    for constraint in interpreter.iter(SECP256K1, transaction, index, &all) {
        let pair = match constraint.map_err(|e| e.to_string())? {
            SatisfiedConstraint::PublicKey { key_sig }
            | SatisfiedConstraint::PublicKeyHash { key_sig, .. } => key_sig,
            _ => continue,
        };
        if !covers_all(&pair) {
            return Err(
                "a signature does not cover the whole transaction; must be SIGHASH_ALL or SIGHASH_DEFAULT"
                    .to_owned(),
            );
        }
        signatures.push(pair);
    }
    Ok(signatures)
}

fn covers_all(pair: &KeySigPair) -> bool {
    match pair {
        KeySigPair::Ecdsa(_, signature) => signature.sighash_type == EcdsaSighashType::All,
        KeySigPair::Schnorr(_, signature) => {
            matches!(signature.sighash_type, TapSighashType::Default | TapSighashType::All)
        }
    }
}
