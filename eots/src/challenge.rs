//! The hashes of a signature: the message digest and the BIP-340 challenge.

use std::sync::LazyLock;

use secp256k1::{Scalar, XOnlyPublicKey};
use sha2::{Digest, Sha256};

use crate::scalar;

/// SHA-256 over a tag, as BIP-340 defines it: the state after the first block, `SHA256(tag) ‖ SHA256(tag)`.
pub(crate) fn tagged(tag: &str) -> Sha256 {
    let tag = Sha256::digest(tag);
    Sha256::new().chain_update(tag).chain_update(tag)
}

static CHALLENGE: LazyLock<Sha256> = LazyLock::new(|| tagged("BIP0340/challenge"));

/// What an EOTS signs: the message hashed once.
pub(crate) fn message_digest(message: &[u8]) -> [u8; 32] {
    Sha256::digest(message).into()
}

/// `e = int(H_"BIP0340/challenge"(x(R) ‖ x(P) ‖ m)) mod n` (BIP-340, "Default Signing").
pub(crate) fn challenge(randomness: &[u8; 32], public_key: &XOnlyPublicKey, digest: &[u8; 32]) -> Scalar {
    let hash = CHALLENGE
        .clone()
        .chain_update(randomness)
        .chain_update(public_key.serialize())
        .chain_update(digest)
        .finalize();
    scalar::reduce(hash.into())
}
