//! Extractable one-time signatures (EOTS) on secp256k1.
//!
//! A *finality provider* votes on blocks of a consumer chain. Its vote is a Schnorr signature whose randomness was committed beforehand:
//! one signature at a height proves the vote, two at the same height reveal the provider's secret key. This crate has the signatures,
//! the randomness and its commitments, the extraction, and the adaptor signatures with which a covenant member encrypts its signature to
//! a finality provider's key. It does no I/O, reads no clock and keeps no state.
//!
//! # One vote, two votes
//!
//! ```
//! use eots::{SecretKey, SecretRandomness};
//!
//! let key = SecretKey::from_bytes(&[1; 32])?;
//! let randomness = || SecretRandomness::derive(&key, b"bbn-1", 7);
//! let public_randomness = *randomness().public_randomness();
//!
//! let vote = eots::sign(&key, randomness(), b"block A")?;
//! eots::verify(key.public_key(), &public_randomness, b"block A", &vote)?;
//!
//! // Derived again, the same randomness signs another block at the same height: anyone can extract the key now.
//! let fork = eots::sign(&key, randomness(), b"block B")?;
//! let extracted = eots::extract(key.public_key(), &public_randomness, (b"block A", &vote), (b"block B", &fork))?;
//! assert_eq!(extracted.public_key(), key.public_key());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! `serde` serializes what is public: numbers and points as hex, whatever the format. Secrets have no such implementation. The crate needs
//! `std`: for libsecp256k1's shared context, and for threads.
//!
//! # What this crate does not promise
//!
//! A secret randomness is spent by move, which prevents slips and nothing more: because it can be derived again, nothing here keeps a
//! provider from signing twice at one height. That takes a record that outlives the process, which is the signer's work.

mod adaptor;
mod batch;
mod challenge;
mod commitment;
mod context;
mod extract;
mod key;
mod randomness;
mod scalar;
mod sign;
mod signature;
#[cfg(feature = "serde")]
mod text;
mod verify;
mod vote;

pub use adaptor::{AdaptorError, AdaptorSignature, InvalidAdaptorSignature};
pub use batch::{BatchError, BatchItem, verify_batch, verify_batch_on};
pub use commitment::{
    CommitmentError, InclusionProof, InvalidProof, RandomnessCommitment, RandomnessTree, Runway, RunwayError,
};
pub use context::{Consumer, Dialect, Genesis, InvalidSigningContext, Operation, SigningContext};
pub use extract::{ExtractError, extract};
pub use key::{InvalidSecretKey, SecretKey};
pub use randomness::{InvalidSchedule, PublicRandomness, RandomnessSchedule, SecretRandomness};
pub use secp256k1::{self, Parity, XOnlyPublicKey};
pub use sign::{SignError, sign, sign_without_verifying};
pub use signature::{InvalidSignature, Signature};
pub use verify::{VerifyError, verify};
pub use vote::{Counted, Evidence, FinalityVote, NoEvidence, Tally, TallyError, VoteError, VoteMessage, VotingPower};

#[cfg(test)]
mod tests;
