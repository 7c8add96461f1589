//! Signing, verifying and extracting.

use proptest::prelude::*;
use secp256k1::{Message, Parity, SECP256K1, XOnlyPublicKey, schnorr};
use sha2::{Digest, Sha256};

use super::{any_key, digest, order_minus, small};
use crate::{
    ExtractError, InvalidSignature, PublicRandomness, SecretKey, SecretRandomness, SignError, Signature,
    extract, sign, sign_without_verifying, verify,
};

fn signed(key: &SecretKey, height: u64, message: &[u8]) -> (PublicRandomness, Signature) {
    let randomness = SecretRandomness::derive(key, b"chain", height);
    let public = *randomness.public_randomness();
    (public, sign(key, randomness, message).unwrap())
}

proptest! {
    /// x(R) ‖ s is a BIP-340 signature over SHA-256 of the message: libsecp256k1 says so, for odd and even
    /// keys.
    #[test]
    fn signatures_are_bip340(key in any_key(), height: u64, message: Vec<u8>) {
        let (public, signature) = signed(&key, height, &message);
        verify(key.public_key(), &public, &message, &signature).unwrap();
        let bytes = [public.to_bytes(), signature.to_bytes()].concat();
        let bip340 = schnorr::Signature::from_slice(&bytes).unwrap();
        let digest = Message::from_digest(Sha256::digest(&message).into());
        SECP256K1.verify_schnorr(&bip340, &digest, key.public_key()).unwrap();
        let again = SecretRandomness::derive(&key, b"chain", height);
        prop_assert_eq!(sign_without_verifying(&key, again, &message).unwrap(), signature);
    }

    #[test]
    fn extraction_from_two_signatures_gives_the_key(key in any_key(), height: u64, a: Vec<u8>, b: Vec<u8>) {
        prop_assume!(a != b);
        let (public, first) = signed(&key, height, &a);
        let (_, second) = signed(&key, height, &b);
        let extracted = extract(key.public_key(), &public, (&a, &first), (&b, &second)).unwrap();
        prop_assert_eq!(extracted.parity(), Parity::Even);
        prop_assert_eq!(extracted.with_parity(key.parity()).to_bytes(), key.to_bytes());
        // The order does not matter, and extracting changes nothing: a second call gives the same.
        let again = extract(key.public_key(), &public, (&b, &second), (&a, &first)).unwrap();
        prop_assert_eq!(again.to_bytes(), extracted.to_bytes());
    }

    #[test]
    fn extraction_refuses_what_reveals_nothing(
        key in any_key(),
        other in any_key(),
        height: u64,
        a: Vec<u8>,
        b: Vec<u8>,
    ) {
        prop_assume!(a != b && key.public_key() != other.public_key());
        let (public, first) = signed(&key, height, &a);
        let (_, second) = signed(&key, height, &b);
        let public_key = key.public_key();
        prop_assert_eq!(
            extract(public_key, &public, (&a, &first), (&a, &first)).unwrap_err(),
            ExtractError::EqualMessages
        );
        prop_assert_eq!(
            extract(public_key, &public, (&a, &first), (&b, &first)).unwrap_err(),
            ExtractError::EqualSignatures(first)
        );
        let wrong = |public_key| ExtractError::WrongKey { public_key };
        prop_assert_eq!(
            extract(public_key, &public, (&a, &second), (&b, &first)).unwrap_err(),
            wrong(*public_key)
        );
        prop_assert_eq!(
            extract(other.public_key(), &public, (&a, &first), (&b, &second)).unwrap_err(),
            wrong(*other.public_key())
        );
        let (elsewhere, third) = signed(&key, height.wrapping_add(1), &b);
        prop_assert_eq!(
            extract(public_key, &public, (&a, &first), (&b, &third)).unwrap_err(),
            wrong(*public_key)
        );
        prop_assert_eq!(
            extract(public_key, &elsewhere, (&a, &first), (&b, &third)).unwrap_err(),
            wrong(*public_key)
        );
    }
}

/// Each bit of each input turned over: no signature.
#[test]
fn signature_with_a_flipped_bit_is_refused() {
    for byte in [1, 2, 3] {
        let key = SecretKey::from_bytes(&[byte; 32]).unwrap();
        let message = [9; 40];
        let (public, signature) = signed(&key, 7, &message);
        let numbers = [key.public_key().serialize(), public.to_bytes(), signature.to_bytes()].concat();
        let bytes = [numbers.as_slice(), &message].concat();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let part = |at: usize| <[u8; 32]>::try_from(&bytes[at..at + 32]).unwrap();
            // About half of the numbers are no x coordinate: no key to begin with.
            let Ok(public_key) = XOnlyPublicKey::from_slice(&part(0)) else { continue };
            let public = PublicRandomness::from_bytes(part(32));
            let Ok(signature) = Signature::from_bytes(part(64)) else { continue };
            assert!(verify(&public_key, &public, &bytes[96..], &signature).is_err(), "bit {bit}");
        }
    }
}

