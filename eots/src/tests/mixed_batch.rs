//! Batches of all kinds of signatures: the verdict is that of single verification, item by item.

use proptest::prelude::*;
use secp256k1::{PublicKey, SECP256K1, schnorr};

use super::digest;
use crate::scalar::public;
use crate::{
    AdaptorSignature, BatchItem, PublicRandomness, SecretKey, SecretRandomness, Signature, XOnlyPublicKey,
    sign, verify, verify_batch,
};

#[derive(Clone, Debug)]
enum Signed {
    Eots {
        key: XOnlyPublicKey,
        randomness: PublicRandomness,
        message: [u8; 32],
        signature: Signature,
    },
    Bip340 {
        key: XOnlyPublicKey,
        message: [u8; 32],
        signature: schnorr::Signature,
    },
    Adaptor {
        key: XOnlyPublicKey,
        encryption_key: XOnlyPublicKey,
        message: [u8; 32],
        signature: AdaptorSignature,
    },
}

fn secret(number: usize) -> SecretKey {
    SecretKey::from_bytes(&[u8::try_from(number % 200).unwrap() + 1; 32]).unwrap()
}

/// A valid one: by number, of each kind in turn, by nine signers, encrypted to two keys.
fn sound(number: usize) -> Signed {
    let (signer, message) = (secret(number % 9), [u8::try_from(number % 256).unwrap(); 32]);
    let key = *signer.public_key();
    match number % 3 {
        0 => {
            let secret = SecretRandomness::derive(&signer, b"mixed", number as u64);
            let randomness = *secret.public_randomness();
            let signature = sign(&signer, secret, &message).unwrap();
            Signed::Eots { key, randomness, message, signature }
        }
        1 => Signed::Bip340 { key, message, signature: signer.sign_bip340(digest(message)).unwrap() },
        _ => {
            let encryption_key = *secret(100 + number % 2).public_key();
            let signature =
                AdaptorSignature::sign(&signer, &encryption_key, digest(message), &[0; 32]).unwrap();
            Signed::Adaptor { key, encryption_key, message, signature }
        }
    }
}

impl Signed {
    fn item(&self) -> BatchItem<'_> {
        match self {
            Self::Eots { key, randomness, message, signature } => {
                BatchItem::Eots { public_key: key, public_randomness: randomness, message, signature }
            }
            Self::Bip340 { key, message, signature } => {
                BatchItem::Bip340 { public_key: key, message: digest(*message), signature }
            }
            Self::Adaptor { key, encryption_key, message, signature } => {
                BatchItem::Adaptor { public_key: key, encryption_key, message: digest(*message), signature }
            }
        }
    }

    fn is_valid(&self) -> bool {
        match self {
            Self::Eots { key, randomness, message, signature } => {
                verify(key, randomness, message, signature).is_ok()
            }
            Self::Bip340 { key, message, signature } => {
                SECP256K1.verify_schnorr(signature, &digest(*message), key).is_ok()
            }
            Self::Adaptor { key, encryption_key, message, signature } => {
                signature.verify(key, encryption_key, digest(*message)).is_ok()
            }
        }
    }

    /// Point and number, as they are on the wire.
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Eots { randomness, signature, .. } => {
                [*randomness.as_bytes(), signature.to_bytes()].concat()
            }
            Self::Bip340 { signature, .. } => signature.serialize().to_vec(),
            Self::Adaptor { signature, .. } => signature.to_bytes().to_vec(),
        }
    }

    /// With another point and number, where they are any.
    fn with_bytes(mut self, bytes: &[u8]) -> Option<Self> {
        match &mut self {
            Self::Eots { randomness, signature, .. } => {
                let (point, number) = bytes.split_at(32);
                *randomness = PublicRandomness::from_bytes(point.try_into().unwrap());
                *signature = Signature::from_bytes(number.try_into().unwrap()).ok()?;
            }
            Self::Bip340 { signature, .. } => *signature = schnorr::Signature::from_slice(bytes).ok()?,
            Self::Adaptor { signature, .. } => *signature = AdaptorSignature::from_slice(bytes).ok()?,
        }
        Some(self)
    }

    /// With something added to its number.
    fn shifted(self, by: &k256::Scalar) -> Self {
        let mut bytes = self.bytes();
        let at = bytes.len() - 32;
        let sum = public(bytes[at..].try_into().unwrap()) + by;
        bytes[at..].copy_from_slice(&sum.to_bytes());
        self.with_bytes(&bytes).unwrap()
    }
}

