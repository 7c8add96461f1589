//! Adaptor signatures.

use proptest::prelude::*;
use secp256k1::{Keypair, Message, Parity, PublicKey, SECP256K1, XOnlyPublicKey};

use super::{any_key, digest, order_minus};
use crate::{AdaptorError, AdaptorSignature, InvalidAdaptorSignature, SecretKey};

proptest! {
    #[test]
    fn adaptor_signature_is_verified_decrypted_and_recovered(
        signer in any_key(),
        provider in any_key(),
        message: [u8; 32],
        aux: [u8; 32],
    ) {
        let adaptor = AdaptorSignature::sign(&signer, provider.public_key(), digest(message), &aux).unwrap();
        adaptor.verify(signer.public_key(), provider.public_key(), digest(message)).unwrap();
        let signature = adaptor.decrypt(&provider).unwrap();
        SECP256K1.verify_schnorr(&signature, &digest(message), signer.public_key()).unwrap();
        let recovered = adaptor.recover(&signature).unwrap();
        prop_assert_eq!(recovered.public_key(), provider.public_key());
        prop_assert_eq!(recovered.with_parity(provider.parity()).to_bytes(), provider.to_bytes());
        // Either secret of the provider's x-only key decrypts.
        let extracted = provider.with_parity(Parity::Even);
        prop_assert_eq!(adaptor.decrypt(&extracted).unwrap(), signature);
    }

    #[test]
    fn adaptor_signature_is_read_from_both_forms(
        signer in any_key(),
        provider in any_key(),
        message: [u8; 32],
    ) {
        let adaptor =
            AdaptorSignature::sign(&signer, provider.public_key(), digest(message), &[0; 32]).unwrap();
        let bytes = adaptor.to_bytes();
        prop_assert_eq!(AdaptorSignature::from_slice(&bytes).unwrap(), adaptor);
        prop_assert_eq!(adaptor.to_string().parse::<AdaptorSignature>().unwrap(), adaptor);
        let mut old = bytes.to_vec();
        old.push(old[0] - 2);
        old[0] = 2;
        prop_assert_eq!(AdaptorSignature::from_slice(&old).unwrap(), adaptor);
    }

    #[test]
    fn adaptor_signature_of_any_bytes_never_panics(
        bytes in proptest::collection::vec(any::<u8>(), 0..70),
        key in any_key(),
        message: [u8; 32],
    ) {
        let Ok(adaptor) = AdaptorSignature::from_slice(&bytes) else { return Ok(()) };
        prop_assert!(adaptor.verify(key.public_key(), key.public_key(), digest(message)).is_err());
        let _ = adaptor.decrypt(&key);
    }

    #[test]
    fn adaptor_signature_of_strangers_names_them(
        signer in any_key(),
        provider in any_key(),
        stranger in any_key(),
        message: [u8; 32],
    ) {
        let (s, p, x) = (signer.public_key(), provider.public_key(), stranger.public_key());
        prop_assume!(x != s && x != p);
        let adaptor = AdaptorSignature::sign(&signer, p, digest(message), &[0; 32]).unwrap();
        let invalid = |public_key, encryption_key| AdaptorError::Invalid { public_key, encryption_key };
        prop_assert_eq!(adaptor.verify(x, p, digest(message)).unwrap_err(), invalid(*x, *p));
        prop_assert_eq!(adaptor.verify(s, x, digest(message)).unwrap_err(), invalid(*s, *x));
        // Used as it is, it is no signature.
        let mut plain = adaptor.to_bytes()[1..].to_vec();
        plain.truncate(64);
        let plain = secp256k1::schnorr::Signature::from_slice(&plain).unwrap();
        prop_assert!(SECP256K1.verify_schnorr(&plain, &digest(message), s).is_err());
        // A signature that is not its decryption recovers nothing.
        let key = secp256k1::SecretKey::from_slice(signer.to_bytes().as_slice()).unwrap();
        let keypair = Keypair::from_secret_key(SECP256K1, &key);
        let unrelated = SECP256K1.sign_schnorr_no_aux_rand(&digest(message), &keypair);
        prop_assert_eq!(adaptor.recover(&unrelated).unwrap_err(), AdaptorError::Unrelated);
    }

    /// The secret randomness itself differs whenever the key, the encryption key, the message or the
    /// auxiliary randomness does: one under two encryption keys would reveal the signer's secret. Its point
    /// is `±(R0 − T)`.
    #[test]
    fn secret_randomness_differs(
        signer in any_key(),
        other in any_key(),
        a in any_key(),
        b in any_key(),
        message: [u8; 32],
        bit in 0usize..256,
    ) {
        prop_assume!(a.public_key() != b.public_key() && signer.public_key() != other.public_key());
        let randomness = |signer: &SecretKey, provider: &SecretKey, message: &[u8; 32], aux| {
            let adaptor =
                AdaptorSignature::sign(signer, provider.public_key(), digest(*message), aux).unwrap();
            let r0 = PublicKey::from_slice(&adaptor.to_bytes()[..33]).unwrap();
            let t = PublicKey::from_x_only_public_key(*provider.public_key(), Parity::Even);
            r0.combine(&t.negate(SECP256K1)).unwrap().x_only_public_key().0
        };
        let mut flipped = message;
        flipped[bit / 8] ^= 1 << (bit % 8);
        let base = randomness(&signer, &a, &message, &[0; 32]);
        prop_assert_ne!(base, randomness(&signer, &b, &message, &[0; 32]), "another encryption key");
        prop_assert_ne!(base, randomness(&other, &a, &message, &[0; 32]), "another signer");
        prop_assert_ne!(base, randomness(&signer, &a, &flipped, &[0; 32]), "another message");
        prop_assert_ne!(base, randomness(&signer, &a, &message, &[1; 32]), "other auxiliary randomness");
        prop_assert_eq!(base, randomness(&signer, &a, &message, &[0; 32]));
    }
}

