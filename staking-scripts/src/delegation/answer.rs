//! A covenant member's answer to a stake request.

use bitcoin::XOnlyPublicKey;
use eots::SecretKey;

use super::check::AcceptedStake;
use crate::extension::ExtensionTransaction;
use crate::signing::{CovenantAdaptorSignatures, CovenantSignature, SigningError};
use crate::slashing::SlashingError;
use crate::spend::FinalizeError;

/// Everything that one covenant member signs for a stake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CovenantAnswer {
    /// Over the unbonding transaction.
    pub unbonding: CovenantSignature,
    /// Over the slashing transaction of the stake, one for each finality provider, encrypted to its key.
    pub slashing: CovenantAdaptorSignatures,
    /// Over the slashing transaction of the unbonding stake, in the same way.
    pub unbonding_slashing: CovenantAdaptorSignatures,
    /// Over the extension, under the parameters of the running stake; for a stake that extends one, and only then.
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
    /// Signs all that this stake needs of a covenant member. `aux` is 32 bytes of fresh randomness, or zeros for the same bytes each time.
    ///
    /// For an extension the key must be of both committees: the secured chain counts no answer without a signature over the extension, under
    /// the parameters of the running stake.
    ///
    /// # Errors
    /// [`SigningError::NotAMember`] for a key outside a committee that must sign.
    pub fn sign_as_covenant_member(&self, key: &SecretKey, aux: &[u8; 32]) -> Result<CovenantAnswer, SigningError> {
        let extension =
            self.extension.as_ref().map(|extension| extension.sign_as_covenant_member_unchecked(key)).transpose()?;
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
        let member = answer.unbonding.member;
        let others = [answer.slashing.member, answer.unbonding_slashing.member];
        let extension = answer.extension.as_ref().map(|signature| signature.member);
        if let Some(other) = others.into_iter().chain(extension).find(|other| *other != member) {
            return Err(AnswerError::SeveralMembers(member, other));
        }
        self.unbonding.verify_covenant(&answer.unbonding).map_err(AnswerError::Unbonding)?;
        self.slashing.verify_covenant(&answer.slashing).map_err(AnswerError::Slashing)?;
        self.unbonding_slashing.verify_covenant(&answer.unbonding_slashing).map_err(AnswerError::UnbondingSlashing)?;
        match (&answer.extension, &self.extension) {
            (Some(signature), Some(extension)) => extension.verify_covenant(signature).map_err(AnswerError::Extension),
            (Some(_), None) => Err(AnswerError::NoExtension),
            (None, Some(_)) => Err(AnswerError::ExtensionNotSigned(member)),
            (None, None) => Ok(()),
        }
    }

    /// How many valid answers make a quorum: of an extension, in the running stake's committee too.
    pub fn quorum(&self) -> u16 {
        let own = self.unbonding.unbonding_output().output().parties().covenant().quorum();
        own.max(self.extension.as_ref().map_or(0, ExtensionTransaction::quorum))
    }
}