/// The verdict, checked to be that of single verification.
fn judged(signed: &[Signed]) -> Vec<usize> {
    let alone: Vec<usize> = (0..signed.len()).filter(|index| !signed[*index].is_valid()).collect();
    let items: Vec<_> = signed.iter().map(Signed::item).collect();
    let found = verify_batch(&items).err().map(|error| error.invalid).unwrap_or_default();
    assert_eq!(found, alone);
    alone
}

/// With a bit of its point or number flipped, another message, signer or encryption key, or the other sign of
/// its point.
fn harmed(signed: Signed, kind: usize, bit: usize) -> Option<Signed> {
    let mut changed = signed.clone();
    let (Signed::Eots { key, message, .. }
    | Signed::Bip340 { key, message, .. }
    | Signed::Adaptor { key, message, .. }) = &mut changed;
    match kind % 5 {
        0 => {
            let mut bytes = signed.bytes();
            let at = bit % (8 * bytes.len());
            bytes[at / 8] ^= 1 << (at % 8);
            return signed.with_bytes(&bytes);
        }
        1 => message[bit % 32] ^= 1,
        2 => *key = *secret(150 + bit % 9).public_key(),
        3 => {
            if let Signed::Adaptor { encryption_key, .. } = &mut changed {
                *encryption_key = *secret(150 + bit % 9).public_key();
            }
        }
        _ => {
            let mut bytes = signed.bytes();
            if matches!(signed, Signed::Adaptor { .. }) {
                bytes[0] ^= 1;
            }
            return signed.with_bytes(&bytes);
        }
    }
    Some(changed)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn mixed_batch_agrees_with_single_verification(
        numbers in prop::collection::vec(0..500_usize, 0..120),
        harms in prop::collection::vec((any::<usize>(), any::<usize>(), any::<usize>()), 0..10),
    ) {
        let mut signed: Vec<_> = numbers.into_iter().map(sound).collect();
        prop_assert!(judged(&signed).is_empty());
        for (index, kind, bit) in harms {
            if !signed.is_empty() {
                let index = index % signed.len();
                signed[index] = harmed(signed[index].clone(), kind, bit).unwrap_or(signed[index].clone());
            }
        }
        judged(&signed);
    }

    /// Errors of two signatures, of the same or of different kinds, that cancel in a sum without
    /// coefficients.
    #[test]
    fn mixed_batch_errors_do_not_cancel(
        count in 4..40_usize,
        delta: [u8; 32],
        places in any::<[usize; 2]>(),
    ) {
        let delta = public(&delta);
        let [first, second] = places.map(|place| place % count);
        prop_assume!(first != second && delta != k256::Scalar::ZERO);
        let mut signed: Vec<_> = (0..count).map(sound).collect();
        signed[first] = signed[first].clone().shifted(&delta);
        signed[second] = signed[second].clone().shifted(&-delta);
        let mut expected = [first, second];
        expected.sort_unstable();
        prop_assert_eq!(judged(&signed), expected);
    }
}

#[test]
fn mixed_batch_of_each_size_and_kind_is_valid() {
    let mixed: Vec<_> = (0..90).map(sound).collect();
    for count in 0..=mixed.len() {
        assert!(judged(&mixed[..count]).is_empty());
    }
    for kind in 0..3 {
        let alike: Vec<_> = (0..30).map(|nth| sound(3 * nth + kind)).collect();
        for count in 0..=alike.len() {
            assert!(judged(&alike[..count]).is_empty());
        }
        let mut wrong = alike.clone();
        wrong[17] = wrong[17].clone().shifted(&k256::Scalar::ONE);
        assert_eq!(judged(&wrong), [17]);
    }
}