/// Each bit of each input turned over: no adaptor signature.
#[test]
fn adaptor_signature_with_a_flipped_bit_is_refused() {
    for byte in [1, 2, 3] {
        let [signer, provider] = [byte, byte + 10].map(|byte| SecretKey::from_bytes(&[byte; 32]).unwrap());
        let (message, keys) = ([7; 32], [*signer.public_key(), *provider.public_key()]);
        let adaptor =
            AdaptorSignature::sign(&signer, provider.public_key(), digest(message), &[0; 32]).unwrap();
        let [p, t] = keys.map(|key| key.serialize());
        let bytes = [adaptor.to_bytes().as_slice(), &message, &p, &t].concat();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let Ok(adaptor) = AdaptorSignature::from_slice(&bytes[..65]) else { continue };
            let key = |at: usize| XOnlyPublicKey::from_slice(&bytes[at..at + 32]);
            let (Ok(p), Ok(t)) = (key(97), key(129)) else { continue };
            let message = bytes[65..97].try_into().unwrap();
            assert!(adaptor.verify(&p, &t, digest(message)).is_err(), "bit {bit}");
        }
    }
}

/// Keys at the edges of their range, in both roles.
#[test]
fn adaptor_signature_with_edge_scalars_is_like_any_other() {
    let edges = [super::small(1), super::small(2), order_minus(2), order_minus(1)];
    let keys = edges.map(|secret| SecretKey::from_bytes(&secret).unwrap());
    for (signer, provider) in
        keys.iter().flat_map(|signer| keys.iter().map(move |provider| (signer, provider)))
    {
        let adaptor =
            AdaptorSignature::sign(signer, provider.public_key(), digest([7; 32]), &[0; 32]).unwrap();
        let signature = adaptor.decrypt(provider).unwrap();
        SECP256K1.verify_schnorr(&signature, &Message::from_digest([7; 32]), signer.public_key()).unwrap();
        assert_eq!(adaptor.recover(&signature).unwrap().public_key(), provider.public_key());
    }
}

#[test]
fn adaptor_signature_with_a_fault_is_withheld() {
    let [signer, other, provider] = [1, 2, 3].map(|n| SecretKey::from_bytes(&[n; 32]).unwrap());
    let error =
        AdaptorSignature::sign(&signer.with_fault(&other), provider.public_key(), digest([7; 32]), &[0; 32]);
    assert_eq!(error.unwrap_err(), AdaptorError::Fault);
}

#[test]
fn adaptor_signature_errors_name_malformed_bytes() {
    let key = SecretKey::from_bytes(&[1; 32]).unwrap();
    let good = AdaptorSignature::sign(&key, key.public_key(), digest([7; 32]), &[0; 32]).unwrap().to_bytes();
    let with = |range: std::ops::Range<usize>, bytes: &[u8]| {
        let mut changed = good;
        changed[range].copy_from_slice(bytes);
        AdaptorSignature::from_slice(&changed).unwrap_err()
    };
    assert_eq!(AdaptorSignature::from_slice(&good[..64]).unwrap_err(), InvalidAdaptorSignature::Length(64));
    assert_eq!(AdaptorSignature::from_slice(&[2; 67]).unwrap_err(), InvalidAdaptorSignature::Length(67));
    assert!(matches!(with(0..1, &[4]), InvalidAdaptorSignature::Point(_)));
    assert!(matches!(with(1..33, &[0xff; 32]), InvalidAdaptorSignature::Point(_)));
    assert_eq!(with(33..65, &order_minus(0)), InvalidAdaptorSignature::NotBelowOrder(order_minus(0)));
    assert_eq!(with(33..65, &[0; 32]), InvalidAdaptorSignature::Zero);
    let mut old = good.to_vec();
    old[0] = 2;
    old.push(2);
    assert_eq!(
        AdaptorSignature::from_slice(&old).unwrap_err(),
        InvalidAdaptorSignature::OldForm { first: 2, last: 2 }
    );
    let error = "xyz".parse::<AdaptorSignature>().unwrap_err().to_string();
    assert!(error.contains("130 hex digits, or 132 in the old form"), "{error}");
}
