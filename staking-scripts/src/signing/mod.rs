//! Signatures of staker, covenant members and finality providers over one transaction.

pub(crate) mod psbt;
pub(crate) mod signed;

use bitcoin::XOnlyPublicKey;
use bitcoin::secp256k1::{Message, SECP256K1, schnorr};
use eots::{AdaptorError, AdaptorSignature, BatchItem, SecretKey};

use crate::transactions::spend::{FinalizeError, LeafSpend};

/// A covenant member's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CovenantSignature {
    /// Who signed.
    pub member: XOnlyPublicKey,
    /// The BIP-340 signature.
    pub signature: schnorr::Signature,
}

/// A covenant member's adaptor signatures over one slashing transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CovenantAdaptorSignatures {
    /// Who signed.
    pub member: XOnlyPublicKey,
    /// One for each finality provider, encrypted to its key, in the order of the stake's providers.
    pub signatures: Vec<AdaptorSignature>,
}

/// Signing was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningError {
    /// The key is not the staker's.
    #[error("the key {key} is not the staker's, {staker}")]
    NotTheStaker {
        /// The key given.
        key: XOnlyPublicKey,
        /// The staker's.
        staker: XOnlyPublicKey,
    },
    /// The key is not in the covenant committee.
    #[error("the key {0} is not in the covenant committee")]
    NotAMember(XOnlyPublicKey),
    /// An adaptor signature could not be made.
    #[error(transparent)]
    Adaptor(#[from] AdaptorError),
    /// The transaction has no sighash.
    #[error(transparent)]
    Transaction(#[from] FinalizeError),
}

impl LeafSpend {
    pub(crate) fn verifies(&self, key: &XOnlyPublicKey, signature: &schnorr::Signature) -> bool {
        self.sighash().is_ok_and(|sighash| {
            SECP256K1.verify_schnorr(signature, &Message::from_digest(*sighash), key).is_ok()
        })
    }

    pub(crate) fn sign_as_staker(&self, key: &SecretKey) -> Result<schnorr::Signature, SigningError> {
        let staker = *self.leaf().keys.staker();
        if *key.public_key() != staker {
            return Err(SigningError::NotTheStaker { key: *key.public_key(), staker });
        }
        Ok(key.sign_bip340(self.sighash()?))
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
        Ok(CovenantSignature { member, signature: key.sign_bip340(self.sighash()?) })
    }

    pub(crate) fn verify_covenant(&self, given: &CovenantSignature) -> Result<(), FinalizeError> {
        self.check_member(&given.member)?;
        if self.verifies(&given.member, &given.signature) {
            return Ok(());
        }
        Err(FinalizeError::InvalidCovenantSignature(given.member))
    }

    /// A covenant member's signature, to be verified with others.
    pub(crate) fn to_verify<'a>(
        &'a self,
        given: &'a CovenantSignature,
    ) -> Result<BatchItem<'a>, FinalizeError> {
        self.check_member(&given.member)?;
        let (public_key, signature) = (&given.member, &given.signature);
        Ok(BatchItem::Bip340 { public_key, message: self.sighash()?, signature })
    }

    pub(crate) fn check_member(&self, key: &XOnlyPublicKey) -> Result<(), FinalizeError> {
        if self.leaf().keys.covenant().0.contains(key) { Ok(()) } else { Err(FinalizeError::Stranger(*key)) }
    }

    /// Keeps exactly a quorum of the covenant signatures that verify: the script refuses more. One that does
    /// not verify is passed over; when too few are left, the first of these is named.
    pub(crate) fn choose_quorum(
        &self,
        signatures: &[CovenantSignature],
    ) -> Result<Vec<(XOnlyPublicKey, schnorr::Signature)>, FinalizeError> {
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
        if chosen.len() == usize::from(quorum) {
            return Ok(chosen);
        }
        Err(culprit.unwrap_or(FinalizeError::BelowQuorum { signatures: signatures.len(), quorum }))
    }
}

/// What the transactions that the covenant committee signs for as they are have in common, as methods of
/// their own: they all hold a `spend`.
macro_rules! signed_by_the_committee {
    ($type:ty) => {
        impl $type {
            /// Signs as a member of the covenant committee of the stake that is spent.
            ///
            /// Nothing is checked: it is for those who built the transaction themselves. What a stranger asks
            /// for goes through [`StakeRequest::check`](crate::StakeRequest::check), and
            /// [`AcceptedStake::sign_as_covenant_member`](crate::AcceptedStake::sign_as_covenant_member).
            ///
            /// # Errors
            /// [`SigningError::NotAMember`](crate::SigningError::NotAMember) for a key outside that
            /// committee.
            pub fn sign_as_covenant_member_unchecked(
                &self,
                key: &eots::SecretKey,
            ) -> Result<crate::CovenantSignature, crate::SigningError> {
                self.spend.sign_as_covenant_member(key)
            }

            /// Verifies one covenant member's signature, for instance on its arrival.
            ///
            /// # Errors
            /// [`FinalizeError::Stranger`](crate::FinalizeError::Stranger) or
            /// [`FinalizeError::InvalidCovenantSignature`](crate::FinalizeError::InvalidCovenantSignature).
            pub fn verify_covenant(
                &self,
                signature: &crate::CovenantSignature,
            ) -> Result<(), crate::FinalizeError> {
                self.spend.verify_covenant(signature)
            }

            pub(crate) fn to_verify<'a>(
                &'a self,
                given: &'a crate::CovenantSignature,
            ) -> Result<eots::BatchItem<'a>, crate::FinalizeError> {
                self.spend.to_verify(given)
            }
        }
    };
}
pub(crate) use signed_by_the_committee;
