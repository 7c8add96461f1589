//! A covenant member's answer to a stake request.

use bitcoin::XOnlyPublicKey;
use eots::{BatchItem, SecretKey};

use super::check::AcceptedStake;
use crate::signing::{CovenantAdaptorSignatures, CovenantSignature, SigningError};
use crate::transactions::extension::ExtensionTransaction;
use crate::transactions::slashing::SlashingError;
use crate::transactions::spend::FinalizeError;

/// Everything that one covenant member signs for a stake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CovenantAnswer {
    /// Over the unbonding transaction.
    pub unbonding: CovenantSignature,
    /// Over the slashing transaction of the stake, one for each finality provider, encrypted to its key.
    pub slashing: CovenantAdaptorSignatures,
    /// Over the slashing transaction of the unbonding stake, in the same way.
    pub unbonding_slashing: CovenantAdaptorSignatures,
    /// Over the extension, under the parameters of the running stake; for a stake that extends one, and only
    /// then.
    pub extension: Option<CovenantSignature>,
}

/// An answer that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// Its parts are of different members.
    #[error("the answer holds signatures of {0} and of {1}")]
    SeveralMembers(XOnlyPublicKey, XOnlyPublicKey),
    /// The signature over the unbonding transaction.
    #[error("unbonding: {0}")]
    Unbonding(FinalizeError),
    /// The adaptor signatures over the slashing transaction of the stake.
    #[error("slashing: {0}")]
    Slashing(SlashingError),
    /// The adaptor signatures over the slashing transaction of the unbonding stake.
    #[error("unbonding slashing: {0}")]
    UnbondingSlashing(SlashingError),
    /// The signature over the extension.
    #[error("extension: {0}")]
    Extension(FinalizeError),
    /// The stake extends another one, and the member has not signed the extension.
    #[error("extension: {0} has not signed it, as a member of the running stake's committee must")]
    ExtensionNotSigned(XOnlyPublicKey),
    /// There is a signature over an extension, and the stake extends none.
    #[error("extension: the stake extends none")]
    NoExtension,
}

impl AcceptedStake {
    /// Signs all that this stake needs of a covenant member. `aux` is 32 bytes of fresh randomness, or zeros
    /// for the same bytes each time.
    ///
    /// For an extension the key must be of both committees: the secured chain counts no answer without a
    /// signature over the extension, under the parameters of the running stake.
    ///
    /// # Errors
    /// [`SigningError::NotAMember`] for a key outside a committee that must sign.
    pub fn sign_as_covenant_member(
        &self,
        key: &SecretKey,
        aux: &[u8; 32],
    ) -> Result<CovenantAnswer, SigningError> {
        let extension = self
            .extension
            .as_ref()
            .map(|extension| extension.sign_as_covenant_member_unchecked(key))
            .transpose()?;
        Ok(CovenantAnswer {
            unbonding: self.unbonding.sign_as_covenant_member_unchecked(key)?,
            slashing: self.slashing.sign_as_covenant_member_unchecked(key, aux)?,
            unbonding_slashing: self.unbonding_slashing.sign_as_covenant_member_unchecked(key, aux)?,
            extension,
        })
    }

    /// Verifies a member's answer, all of it.
    ///
    /// # Errors
    /// [`AnswerError`] names the first part that does not hold.
    pub fn verify_answer(&self, answer: &CovenantAnswer) -> Result<(), AnswerError> {
        self.verify_answers(std::slice::from_ref(answer)).pop().unwrap_or(Ok(()))
    }

    /// Verifies the answers of several members, their signatures all at once ([`eots::verify_batch`]): for
    /// nine members, in less than half of the time that one by one takes.
    ///
    /// A verdict for each, in order; an error names the first part that does not hold. Whether the members
    /// are different ones, and enough of them, is not looked at.
    pub fn verify_answers(&self, answers: &[CovenantAnswer]) -> Vec<Result<(), AnswerError>> {
        let (mut items, mut errors) = (Vec::new(), Vec::new());
        let mut verdicts = Vec::with_capacity(answers.len());
        for (number, answer) in answers.iter().enumerate() {
            verdicts.push(self.lay_out(answer, &mut |item, error| {
                items.push(item);
                errors.push((number, error));
            }));
        }
        let invalid = eots::verify_batch(&items).err().map(|error| error.invalid).unwrap_or_default();
        // From the last to the first, so that the first stays. Where an answer could be laid out in part
        // only, that part comes before its error.
        for index in invalid.into_iter().rev() {
            if let Some((number, error)) = errors.get(index)
                && let Some(verdict) = verdicts.get_mut(*number)
            {
                *verdict = Err(error.clone());
            }
        }
        verdicts
    }

    /// Hands over every signature of an answer, and what to say when it does not verify, up to the first part
    /// that is wrong in another way.
    fn lay_out<'a>(
        &'a self,
        answer: &'a CovenantAnswer,
        signature: &mut dyn FnMut(BatchItem<'a>, AnswerError),
    ) -> Result<(), AnswerError> {
        use {AnswerError as Error, FinalizeError::InvalidCovenantSignature as Invalid};
        let member = answer.unbonding.member;
        let others = [answer.slashing.member, answer.unbonding_slashing.member];
        let extension = answer.extension.as_ref().map(|signature| signature.member);
        if let Some(other) = others.into_iter().chain(extension).find(|other| *other != member) {
            return Err(Error::SeveralMembers(member, other));
        }
        let unbonding = self.unbonding.to_verify(&answer.unbonding).map_err(Error::Unbonding)?;
        signature(unbonding, Error::Unbonding(Invalid(member)));
        for (item, error) in self.slashing.to_verify(&answer.slashing).map_err(Error::Slashing)? {
            signature(item, Error::Slashing(error));
        }
        let later = self
            .unbonding_slashing
            .to_verify(&answer.unbonding_slashing)
            .map_err(Error::UnbondingSlashing)?;
        for (item, error) in later {
            signature(item, Error::UnbondingSlashing(error));
        }
        match (&answer.extension, &self.extension) {
            (Some(given), Some(extension)) => {
                let item = extension.to_verify(given).map_err(Error::Extension)?;
                signature(item, Error::Extension(Invalid(member)));
                Ok(())
            }
            (Some(_), None) => Err(Error::NoExtension),
            (None, Some(_)) => Err(Error::ExtensionNotSigned(member)),
            (None, None) => Ok(()),
        }
    }

    /// How many valid answers make a quorum: of an extension, in the running stake's committee too.
    pub fn quorum(&self) -> u16 {
        let own = self.unbonding.unbonding_output().output().parties().covenant().quorum();
        own.max(self.extension.as_ref().map_or(0, ExtensionTransaction::quorum))
    }
}
