//! PSBTs that signers return. Nothing in them is trusted: the transaction must be the one that was sent, byte
//! for byte, and every signature is verified over a sighash that is computed here.

use std::collections::BTreeSet;

use bitcoin::bip32::KeySource;
use bitcoin::psbt::PsbtSighashType;
use bitcoin::secp256k1::schnorr;
use bitcoin::taproot::LeafVersion;
use bitcoin::{
    Amount, Psbt, TapLeafHash, TapSighashType, Transaction, Txid, Weight, XOnlyPublicKey, psbt, taproot,
};

use super::LeafSpend;
use crate::outputs::leaf::{Leaf, LeafKeys, SpendPath};
use crate::outputs::relay::MAX_WEIGHT;
use crate::transactions::signatures::CovenantSignature;

/// The verified signatures of one leaf, and which others were made beside them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeafSignatures {
    /// The staker's signature, if there is one.
    pub staker: Option<schnorr::Signature>,
    /// The finality providers' signatures, ascending by key.
    pub finality_providers: Vec<(XOnlyPublicKey, schnorr::Signature)>,
    /// The covenant members' signatures, ascending by key.
    pub covenant: Vec<CovenantSignature>,
    /// The keys that have signed other leaves of the output too, each with the leaf's spend path: some
    /// wallets sign every leaf that they know. These signatures are left out, and not verified. A PSBT of a
    /// slashing transaction that has one must not be passed on: with the staker's for the unbonding leaf,
    /// the covenant committee slashes without a finality provider's key.
    pub other_leaves: Vec<(XOnlyPublicKey, SpendPath)>,
}

/// The PSBT that a signer returned cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReturnedPsbtError {
    /// The PSBT is of another transaction than the one sent, which would void every pre-signed transaction
    /// that depends on it.
    #[error("the PSBT is of the transaction {found}; must be of {expected}")]
    OtherTransaction {
        /// The id of the transaction returned.
        found: Txid,
        /// The id of the transaction sent.
        expected: Txid,
    },
    /// The PSBT does not describe its input.
    #[error("the PSBT describes no input; must describe each")]
    NoInput,
    /// A key of the leaf to be spent has signed another one, and so another spend path, alone.
    #[error("the signature of {0} is for another leaf; must be for the leaf to be spent")]
    OtherLeaf(XOnlyPublicKey),
    /// A signature does not have SIGHASH_DEFAULT.
    #[error("the signature of {key} has the sighash type {found}; must be SIGHASH_DEFAULT")]
    SighashType {
        /// The key that signed.
        key: XOnlyPublicKey,
        /// The sighash type.
        found: TapSighashType,
    },
    /// The input asks for signatures of another sighash type (PSBT_IN_SIGHASH_TYPE): whoever finalizes it
    /// refuses signatures with SIGHASH_DEFAULT (BIP-174).
    #[error("PSBT_IN_SIGHASH_TYPE is {0}; must be absent or SIGHASH_DEFAULT")]
    AskedSighashType(PsbtSighashType),
    /// The key of a signature is not in the leaf that it is for.
    #[error("the key {0} is not in the leaf that its signature is for; must be")]
    NotInLeaf(XOnlyPublicKey),
    /// A signature does not verify.
    #[error("the signature of {0} does not verify")]
    InvalidSignature(XOnlyPublicKey),
    /// The finalized witness does not reveal the leaf, or has a signature that verifies under none of its
    /// keys.
    #[error("the finalized witness is not one of the leaf to be spent")]
    Witness,
    /// The signatures do not satisfy the coins' scripts, or do not verify. The reason is the miniscript
    /// library's, as text: it has one for each input.
    #[error("the coins are not signed: {0}")]
    Unsigned(String),
    /// A signature outside the witness changed the transaction's id.
    #[error("signing changed the transaction id to {0}; every coin must be of segregated witness")]
    IdChanged(Txid),
    /// The staking output is not paid exactly once with its amount.
    #[error("the staking output is not there exactly once with {} sat", .0.to_sat())]
    StakeNotPaid(Amount),
    /// The witnesses are larger than predicted, so the fee is below the requested rate.
    #[error("the fee is {} sat; must be at least {} sat, which the rate asks for", .fee.to_sat(), .needed.to_sat())]
    FeeBelowRate {
        /// The fee that the transaction pays.
        fee: Amount,
        /// The fee at the requested rate.
        needed: Amount,
    },
    /// The transaction is too heavy to be relayed.
    #[error("the transaction weighs {0} weight units; must be at most {MAX_WEIGHT}, which nodes relay")]
    TooHeavy(Weight),
}

