//! Review of the signatures of a PSBT.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bitcoin::psbt::Input;
use bitcoin::taproot::LeafVersion;
use bitcoin::{
    Amount, Psbt, PublicKey, Script, ScriptBuf, TapLeafHash, TxIn, TxOut, Witness, XOnlyPublicKey, taproot,
};

use super::prevouts;
use super::several::several;
use super::sign::PsbtSigningError;
use super::verifier::{Verifier, pushed};
use super::weight::check_psbt_weight;
use crate::outputs::leaf::{LeafKeys, SpendPath};
use crate::outputs::place::is_at_its_depth;
use crate::transactions::shown::{commits, offered_leaf, revealed_leaf, short_witness};
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
    /// The spend path of the protocol that the signature is for; `None` for another leaf and for a coin.
    pub path: Option<SpendPath>,
    /// Whether the signature verifies over a sighash computed here from the outputs that the PSBT says its
    /// inputs spend. Through a leaf, only SIGHASH_DEFAULT is valid, and only of a key in a leaf that the
    /// output spent commits to.
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
    /// The keys that have signed several leaves of an input, each with the index of the input. A staker's
    /// signature for the unbonding leaf of a slashing transaction lets the covenant committee slash without a
    /// finality provider's key.
    pub several_leaves: Vec<(usize, XOnlyPublicKey)>,
    /// The fee: the sum of the inputs less the sum of the outputs. `None` when an input's amount is not in
    /// the PSBT, or it pays more than it spends.
    pub fee: Option<Amount>,
}

/// A leaf that the output spent by an input commits to.
struct SignableLeaf {
    /// The keys of a leaf of the protocol.
    keys: Option<LeafKeys>,
    /// What its script pushes, keys among it.
    pushed: BTreeSet<Vec<u8>>,
}

impl SignableLeaf {
    fn has(&self, key: &XOnlyPublicKey) -> bool {
        self.pushed.contains(key.serialize().as_slice())
    }
}

/// Returns the leaves that an input describes and the output that it spends commits to.
fn signable_leaves(input: &Input, spent: &TxOut) -> BTreeMap<TapLeafHash, SignableLeaf> {
    let committed = input.tap_scripts.iter().filter(|(block, (script, version))| {
        *version == LeafVersion::TapScript && commits(spent, block, script)
    });
    let leaf = |script: &ScriptBuf| SignableLeaf {
        keys: LeafKeys::from_script(script).ok(),
        pushed: pushed(script),
    };
    committed
        .map(|(_, (script, version))| (TapLeafHash::from_script(script, *version), leaf(script)))
        .collect()
}

/// Verifies every signature in a PSBT, and lists the keys that have not signed. Every PSBT can be reviewed
/// whose transaction nodes would relay; the time is linear in its size.
///
/// A signature is tied to what it spends: for a leaf, the output spent must commit to it.
///
/// # Errors
/// [`PsbtSigningError::TooHeavy`], before any signature is verified.
pub fn review_psbt(psbt: &Psbt) -> Result<PsbtReview, PsbtSigningError> {
    check_psbt_weight(psbt)?;
    let prevouts = prevouts(psbt);
    let mut review = PsbtReview::default();
    let held = prevouts.as_deref().and_then(sum);
    review.fee = held.zip(sum(&psbt.unsigned_tx.output)).and_then(|(held, paid)| held.checked_sub(paid));
    let mut verifier = prevouts.as_deref().map(|prevouts| Verifier::new(psbt, prevouts));
    for (index, (input, txin)) in psbt.inputs.iter().zip(&psbt.unsigned_tx.input).enumerate() {
        let spent = prevouts.as_ref().and_then(|prevouts| prevouts.get(index));
        let leaves = spent.map(|spent| signable_leaves(input, spent)).unwrap_or_default();
        let (found, review) = (Vec::new(), &mut review);
        let mut of_input = InputReview { index, input, txin, spent, leaves, found, review };
        of_input.collected(verifier.as_mut());
        of_input.finalized(verifier.as_mut());
        of_input.several_leaves();
    }
    Ok(review)
}