/// Points of both parities are among what is tested, and each adaptor signature to the wrong one of two keys
/// is found.
#[test]
fn mixed_batch_names_exchanged_encryption_keys() {
    let mut signed: Vec<_> = (0..24).map(|nth| sound(3 * nth + 2)).collect();
    let odd = signed.iter().filter(|signed| signed.bytes()[0] == 3).count();
    assert!((1..24).contains(&odd), "{odd}");
    for one in &mut signed[6..12] {
        let Signed::Adaptor { encryption_key, .. } = one else { panic!("an adaptor signature") };
        let keys = [100, 101].map(|number| *secret(number).public_key());
        *encryption_key = if *encryption_key == keys[0] { keys[1] } else { keys[0] };
    }
    assert_eq!(judged(&signed), (6..12).collect::<Vec<_>>());
}

/// `R0 = T` and `s·G = e·P`: its signer can make it, the equation would let it pass, and single verification
/// does not.
#[test]
fn mixed_batch_refuses_a_point_that_is_the_encryption_key() {
    let (signer, encryption_key, message) = (secret(3), *secret(100).public_key(), [7; 32]);
    let key = *signer.public_key();
    let e = crate::challenge::challenge(&encryption_key.serialize(), &key, &message);
    let s = public(&e.to_be_bytes()) * public(&signer.even_secret().to_bytes());
    for sign in [2, 3] {
        let bytes = [&[sign], encryption_key.serialize().as_slice(), &s.to_bytes()].concat();
        let signature = AdaptorSignature::from_slice(&bytes).unwrap();
        let mut signed: Vec<_> = (0..9).map(sound).collect();
        signed[5] = Signed::Adaptor { key, encryption_key, message, signature };
        assert_eq!(judged(&signed), [5]);
    }
    // Where the point is −T, the right side is 2T, which is randomness like any other.
    let odd = PublicKey::from_x_only_public_key(encryption_key, secp256k1::Parity::Odd);
    let t = public(&secret(100).even_secret().to_bytes());
    let bytes = [odd.serialize().as_slice(), &(s + t + t).to_bytes()].concat();
    let signature = AdaptorSignature::from_slice(&bytes).unwrap();
    let mut signed: Vec<_> = (0..9).map(sound).collect();
    signed[5] = Signed::Adaptor { key, encryption_key, message, signature };
    assert!(signed[5].is_valid());
    assert!(judged(&signed).is_empty());
}

/// The group order is an x coordinate. Nobody knows that key's secret, and yet anybody can solve the equation
/// for T.
#[test]
fn mixed_batch_refuses_a_signer_whose_key_is_the_group_order() {
    let key = XOnlyPublicKey::from_slice(&secp256k1::constants::CURVE_ORDER).unwrap();
    let (s, message) = (SecretKey::from_bytes(&[2; 32]).unwrap(), [9; 32]);
    let r0 = PublicKey::from_x_only_public_key(*secret(3).public_key(), secp256k1::Parity::Even);
    let e = crate::challenge::challenge(&r0.x_only_public_key().0.serialize(), &key, &message);
    let p = PublicKey::from_x_only_public_key(key, secp256k1::Parity::Even);
    // T = R0 − (s·G − e·P), with the point of either sign for T: R0 is taken so that it has even y, or the
    // next message is.
    let right = s
        .lend(|s| s.public_key(SECP256K1))
        .combine(&p.mul_tweak(SECP256K1, &e).unwrap().negate(SECP256K1))
        .unwrap();
    let (encryption_key, parity) = r0.combine(&right.negate(SECP256K1)).unwrap().x_only_public_key();
    assert_eq!(parity, secp256k1::Parity::Even, "choose another message");
    let bytes = [r0.serialize().as_slice(), s.to_bytes().as_slice()].concat();
    let signature = AdaptorSignature::from_slice(&bytes).unwrap();
    let mut signed: Vec<_> = (0..9).map(sound).collect();
    signed[5] = Signed::Adaptor { key, encryption_key, message, signature };
    assert_eq!(judged(&signed), [5]);
}
