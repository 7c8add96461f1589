//! The weight of a PSBT's transaction: with the witnesses that it has, or the least ones that it will need.

use bitcoin::transaction::InputWeightPrediction;
use bitcoin::{Psbt, TxOut, Weight, Witness, psbt};

use super::sign::PsbtSigningError;
use crate::outputs::leaf::{EMPTY_INPUT, leaf_input_weight};
use crate::outputs::relay::MAX_WEIGHT;
use crate::transactions::shown::{offered_leaf, spent_outputs};

/// The length of an ECDSA signature in a script: with low R and S, as wallets make them, and its type.
const ECDSA: usize = 71;
/// The length of a compressed key.
const KEY: usize = 33;

/// Refuses a PSBT whose transaction is too heavy to be relayed, before anything in it is verified or signed:
/// its weight, with the witnesses that it has or the least ones that it will need, is above
/// 400 000 (Bitcoin Core's `MAX_STANDARD_TX_WEIGHT`).
///
/// Nor may it describe more leaves, or have more signatures, than its inputs can need: each costs time, and
/// no weight.
///
/// # Errors
/// [`PsbtSigningError::TooHeavy`] or [`PsbtSigningError::TooMany`].
pub fn check_psbt_weight(psbt: &Psbt) -> Result<(), PsbtSigningError> {
    let leaves = psbt.inputs.iter().map(|input| input.tap_scripts.len());
    let signatures =
        psbt.inputs.iter().map(|input| input.tap_script_sigs.len().saturating_add(input.partial_sigs.len()));
    check_count("leaves", leaves)?;
    check_count("signatures", signatures)?;
    // Without the witnesses first, so that what a heavy one spends is not looked for.
    let bare = psbt.unsigned_tx.weight();
    if bare > MAX_WEIGHT {
        return Err(PsbtSigningError::TooHeavy(bare));
    }
    match least_weight(psbt, &spent_outputs(psbt), MAX_WEIGHT) {
        weight if weight > MAX_WEIGHT => Err(PsbtSigningError::TooHeavy(weight)),
        _ => Ok(()),
    }
}

/// The most leaves, or signatures, of one PSBT: those of the largest committee, and some for each input that
/// a transaction can have.
const MOST: usize = 5000;

fn check_count(what: &'static str, counts: impl Iterator<Item = usize>) -> Result<(), PsbtSigningError> {
    let found = counts.fold(0, usize::saturating_add);
    if found > MOST { Err(PsbtSigningError::TooMany { what, found, most: MOST }) } else { Ok(()) }
}

/// Returns the weight of the transaction with the witnesses that it has, or the least ones that it will need;
/// once it is above `enough`, what is weighed so far.
pub(super) fn least_weight(psbt: &Psbt, spent: &[Option<TxOut>], enough: Weight) -> Weight {
    let is_segwit = |(input, spent): (&psbt::Input, &Option<TxOut>)| {
        let script = spent.as_ref().map(|spent| &spent.script_pubkey);
        let nested = input.redeem_script.as_ref().filter(|_| script.is_some_and(|script| script.is_p2sh()));
        input.final_script_witness.is_some()
            || script.is_some_and(|script| script.is_witness_program())
            || nested.is_some_and(|redeem| redeem.is_witness_program())
    };
    let marker_and_flag = if psbt.inputs.iter().zip(spent).any(is_segwit) { 2 } else { 0 };
    let mut weight = add(psbt.unsigned_tx.weight(), Weight::from_wu(marker_and_flag));
    for (input, spent) in psbt.inputs.iter().zip(spent) {
        if weight > enough {
            break;
        }
        weight = add(weight, least_witness(input, spent.as_ref()));
    }
    weight
}

fn add(sum: Weight, more: Weight) -> Weight {
    sum.checked_add(more).unwrap_or(Weight::MAX)
}

/// Returns what an input's witness and scriptSig add to the weight: the final ones that it has, or the least
/// that it needs.
fn least_witness(input: &psbt::Input, spent: Option<&TxOut>) -> Weight {
    let script_sig = input.final_script_sig.as_ref().map_or(0, |script| script.len());
    let elements = input.final_script_witness.iter().flat_map(Witness::iter).map(<[u8]>::len);
    // Its own length, once it is there.
    let signature = input.partial_sigs.values().map(|given| given.serialize().len()).min().unwrap_or(ECDSA);
    let least = match spent.map(|spent| &spent.script_pubkey) {
        _ if input.final_script_witness.is_some() || script_sig > 0 => {
            InputWeightPrediction::new(script_sig, elements.collect::<Vec<_>>()).weight()
        }
        Some(script) if script.is_p2tr() => {
            match offered_leaf(input, spent).as_ref().and_then(leaf_input_weight) {
                // All of the empty input is counted already but the count of its witness elements.
                Some(weight) => {
                    let counted = EMPTY_INPUT.checked_sub(Weight::from_wu(1)).unwrap_or(EMPTY_INPUT);
                    return weight.checked_sub(counted).unwrap_or(Weight::ZERO);
                }
                None => InputWeightPrediction::P2TR_KEY_DEFAULT_SIGHASH.weight(),
            }
        }
        Some(script) if script.is_p2wpkh() => InputWeightPrediction::new(0, [signature, KEY]).weight(),
        // Each push has its length before it.
        Some(script) if script.is_p2pkh() => {
            let script_sig = signature.saturating_add(KEY).saturating_add(2);
            InputWeightPrediction::new(script_sig, [0_usize; 0]).weight()
        }
        Some(script) if script.is_p2wsh() => {
            let witness = input.witness_script.as_ref().map_or(0, |script| script.len());
            InputWeightPrediction::new(0, [witness]).weight()
        }
        Some(script) if script.is_p2sh() => match &input.redeem_script {
            Some(redeem) => {
                let script_sig = redeem.len().saturating_add(1);
                let witness: &[usize] = if redeem.is_p2wpkh() { &[signature, KEY] } else { &[] };
                InputWeightPrediction::new(script_sig, witness.iter().copied()).weight()
            }
            None => return Weight::ZERO,
        },
        _ => return Weight::ZERO,
    };
    // The length of the empty scriptSig is counted already.
    least.checked_sub(Weight::from_wu(4)).unwrap_or(Weight::ZERO)
}
