//! Extractable one-time signatures (EOTS) on secp256k1.
//!
//! A *finality provider* votes on blocks of a consumer chain. Its vote is a Schnorr signature whose
//! randomness was committed beforehand: one signature at a height proves the vote, two at the same height
//! reveal the provider's secret key. This crate has the signatures, the randomness and its commitments, the
//! extraction, and the adaptor signatures with which a covenant member encrypts its signature to a finality
//! provider's key. It does no I/O, reads no clock and keeps no state.
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
//! `serde` serializes what is public: numbers and points as hex, whatever the format. Secrets have no such
//! implementation. The crate needs `std`: for libsecp256k1's shared context, and for threads.
//!
//! # Constant time
//!
//! Secrets pass through libsecp256k1, which branches on none and looks nothing up by one, and through SHA-256
//! (`sha2`, `hmac`), which does neither:
//!
//! | function | what works on the secret |
//! |---|---|
//! | [`SecretKey::from_bytes`], [`SecretKey::generate`] | `ec_seckey_verify`; `keypair_create` multiplies the generator, blinded |
//! | [`SecretRandomness::dangerous_from_bytes`] | as `SecretKey::from_bytes` |
//! | [`SecretKey::with_parity`], and wherever a point must have even y | `ec_seckey_negate` |
//! | [`SecretKey::add_x_only_tweak`] | `ec_seckey_tweak_add`, then as `from_bytes` |
//! | [`SecretKey::sign_bip340`] | `keypair_create`, `schnorrsig_sign32` |
//! | [`SecretRandomness::derive`] | HMAC-SHA256, then as `from_bytes` |
//! | [`sign_without_verifying`], [`sign()`], [`FinalityVote::sign`] | `ec_seckey_tweak_mul` for e·d, `ec_seckey_tweak_add` for k + e·d |
//! | [`AdaptorSignature::sign`] | SHA-256, `ec_seckey_verify` and `ec_pubkey_create` for the nonce, then as `sign` |
//! | [`AdaptorSignature::decrypt`] | `ec_seckey_tweak_add` of the decryption key to the public number |
//!
//! What the time does depend on:
//!
//! - Whether a point's y is odd, as in libsecp256k1, which takes public keys and the R of a signature for
//!   public. Of a key known by x alone this tells which of d and n − d was given, and who knows that is no
//!   nearer to either.
//! - Whether a hash is a scalar, which it is not with a probability of 2^-128.
//! - The signature and its points, which are put together and verified before [`sign()`] and
//!   [`AdaptorSignature::sign`] return them: they are about to be public.
//! - All that [`extract()`] and [`AdaptorSignature::recover`] are given, from which anybody can compute what
//!   they return; the inversion in `extract` takes as long as the challenges make it. [`verify()`] and
//!   [`verify_batch`] see nothing secret.
//!
//! `make timing` measures this: no difference between one secret and random ones shows, where a comparison
//! that ends early does.
//!
//! # What this crate does not promise
//!
//! That a compiler or a processor leaves constant time constant: the measurement is of one machine.
//!
//! A secret randomness is spent by move, which prevents slips and nothing more: because it can be derived
//! again, nothing here keeps a provider from signing twice at one height. That takes a record that outlives
//! the process, which is the signer's work.

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
mod workers;

pub use adaptor::{AdaptorError, AdaptorSignature, InvalidAdaptorSignature};
pub use batch::{BatchError, BatchItem, verify_batch, verify_batch_on};
pub use commitment::{
    CommitmentError, InclusionProof, InvalidCommitment, InvalidProof, RandomnessCommitment, RandomnessTree,
    Runway, RunwayError,
};
pub use context::{Consumer, Dialect, Genesis, InvalidSigningContext, Operation, SigningContext};
pub use extract::{ExtractError, extract};
pub use key::{InvalidSecretKey, SecretKey};
pub use randomness::{InvalidSchedule, PublicRandomness, RandomnessSchedule, SecretRandomness};
pub use secp256k1::{self, Parity, XOnlyPublicKey};
pub use sign::{SignError, sign, sign_without_verifying};
pub use signature::{InvalidSignature, Signature};
pub use verify::{VerifyError, verify};
pub use vote::{
    Counted, Evidence, FinalityVote, NoEvidence, Tally, TallyError, VoteError, VoteMessage, VotingPower,
};

#[cfg(test)]
mod tests;
