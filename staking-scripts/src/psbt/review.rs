//! Review of the signatures of a PSBT.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bitcoin::psbt::Input;
use bitcoin::script::Instruction;
use bitcoin::taproot::LeafVersion;
use bitcoin::{
    Amount, Psbt, PublicKey, Script, ScriptBuf, TapLeafHash, TxIn, TxOut, Witness, XOnlyPublicKey, taproot,
};

use super::prevouts;
use super::verifier::Verifier;
use crate::outputs::leaf::{LeafKeys, SpendPath};
use crate::transactions::shown::{commits, offered_leaf, only_signature, revealed_leaf};
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
    script: ScriptBuf,
    /// The keys of a leaf of the protocol.
    keys: Option<LeafKeys>,
}

impl SignableLeaf {
    fn has(&self, key: &XOnlyPublicKey) -> bool {
        match &self.keys {
            Some(keys) => keys.in_script_order().any(|known| known == key),
            None => pushes(&self.script, key),
        }
    }
}

fn pushes(script: &Script, key: &XOnlyPublicKey) -> bool {
    let key = key.serialize();
    let mut pushed = script.instructions().filter_map(Result::ok);
    pushed.any(|found| matches!(found, Instruction::PushBytes(bytes) if bytes.as_bytes() == key))
}

/// Returns the leaves that an input describes and the output that it spends commits to.
fn signable_leaves(input: &Input, spent: &TxOut) -> BTreeMap<TapLeafHash, SignableLeaf> {
    let committed = input.tap_scripts.iter().filter(|(block, (script, version))| {
        *version == LeafVersion::TapScript && commits(spent, block, script)
    });
    let leaf = |script: &ScriptBuf| SignableLeaf {
        script: script.clone(),
        keys: LeafKeys::from_script(script).ok(),
    };
    committed
        .map(|(_, (script, version))| (TapLeafHash::from_script(script, *version), leaf(script)))
        .collect()
}

/// Verifies every signature in a PSBT, and lists the keys that have not signed. Every PSBT can be reviewed.
///
/// A signature is tied to what it spends: for a leaf, the output spent must commit to it.
pub fn review_psbt(psbt: &Psbt) -> PsbtReview {
    let prevouts = prevouts(psbt);
    let mut review = PsbtReview::default();
    let held = prevouts.as_deref().and_then(sum);
    review.fee = held.zip(sum(&psbt.unsigned_tx.output)).and_then(|(held, paid)| held.checked_sub(paid));
    let mut verifier = prevouts.as_deref().map(|prevouts| Verifier::new(psbt, prevouts));
    for (index, (input, txin)) in psbt.inputs.iter().zip(&psbt.unsigned_tx.input).enumerate() {
        let spent = prevouts.as_ref().and_then(|prevouts| prevouts.get(index));
        let mut of_input = InputReview { index, input, txin, spent, found: Vec::new(), review: &mut review };
        of_input.collected(verifier.as_mut());
        of_input.finalized(verifier.as_mut());
        of_input.several_leaves();
    }
    review
}

/// The review of one input.
struct InputReview<'a> {
    index: usize,
    input: &'a Input,
    txin: &'a TxIn,
    spent: Option<&'a TxOut>,
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
        let leaves = self.spent.map(|spent| signable_leaves(self.input, spent)).unwrap_or_default();
        for ((key, hash), signature) in &self.input.tap_script_sigs {
            let leaf = leaves.get(hash).filter(|leaf| leaf.has(key));
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
        for (key, signature) in &self.input.partial_sigs {
            let valid = verifier.ecdsa(self.index, self.input, key, signature).unwrap_or(false);
            self.note(PsbtSigner::Ecdsa(*key), None, valid);
        }
    }

    /// Notes the keys that have signed several leaves, in fields of their own or in a finalized witness.
    fn several_leaves(&mut self) {
        let collected = self.input.tap_script_sigs.keys();
        let signed: BTreeSet<_> = collected.copied().chain(self.found.iter().copied()).collect();
        let mut leaves_of = BTreeMap::<XOnlyPublicKey, usize>::new();
        for (key, _) in signed {
            let count = leaves_of.entry(key).or_default();
            *count = count.saturating_add(1);
        }
        let several = leaves_of.into_iter().filter(|(_, count)| *count > 1).map(|(key, _)| (self.index, key));
        self.review.several_leaves.extend(several);
    }

    /// Notes the signatures of a finalized witness, and what is absent.
    fn finalized(&mut self, verifier: Option<&mut Verifier<'_>>) {
        let is_finalized = self.input.final_script_witness.is_some() || self.input.final_script_sig.is_some();
        let offered = offered_leaf(self.input, self.spent).map(|leaf| (leaf.keys.clone(), leaf.hash()));
        if !is_finalized {
            return self.unfinalized(offered);
        }
        let Some(verifier) = verifier else { return self.review.invalid_witnesses.push(self.index) };
        let witness = self.input.final_script_witness.clone().unwrap_or_default();
        if let Some((keys, hash, key)) = self.wallets_signature(&witness, verifier) {
            self.note(PsbtSigner::Leaf(key), Some(keys.path()), true);
            self.found.push((key, hash));
            self.unfinalized(Some((keys, hash)));
            return;
        }
        let signers = verifier.finalized(self.index);
        if signers.is_none() {
            self.review.invalid_witnesses.push(self.index);
        }
        match (revealed_leaf(&TxIn { witness, ..self.txin.clone() }), signers) {
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

    /// Returns the one signature of a witness that a wallet finalized which does not know the script: it has
    /// the signature, the script and the control block, where the script asks for more signatures.
    fn wallets_signature(
        &self,
        witness: &Witness,
        verifier: &mut Verifier<'_>,
    ) -> Option<(LeafKeys, TapLeafHash, XOnlyPublicKey)> {
        let leaf = only_signature(witness)?;
        let signature = taproot::Signature::from_slice(leaf.signature).ok()?;
        if !self.commits_to(&leaf.script, &leaf.control_block) {
            return None;
        }
        let keys: Vec<_> = leaf.keys.in_script_order().copied().collect();
        let key = keys.into_iter().find(|key| verifier.leaf(self.index, leaf.hash, key, &signature))?;
        Some((leaf.keys, leaf.hash, key))
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
