//! Verification of the signatures of a PSBT.

use std::collections::BTreeSet;

use bitcoin::hashes::{Hash as _, hash160};
use bitcoin::psbt::Input;
use bitcoin::script::Instruction;
use bitcoin::secp256k1::{Message, SECP256K1};
use bitcoin::sighash::Prevouts;
use bitcoin::{
    EcdsaSighashType, Psbt, PublicKey, Script, ScriptBuf, TapLeafHash, TapSighashType, TxIn, TxOut,
    XOnlyPublicKey, ecdsa, taproot,
};
use miniscript::interpreter::KeySigPair;

use super::review::PsbtSigner;
use crate::coins::witness::Sighashes;

/// A verifier of signatures, over sighashes that it computes; what they have in common is hashed once.
pub(super) struct Verifier<'a> {
    psbt: &'a Psbt,
    sighashes: Sighashes<'a>,
}

impl<'a> Verifier<'a> {
    pub(super) fn new(psbt: &'a Psbt, prevouts: &'a [TxOut]) -> Self {
        Self { psbt, sighashes: Sighashes::new(&psbt.unsigned_tx, prevouts) }
    }

    pub(super) fn leaf(
        &mut self,
        input: usize,
        hash: TapLeafHash,
        key: &XOnlyPublicKey,
        given: &taproot::Signature,
    ) -> bool {
        let all = Prevouts::All(self.sighashes.prevouts());
        let cache = &mut self.sighashes.cache;
        let sighash = cache.taproot_script_spend_signature_hash(input, &all, hash, TapSighashType::Default);
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
        let script = &self.sighashes.prevouts().get(input)?.script_pubkey;
        let program = script.as_bytes().get(2..).filter(|_| script.is_p2tr())?;
        let key = XOnlyPublicKey::from_slice(program).ok()?;
        let all = Prevouts::All(self.sighashes.prevouts());
        let cache = &mut self.sighashes.cache;
        let sighash = cache.taproot_key_spend_signature_hash(input, &all, given.sighash_type).ok();
        let covers_all = matches!(given.sighash_type, TapSighashType::Default | TapSighashType::All);
        let verifies = |message| SECP256K1.verify_schnorr(&given.signature, &message, &key).is_ok();
        Some((key, covers_all && sighash.map(Message::from).is_some_and(verifies)))
    }

    /// Returns the ECDSA signatures that an input collects, each with whether it verifies: over the coin's
    /// script, of a key that is in it.
    pub(super) fn ecdsa(&mut self, index: usize, input: &Input) -> Vec<(PublicKey, bool)> {
        if input.partial_sigs.is_empty() {
            return Vec::new();
        }
        let keys = self.sighashes.prevouts().get(index).and_then(|spent| ScriptKeys::of(spent, input));
        // One sighash for all: of a legacy coin, it hashes the whole transaction.
        let sighash = self.psbt.sighash_ecdsa(index, &mut self.sighashes.cache).ok();
        let valid = |key: &PublicKey, given: &ecdsa::Signature| {
            let (keys, (message, sighash_type)) = (keys.as_ref()?, sighash.as_ref()?);
            let verifies = SECP256K1.verify_ecdsa(message, &given.signature, &key.inner).is_ok();
            let covers_all = *sighash_type == EcdsaSighashType::All && given.sighash_type == *sighash_type;
            Some(covers_all && keys.have(key) && verifies)
        };
        let all = input.partial_sigs.iter();
        all.map(|(key, given)| (*key, valid(key, given).unwrap_or(false))).collect()
    }

    /// Returns the signers of a finalized input; `None` when it does not verify.
    pub(super) fn finalized(&mut self, index: usize, input: &TxIn) -> Option<Vec<PsbtSigner>> {
        let signer = |pair| match pair {
            KeySigPair::Ecdsa(key, _) => PsbtSigner::Ecdsa(key),
            KeySigPair::Schnorr(key, _) => PsbtSigner::KeyPath(key),
        };
        let pairs = self.sighashes.verify_input(index, input).ok()?;
        Some(pairs.into_iter().map(signer).collect())
    }
}

/// The keys of the script of a coin that is signed with ECDSA: themselves, or their hashes.
struct ScriptKeys(BTreeSet<Vec<u8>>);

impl ScriptKeys {
    /// Returns the keys of a coin's script, which its script pubkey must commit to.
    fn of(spent: &TxOut, input: &Input) -> Option<Self> {
        let script: &ScriptBuf = &spent.script_pubkey;
        let program = match &input.redeem_script {
            Some(redeem) if script.is_p2sh() && redeem.to_p2sh() == *script => redeem,
            Some(_) => return None,
            None if script.is_p2sh() => return None,
            None => script,
        };
        if program.is_p2wsh() {
            let witness = input.witness_script.as_ref().filter(|witness| witness.to_p2wsh() == *program)?;
            return Some(Self(pushed(witness)));
        }
        Some(Self(pushed(program)))
    }

    fn have(&self, key: &PublicKey) -> bool {
        let bytes = key.to_bytes();
        self.0.contains(hash160::Hash::hash(&bytes).as_byte_array().as_slice()) || self.0.contains(&bytes)
    }
}

/// Returns what a script pushes.
pub(super) fn pushed(script: &Script) -> BTreeSet<Vec<u8>> {
    let pushes = script.instructions().map_while(Result::ok).filter_map(|part| match part {
        Instruction::PushBytes(bytes) => Some(bytes.as_bytes().to_vec()),
        Instruction::Op(_) => None,
    });
    pushes.collect()
}
