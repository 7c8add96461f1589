//! The signatures of covenant members for a stake: signing and verification.

use std::collections::BTreeSet;

use bitcoin::XOnlyPublicKey;
use eots::{BatchItem, SecretKey};

use super::build::PresignedTransactions;
use super::checked::{CheckedDelegation, CheckedStake, StakeTransactions};
use super::data::{Delegation, SlashedOutput};
use super::error::DelegationError;
use super::record::{CovenantRecord, RecordVerdict, SignedStake};
use crate::outputs::committee::CovenantCommittee;
use crate::transactions::extension::ExtensionTransaction;
use crate::transactions::leaf_transaction::sealed::Spends as _;
use crate::transactions::leaf_transaction::{LeafTransaction as _, to_verify};
use crate::transactions::signatures::{CovenantAdaptorSignatures, CovenantSignature, SigningError};
use crate::transactions::slashing::SlashingError;
use crate::transactions::spend::{FinalizeError, LeafSpend};

/// All signatures of one covenant member for a stake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CovenantSignatures {
    /// The signature over the unbonding transaction.
    pub unbonding: CovenantSignature,
    /// The adaptor signatures over the slashing transaction of the staking output, one for each finality
    /// provider, encrypted to its key.
    pub slashing: CovenantAdaptorSignatures,
    /// The adaptor signatures over the slashing transaction of the unbonding output, in the same way.
    pub unbonding_slashing: CovenantAdaptorSignatures,
    /// The signature over the extension, under the parameters of the running stake; only for a stake that
    /// extends another.
    pub extension: Option<CovenantSignature>,
}

impl CovenantSignatures {
    /// Returns the adaptor signatures over the slashing transaction of this output.
    pub const fn slashing_of(&self, which: SlashedOutput) -> &CovenantAdaptorSignatures {
        match which {
            SlashedOutput::Staking => &self.slashing,
            SlashedOutput::Unbonding => &self.unbonding_slashing,
        }
    }
}

/// The signatures of covenant members do not verify, or are fewer than the quorum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CovenantSignaturesError {
    /// The signatures given as one member's are of two members.
    #[error("one member's signatures are of two keys, {0} and {1}; must be of one")]
    SeveralMembers(XOnlyPublicKey, XOnlyPublicKey),
    /// The signature over the unbonding transaction is not valid.
    #[error("unbonding transaction")]
    Unbonding(#[source] FinalizeError),
    /// The adaptor signatures over the slashing transaction of the staking output are not valid.
    #[error("slashing transaction")]
    Slashing(#[source] SlashingError),
    /// The adaptor signatures over the slashing transaction of the unbonding output are not valid.
    #[error("unbonding slashing transaction")]
    UnbondingSlashing(#[source] SlashingError),
    /// The signature over the extension is not valid.
    #[error("extension")]
    Extension(#[source] FinalizeError),
    /// The stake extends another one, and the member has not signed the extension.
    #[error("extension: {0} has not signed it; must have, as a member of the running stake's committee")]
    ExtensionNotSigned(XOnlyPublicKey),
    /// There is a signature over an extension, and the stake does not extend another.
    #[error("extension: there is a signature, and the stake extends none; must have none")]
    NoExtension,
    /// A member's signatures are given twice.
    #[error("the covenant member {0} is there twice; must be there once")]
    RepeatedMember(XOnlyPublicKey),
    /// Fewer members have signed than the quorum.
    #[error(
        "{members} covenant members have signed; must be at least {quorum} before the stake is broadcast"
    )]
    BelowQuorum {
        /// The number of members that have signed.
        members: usize,
        /// The quorum.
        quorum: u16,
    },
}

/// The covenant member does not sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CovenantSigningError<R> {
    /// The key is not in a committee that must sign.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// Other transactions were signed for the staking output.
    #[error(
        "for the staking output {} the unbonding transaction {} was signed; the unbonding transaction {} for {} is another, \
         has other slashing transactions, or is of another extension of one stake",
        .earlier.staking_output, .earlier.unbonding, .own.unbonding, .own.staking_output
    )]
    Conflict {
        /// The transactions that were signed.
        earlier: Box<SignedStake>,
        /// The transactions that were to be signed.
        own: Box<SignedStake>,
    },
    /// The signing record cannot be read or written.
    #[error("the signing record")]
    Record(#[source] R),
}