/// The review of one input.
struct InputReview<'a> {
    index: usize,
    input: &'a Input,
    txin: &'a TxIn,
    spent: Option<&'a TxOut>,
    /// The leaves that may be signed.
    leaves: BTreeMap<TapLeafHash, SignableLeaf>,
    /// The valid signatures for leaves.
    found: Vec<(XOnlyPublicKey, TapLeafHash)>,
    review: &'a mut PsbtReview,
}

impl InputReview<'_> {
    fn note(&mut self, signer: PsbtSigner, path: Option<SpendPath>, valid: bool) {
        self.review.signatures.push(PsbtSignature { input: self.index, signer, path, valid });
    }

    /// Notes the signatures that are collected in fields of their own.
    fn collected(&mut self, mut verifier: Option<&mut Verifier<'_>>) {
        for ((key, hash), signature) in &self.input.tap_script_sigs {
            let leaf = self.leaves.get(hash).filter(|leaf| leaf.has(key));
            let verifies =
                |verifier: &mut &mut Verifier<'_>| verifier.leaf(self.index, *hash, key, signature);
            let valid = leaf.is_some() && verifier.as_mut().is_some_and(verifies);
            let path = leaf.and_then(|leaf| leaf.keys.as_ref()).map(LeafKeys::path);
            self.note(PsbtSigner::Leaf(*key), path, valid);
            if valid {
                self.found.push((*key, *hash));
            }
        }
        let Some(verifier) = verifier else {
            for key in self.input.partial_sigs.keys() {
                self.note(PsbtSigner::Ecdsa(*key), None, false);
            }
            return;
        };
        if let Some(signature) = &self.input.tap_key_sig
            && let Some((key, valid)) = verifier.key_path(self.index, signature)
        {
            self.note(PsbtSigner::KeyPath(key), None, valid);
        }
        for (key, valid) in verifier.ecdsa(self.index, self.input) {
            self.note(PsbtSigner::Ecdsa(key), None, valid);
        }
    }

    /// Notes the keys that have signed several leaves, in fields of their own or in a finalized witness.
    fn several_leaves(&mut self) {
        let collected = self.input.tap_script_sigs.keys();
        let several = several(collected.copied().chain(self.found.iter().copied()));
        self.review.several_leaves.extend(several.map(|key| (self.index, key)));
    }

    /// Returns the leaf of the protocol that the input offers, where it offers exactly one: as
    /// [`offered_leaf`], with what was read and verified already.
    fn offered(&self) -> Option<(LeafKeys, TapLeafHash)> {
        if self.spent.is_none() {
            return offered_leaf(self.input, None).map(|leaf| (leaf.keys.clone(), leaf.hash()));
        }
        let one = self.input.tap_scripts.keys().next().filter(|_| self.input.tap_scripts.len() == 1);
        let (hash, leaf) = self.leaves.first_key_value()?;
        let keys = leaf.keys.clone()?;
        one.is_some_and(|control_block| is_at_its_depth(&keys, control_block)).then_some((keys, *hash))
    }

    /// Notes the signatures of a finalized witness, and what is absent.
    fn finalized(&mut self, verifier: Option<&mut Verifier<'_>>) {
        let is_finalized = self.input.final_script_witness.is_some() || self.input.final_script_sig.is_some();
        if !is_finalized {
            return self.unfinalized(self.offered());
        }
        let Some(verifier) = verifier else { return self.review.invalid_witnesses.push(self.index) };
        let finalized = TxIn {
            witness: self.input.final_script_witness.clone().unwrap_or_default(),
            script_sig: self.input.final_script_sig.clone().unwrap_or_default(),
            ..self.txin.clone()
        };
        if let Some((keys, hash, signers)) = self.wallets_signatures(&finalized.witness, verifier) {
            for key in signers {
                self.note(PsbtSigner::Leaf(key), Some(keys.path()), true);
                self.found.push((key, hash));
            }
            self.unfinalized(Some((keys, hash)));
            return;
        }
        let signers = verifier.finalized(self.index, &finalized);
        if signers.is_none() {
            self.review.invalid_witnesses.push(self.index);
        }
        match (revealed_leaf(&finalized), signers) {
            (Some(leaf), _) => {
                let path = Some(leaf.keys.path());
                for (key, place) in leaf.places.iter().filter(|(_, place)| !place.is_empty()) {
                    let signature = taproot::Signature::from_slice(place).ok();
                    let verifies = |signature| verifier.leaf(self.index, leaf.hash, key, &signature);
                    let valid =
                        signature.is_some_and(verifies) && self.commits_to(&leaf.script, &leaf.control_block);
                    self.note(PsbtSigner::Leaf(*key), path, valid);
                    if valid {
                        self.found.push((*key, leaf.hash));
                    }
                }
                self.quorum(&leaf.keys, leaf.hash);
            }
            (None, Some(signers)) => signers.into_iter().for_each(|signer| self.note(signer, None, true)),
            (None, None) => {}
        }
    }

    fn commits_to(&self, script: &Script, control_block: &taproot::ControlBlock) -> bool {
        self.spent.is_some_and(|spent| commits(spent, control_block, script))
    }

    /// Returns who signed a witness that a wallet finalized which does not know the script: it has the
    /// signatures, the script and the control block, where the script has more keys.
    fn wallets_signatures(
        &self,
        witness: &Witness,
        verifier: &mut Verifier<'_>,
    ) -> Option<(LeafKeys, TapLeafHash, BTreeSet<XOnlyPublicKey>)> {
        let leaf = short_witness(witness)?;
        if self.input.final_script_sig.as_ref().is_some_and(|script| !script.is_empty()) {
            return None;
        }
        if !self.commits_to(&leaf.script, &leaf.control_block) {
            return None;
        }
        let keys: Vec<_> = leaf.keys.in_script_order().copied().collect();
        let mut signers = BTreeSet::new();
        for signature in &leaf.signatures {
            // One of 65 bytes says another type than the default (BIP-341), and a key signs once.
            let signature = taproot::Signature::from_slice(signature)
                .ok()
                .filter(|read| read.to_vec().len() == signature.len())?;
            let signs = |key: &&XOnlyPublicKey| verifier.leaf(self.index, leaf.hash, key, &signature);
            if !signers.insert(*keys.iter().find(signs)?) {
                return None;
            }
        }
        Some((leaf.keys, leaf.hash, signers))
    }

    fn unfinalized(&mut self, offered: Option<(LeafKeys, TapLeafHash)>) {
        if let Some((keys, hash)) = offered {
            let given: Vec<_> =
                self.found.iter().filter(|(_, of)| *of == hash).map(|(key, _)| *key).collect();
            let collected = |key: &XOnlyPublicKey| self.input.tap_script_sigs.contains_key(&(*key, hash));
            let absent: Vec<_> = keys
                .in_script_order()
                .filter(|key| !given.contains(key) && !collected(key))
                .map(|key| (self.index, *key))
                .collect();
            self.review.missing.extend(absent);
            self.quorum(&keys, hash);
        } else if self.input.tap_script_sigs.is_empty()
            && self.input.tap_key_sig.is_none()
            && self.input.partial_sigs.is_empty()
        {
            self.review.unsigned.push(self.index);
        }
    }

    /// Notes how many covenant members have signed this leaf.
    fn quorum(&mut self, keys: &LeafKeys, hash: TapLeafHash) {
        let (members, quorum) = keys.covenant();
        let signed = members.iter().filter(|member| self.found.contains(&(**member, hash))).count();
        if quorum > 0 {
            self.review.quorums.push(PsbtQuorum {
                input: self.index,
                signed,
                members: members.len(),
                quorum,
            });
        }
    }
}
