//! Verification of the signatures of a PSBT.

use bitcoin::psbt::Input;
use bitcoin::secp256k1::{Message, SECP256K1};
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::{
    EcdsaSighashType, Psbt, PublicKey, Script, TapLeafHash, TapSighashType, Transaction, TxOut,
    XOnlyPublicKey, taproot,
};
use miniscript::interpreter::KeySigPair;

use super::review::PsbtSigner;
use crate::coins::witness::verify_input;

/// A verifier of signatures, over sighashes that it computes; what they have in common is hashed once.
pub(super) struct Verifier<'a> {
    psbt: &'a Psbt,
    prevouts: &'a [TxOut],
    sighashes: SighashCache<&'a Transaction>,
    /// The transaction with the witnesses and scriptSigs that wallets have finalized.
    finalized: Transaction,
}

impl<'a> Verifier<'a> {
    pub(super) fn new(psbt: &'a Psbt, prevouts: &'a [TxOut]) -> Self {
        let mut finalized = psbt.unsigned_tx.clone();
        for (input, described) in finalized.input.iter_mut().zip(&psbt.inputs) {
            input.witness = described.final_script_witness.clone().unwrap_or_default();
            input.script_sig = described.final_script_sig.clone().unwrap_or_default();
        }
        Self { psbt, prevouts, sighashes: SighashCache::new(&psbt.unsigned_tx), finalized }
    }

    pub(super) fn leaf(
        &mut self,
        input: usize,
        hash: TapLeafHash,
        key: &XOnlyPublicKey,
        given: &taproot::Signature,
    ) -> bool {
        let sighash = self.sighashes.taproot_script_spend_signature_hash(
            input,
            &Prevouts::All(self.prevouts),
            hash,
            TapSighashType::Default,
        );
        let verifies = |message| SECP256K1.verify_schnorr(&given.signature, &message, key).is_ok();
        given.sighash_type == TapSighashType::Default
            && sighash.is_ok_and(|sighash| verifies(Message::from(sighash)))
    }

    /// Returns the output key, and whether the signature verifies.
    pub(super) fn key_path(
        &mut self,
        input: usize,
        given: &taproot::Signature,
    ) -> Option<(XOnlyPublicKey, bool)> {
        let script = &self.prevouts.get(input)?.script_pubkey;
        let program = script.as_bytes().get(2..).filter(|_| script.is_p2tr())?;
        let key = XOnlyPublicKey::from_slice(program).ok()?;
        let all = Prevouts::All(self.prevouts);
        let sighash = self.sighashes.taproot_key_spend_signature_hash(input, &all, given.sighash_type).ok();
        let covers_all = matches!(given.sighash_type, TapSighashType::Default | TapSighashType::All);
        let verifies = |message| SECP256K1.verify_schnorr(&given.signature, &message, &key).is_ok();
        Some((key, covers_all && sighash.map(Message::from).is_some_and(verifies)))
    }

    /// Returns whether an ECDSA signature verifies; `None` when there is no sighash for such a coin.
    pub(super) fn ecdsa(
        &mut self,
        index: usize,
        input: &Input,
        key: &PublicKey,
        given: &bitcoin::ecdsa::Signature,
    ) -> Option<bool> {
        let script = &self.prevouts.get(index)?.script_pubkey;
        if !is_scripts(script, input, key) {
            return None;
        }
        let (message, sighash_type) = self.psbt.sighash_ecdsa(index, &mut self.sighashes).ok()?;
        let verifies = SECP256K1.verify_ecdsa(&message, &given.signature, &key.inner).is_ok();
        Some(sighash_type == EcdsaSighashType::All && given.sighash_type == sighash_type && verifies)
    }

    /// Returns the signers of a finalized witness; `None` when it does not verify.
    pub(super) fn finalized(&self, index: usize) -> Option<Vec<PsbtSigner>> {
        let signer = |pair| match pair {
            KeySigPair::Ecdsa(key, _) => PsbtSigner::Ecdsa(key),
            KeySigPair::Schnorr(key, _) => PsbtSigner::KeyPath(key),
        };
        let pairs = verify_input(&self.finalized, index, self.prevouts).ok()?;
        Some(pairs.into_iter().map(signer).collect())
    }
}

/// Returns whether a coin's script pubkey is that of the PSBT's scripts for it, or of the key where it has
/// none.
fn is_scripts(script: &Script, input: &Input, key: &PublicKey) -> bool {
    let program = match &input.redeem_script {
        Some(redeem) if script.is_p2sh() && redeem.to_p2sh() == *script => redeem,
        Some(_) => return false,
        None => script,
    };
    if program.is_p2wsh() {
        return input.witness_script.as_ref().is_some_and(|witness| witness.to_p2wsh() == *program);
    }
    key.p2wpkh_script_code().is_ok()
        && program.is_p2wpkh()
        && key.wpubkey_hash().is_ok_and(|hash| bitcoin::ScriptBuf::new_p2wpkh(&hash) == *program)
}
