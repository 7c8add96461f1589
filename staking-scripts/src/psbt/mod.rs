//! Review, signing and finalizing of a PSBT by itself, without the delegation that it belongs to.

use std::fmt;

use bitcoin::psbt::Input;
use bitcoin::secp256k1::{Message, SECP256K1};
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::{
    Amount, EcdsaSighashType, Psbt, PublicKey, Script, TapLeafHash, TapSighashType, Transaction, TxIn, TxOut,
    XOnlyPublicKey, taproot,
};
use eots::SecretKey;
use miniscript::interpreter::KeySigPair;

use crate::coins::coin::CoinError;
use crate::coins::key_path::{is_coin, key_path_script, sign_coins};
use crate::coins::witness::{finalize_verified, verify_input};
use crate::outputs::leaf::{LeafKeys, SpendPath};
use crate::transactions::shown::{offered_keys, revealed_leaf, spent_outputs};
use crate::transactions::sighash::sum;

/// The signer of an input, by the kind of signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PsbtSigner {
    /// A key of the leaf that is spent.
    Leaf(XOnlyPublicKey),
    /// The output key of a Taproot output that is spent through the key path.
    KeyPath(XOnlyPublicKey),
    /// The key of an ECDSA signature, for a coin of witness version 0 or a legacy coin.
    Ecdsa(PublicKey),
}

impl fmt::Display for PsbtSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leaf(key) | Self::KeyPath(key) => key.fmt(f),
            Self::Ecdsa(key) => key.fmt(f),
        }
    }
}

/// A signature in a PSBT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PsbtSignature {
    /// The index of the input.
    pub input: usize,
    /// The key that signed, and how.
    pub signer: PsbtSigner,
    /// Whether the signature verifies over a sighash computed here from the outputs that the PSBT says its
    /// inputs spend. Through a leaf, only SIGHASH_DEFAULT is valid.
    pub valid: bool,
}

/// The covenant signatures of an input whose leaf has a quorum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PsbtQuorum {
    /// The index of the input.
    pub input: usize,
    /// The number of members with a valid signature.
    pub signed: usize,
    /// The number of members of the committee.
    pub members: usize,
    /// The quorum: the number of members that must sign.
    pub quorum: u16,
}

/// The signatures of a PSBT, and the keys that have not signed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PsbtReview {
    /// The signatures, input by input: those collected, and those of finalized witnesses.
    pub signatures: Vec<PsbtSignature>,
    /// The keys of the protocol's leaves offered for signing that have not signed, each with the index of its
    /// input; where a quorum suffices, more than must sign.
    pub missing: Vec<(usize, XOnlyPublicKey)>,
    /// The inputs without a signature that offer no leaf of the protocol: coins whose owners have not signed.
    pub unsigned: Vec<usize>,
    /// The covenant signatures of each input whose leaf has a quorum.
    pub quorums: Vec<PsbtQuorum>,
    /// The inputs with a finalized witness or scriptSig that does not verify, or is of an unknown kind.
    pub invalid_witnesses: Vec<usize>,
    /// The fee: the sum of the inputs less the sum of the outputs. `None` when an input's amount is not in
    /// the PSBT, or it pays more than it spends.
    pub fee: Option<Amount>,
}

/// A PSBT cannot be signed or finalized.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PsbtSigningError {
    /// The PSBT does not have the outputs that all of its inputs spend, which signatures cover.
    #[error("the PSBT does not say what all of its inputs spend; must say it")]
    Incomplete,
    /// The PSBT spends through the slashing path and has more inputs, where a slashing transaction has one.
    #[error("the PSBT slashes and spends something else too; a slashing transaction must have one input")]
    SlashesMore,
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
}

/// Verifies every signature in a PSBT, and lists the keys that have not signed. Every PSBT can be reviewed.
pub fn review_psbt(psbt: &Psbt) -> PsbtReview {
    let prevouts = prevouts(psbt);
    let mut verifier = prevouts.as_deref().map(|prevouts| Verifier::new(psbt, prevouts));
    let mut review = PsbtReview::default();
    for (index, (input, spent)) in psbt.inputs.iter().zip(&psbt.unsigned_tx.input).enumerate() {
        let mut note = |signer, valid: Option<bool>| {
            review.signatures.push(PsbtSignature { input: index, signer, valid: valid.unwrap_or(false) });
        };
        for ((key, hash), signature) in &input.tap_script_sigs {
            note(
                PsbtSigner::Leaf(*key),
                verifier.as_mut().map(|verifier| verifier.leaf(index, *hash, key, signature)),
            );
        }
        if let (Some(signature), Some(verifier)) = (&input.tap_key_sig, &mut verifier)
            && let Some((key, valid)) = verifier.key_path(index, signature)
        {
            note(PsbtSigner::KeyPath(key), Some(valid));
        }
        for (key, signature) in &input.partial_sigs {
            note(
                PsbtSigner::Ecdsa(*key),
                verifier.as_mut().and_then(|verifier| verifier.ecdsa(index, input, key, signature)),
            );
        }
        let witness = input.final_script_witness.clone().unwrap_or_default();
        let finalized = input.final_script_witness.is_some() || input.final_script_sig.is_some();
        let (revealed, offered) = (revealed_leaf(&TxIn { witness, ..spent.clone() }), offered_keys(input));
        let leaf = revealed.as_ref().map(|leaf| &leaf.keys);
        let leaf = leaf.or(offered.as_ref().filter(|_| !finalized).map(|(keys, _)| keys)).cloned();
        if let Some(leaf) = revealed {
            for (key, place) in leaf.places.iter().filter(|(_, place)| !place.is_empty()) {
                let signature = taproot::Signature::from_slice(place);
                let valid = verifier
                    .as_mut()
                    .zip(signature.ok())
                    .map(|(verifier, s)| verifier.leaf(index, leaf.hash, key, &s));
                note(PsbtSigner::Leaf(*key), valid);
            }
        } else if finalized {
            match verifier.as_ref().and_then(|verifier| verifier.finalized(index)) {
                Some(signers) => signers.into_iter().for_each(|signer| note(signer, Some(true))),
                None => review.invalid_witnesses.push(index),
            }
        } else if let Some((keys, hash)) = offered {
            let absent =
                keys.in_script_order().filter(|key| !input.tap_script_sigs.contains_key(&(**key, hash)));
            review.missing.extend(absent.map(|key| (index, *key)));
        } else if input.tap_script_sigs.is_empty()
            && input.tap_key_sig.is_none()
            && input.partial_sigs.is_empty()
        {
            review.unsigned.push(index);
        }
        review.quorums.extend(leaf.and_then(|keys| quorum(index, &keys, &review.signatures)));
    }
    let held = prevouts.as_deref().and_then(sum);
    review.fee = held.zip(sum(&psbt.unsigned_tx.output)).and_then(|(held, paid)| held.checked_sub(paid));
    review
}

