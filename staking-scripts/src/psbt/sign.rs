//! Signing and finalizing of a PSBT by itself.

use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::{Psbt, TapSighashType, Transaction, Weight, XOnlyPublicKey, taproot};
use eots::{SecretKey, SignError};

use super::invalid::InvalidPsbt;
use super::prevouts;
use super::weight::check_psbt_weight;
use crate::coins::coin::CoinError;
use crate::coins::key_path::{is_coin, key_path_script, sign_coins};
use crate::coins::witness::finalize_verified;
use crate::outputs::leaf::SpendPath;
use crate::outputs::relay::MAX_WEIGHT;
use crate::transactions::shown::offered_leaf;

/// A PSBT cannot be read, reviewed, signed or finalized.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PsbtSigningError {
    /// The bytes or the text are not a PSBT.
    #[error("{0}")]
    Invalid(InvalidPsbt),
    /// The transaction is too heavy to be relayed, with the witnesses that it has or the least ones that it
    /// will need. Nothing in it was verified or signed.
    #[error(
        "the transaction weighs at least {0} weight units with its witnesses; must be at most {MAX_WEIGHT}, which nodes \
         relay"
    )]
    TooHeavy(Weight),
    /// The PSBT describes more leaves, or has more signatures, than any transaction needs.
    #[error("the PSBT has {found} {what}; must have at most {most}")]
    TooMany {
        /// `leaves` or `signatures`.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        most: usize,
    },
    /// The PSBT does not have the outputs that all of its inputs spend, which signatures cover.
    #[error("the PSBT does not say what all of its inputs spend; must say it")]
    Incomplete,
    /// The PSBT spends through the slashing path and has more inputs, where a slashing transaction has one.
    #[error("the PSBT slashes and spends something else too; a slashing transaction must have one input")]
    SlashesMore,
    /// The PSBT spends through the unbonding path, and has the shape of neither transaction that does.
    #[error(
        "the PSBT spends through the unbonding path; must be an unbonding of one input and one output, or an extension of two \
         inputs"
    )]
    NotUnbonding,
    /// No input is to be signed by this key.
    #[error("the PSBT has no input that {0} signs as staker or as owner of a coin")]
    NothingToSign(XOnlyPublicKey),
    /// A signature is absent, does not verify, or does not cover the whole transaction. The reason is the
    /// miniscript library's, as text: it has one for each input.
    #[error("the PSBT cannot be finalized: {0}")]
    NotFinal(String),
    /// A coin cannot be signed.
    #[error(transparent)]
    Coin(#[from] CoinError),
    /// Signing failed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl From<InvalidPsbt> for PsbtSigningError {
    fn from(reason: InvalidPsbt) -> Self {
        Self::Invalid(reason)
    }
}

/// Signs the inputs whose one offered leaf has `key` as its staker, and the coins that pay to
/// [`key_path_script`] of it; no other input is signed. Returns the PSBT with the signatures, and how many
/// were added. Nothing is signed as a covenant member or as a finality provider: a covenant member signs a
/// [`CheckedDelegation`](crate::CheckedDelegation).
///
/// # Errors
/// [`PsbtSigningError`] when the PSBT is too heavy, does not have what it spends, spends through the slashing
/// path beside other inputs, or has no input for this key, and when signing fails.
pub fn sign_psbt(psbt: &Psbt, key: &SecretKey) -> Result<(Psbt, usize), PsbtSigningError> {
    check_psbt_weight(psbt)?;
    let (mut signed, public_key) = (psbt.clone(), *key.public_key());
    let prevouts = prevouts(psbt).ok_or(PsbtSigningError::Incomplete)?;
    let (mut leaves, mut coins) = (0_usize, Vec::new());
    let mut sighashes = SighashCache::new(&psbt.unsigned_tx);
    for (index, (input, spent)) in signed.inputs.iter_mut().zip(&prevouts).enumerate() {
        if is_coin(input) {
            coins.extend((spent.script_pubkey == key_path_script(&public_key)).then_some(index));
            continue;
        }
        let Some(leaf) = offered_leaf(input, Some(spent)).filter(|leaf| *leaf.keys.staker() == public_key)
        else {
            continue;
        };
        let hash = leaf.hash();
        if leaf.keys.path() == SpendPath::Slashing && prevouts.len() != 1 {
            return Err(PsbtSigningError::SlashesMore);
        }
        // With the staker's signature for this leaf, a quorum of the committee spends as it likes.
        let ends = matches!((prevouts.len(), psbt.unsigned_tx.output.len()), (1, 1) | (2, _));
        if leaf.keys.path() == SpendPath::Unbonding && !ends {
            return Err(PsbtSigningError::NotUnbonding);
        }
        let all = Prevouts::All(prevouts.as_slice());
        let sighash =
            sighashes.taproot_script_spend_signature_hash(index, &all, hash, TapSighashType::Default);
        let signature = key.sign_bip340(sighash.map_err(|_| PsbtSigningError::Incomplete)?)?;
        let signature = taproot::Signature { signature, sighash_type: TapSighashType::Default };
        input.tap_script_sigs.insert((public_key, hash), signature);
        leaves = leaves.saturating_add(1);
    }
    if !coins.is_empty() {
        sign_coins(&mut signed, &coins, &prevouts, key)?;
    }
    match leaves.saturating_add(coins.len()) {
        0 => Err(PsbtSigningError::NothingToSign(public_key)),
        count => Ok((signed, count)),
    }
}

/// Finalizes a signed PSBT, and verifies every witness against the output that the PSBT says it spends. All
/// signatures must cover the whole transaction.
///
/// # Errors
/// [`PsbtSigningError::TooHeavy`], [`PsbtSigningError::Incomplete`] or [`PsbtSigningError::NotFinal`].
pub fn finalize_psbt(psbt: &Psbt) -> Result<Transaction, PsbtSigningError> {
    check_psbt_weight(psbt)?;
    let prevouts = prevouts(psbt).ok_or(PsbtSigningError::Incomplete)?;
    finalize_verified(&mut psbt.clone(), &prevouts).map_err(PsbtSigningError::NotFinal)
}
