//! The vectors of the adaptor signature specification.
//!
//! It encrypts to any point T, we to points with even y alone. For the others there is this: `(R0, s)`
//! encrypted to T says the same as `(−R0, s)` encrypted to −T. So vectors with an odd T are run with both
//! negated; only their secret randomness, which hashes T, is computed apart.

use secp256k1::{Message, Parity, PublicKey, SECP256K1, XOnlyPublicKey};

use super::csv::{bytes, expected, rows};
use super::digest;
use crate::adaptor::secret_randomness;
use crate::challenge::challenge;
use crate::scalar::sign_step;
use crate::{AdaptorSignature, SecretKey};

/// `(R0, s)`, or `(−R0, s)` when T has an odd y.
fn to_even(adaptor: &str, t: Parity) -> Option<AdaptorSignature> {
    let mut bytes: [u8; 65] = bytes(adaptor);
    AdaptorSignature::from_slice(&bytes).ok()?;
    bytes[0] ^= u8::from(t == Parity::Odd);
    AdaptorSignature::from_slice(&bytes).ok()
}

#[test]
fn signing_and_verification() {
    let all = rows::<9>("schnorr-adaptor/presig_vectors.csv");
    assert_eq!(all.len(), 15);
    let (mut valid, mut signed, mut randomness, mut malformed) = (0, 0, 0, 0);
    for [index, secret, public, aux, message, t, adaptor, result, comment] in &all {
        let message: [u8; 32] = bytes(message);
        // The point at infinity is no encryption key; it stands for none in two vectors.
        let encryption_key = PublicKey::from_slice(&bytes::<33>(t)).map(|t| t.x_only_public_key());
        let verified = (|| {
            let public_key = XOnlyPublicKey::from_slice(&bytes::<32>(public)).ok()?;
            let (encryption_key, parity) = encryption_key.ok()?;
            to_even(adaptor, parity)?.verify(&public_key, &encryption_key, digest(message)).ok()
        })();
        assert_eq!(verified.is_some(), expected(result), "{index}: {comment}");
        valid += usize::from(verified.is_some());
        malformed += usize::from(AdaptorSignature::from_slice(&bytes::<65>(adaptor)).is_err());
        if secret.is_empty() {
            continue;
        }

        let key = SecretKey::from_bytes(&bytes(secret)).unwrap();
        assert_eq!(key.public_key().serialize(), bytes(public), "{index}");
        let (encryption_key, parity) = encryption_key.unwrap();
        if parity == Parity::Even {
            let ours = AdaptorSignature::sign(&key, &encryption_key, digest(message), &bytes(aux)).unwrap();
            assert_eq!(ours.to_bytes(), bytes(adaptor), "{index}");
            signed += 1;
        }
        assert_eq!(by_steps(&key, t, &message, aux), bytes(adaptor), "{index}");
        randomness += 1;
    }
    assert_eq!((valid, signed, randomness, malformed), (3, 1, 2, 5));
}

/// Signs as [`AdaptorSignature::sign`] does, to a T of either parity.
fn by_steps(key: &SecretKey, t: &str, message: &[u8; 32], aux: &str) -> [u8; 65] {
    let t = PublicKey::from_slice(&bytes::<33>(t)).unwrap();
    let d = key.even_secret();
    let mut k = secret_randomness(key, &d, &t, message, &bytes(aux)).unwrap();
    let r0 = k.public_key().combine(&t).unwrap();
    let (x, parity) = r0.x_only_public_key();
    if parity == Parity::Odd {
        k.negate();
    }
    let s = sign_step(&k, &challenge(&x.serialize(), key.public_key(), message), &d).unwrap();
    [&r0.serialize()[..], &s].concat().try_into().unwrap()
}

/// The adaptor signature that rows 3 to 9 are broken from, made with the inputs that the specification's
/// generator has: another signature byte for byte, with auxiliary randomness that is not zero.
#[test]
fn signature_behind_the_broken_ones_is_reproduced() {
    let key =
        SecretKey::from_bytes(&bytes("B7E151628AED2A6ABF7158809CF4F3C762E7160F38B4DA56A784D9045190CFEF"))
            .unwrap();
    let aux = bytes("C87AA53824B4D7AE2EB035A2B5BBBCCC080E76CDC6D1692C4B0B62D798E6D906");
    let [_, _, _, _, message, t, adaptor, ..] = &rows::<9>("schnorr-adaptor/presig_vectors.csv")[3];
    let (encryption_key, parity) = PublicKey::from_slice(&bytes::<33>(t)).unwrap().x_only_public_key();
    assert_eq!(parity, Parity::Even);
    let ours = AdaptorSignature::sign(&key, &encryption_key, digest(bytes(message)), &aux).unwrap();
    assert_eq!(ours.to_bytes(), bytes(adaptor));
}

#[test]
fn decryption() {
    let all = rows::<8>("schnorr-adaptor/adapt_vectors.csv");
    assert_eq!(all.len(), 5);
    let (mut valid, mut odd) = (0, 0);
    for [index, public, message, secret, adaptor, signature, result, comment] in &all {
        let provider = SecretKey::from_bytes(&bytes(secret)).unwrap();
        let public_key = XOnlyPublicKey::from_slice(&bytes::<32>(public)).unwrap();
        let decrypted = to_even(adaptor, provider.parity()).unwrap().decrypt(&provider).unwrap();
        // The vectors give the number that comes out also where it is no signature.
        assert_eq!(decrypted.serialize(), bytes(signature), "{index}: {comment}");
        let verified =
            SECP256K1.verify_schnorr(&decrypted, &Message::from_digest(bytes(message)), &public_key);
        assert_eq!(verified.is_ok(), expected(result), "{index}: {comment}");
        valid += usize::from(verified.is_ok());
        odd += usize::from(provider.parity() == Parity::Odd);
    }
    assert_eq!((valid, odd), (2, 2));
}

#[test]
fn recovery() {
    let all = rows::<6>("schnorr-adaptor/secadaptor_vectors.csv");
    assert_eq!(all.len(), 4);
    let mut recovered = 0;
    for [index, adaptor, signature, secret, result, comment] in &all {
        let adaptor = AdaptorSignature::from_slice(&bytes::<65>(adaptor)).unwrap();
        let signature = secp256k1::schnorr::Signature::from_slice(&bytes::<64>(signature)).unwrap();
        let key = adaptor.recover(&signature).unwrap();
        assert_eq!(*key.to_bytes() == bytes(secret), expected(result), "{index}: {comment}");
        recovered += usize::from(expected(result));
    }
    assert_eq!(recovered, 2);
}
