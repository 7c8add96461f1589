#!/usr/bin/env bash
# Expected: what verifies under a public key still does after the key's own `to_bytes` and `from_bytes`, and
# `r ‖ s` is a BIP-340 signature, as with the chain's Go library. Instead both are refused for every key with
# odd y, half of all. Seen with crates.io `eots` 0.14.0, 2026-11-28. Touches who signs with it where keys are
# x-only, as all of Babylon's are. Reason, in src/eots.rs: `sign` computes r + c·x and never negates x;
# `to_bytes` drops the parity, and `from_bytes` reads 32 bytes as the point with even y.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src"
cd "$work"

cat > Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2021"

[dependencies]
eots = "=0.14.0"
k256 = { version = "=0.13.4", features = ["schnorr"] }
sha2 = "=0.10.9"

[workspace]
TOML

cat > src/main.rs <<'RUST'
use eots::{PubRand, PublicKey, SecRand, SecretKey};
use k256::schnorr::{Signature, VerifyingKey};
use k256::ProjectivePoint;
use sha2::{Digest, Sha256};

const CASES: u32 = 1000;

// Keys, nonces and messages are hashes of a label and a counter, so that each run has the same.
fn drawn(label: &str, number: u32) -> [u8; 32] {
    Sha256::new().chain_update(label).chain_update(number.to_be_bytes()).finalize().into()
}

fn main() {
    let (mut odd, mut in_memory, mut through_bytes, mut as_bip340) = (0, 0, 0, 0);
    for number in 0..CASES {
        let secret = SecretKey::from_bytes(&drawn("secret key", number)).unwrap();
        let (nonce, message) = (drawn("nonce", number), drawn("message", number));
        let nonce_point = ProjectivePoint::GENERATOR * *SecRand::new(&nonce).unwrap();
        let r = PubRand::from(nonce_point).to_bytes();
        let s = secret.sign(&nonce, &message).unwrap().to_bytes();

        let key = secret.pubkey();
        let again = PublicKey::from_bytes(&key.to_bytes()).unwrap();
        let bip340_key = VerifyingKey::from_bytes(&key.to_bytes()).unwrap();
        let bip340 = Signature::try_from([r.clone(), s.clone()].concat().as_slice()).unwrap();

        // The key that was read back has even y, so it differs from one with odd y.
        let is_odd = again != key;
        let direct = key.verify(&r, &message, &s).unwrap();
        let read_back = again.verify(&r, &message, &s).unwrap();
        let standard = bip340_key.verify_raw(&message, &bip340).is_ok();
        assert!(direct, "case {number}: the key in memory refuses its own signature");
        assert_eq!(read_back, !is_odd, "case {number}: the key that was read back");
        assert_eq!(standard, !is_odd, "case {number}: BIP-340");
        odd += u32::from(is_odd);
        in_memory += u32::from(direct);
        through_bytes += u32::from(read_back);
        as_bip340 += u32::from(standard);
    }
    println!("of {CASES} keys, {odd} have odd y");
    println!("valid under the key in memory:            {in_memory}");
    println!("valid under the key from its own bytes:   {through_bytes}");
    println!("valid as BIP-340 (k256 0.13.4):           {as_bip340}");
    assert!((CASES * 4 / 10..CASES * 6 / 10).contains(&through_bytes));
}
RUST

echo "crates.io eots 0.14.0"
CARGO_TARGET_DIR="$work/target" nice cargo run --quiet
echo "seen: half of the keys do not survive their own bytes"
