//! The trait of a finality provider's signer: everything that its key signs.

#[cfg(feature = "unprotected-signer")]
mod unprotected;

use eots::{PublicRandomness, Signature};
use secp256k1::{XOnlyPublicKey, schnorr};

#[cfg(feature = "unprotected-signer")]
pub use self::unprotected::{UnprotectedSigner, UnprotectedSignerError};
use crate::commitment::{CommitmentError, RandomnessCommitment};
use crate::context::{Operation, SigningContext};
use crate::possession::PossessionMessage;
use crate::schedule::RandomnessSchedule;
use crate::vote::{FinalityVote, VoteMessage};

/// The signer of one finality provider on one chain.
///
/// Every request says what is signed; none is for a digest, or for bytes that somebody else chose.
///
/// # What an implementation guarantees
/// - It *records before it signs*: before a signature leaves, a record of it is durable, which outlives the
///   process and the machine's power.
/// - It signs at most one vote message for each key, chain id and height. The same message again has the same
///   signature; another message at that height is refused, also one with another signing context: the
///   randomness is derived from key, chain id and height alone, so a second message reveals the key whatever
///   precedes it.
/// - Its commitments cover consecutive heights.
///
/// Calls may take long, and block the calling thread meanwhile.
pub trait Signer {
    /// The reason why a request was refused or failed.
    type Error: SignerError;

    /// Returns the finality provider's public key.
    fn public_key(&self) -> XOnlyPublicKey;

    /// Returns the public randomness of every height of the range, in order.
    ///
    /// # Errors
    /// [`Self::Error`](Signer::Error) when the request is refused or fails.
    fn public_randomness(&self, range: RandomnessSchedule) -> Result<Vec<PublicRandomness>, Self::Error>;

    /// Signs the commitment to the public randomness of the range.
    ///
    /// # Errors
    /// [`Self::Error`](Signer::Error) when the range has no height or its heights are not consecutive, or the
    /// request is refused or fails.
    fn commit(&self, range: RandomnessSchedule) -> Result<SignedCommitment, Self::Error>;

    /// Signs a vote, with the randomness of its height.
    ///
    /// # Errors
    /// [`Self::Error`](Signer::Error) when another message was signed at this height, the message is for
    /// another chain, or the request is refused or fails.
    fn vote(&self, message: &VoteMessage) -> Result<VoteSignature, Self::Error>;

    /// Signs votes, each with the proof that its randomness is in the commitment to `range`. There is one
    /// outcome for each, in order: whether one is signed says nothing of the others.
    ///
    /// # Errors
    /// [`Self::Error`](Signer::Error) of a vote as of [`vote`](Signer::vote), and when its height is not in
    /// the range; of all together when the range has no commitment, or nothing is known of any of them.
    fn prove_votes(
        &self,
        range: RandomnessSchedule,
        messages: &[VoteMessage],
    ) -> Result<ProvenVotes<Self::Error>, Self::Error>;

    /// Signs the finality provider's BIP-340 proof of possession.
    ///
    /// # Errors
    /// [`Self::Error`](Signer::Error) when the request is refused or fails.
    fn prove_possession(&self, message: &PossessionMessage) -> Result<schnorr::Signature, Self::Error>;
}

/// The outcome of each of several votes, in order.
pub type ProvenVotes<E> = Vec<Result<FinalityVote, E>>;

/// Why a signer did not sign.
pub trait SignerError: core::error::Error + Send + Sync + 'static {
    /// Returns whether what was asked is never signed: another vote was signed at that height, or nothing
    /// is signed there any more. Anything else may be asked again: a database that is away, a key that is
    /// locked, a rule that somebody may change.
    fn is_refusal(&self) -> bool;
}

/// The chain that a signer signs for: its id, from which the randomness is derived, and the signing contexts
/// of commitments, votes and proofs of possession.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerChain {
    /// The id of the chain that is voted on.
    pub chain_id: String,
    /// The signing context of randomness commitments.
    pub commitment_context: SigningContext,
    /// The signing context of finality votes.
    pub vote_context: SigningContext,
    /// The signing context of finality providers' proofs of possession.
    pub possession_context: SigningContext,
}

impl SignerChain {
    /// Returns Babylon Genesis under this chain id, `bbn-1` on mainnet.
    pub fn genesis(chain_id: impl Into<String>) -> Self {
        Self {
            chain_id: chain_id.into(),
            commitment_context: SigningContext::GENESIS,
            vote_context: SigningContext::GENESIS,
            possession_context: SigningContext::GENESIS,
        }
    }

    /// Returns the consumer chain under this chain id, whose commitments, votes and proofs of possession are
    /// verified by the module or contract at `address` on the chain `verifying_chain_id`: itself, or Babylon
    /// Genesis for a rollup.
    pub fn consumer(chain_id: impl Into<String>, verifying_chain_id: &str, address: &str) -> Self {
        let context = |operation| SigningContext::consumer(operation, verifying_chain_id, address);
        Self {
            chain_id: chain_id.into(),
            commitment_context: context(Operation::RandomnessCommitment),
            vote_context: context(Operation::FinalityVote),
            possession_context: context(Operation::FinalityProviderPop),
        }
    }
}

/// A randomness commitment with the finality provider's BIP-340 signature over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SignedCommitment {
    /// The commitment.
    pub commitment: RandomnessCommitment,
    /// The signature.
    pub signature: schnorr::Signature,
}

impl SignedCommitment {
    /// Verifies the commitment and the signature of `public_key` with this signing context.
    ///
    /// # Errors
    /// As [`RandomnessCommitment::verify_signature`].
    pub fn verify(
        &self,
        public_key: &XOnlyPublicKey,
        context: &SigningContext,
    ) -> Result<(), CommitmentError> {
        self.commitment.verify_signature(public_key, context, &self.signature)
    }
}

/// The signature of a vote. With the message and the randomness proof it is a
/// [`FinalityVote`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VoteSignature {
    /// The public randomness of the height.
    pub public_randomness: PublicRandomness,
    /// The signature over the message.
    pub signature: Signature,
}