impl ReturnedPsbtError {
    /// Refuses a PSBT of another transaction than the one sent, byte for byte.
    pub(crate) fn check_same(signed: &Psbt, expected: &Transaction) -> Result<(), Self> {
        if signed.unsigned_tx == *expected {
            return Ok(());
        }
        let (found, expected) = (signed.unsigned_tx.compute_txid(), expected.compute_txid());
        Err(Self::OtherTransaction { found, expected })
    }
}

impl LeafSpend {
    /// Returns the verified signatures in a returned PSBT: those collected, and those of a finalized witness.
    /// Signatures for the output's other leaves are named beside them.
    pub(crate) fn signatures(&self, signed: &Psbt) -> Result<LeafSignatures, ReturnedPsbtError> {
        ReturnedPsbtError::check_same(signed, self.unsigned())?;
        let input = signed.inputs.first().ok_or(ReturnedPsbtError::NoInput)?;
        if let Some(asked) = input.sighash_type.filter(|asked| asked.to_u32() != 0) {
            return Err(ReturnedPsbtError::AskedSighashType(asked));
        }
        let (mut found, mut other_leaves) = (Vec::new(), Vec::new());
        for ((key, hash), signature) in &input.tap_script_sigs {
            if *hash == self.leaf().hash() {
                self.check_collected(key, signature)?;
                found.push((*key, signature.signature));
            } else {
                other_leaves.push((*key, self.other_path(key, *hash)?));
            }
        }
        if input.final_script_sig.as_ref().is_some_and(|script| !script.is_empty()) {
            return Err(ReturnedPsbtError::Witness);
        }
        if let Some(witness) = &input.final_script_witness {
            let elements: Vec<&[u8]> = witness.iter().collect();
            found.extend(self.read_witness(&elements)?);
        }
        let asked = |key: &XOnlyPublicKey| self.leaf().keys.in_script_order().any(|known| known == key);
        let signed = |key: &XOnlyPublicKey| found.iter().any(|(signer, _)| signer == key);
        if let Some((key, _)) = other_leaves.iter().find(|(key, _)| asked(key) && !signed(key)) {
            return Err(ReturnedPsbtError::OtherLeaf(*key));
        }
        Ok(LeafSignatures { other_leaves, ..self.sorted(found) })
    }

    /// Returns the spend path of the output's other leaf of this hash, in which the key must be.
    fn other_path(&self, key: &XOnlyPublicKey, hash: TapLeafHash) -> Result<SpendPath, ReturnedPsbtError> {
        let of = |leaf: &Leaf| leaf.keys.in_script_order().any(|known| known == key);
        let other = self.other_leaves().iter().find(|leaf| leaf.hash() == hash);
        let other = other.ok_or(if of(self.leaf()) {
            ReturnedPsbtError::OtherLeaf(*key)
        } else {
            ReturnedPsbtError::NotInLeaf(*key)
        })?;
        if of(other) { Ok(other.keys.path()) } else { Err(ReturnedPsbtError::NotInLeaf(*key)) }
    }

    fn check_collected(
        &self,
        key: &XOnlyPublicKey,
        given: &taproot::Signature,
    ) -> Result<(), ReturnedPsbtError> {
        if !self.leaf().keys.in_script_order().any(|known| known == key) {
            return Err(ReturnedPsbtError::NotInLeaf(*key));
        }
        if given.sighash_type != TapSighashType::Default {
            return Err(ReturnedPsbtError::SighashType { key: *key, found: given.sighash_type });
        }
        if self.verifies(key, &given.signature) {
            Ok(())
        } else {
            Err(ReturnedPsbtError::InvalidSignature(*key))
        }
    }