/// Randomness at the edges of its range signs, verifies and extracts like any other, with keys at the edges
/// too.
#[test]
fn signature_with_edge_scalars_is_like_any_other() {
    let edges = [small(1), small(2), order_minus(2), order_minus(1), [0x7f; 32]];
    for (secret, k) in edges.iter().flat_map(|secret| edges.iter().map(move |k| (secret, k))) {
        let key = SecretKey::from_bytes(secret).unwrap();
        let randomness = || SecretRandomness::dangerous_from_bytes(k).unwrap();
        let public = *randomness().public_randomness();
        let signed = [b"a", b"b"].map(|message| sign(&key, randomness(), message).unwrap());
        for (signature, message) in signed.iter().zip([b"a", b"b"]) {
            verify(key.public_key(), &public, message, signature).unwrap();
        }
        // Signatures at the edges are none.
        for s in edges.map(|s| Signature::from_bytes(s).unwrap()) {
            assert!(signed.contains(&s) || verify(key.public_key(), &public, b"a", &s).is_err());
        }
        let extracted = extract(key.public_key(), &public, (b"a", &signed[0]), (b"b", &signed[1])).unwrap();
        assert_eq!(extracted.with_parity(key.parity()).to_bytes(), key.to_bytes());
    }
}

#[test]
fn keys_outside_the_range_are_refused() {
    assert!(SecretKey::from_bytes(&[0; 32]).is_err());
    assert!(SecretKey::from_bytes(&order_minus(0)).is_err());
    assert!(SecretKey::from_bytes(&[0xff; 32]).is_err());
    assert!(SecretKey::from_bytes(&order_minus(1)).is_ok());
    assert!(SecretRandomness::dangerous_from_bytes(&[0; 32]).is_none());
    assert!(SecretRandomness::dangerous_from_bytes(&order_minus(0)).is_none());
}

#[test]
fn signatures_not_below_the_order_are_refused() {
    assert_eq!(
        Signature::from_bytes(order_minus(0)).unwrap_err(),
        InvalidSignature::NotBelowOrder(order_minus(0))
    );
    assert!(Signature::from_bytes([0xff; 32]).is_err());
    assert!(Signature::from_bytes(order_minus(1)).is_ok());
    assert!("zz".parse::<Signature>().is_err());
    assert!("00".parse::<Signature>().is_err());
}

#[test]
fn public_randomness_that_is_no_point_verifies_nothing() {
    let key = SecretKey::from_bytes(&[1; 32]).unwrap();
    let (_, signature) = signed(&key, 1, b"m");
    // Not below the field's prime; not the x coordinate of a point (5 is the smallest such number); zero.
    for x in [[0xff; 32], small(5), small(0)] {
        assert!(verify(key.public_key(), &PublicRandomness::from_bytes(x), b"m", &signature).is_err());
    }
}

#[test]
fn key_that_is_generated_signs() {
    let key = SecretKey::generate(&mut rand_core::OsRng);
    let (public, signature) = signed(&key, 1, b"m");
    verify(key.public_key(), &public, b"m", &signature).unwrap();
}

#[test]
fn signature_with_a_fault_is_withheld() {
    let (key, other) = (SecretKey::from_bytes(&[1; 32]).unwrap(), SecretKey::from_bytes(&[2; 32]).unwrap());
    let faulty = key.with_fault(&other);
    let randomness = || SecretRandomness::derive(&faulty, b"chain", 1);
    assert_eq!(sign(&faulty, randomness(), b"m").unwrap_err(), SignError::Fault);
    assert!(sign_without_verifying(&faulty, randomness(), b"m").is_ok(), "which is why it has that name");
}

#[test]
fn bip340_signature_with_a_fault_is_withheld() {
    let (key, other) = (SecretKey::from_bytes(&[1; 32]).unwrap(), SecretKey::from_bytes(&[2; 32]).unwrap());
    assert!(key.sign_bip340(digest([7; 32])).is_ok());
    assert_eq!(key.with_fault(&other).sign_bip340(digest([7; 32])).unwrap_err(), SignError::Fault);
}