impl CheckedDelegation {
    /// Signs as a covenant member all that this stake needs, after it is recorded in `record`. `aux` is 32
    /// bytes of fresh randomness, or zeros for the same bytes each time.
    ///
    /// For an extension the key must be of both committees: Babylon Genesis counts no member without a
    /// signature over the extension, under the parameters of the running stake.
    ///
    /// # Errors
    /// [`CovenantSigningError`] for a key outside a committee that must sign, for a record that has other
    /// transactions for the staking output, and for a record that fails. Nothing is signed then.
    pub fn sign_as_covenant_member<R: CovenantRecord + ?Sized>(
        &self,
        key: &SecretKey,
        aux: &[u8; 32],
        record: &mut R,
    ) -> Result<CovenantSignatures, CovenantSigningError<R::Error>> {
        let own = SignedStake {
            staking_output: self.staking.outpoint(),
            unbonding: self.presigned.unbonding.txid(),
            slashing: self.presigned.slashing.txid(),
            unbonding_slashing: self.presigned.unbonding_slashing.txid(),
            extends: self.extension.as_ref().map(ExtensionTransaction::spent),
        };
        self.check_member(key)?;
        match record.check_and_record(&own).map_err(CovenantSigningError::Record)? {
            RecordVerdict::New | RecordVerdict::Again => {}
            RecordVerdict::Conflict(earlier) => {
                let (earlier, own) = (Box::new(earlier), Box::new(own));
                return Err(CovenantSigningError::Conflict { earlier, own });
            }
        }
        let sign = |spend: &LeafSpend| spend.sign_as_covenant_member(key);
        let extension = self.extension.as_ref().map(|extension| sign(extension.spend())).transpose()?;
        Ok(CovenantSignatures {
            unbonding: sign(self.presigned.unbonding.spend())?,
            slashing: self.presigned.slashing.sign_as_covenant_member(key, aux)?,
            unbonding_slashing: self.presigned.unbonding_slashing.sign_as_covenant_member(key, aux)?,
            extension,
        })
    }

    /// Refuses a key outside a committee that must sign, before anything is recorded for it.
    fn check_member(&self, key: &SecretKey) -> Result<(), SigningError> {
        let member = key.public_key();
        let of = |spend: &LeafSpend| spend.check_member(member).is_ok();
        let extension = self.extension.as_ref().is_none_or(|extension| of(extension.spend()));
        if of(self.presigned.unbonding.spend()) && extension {
            Ok(())
        } else {
            Err(SigningError::NotAMember(*member))
        }
    }
}

impl StakeTransactions {
    /// Verifies the signatures of several members, all at once ([`eots::verify_batch`]): for nine members, in
    /// less than half of the time that one by one takes.
    ///
    /// Returns a result for each, in order; an error names the first part that does not verify.
    /// [`covenant_quorum`](Self::covenant_quorum) counts each member once.
    pub fn verify_covenant_signatures(
        &self,
        given: &[CovenantSignatures],
    ) -> Vec<Result<(), CovenantSignaturesError>> {
        self.verify(&given.iter().collect::<Vec<_>>())
    }

    /// Returns how many covenant members have signed, each counted once, and the quorum. Signatures that do
    /// not verify do not count, and do not spoil the others.
    pub fn covenant_quorum(&self, given: &[CovenantSignatures]) -> CovenantQuorum {
        let (mut signed, mut invalid) = (BTreeSet::new(), Vec::new());
        let (mut next, mut later): (Vec<&CovenantSignatures>, _) = once_each(given.iter());
        if let Some(again) = later.first() {
            invalid.push(CovenantSignaturesError::RepeatedMember(again.unbonding.member));
        }
        // A copy that does not verify must not uncount the member's good one behind it.
        for _ in 0..MOST_COPIES {
            for (given, verdict) in next.iter().zip(self.verify(&next)) {
                match verdict {
                    Ok(()) => drop(signed.insert(given.unbonding.member)),
                    Err(error) => invalid.push(error),
                }
            }
            later.retain(|given| !signed.contains(&given.unbonding.member));
            (next, later) = once_each(later.into_iter());
        }
        CovenantQuorum { signed: signed.len(), quorum: self.quorum(), invalid }
    }
}

impl CheckedStake {
    /// Refuses a stake that must not be broadcast yet: a quorum of the covenant committee must have signed. A
    /// stake that is broadcast before is locked until its timelock if they never sign.
    ///
    /// # Errors
    /// [`CovenantSignaturesError::BelowQuorum`].
    pub fn may_be_broadcast(&self, given: &[CovenantSignatures]) -> Result<(), CovenantSignaturesError> {
        match self.covenant_quorum(given) {
            found if found.is_reached() => Ok(()),
            CovenantQuorum { signed: members, quorum, .. } => {
                Err(CovenantSignaturesError::BelowQuorum { members, quorum })
            }
        }
    }
}

impl Delegation {
    /// Returns the transactions that covenant members sign for the stake, whether it keeps the rules or not.
    /// `previous` is the committee of the running stake; without it, or without the parts of that stake,
    /// there is no extension in them.
    ///
    /// # Errors
    /// [`DelegationError`] when a pre-signed transaction is absent or not of this stake.
    pub fn transactions(
        &self,
        covenant: &CovenantCommittee,
        previous: Option<&CovenantCommittee>,
    ) -> Result<StakeTransactions, DelegationError> {
        let presigned = PresignedTransactions {
            unbonding: self.unbonding(covenant)?,
            slashing: self.slashing(SlashedOutput::Staking, covenant)?,
            unbonding_slashing: self.slashing(SlashedOutput::Unbonding, covenant)?,
        };
        let staking = self.stake(covenant)?.staking;
        let extension = self.known_extension(previous, &staking);
        Ok(StakeTransactions { staking, presigned, extension })
    }

