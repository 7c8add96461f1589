//! Slashing transactions that lack a finality provider's signature alone.

use std::collections::HashMap;

use bitcoin::consensus::Decodable;
use bitcoin::consensus::encode::{Error as EncodingError, deserialize_partial, serialize};
use bitcoin::secp256k1::{Message, schnorr};
use bitcoin::taproot::LeafVersion;
use bitcoin::{ScriptBuf, TapLeafHash, Transaction, TxOut, Witness, XOnlyPublicKey};
use eots::{AdaptorSignature, BatchItem, SecretKey};

use super::data::{Delegation, SlashedOutput};
use super::error::{DelegationError, field};
use crate::outputs::committee::CovenantCommittee;
use crate::outputs::leaf::SpendPath;
use crate::transactions::leaf_transaction::LeafTransaction as _;
use crate::transactions::sighash::leaf_sighash;
use crate::transactions::slashing::{SlashingError, SlashingTransaction};
use crate::transactions::spend::FinalizeError;

/// The first byte of a stored one.
const FORM: u8 = 1;

/// A slashing transaction with all that is needed to complete it with the key of one of the stake's finality
/// providers: a kilobyte or two. Nothing is built anew then, and no point read, so that thousands of stakes
/// are slashed in the time that their signatures take to verify ([`complete`](Self::complete)).
///
/// Its signatures are those of a delegation, and are verified when it is completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadySlashing {
    unsigned: Transaction,
    spent: TxOut,
    script: ScriptBuf,
    control_block: Vec<u8>,
    staker: schnorr::Signature,
    quorum: u16,
    /// A quorum of them for each finality provider.
    adaptors: Vec<ReadyAdaptor>,
}

/// An adaptor signature, with the places of its two keys in the script.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ReadyAdaptor {
    provider: u16,
    member: u16,
    signature: [u8; 65],
}

/// The bytes are not those of a [`ReadySlashing`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a slashing transaction that is ready: {0}")]
#[non_exhaustive]
pub struct InvalidReadySlashing(pub String);

/// A completed transaction, whose signatures are to be verified.
struct Completed {
    transaction: Transaction,
    sighash: Message,
    signatures: Vec<([u8; 32], schnorr::Signature)>,
}

impl Delegation {
    /// Returns a slashing transaction with what is needed to complete it with a finality provider's key: the
    /// staker's signature, and the adaptor signatures of the first covenant members that are a quorum. No
    /// signature is verified.
    ///
    /// # Errors
    /// The errors of [`slashing`](Self::slashing), and [`DelegationError`] where the staker has not signed,
    /// or too few covenant members.
    pub fn ready_slashing(
        &self,
        which: SlashedOutput,
        covenant: &CovenantCommittee,
    ) -> Result<ReadySlashing, DelegationError> {
        let slashing = self.slashing(which, covenant)?;
        let (_, given) = self.presigned_slashing(which)?;
        let staker = given.staker_signature.ok_or(DelegationError::Absent("staker_signatures"))?;
        let given = self.covenant_signatures.iter().map(|given| given.slashing_of(which));
        let given: Vec<_> = given.map(|given| (given.member, given.signatures.as_slice())).collect();
        field("covenant_signatures", ReadySlashing::of(&slashing, staker, &given))
    }
}

impl ReadySlashing {
    fn of(
        slashing: &SlashingTransaction,
        staker: schnorr::Signature,
        given: &[(XOnlyPublicKey, &[AdaptorSignature])],
    ) -> Result<Self, SlashingError> {
        let (leaf, spent, providers) = slashing.spent();
        let spent = spent.ok_or(FinalizeError::Changed("number of inputs"))?;
        let keys: Vec<_> = leaf.keys.in_script_order().collect();
        let place = |key: &XOnlyPublicKey| {
            let place = keys.iter().position(|known| *known == key)?;
            u16::try_from(place).ok()
        };
        let (members, quorum) = leaf.keys.covenant();
        let mut adaptors = Vec::new();
        for (number, provider) in providers.iter().enumerate() {
            let mut signed = Vec::new();
            for (member, signatures) in given.iter().filter(|(member, _)| members.contains(member)) {
                let signature = signatures.get(number).filter(|_| signatures.len() == providers.len());
                if let (Some(signature), Some(provider), Some(member)) =
                    (signature, place(provider), place(member))
                    && signed.len() < usize::from(quorum)
                    && !signed.contains(&member)
                {
                    signed.push(member);
                    adaptors.push(ReadyAdaptor { provider, member, signature: signature.to_bytes() });
                }
            }
            if signed.len() < usize::from(quorum) {
                return Err(FinalizeError::BelowQuorum { signatures: signed.len(), quorum }.into());
            }
        }
        Ok(Self {
            unsigned: slashing.unsigned().clone(),
            spent: spent.clone(),
            script: leaf.script.clone(),
            control_block: leaf.control_block.serialize(),
            staker,
            quorum,
            adaptors,
        })
    }

