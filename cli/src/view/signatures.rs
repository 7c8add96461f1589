//! The signatures in PSBTs: those that nobody asked for, and PSBTs that are too heavy to be verified.

use bitcoin::{Psbt, XOnlyPublicKey};
use staking_scripts::SpendPath;
use staking_scripts::psbt::{
    PsbtVersion, VersionedPsbt, check_psbt_weight, keys_of_several_leaves, unproven_amounts,
};

use super::violation::Refused;

/// Refuses a PSBT whose transaction is too heavy to be relayed, before anything in it is verified or signed.
///
/// # Errors
/// [`Refused`], with the rule `too_heavy`.
pub(crate) fn check_weight(psbt: &Psbt) -> anyhow::Result<()> {
    Ok(check_psbt_weight(psbt).map_err(|error| Refused::because("too_heavy", error.to_string()))?)
}

/// Returns a warning for each signature for another leaf than the one that was to be signed in the PSBT that
/// `flag` gave; `slashes` says whether its transaction is a slashing transaction.
pub(crate) fn unasked(flag: &str, slashes: bool, found: &[(XOnlyPublicKey, SpendPath)]) -> Vec<String> {
    let warning = |(key, path): &(XOnlyPublicKey, SpendPath)| {
        let head =
            format!("{flag}: {key} has signed the {path} leaf too, which nobody asked for; it is left out");
        let danger = match path {
            _ if !slashes => "",
            SpendPath::Unbonding => {
                "; the file must not be passed on: with the staker's signature for the unbonding leaf of a slashing \
                 transaction, the covenant committee slashes alone, without a finality provider's key"
            }
            SpendPath::Timelock | SpendPath::Slashing => "; the file must not be passed on",
        };
        format!("{head}{danger}")
    };
    found.iter().map(warning).collect()
}

/// Returns a warning for each key that has signed several leaves of an input.
pub(crate) fn several_leaves(found: &[(usize, XOnlyPublicKey)]) -> impl Iterator<Item = String> {
    found.iter().map(|(input, key)| {
        format!(
            "input {input}: {key} has signed several leaves; with a signature for the unbonding leaf of a slashing \
             transaction the covenant committee slashes alone: it must not be passed on"
        )
    })
}

/// Returns a warning for each thing in a PSBT that signers and finalizers disagree about, or that nothing
/// proves: an input's sighash type, a legacy coin's amount, the transaction's version.
pub(crate) fn remarks(given: &VersionedPsbt) -> Vec<String> {
    let psbt = given.psbt();
    let asked = psbt.inputs.iter().enumerate().filter_map(|(index, input)| {
        let is_leaf = !input.tap_scripts.is_empty() || !input.tap_script_sigs.is_empty();
        let asked = input.sighash_type.filter(|asked| is_leaf && asked.to_u32() != 0)?;
        Some(format!(
            "input {index}: PSBT_IN_SIGHASH_TYPE is {asked}; through a leaf only SIGHASH_DEFAULT counts, and it must be absent or that"
        ))
    });
    let unproven = unproven_amounts(psbt).into_iter().map(|index| {
        format!(
            "input {index}: its amount is the PSBT's word, as no signature for a legacy coin commits to it; non_witness_utxo proves it"
        )
    });
    asked.chain(unproven).chain(old_version(given, given.version())).collect()
}

/// Returns a warning for a PSBT of version 2 whose transaction has a version that BIP-370 does not let a new
/// one have.
pub(crate) fn old_version(psbt: &VersionedPsbt, written: PsbtVersion) -> Option<String> {
    let transaction = psbt.psbt().unsigned_tx.version;
    (written == PsbtVersion::Two && transaction.0 < 2).then(|| {
        format!(
            "the transaction has version {transaction}; a PSBT of version 2 is for 2 or later (BIP-370), and some signers refuse \
             others; --psbt-version 0 has none of this"
        )
    })
}

/// Returns the warnings about a PSBT that is to be passed on.
pub(crate) fn passed_on(psbt: &Psbt) -> Vec<String> {
    several_leaves(&keys_of_several_leaves(psbt)).collect()
}
