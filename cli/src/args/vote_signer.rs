//! Who signs for a finality provider: a key beside a signing database, or a signer that runs.

use eots::{PublicRandomness, XOnlyPublicKey};
use finality::{
    FinalityVote, PossessionMessage, ProvenVotes, RandomnessSchedule, SignedCommitment, Signer, SignerError,
    UnprotectedSigner, UnprotectedSignerError, VoteMessage, VoteSignature,
};
#[cfg(feature = "signer")]
use signer::client::{RemoteError, RemoteLaneSigner};
#[cfg(feature = "signer")]
use signer::session::{ProtectedSigner, SessionError};

#[cfg(feature = "signer")]
use super::remote::refused;
#[cfg(feature = "signer")]
use super::vote_signing::not_signed;

/// Who signs.
pub(crate) enum VoteSigner {
    /// Without a record: for tests.
    Unprotected(UnprotectedSigner),
    #[cfg(feature = "signer")]
    Protected(ProtectedSigner),
    #[cfg(feature = "signer")]
    Remote(RemoteLaneSigner),
}

/// Why nothing was signed.
#[derive(Debug)]
pub(crate) enum VoteSignerError {
    Unprotected(UnprotectedSignerError),
    #[cfg(feature = "signer")]
    Protected(SessionError),
    #[cfg(feature = "signer")]
    Remote(RemoteError),
}

/// Does the same with whoever signs.
macro_rules! each {
    ($of:ident, $kind:ident, $one:ident => $result:expr) => {
        match $of {
            $kind::Unprotected($one) => $result,
            #[cfg(feature = "signer")]
            $kind::Protected($one) => $result,
            #[cfg(feature = "signer")]
            $kind::Remote($one) => $result,
        }
    };
}

impl std::fmt::Display for VoteSignerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        each!(self, Self, error => error.fmt(f))
    }
}

impl std::error::Error for VoteSignerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        each!(self, Self, error => error.source())
    }
}

impl SignerError for VoteSignerError {
    fn is_refusal(&self) -> bool {
        each!(self, Self, error => error.is_refusal())
    }
}

impl VoteSignerError {
    /// Makes a refusal of the signing database a negative answer of a command.
    pub(crate) fn into_answer(self) -> anyhow::Error {
        match self {
            Self::Unprotected(error) => error.into(),
            #[cfg(feature = "signer")]
            Self::Protected(error) => not_signed(error),
            #[cfg(feature = "signer")]
            Self::Remote(error) => refused(error),
        }
    }
}

/// Asks whoever signs.
macro_rules! ask {
    ($of:ident, $one:ident => $result:expr) => {
        match $of {
            Self::Unprotected($one) => $result.map_err(VoteSignerError::Unprotected),
            #[cfg(feature = "signer")]
            Self::Protected($one) => $result.map_err(VoteSignerError::Protected),
            #[cfg(feature = "signer")]
            Self::Remote($one) => $result.map_err(VoteSignerError::Remote),
        }
    };
}

impl Signer for VoteSigner {
    type Error = VoteSignerError;

    fn public_key(&self) -> XOnlyPublicKey {
        each!(self, Self, signer => signer.public_key())
    }

    fn public_randomness(&self, range: RandomnessSchedule) -> Result<Vec<PublicRandomness>, Self::Error> {
        ask!(self, signer => signer.public_randomness(range))
    }

    fn commit(&self, range: RandomnessSchedule) -> Result<SignedCommitment, Self::Error> {
        ask!(self, signer => signer.commit(range))
    }

    fn vote(&self, message: &VoteMessage) -> Result<VoteSignature, Self::Error> {
        ask!(self, signer => signer.vote(message))
    }

    fn prove_votes(
        &self,
        range: RandomnessSchedule,
        messages: &[VoteMessage],
    ) -> Result<ProvenVotes<Self::Error>, Self::Error> {
        fn each<E>(
            votes: ProvenVotes<E>,
            wrap: impl Fn(E) -> VoteSignerError,
        ) -> ProvenVotes<VoteSignerError> {
            votes.into_iter().map(|vote: Result<FinalityVote, E>| vote.map_err(&wrap)).collect()
        }
        match self {
            Self::Unprotected(signer) => {
                let votes = signer.prove_votes(range, messages).map_err(VoteSignerError::Unprotected)?;
                Ok(each(votes, VoteSignerError::Unprotected))
            }
            #[cfg(feature = "signer")]
            Self::Protected(signer) => {
                let votes = signer.prove_votes(range, messages).map_err(VoteSignerError::Protected)?;
                Ok(each(votes, VoteSignerError::Protected))
            }
            #[cfg(feature = "signer")]
            Self::Remote(signer) => {
                let votes = signer.prove_votes(range, messages).map_err(VoteSignerError::Remote)?;
                Ok(each(votes, VoteSignerError::Remote))
            }
        }
    }

    fn prove_possession(
        &self,
        message: &PossessionMessage,
    ) -> Result<bitcoin::secp256k1::schnorr::Signature, Self::Error> {
        ask!(self, signer => signer.prove_possession(message))
    }
}