    /// Returns the signatures of a finalized witness, each with its key by position. A wallet that does not
    /// know the script leaves no place for who has not signed: then every key is tried.
    fn read_witness(
        &self,
        elements: &[&[u8]],
    ) -> Result<Vec<(XOnlyPublicKey, schnorr::Signature)>, ReturnedPsbtError> {
        let [places @ .., script, control_block] = elements else { return Err(ReturnedPsbtError::Witness) };
        let leaf = self.leaf();
        let keys: Vec<&XOnlyPublicKey> = leaf.keys.in_script_order().rev().collect();
        let reveals = *script == leaf.script.as_bytes() && *control_block == leaf.control_block.serialize();
        if !reveals || places.len() > keys.len() {
            return Err(ReturnedPsbtError::Witness);
        }
        let given: Vec<_> = places.iter().enumerate().filter(|(_, place)| !place.is_empty()).collect();
        let short = given.len() == 1 || places.len() < keys.len();
        let signatures = given.into_iter().map(|(number, place)| {
            let signature = schnorr::Signature::from_slice(place).map_err(|_| ReturnedPsbtError::Witness)?;
            let own = keys.get(number).filter(|_| places.len() == keys.len());
            let mut candidates = own.into_iter().chain(keys.iter().filter(|_| short));
            let signer = candidates.find(|key| self.verifies(key, &signature));
            signer.map(|key| (**key, signature)).ok_or(ReturnedPsbtError::Witness)
        });
        signatures.collect()
    }

    fn sorted(&self, found: Vec<(XOnlyPublicKey, schnorr::Signature)>) -> LeafSignatures {
        let keys = &self.leaf().keys;
        let of = |wanted: &XOnlyPublicKey| {
            found.iter().find(|(key, _)| key == wanted).map(|(_, signature)| *signature)
        };
        LeafSignatures {
            staker: of(keys.staker()),
            finality_providers: keys
                .finality_providers()
                .iter()
                .filter_map(|key| Some((*key, of(key)?)))
                .collect(),
            covenant: keys
                .covenant()
                .0
                .iter()
                .filter_map(|member| Some(CovenantSignature { member: *member, signature: of(member)? }))
                .collect(),
            other_leaves: Vec::new(),
        }
    }

    /// Adds the origin of a key to each input and output of the PSBT that has the key, so that a signer finds
    /// its own (BIP-371).
    pub(crate) fn add_key_origin(&mut self, key: XOnlyPublicKey, source: &KeySource) {
        let leaf =
            (self.leaf().keys.in_script_order().any(|known| *known == key)).then(|| self.leaf().hash());
        let psbt = self.psbt_mut();
        if let (Some(hash), Some(input)) = (leaf, psbt.inputs.first_mut()) {
            input.tap_key_origins.insert(key, (vec![hash], source.clone()));
        }
        psbt.outputs.iter_mut().for_each(|output| add_output_origin(output, key, source));
    }
}

/// Adds the origin of a key to an output of the protocol, as [`LeafSpend::add_key_origin`] does.
pub(crate) fn add_output_origin(output: &mut psbt::Output, key: XOnlyPublicKey, source: &KeySource) {
    let Some(tree) = &output.tap_tree else { return };
    let has_key = |script: &bitcoin::Script| {
        LeafKeys::from_script(script).is_ok_and(|keys| keys.in_script_order().any(|known| *known == key))
    };
    let leaves = tree.script_leaves().filter(|leaf| has_key(leaf.script()));
    let hashes: BTreeSet<_> =
        leaves.map(|leaf| TapLeafHash::from_script(leaf.script(), LeafVersion::TapScript)).collect();
    if !hashes.is_empty() {
        output.tap_key_origins.insert(key, (hashes.into_iter().collect(), source.clone()));
    }
}
