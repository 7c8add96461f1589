//! Selective slashing: a slashing transaction that was finalized without an equivocation reveals the finality
//! provider's secret key, because the covenant's signatures in it are the decryptions of known adaptor
//! signatures.

use bitcoin::Transaction;
use bitcoin::secp256k1::schnorr;
use eots::{SecretKey, XOnlyPublicKey};

use super::{TransactionKind, explain};
use crate::transactions::signatures::CovenantAdaptorSignatures;

/// No finality provider's key can be recovered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecoverError {
    /// The transaction is not a slashing transaction.
    #[error("the transaction is of the kind {}; must be a slashing transaction", .0.as_str())]
    NotSlashing(TransactionKind),
    /// No covenant member whose adaptor signatures are given signed it.
    #[error("the adaptor signatures are of no covenant member that signed it; must be of at least one")]
    NoSigner,
    /// The signatures in it are no decryptions of the adaptor signatures given.
    #[error(
        "no covenant signature in it is the decryption of an adaptor signature of that member to one of its finality providers"
    )]
    Unrelated,
}

/// Recovers the finality provider's secret key from a slashing transaction seen on chain, with the covenant's
/// adaptor signatures over it.
///
/// Each signature is taken from the witness element that the script assigns to its key, so the order of the
/// committee in the parameters does not matter. The recovered key is checked to be that of one of the stake's
/// providers. It is the one with even y, as [`eots::extract`] returns it.
///
/// # Errors
/// [`RecoverError`] when nothing is recovered.
pub fn recover_provider_key(
    slashing: &Transaction,
    covenant: &[CovenantAdaptorSignatures],
) -> Result<SecretKey, RecoverError> {
    let explanation = explain(slashing);
    let spent = match (explanation.kind, explanation.spent.first()) {
        (TransactionKind::Slashing, Some(spent)) => spent,
        (kind, _) => return Err(RecoverError::NotSlashing(kind)),
    };
    let places: Vec<&[u8]> =
        slashing.input.first().map_or_else(Vec::new, |input| input.witness.iter().collect());
    // Script and control block are last; before them, the signatures are in the reverse order of the script's
    // keys.
    let keys: Vec<&XOnlyPublicKey> = spent.keys.in_script_order().collect();
    let signature = |member: &XOnlyPublicKey| {
        let place = keys.iter().rev().position(|key| *key == member)?;
        schnorr::Signature::from_slice(places.get(place)?).ok()
    };
    let mut signed = false;
    for given in covenant {
        let Some(signature) = signature(&given.member) else { continue };
        signed = true;
        for adaptor in &given.signatures {
            match adaptor.recover(&signature) {
                Ok(key) if spent.keys.finality_providers().contains(key.public_key()) => return Ok(key),
                _ => {}
            }
        }
    }
    Err(if signed { RecoverError::Unrelated } else { RecoverError::NoSigner })
}
