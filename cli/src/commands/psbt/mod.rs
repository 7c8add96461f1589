//! `psbt`: transactions on their way between signers.

mod check;
mod combine;
mod finalize;
mod sign;

use bitcoin::Psbt;
use bitcoin::hashes::Hash;
use bitcoin::secp256k1::{Message, SECP256K1};
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::taproot::LeafVersion;
use bitcoin::{Amount, TapLeafHash, TapSighashType, TxOut, XOnlyPublicKey};
use clap::Subcommand;

use crate::output::Output;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Say what a PSBT would do, and verify every signature in it.
    Check(Box<check::Args>),
    /// Sign as the staker, or as the owner of the coins that fund a stake.
    Sign(Box<sign::Args>),
    /// Put the signatures of several PSBTs of one transaction together.
    Combine(Box<combine::Args>),
    /// Complete a staking transaction or an extension, checked against its delegation.
    Finalize(Box<finalize::Args>),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        match self {
            Self::Check(args) => args.run(),
            Self::Sign(args) => args.run(),
            Self::Combine(args) => args.run(),
            Self::Finalize(args) => args.run(),
        }
    }
}

/// What the inputs spend; `None` when the PSBT does not say it of all of them.
fn prevouts(psbt: &Psbt) -> Option<Vec<TxOut>> {
    psbt.iter_funding_utxos().map(|utxo| utxo.ok().cloned()).collect()
}

/// The sum of outputs; `None` past the end of the number range, where a stranger's numbers may lead.
fn sum(outputs: &[TxOut]) -> Option<Amount> {
    outputs.iter().try_fold(Amount::ZERO, |sum, out| sum.checked_add(out.value))
}

/// The script-path sighash of an input for a leaf.
fn leaf_sighash(psbt: &Psbt, prevouts: &[TxOut], input: usize, leaf: TapLeafHash) -> Option<[u8; 32]> {
    SighashCache::new(&psbt.unsigned_tx)
        .taproot_script_spend_signature_hash(input, &Prevouts::All(prevouts), leaf, TapSighashType::Default)
        .ok()
        .map(|sighash| sighash.to_byte_array())
}

/// The leaf that an input offers, when it offers one only.
fn offered_leaf(input: &bitcoin::psbt::Input) -> Option<(TapLeafHash, staking_scripts::LeafKeys)> {
    let mut offered = input.tap_scripts.values();
    let (script, version) = offered.next()?;
    if offered.next().is_some() || *version != LeafVersion::TapScript {
        return None;
    }
    let keys = staking_scripts::LeafKeys::from_script(script).ok()?;
    Some((TapLeafHash::from_script(script, LeafVersion::TapScript), keys))
}

fn verifies(key: &XOnlyPublicKey, signature: &bitcoin::taproot::Signature, sighash: [u8; 32]) -> bool {
    let message = Message::from_digest(sighash);
    signature.sighash_type == TapSighashType::Default
        && SECP256K1.verify_schnorr(&signature.signature, &message, key).is_ok()
}
