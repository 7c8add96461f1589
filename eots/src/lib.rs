#![doc = include_str!("../README.md")]

mod adaptor;
mod batch;
mod challenge;
mod extract;
mod key;
mod randomness;
mod scalar;
mod sign;
mod signature;
#[cfg(feature = "serde")]
mod text;
mod verify;
mod workers;

pub use adaptor::{AdaptorError, AdaptorSignature, InvalidAdaptorSignature};
pub use batch::{BatchError, BatchItem, verify_batch, verify_batch_on};
pub use extract::{ExtractError, extract};
pub use key::{InvalidSecretKey, SecretKey};
pub use rand_core;
pub use randomness::{PublicRandomness, SecretRandomness};
pub use secp256k1::{self, Message, Parity, XOnlyPublicKey};
pub use sign::{SignError, sign, sign_without_verifying};
pub use signature::{InvalidSignature, Signature};
pub use verify::{VerifyError, verify};
pub use zeroize;

#[cfg(test)]
mod tests;
