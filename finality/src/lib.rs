#![doc = include_str!("../README.md")]

pub mod commitment;
pub mod context;
pub mod height;
pub mod possession;
pub mod power;
#[cfg(feature = "risk")]
pub mod risk;
pub mod rules;
pub mod schedule;
pub mod signer;
pub mod vote;
mod workers;

pub use commitment::{
    CommitmentError, CoverageError, InvalidCommitment, InvalidProof, RandomnessCommitment,
    RandomnessCoverage, RandomnessProof, RandomnessTree,
};
pub use context::{InvalidSigningContext, Operation, SigningContext};
pub use eots;
pub use height::ConsumerHeight;
pub use possession::{
    AccountAddress, AccountText, InvalidAccountAddress, InvalidAccountText, NotAGenesisAddress,
    PossessionMessage,
};
pub use schedule::{InvalidSchedule, RandomnessSchedule};
pub use signer::{ProvenVotes, SignedCommitment, Signer, SignerChain, SignerError, VoteSignature};
#[cfg(feature = "unprotected-signer")]
pub use signer::{UnprotectedSigner, UnprotectedSignerError};
pub use vote::{
    DuplicateVoter, Evidence, FinalityVote, InvalidVoteMessage, NoEvidence, Tally, TallyError, VoteError,
    VoteMessage, VoteOutcome, VoteSigningError, Voter, VotingPower,
};

#[cfg(test)]
mod tests;
