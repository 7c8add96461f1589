//! Signing and verification for the leaf that is spent.

use bitcoin::secp256k1::{Message, SECP256K1, schnorr};
use bitcoin::{Psbt, XOnlyPublicKey};
use eots::{BatchItem, SecretKey};

use super::{FinalizeError, LeafSpend};
use crate::transactions::signatures::{CovenantSignature, SigningError};

impl LeafSpend {
    pub(crate) fn verifies(&self, key: &XOnlyPublicKey, signature: &schnorr::Signature) -> bool {
        SECP256K1.verify_schnorr(signature, &Message::from(*self.sighash()), key).is_ok()
    }

    pub(crate) fn sign_as_staker(&self, key: &SecretKey) -> Result<schnorr::Signature, SigningError> {
        let staker = *self.leaf().keys.staker();
        if *key.public_key() != staker {
            return Err(SigningError::NotTheStaker { key: *key.public_key(), staker });
        }
        Ok(key.sign_bip340(*self.sighash())?)
    }

    pub(crate) fn verify_staker(&self, signature: &schnorr::Signature) -> Result<(), FinalizeError> {
        let staker = *self.leaf().keys.staker();
        if self.verifies(&staker, signature) {
            Ok(())
        } else {
            Err(FinalizeError::InvalidStakerSignature(staker))
        }
    }

    pub(crate) fn sign_as_covenant_member(&self, key: &SecretKey) -> Result<CovenantSignature, SigningError> {
        let member = *key.public_key();
        self.check_member(&member).map_err(|_| SigningError::NotAMember(member))?;
        Ok(CovenantSignature { member, signature: key.sign_bip340(*self.sighash())? })
    }

    pub(crate) fn verify_covenant(&self, given: &CovenantSignature) -> Result<(), FinalizeError> {
        self.check_member(&given.member)?;
        if self.verifies(&given.member, &given.signature) {
            return Ok(());
        }
        Err(FinalizeError::InvalidCovenantSignature(given.member))
    }

    /// Returns a covenant member's signature as an item of a batch verification.
    pub(crate) fn to_verify<'a>(
        &'a self,
        given: &'a CovenantSignature,
    ) -> Result<BatchItem<'a>, FinalizeError> {
        self.check_member(&given.member)?;
        let (public_key, signature) = (&given.member, &given.signature);
        Ok(BatchItem::Bip340 { public_key, message: (*self.sighash()).into(), signature })
    }

    pub(crate) fn check_member(&self, key: &XOnlyPublicKey) -> Result<(), FinalizeError> {
        if self.leaf().keys.covenant().0.contains(key) {
            Ok(())
        } else {
            Err(FinalizeError::NotAMember(*key))
        }
    }

    /// Selects exactly a quorum of the covenant signatures that verify: the script refuses more. One that
    /// does not verify is skipped; when too few are left, the error names the first one skipped.
    pub(crate) fn choose_quorum(
        &self,
        signatures: &[CovenantSignature],
    ) -> Result<Vec<(XOnlyPublicKey, schnorr::Signature)>, FinalizeError> {
        let quorum = self.leaf().keys.covenant().1;
        match self.verified(signatures) {
            (chosen, _) if chosen.len() == usize::from(quorum) => Ok(chosen),
            (_, Some(culprit)) => Err(culprit),
            (_, None) => Err(FinalizeError::BelowQuorum { signatures: signatures.len(), quorum }),
        }
    }

    /// Returns the PSBT with the covenant signatures that verify, at most a quorum.
    pub(crate) fn psbt_with(&self, signatures: &[CovenantSignature]) -> Psbt {
        let mut psbt = self.psbt().clone();
        self.insert(&mut psbt, &self.verified(signatures).0);
        psbt
    }

    /// Returns the first signatures that verify, at most a quorum, and the first error passed over.
    fn verified(
        &self,
        signatures: &[CovenantSignature],
    ) -> (Vec<(XOnlyPublicKey, schnorr::Signature)>, Option<FinalizeError>) {
        let quorum = self.leaf().keys.covenant().1;
        let mut chosen: Vec<(XOnlyPublicKey, schnorr::Signature)> = Vec::with_capacity(quorum.into());
        let mut culprit = None;
        for CovenantSignature { member, signature } in signatures {
            if chosen.len() == usize::from(quorum) {
                break;
            }
            let verdict = self.check_member(member).and_then(|()| {
                if chosen.iter().any(|(earlier, _)| earlier == member) {
                    Err(FinalizeError::RepeatedMember(*member))
                } else if !self.verifies(member, signature) {
                    Err(FinalizeError::InvalidCovenantSignature(*member))
                } else {
                    Ok(())
                }
            });
            match verdict {
                Ok(()) => chosen.push((*member, *signature)),
                Err(error) => culprit = culprit.or(Some(error)),
            }
        }
        (chosen, culprit)
    }
}
