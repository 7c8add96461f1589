//! The check values of the protocol, which the reference implementation gives too.

use crate::{SecretKey, SecretRandomness, sign, verify};

fn key() -> SecretKey {
    SecretKey::from_bytes(&[1; 32]).unwrap()
}

fn public_randomness(chain_id: &str, height: u64) -> String {
    SecretRandomness::derive(&key(), chain_id.as_bytes(), height).public_randomness().to_string()
}

#[test]
fn public_key_of_the_check_values() {
    assert_eq!(
        key().public_key().to_string(),
        "1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f"
    );
}

#[test]
fn randomness_is_derived_from_key_chain_and_height() {
    let expected = [
        ("bbn-1", 0, "bd970ce29234ce271540522f470a7f91a14a04d35683f73e60ed0e7815338832"),
        ("bbn-1", 1, "c6c856990779dd73e9f32b40c5c3be313b866a039acffe5f9a130c93c0394daf"),
        ("bbn-test-6", 1_000_000, "9a0416bf0b41a0b1324ca9cb9590c3d5a53b39403864f8280edcf1fa55c26f2c"),
    ];
    for (chain_id, height, expected) in expected {
        assert_eq!(public_randomness(chain_id, height), expected, "{chain_id} at {height}");
    }
}

#[test]
fn signature_of_a_vote_has_the_bytes_of_the_reference() {
    let mut message = 1u64.to_be_bytes().to_vec();
    message.extend([0xaa; 32]);
    let randomness = SecretRandomness::derive(&key(), b"bbn-1", 1);
    let public = *randomness.public_randomness();
    let signature = sign(&key(), randomness, &message).unwrap();
    assert_eq!(signature.to_string(), "53db8ae45a196cd59d18e613a60fa744cb97ca0c396908d9797389a9ded8c06c");
    verify(key().public_key(), &public, &message, &signature).unwrap();
}

/// The bytes that make two derivations differ: the height, the chain, and where the one ends and the other
/// begins.
#[test]
fn derivations_that_must_differ_do() {
    let base = public_randomness("chain", 1);
    assert_ne!(base, public_randomness("chain", 2), "another height");
    assert_ne!(base, public_randomness("Chain", 1), "another chain");
    // The iteration follows the chain's name directly, so a name that ends in eight zero bytes is the one
    // place to look at twice.
    assert_ne!(base, public_randomness("chain\0\0\0\0\0\0\0\0", 1), "a name ending in zeros");
    let other = SecretRandomness::derive(&SecretKey::from_bytes(&[2; 32]).unwrap(), b"chain", 1);
    assert_ne!(base, other.public_randomness().to_string(), "another key");
}

#[test]
fn secret_key_is_taken_from_the_key_types_of_bitcoin() {
    for byte in 1..=8 {
        let theirs = secp256k1::SecretKey::from_slice(&[byte; 32]).unwrap();
        let pair = secp256k1::Keypair::from_secret_key(secp256k1::SECP256K1, &theirs);
        let ours = SecretKey::from_bytes(&[byte; 32]).unwrap();
        for key in [SecretKey::from(&theirs), SecretKey::from(&pair)] {
            assert_eq!(*key.to_bytes(), *ours.to_bytes(), "{byte}");
            assert_eq!((key.public_key(), key.parity()), (ours.public_key(), ours.parity()), "{byte}");
        }
    }
}