    /// Completes slashing transactions with the key of a finality provider, and verifies every signature in
    /// them, all at once ([`eots::verify_batch`]). What it says of one of them depends on no other.
    ///
    /// Where signatures of a covenant member do not verify, [`Delegation::slash`] may do with those of
    /// another.
    ///
    /// # Errors
    /// Of each: [`SlashingError::NotAFinalityProvider`], [`SlashingError::InvalidAdaptorSignature`] where one
    /// cannot be decrypted, or [`FinalizeError::InvalidSignature`].
    pub fn complete<'a>(
        ready: impl IntoIterator<Item = &'a Self>,
        provider_key: &SecretKey,
    ) -> Vec<Result<Transaction, SlashingError>> {
        let completed = ready.into_iter().map(|ready| ready.assemble(provider_key));
        let mut completed: Vec<Result<Completed, SlashingError>> = completed.collect();
        // A key of the committee is read once, which takes a square root.
        let mut keys = HashMap::new();
        for (key, _) in completed.iter().flatten().flat_map(|one| &one.signatures) {
            keys.entry(*key).or_insert_with(|| XOnlyPublicKey::from_slice(key));
        }
        let (mut items, mut owners) = (Vec::new(), Vec::new());
        let mut failed: Vec<(usize, SlashingError)> = Vec::new();
        for (number, one) in completed.iter().enumerate() {
            let Ok(Completed { sighash, signatures, .. }) = one else { continue };
            for (key, signature) in signatures {
                match keys.get(key) {
                    Some(Ok(public_key)) => {
                        items.push(BatchItem::Bip340 { public_key, message: *sighash, signature });
                        owners.push((number, *public_key));
                    }
                    _ => failed.push((number, FinalizeError::WrongLeaf(SpendPath::Slashing).into())),
                }
            }
        }
        let invalid = eots::verify_batch(&items).err().map(|error| error.invalid).unwrap_or_default();
        let owners = invalid.into_iter().filter_map(|index| owners.get(index));
        failed.extend(owners.map(|(number, key)| (*number, FinalizeError::InvalidSignature(*key).into())));
        for (number, error) in failed {
            if let Some(one) = completed.get_mut(number).filter(|one| one.is_ok()) {
                *one = Err(error);
            }
        }
        completed.into_iter().map(|one| one.map(|one| one.transaction)).collect()
    }

    /// Signs with the key, decrypts with it, and makes the witness. No signature in it is verified.
    fn assemble(&self, provider_key: &SecretKey) -> Result<Completed, SlashingError> {
        let not_the_provider = || SlashingError::NotAFinalityProvider(*provider_key.public_key());
        let keys = self.keys();
        let own = provider_key.public_key().serialize();
        let place = keys.iter().position(|key| *key == own).and_then(|place| u16::try_from(place).ok());
        let place = place.ok_or_else(not_the_provider)?;
        let hash = TapLeafHash::from_script(&self.script, LeafVersion::TapScript);
        let sighash = leaf_sighash(&self.unsigned, std::slice::from_ref(&self.spent), 0, hash);
        let sighash = Message::from(sighash.ok_or(FinalizeError::Changed("number of inputs"))?);
        let mut signed = vec![(0, self.staker)];
        for adaptor in self.adaptors.iter().filter(|adaptor| adaptor.provider == place) {
            let signature = AdaptorSignature::decrypt_bytes(&adaptor.signature, provider_key);
            signed.push((adaptor.member, signature.map_err(|_| self.invalid(adaptor))?));
        }
        if signed.len() == 1 {
            return Err(not_the_provider());
        }
        signed.push((place, provider_key.sign_bip340_without_verifying(sighash)));
        let mut places = vec![None; keys.len()];
        for (place, signature) in &signed {
            if let Some(empty) = places.get_mut(usize::from(*place)) {
                *empty = Some(signature.serialize());
            }
        }
        let found = places.iter().flatten().count().saturating_sub(2);
        if found != usize::from(self.quorum) {
            return Err(FinalizeError::CovenantSignatures { found, quorum: self.quorum }.into());
        }
        // The script takes its signatures from the top of the stack, so the last element is of the first key.
        let places =
            places.iter().rev().map(|place| place.as_ref().map_or([].as_slice(), |it| it.as_slice()));
        let elements = places.chain([self.script.as_bytes(), self.control_block.as_slice()]);
        let witness = Witness::from_slice(&elements.collect::<Vec<_>>());
        let mut transaction = self.unsigned.clone();
        if let Some(input) = transaction.input.first_mut() {
            input.witness = witness;
        }
        let key = |place: u16| keys.get(usize::from(place)).copied();
        let signatures = signed.into_iter().filter_map(|(place, it)| Some((key(place)?, it))).collect();
        Ok(Completed { transaction, sighash, signatures })
    }

    fn invalid(&self, adaptor: &ReadyAdaptor) -> SlashingError {
        let keys = self.keys();
        let key =
            |place: u16| keys.get(usize::from(place)).and_then(|key| XOnlyPublicKey::from_slice(key).ok());
        match (key(adaptor.member), key(adaptor.provider)) {
            (Some(member), Some(finality_provider)) => {
                SlashingError::InvalidAdaptorSignature { member, finality_provider }
            }
            _ => FinalizeError::WrongLeaf(SpendPath::Slashing).into(),
        }
    }

    /// Returns the keys of the script, in its order.
    fn keys(&self) -> Vec<[u8; 32]> {
        let pushed = self.script.instructions().filter_map(Result::ok);
        pushed.filter_map(|pushed| pushed.push_bytes()?.as_bytes().try_into().ok()).collect()
    }

    /// Returns the bytes that it is stored as.
    pub fn to_bytes(&self) -> Vec<u8> {
        let adaptors: Vec<u8> = self.adaptors.iter().flat_map(ReadyAdaptor::to_bytes).collect();
        let mut bytes = vec![FORM];
        for part in [
            serialize(&self.unsigned),
            serialize(&self.spent),
            serialize(&self.script),
            serialize(&self.control_block),
            serialize(&self.staker.serialize().to_vec()),
            serialize(&self.quorum),
            serialize(&adaptors),
        ] {
            bytes.extend(part);
        }
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) gave.
    ///
    /// # Errors
    /// [`InvalidReadySlashing`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidReadySlashing> {
        let wrong = |what: &str| InvalidReadySlashing(what.to_owned());
        let (form, mut rest) = bytes.split_first().ok_or_else(|| wrong("it is empty"))?;
        if *form != FORM {
            return Err(InvalidReadySlashing(format!("it begins with {form}; must with {FORM}")));
        }
        let unsigned: Transaction = next(&mut rest)?;
        let spent = next(&mut rest)?;
        let script = next(&mut rest)?;
        let control_block = next(&mut rest)?;
        let staker: Vec<u8> = next(&mut rest)?;
        let staker = schnorr::Signature::from_slice(&staker);
        let staker = staker.map_err(|error| InvalidReadySlashing(error.to_string()))?;
        let quorum = next(&mut rest)?;
        let adaptors: Vec<u8> = next(&mut rest)?;
        if !rest.is_empty() {
            return Err(InvalidReadySlashing(format!("{} bytes are left over", rest.len())));
        }
        let (adaptors, []) = adaptors.as_chunks::<ADAPTOR_SIZE>() else {
            return Err(wrong("its adaptor signatures have an odd length"));
        };
        let adaptors = adaptors.iter().filter_map(ReadyAdaptor::of).collect();
        Ok(Self { unsigned, spent, script, control_block, staker, quorum, adaptors })
    }
}

