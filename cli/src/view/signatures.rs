//! The signatures in PSBTs: those that nobody asked for, and PSBTs that are too heavy to be verified.

use bitcoin::{Psbt, XOnlyPublicKey};
use staking_scripts::SpendPath;
use staking_scripts::psbt::{check_psbt_weight, keys_of_several_leaves};

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

/// Returns the warnings about a PSBT that is to be passed on.
pub(crate) fn passed_on(psbt: &Psbt) -> Vec<String> {
    several_leaves(&keys_of_several_leaves(psbt)).collect()
}
