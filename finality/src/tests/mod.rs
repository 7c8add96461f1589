//! What the types guarantee, over known values, random ones and the edges.

#![allow(clippy::arithmetic_side_effects, clippy::as_conversions)]

mod commitment;
mod context;
mod coverage;
mod height;
mod possession;
mod power;
#[cfg(feature = "risk")]
mod risk;
mod rules;
mod schedule;
#[cfg(feature = "serde")]
mod serde;
#[cfg(feature = "unprotected-signer")]
mod signer;
mod vote;

use eots::SecretKey;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

/// The group order less `n`, big-endian.
fn order_minus(n: u8) -> [u8; 32] {
    let mut bytes = secp256k1::constants::CURVE_ORDER;
    bytes[31] -= n;
    bytes
}

fn small(n: u8) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[31] = n;
    bytes
}

/// Secret keys, the edges of their range often among them; about half have an odd y coordinate.
fn any_key() -> impl Strategy<Value = SecretKey> {
    prop_oneof![
        6 => any::<[u8; 32]>(),
        1 => Just(small(1)),
        1 => Just(small(2)),
        1 => Just(order_minus(1)),
        1 => Just(order_minus(2)),
    ]
    .prop_filter_map("no secret key", |bytes| SecretKey::from_bytes(&bytes).ok())
}

/// The public keys of the secret keys 1 to `count`, ascending.
fn sorted_keys(count: usize) -> Vec<secp256k1::XOnlyPublicKey> {
    let key = |n: usize| {
        let mut bytes = [0; 32];
        bytes[24..].copy_from_slice(&(n as u64).to_be_bytes());
        *SecretKey::from_bytes(&bytes).unwrap().public_key()
    };
    let mut keys: Vec<_> = (1..=count).map(key).collect();
    keys.sort_unstable_by_key(secp256k1::XOnlyPublicKey::serialize);
    keys
}