const ADAPTOR_SIZE: usize = 2 + 2 + 65;

impl ReadyAdaptor {
    fn to_bytes(&self) -> [u8; ADAPTOR_SIZE] {
        let mut bytes = [0; ADAPTOR_SIZE];
        let (places, signature) = bytes.split_at_mut(4);
        let (provider, member) = places.split_at_mut(2);
        provider.copy_from_slice(&self.provider.to_be_bytes());
        member.copy_from_slice(&self.member.to_be_bytes());
        signature.copy_from_slice(&self.signature);
        bytes
    }

    fn of(bytes: &[u8; ADAPTOR_SIZE]) -> Option<Self> {
        let (provider, rest) = bytes.split_first_chunk()?;
        let (member, signature) = rest.split_first_chunk()?;
        let place = |bytes: &[u8; 2]| u16::from_be_bytes(*bytes);
        Some(Self { provider: place(provider), member: place(member), signature: signature.try_into().ok()? })
    }
}

fn next<T: Decodable>(rest: &mut &[u8]) -> Result<T, InvalidReadySlashing> {
    let read = deserialize_partial(rest);
    let (value, length) = read.map_err(|error: EncodingError| InvalidReadySlashing(error.to_string()))?;
    *rest = rest.get(length..).unwrap_or_default();
    Ok(value)
}