    /// Returns which covenant members have signed, and the quorum, whether the delegation keeps the rules or
    /// not. Without the committee of the running stake, signatures over an extension are not checked.
    ///
    /// # Errors
    /// The errors of [`transactions`](Self::transactions).
    pub fn covenant_quorum(
        &self,
        covenant: &CovenantCommittee,
        previous: Option<&CovenantCommittee>,
    ) -> Result<CovenantQuorum, DelegationError> {
        let transactions = self.transactions(covenant, previous)?;
        let mut given = self.covenant_signatures.clone();
        if transactions.extension.is_none() && self.extends.is_some() {
            given.iter_mut().for_each(|given| given.extension = None);
        }
        Ok(transactions.covenant_quorum(&given))
    }
}

/// How many covenant members have signed a stake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CovenantQuorum {
    /// The number of members with valid signatures, each counted once.
    pub signed: usize,
    /// The quorum; of an extension, the larger of its own and the running stake's.
    pub quorum: u16,
    /// Why signatures do not count; of members that are there again, the first.
    pub invalid: Vec<CovenantSignaturesError>,
}

impl CovenantQuorum {
    /// Returns whether a quorum has signed.
    pub fn is_reached(&self) -> bool {
        self.signed >= usize::from(self.quorum)
    }
}

/// How many signatures of one member are verified until one is good: thousands of bad ones would take as long
/// as so many members.
pub(super) const MOST_COPIES: usize = 3;

/// Returns the first signatures of each member, and the others.
fn once_each<'a>(
    given: impl Iterator<Item = &'a CovenantSignatures>,
) -> (Vec<&'a CovenantSignatures>, Vec<&'a CovenantSignatures>) {
    let mut members = BTreeSet::new();
    given.partition(|given| members.insert(given.unbonding.member))
}

impl StakeTransactions {
    fn verify(&self, given: &[&CovenantSignatures]) -> Vec<Result<(), CovenantSignaturesError>> {
        let (mut items, mut errors) = (Vec::new(), Vec::new());
        let mut verdicts = Vec::with_capacity(given.len());
        for (number, given) in given.iter().enumerate() {
            verdicts.push(self.lay_out(given, &mut |item, error| {
                items.push(item);
                errors.push((number, error));
            }));
        }
        let invalid = eots::verify_batch(&items).err().map(|error| error.invalid).unwrap_or_default();
        // From the last to the first, so that the first error stays. Where only some signatures were
        // collected, they are before the part with an error.
        for index in invalid.into_iter().rev() {
            if let Some((number, error)) = errors.get(index)
                && let Some(verdict) = verdicts.get_mut(*number)
            {
                *verdict = Err(error.clone());
            }
        }
        verdicts
    }

    /// Passes every signature of a member to `signature`, with the error for when it does not verify, up to
    /// the first part with another error.
    fn lay_out<'a>(
        &'a self,
        given: &'a CovenantSignatures,
        signature: &mut dyn FnMut(BatchItem<'a>, CovenantSignaturesError),
    ) -> Result<(), CovenantSignaturesError> {
        use {CovenantSignaturesError as Error, FinalizeError::InvalidCovenantSignature as Invalid};
        let member = given.unbonding.member;
        let others = [given.slashing.member, given.unbonding_slashing.member];
        let extension = given.extension.as_ref().map(|signature| signature.member);
        if let Some(other) = others.into_iter().chain(extension).find(|other| *other != member) {
            return Err(Error::SeveralMembers(member, other));
        }
        let unbonding = to_verify(&self.presigned.unbonding, &given.unbonding).map_err(Error::Unbonding)?;
        signature(unbonding, Error::Unbonding(Invalid(member)));
        for (item, error) in self.presigned.slashing.to_verify(&given.slashing).map_err(Error::Slashing)? {
            signature(item, Error::Slashing(error));
        }
        let later = self
            .presigned
            .unbonding_slashing
            .to_verify(&given.unbonding_slashing)
            .map_err(Error::UnbondingSlashing)?;
        for (item, error) in later {
            signature(item, Error::UnbondingSlashing(error));
        }
        match (&given.extension, &self.extension) {
            (Some(given), Some(extension)) => {
                let item = to_verify(extension, given).map_err(Error::Extension)?;
                signature(item, Error::Extension(Invalid(member)));
                Ok(())
            }
            (Some(_), None) => Err(Error::NoExtension),
            (None, Some(_)) => Err(Error::ExtensionNotSigned(member)),
            (None, None) => Ok(()),
        }
    }
}