fn quorum(input: usize, keys: &LeafKeys, signatures: &[PsbtSignature]) -> Option<PsbtQuorum> {
    let (members, quorum) = keys.covenant();
    let signed = |member: &&XOnlyPublicKey| {
        let by = PsbtSigner::Leaf(**member);
        signatures.iter().any(|found| found.valid && found.input == input && found.signer == by)
    };
    let signed = members.iter().filter(signed).count();
    (quorum > 0).then_some(PsbtQuorum { input, signed, members: members.len(), quorum })
}

/// Signs the inputs whose one offered leaf has `key` as its staker, and the coins that pay to
/// [`key_path_script`] of it; no other input is signed. Returns the PSBT with the signatures, and how many
/// were added. Nothing is signed as a covenant member or as a finality provider: a covenant member signs a
/// [`CheckedDelegation`](crate::CheckedDelegation).
///
/// # Errors
/// [`PsbtSigningError`] when the PSBT does not have what it spends, spends through the slashing path beside
/// other inputs, or has no input for this key.
pub fn sign_psbt(psbt: &Psbt, key: &SecretKey) -> Result<(Psbt, usize), PsbtSigningError> {
    let (mut signed, public_key) = (psbt.clone(), *key.public_key());
    let prevouts = prevouts(psbt).ok_or(PsbtSigningError::Incomplete)?;
    let (mut leaves, mut coins) = (0_usize, Vec::new());
    let mut sighashes = SighashCache::new(&psbt.unsigned_tx);
    for (index, (input, spent)) in signed.inputs.iter_mut().zip(&prevouts).enumerate() {
        if is_coin(input) {
            coins.extend((spent.script_pubkey == key_path_script(&public_key)).then_some(index));
            continue;
        }
        let Some((keys, hash)) = offered_keys(input).filter(|(keys, _)| *keys.staker() == public_key) else {
            continue;
        };
        if keys.path() == SpendPath::Slashing && prevouts.len() != 1 {
            return Err(PsbtSigningError::SlashesMore);
        }
        let all = Prevouts::All(prevouts.as_slice());
        let sighash =
            sighashes.taproot_script_spend_signature_hash(index, &all, hash, TapSighashType::Default);
        let signature = key.sign_bip340(sighash.map_err(|_| PsbtSigningError::Incomplete)?);
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
/// [`PsbtSigningError::Incomplete`] or [`PsbtSigningError::NotFinal`].
pub fn finalize_psbt(psbt: &Psbt) -> Result<Transaction, PsbtSigningError> {
    let prevouts = prevouts(psbt).ok_or(PsbtSigningError::Incomplete)?;
    finalize_verified(&mut psbt.clone(), &prevouts).map_err(PsbtSigningError::NotFinal)
}

/// Returns the outputs that the inputs spend; `None` when the PSBT does not have all of them.
fn prevouts(psbt: &Psbt) -> Option<Vec<TxOut>> {
    let spent: Option<Vec<_>> = spent_outputs(psbt).into_iter().collect();
    spent.filter(|spent| spent.len() == psbt.unsigned_tx.input.len())
}

/// A verifier of signatures, over sighashes that it computes; what they have in common is hashed once.
struct Verifier<'a> {
    psbt: &'a Psbt,
    prevouts: &'a [TxOut],
    sighashes: SighashCache<&'a Transaction>,
    /// The transaction with the witnesses and scriptSigs that wallets have finalized.
    finalized: Transaction,
}

impl<'a> Verifier<'a> {
    fn new(psbt: &'a Psbt, prevouts: &'a [TxOut]) -> Self {
        let mut finalized = psbt.unsigned_tx.clone();
        for (input, described) in finalized.input.iter_mut().zip(&psbt.inputs) {
            input.witness = described.final_script_witness.clone().unwrap_or_default();
            input.script_sig = described.final_script_sig.clone().unwrap_or_default();
        }
        Self { psbt, prevouts, sighashes: SighashCache::new(&psbt.unsigned_tx), finalized }
    }

    fn leaf(
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
    fn key_path(&mut self, input: usize, given: &taproot::Signature) -> Option<(XOnlyPublicKey, bool)> {
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
    fn ecdsa(
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
    fn finalized(&self, index: usize) -> Option<Vec<PsbtSigner>> {
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
