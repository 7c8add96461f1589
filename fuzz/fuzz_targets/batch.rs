//! Batch verification: of any mixture of sound and changed signatures of every kind, it names those that are
//! invalid by themselves.
#![no_main]

use std::num::NonZeroUsize;
use std::sync::LazyLock;

use eots::secp256k1::{Message, SECP256K1, schnorr};
use eots::{AdaptorSignature, BatchItem, PublicRandomness, SecretRandomness, Signature, XOnlyPublicKey};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use staking_scripts::testing::key;

#[derive(Arbitrary, Debug)]
struct Input {
    threads: u8,
    picked: Vec<Picked>,
}

/// A signature, so many times, with bits of one of its parts flipped.
#[derive(Arbitrary, Debug)]
struct Picked {
    number: u8,
    times: u8,
    part: u8,
    place: u8,
    bits: u8,
}

#[derive(Clone, Debug)]
struct Signed {
    public_key: XOnlyPublicKey,
    message: [u8; 32],
    signature: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Eots(PublicRandomness, Signature),
    Bip340(schnorr::Signature),
    Adaptor(XOnlyPublicKey, AdaptorSignature),
}

/// The most signatures in a batch.
const MOST: usize = 300;

static SIGNED: LazyLock<Vec<Signed>> = LazyLock::new(|| (0..96).map(sound).collect());

/// 8 signers, 12 signatures each, of all kinds; encrypted to 2 keys.
fn sound(number: u8) -> Signed {
    let (key, encryption_key) =
        (key("signer", usize::from(number % 8)), key("provider", usize::from(number % 2)));
    let (public_key, message) = (*key.public_key(), [number; 32]);
    let signature = match number % 3 {
        0 => {
            let randomness = SecretRandomness::derive(&key, b"bbn-1", number.into());
            let public_randomness = *randomness.public_randomness();
            Kind::Eots(public_randomness, eots::sign(&key, randomness, &message).unwrap())
        }
        1 => Kind::Bip340(key.sign_bip340(Message::from_digest(message)).unwrap()),
        _ => {
            let encryption_key = *encryption_key.public_key();
            Kind::Adaptor(
                encryption_key,
                AdaptorSignature::sign(&key, &encryption_key, Message::from_digest(message), &[0; 32])
                    .unwrap(),
            )
        }
    };
    Signed { public_key, message, signature }
}

impl Signed {
    fn changed(&self, picked: &Picked) -> Option<Self> {
        let mut signed = self.clone();
        let flip = |bytes: &mut [u8]| {
            if let Some(byte) = bytes.get_mut(usize::from(picked.place)) {
                *byte ^= picked.bits;
            }
        };
        let flipped = |mut bytes: [u8; 32]| {
            bytes[usize::from(picked.place % 32)] ^= picked.bits;
            bytes
        };
        match (picked.part % 4, &mut signed.signature) {
            (0, _) => {
                signed.public_key = XOnlyPublicKey::from_slice(&flipped(self.public_key.serialize())).ok()?
            }
            (1, _) => signed.message = flipped(self.message),
            (2, Kind::Eots(randomness, _)) => {
                *randomness = PublicRandomness::from_bytes(flipped(randomness.to_bytes()))
            }
            (2, Kind::Adaptor(key, _)) => {
                *key = XOnlyPublicKey::from_slice(&flipped(key.serialize())).ok()?
            }
            (_, Kind::Eots(_, signature)) => {
                *signature = Signature::from_bytes(flipped(signature.to_bytes())).ok()?
            }
            (_, Kind::Bip340(signature)) => {
                let mut bytes = signature.serialize();
                flip(&mut bytes);
                *signature = schnorr::Signature::from_slice(&bytes).ok()?;
            }
            (_, Kind::Adaptor(_, signature)) => {
                let mut bytes = signature.to_bytes();
                flip(&mut bytes);
                *signature = AdaptorSignature::from_slice(&bytes).ok()?;
            }
        }
        Some(signed)
    }

    fn item(&self) -> BatchItem<'_> {
        let Self { public_key, message: bytes, signature } = self;
        let message = Message::from_digest(*bytes);
        match signature {
            Kind::Eots(public_randomness, signature) => {
                let message = bytes;
                BatchItem::Eots { public_key, public_randomness, message, signature }
            }
            Kind::Bip340(signature) => BatchItem::Bip340 { public_key, message, signature },
            Kind::Adaptor(encryption_key, signature) => {
                BatchItem::Adaptor { public_key, encryption_key, message, signature }
            }
        }
    }

    fn is_valid(&self) -> bool {
        let Self { public_key, message, signature } = self;
        match signature {
            Kind::Eots(randomness, signature) => {
                eots::verify(public_key, randomness, message, signature).is_ok()
            }
            Kind::Bip340(signature) => {
                SECP256K1.verify_schnorr(signature, &Message::from_digest(*message), public_key).is_ok()
            }
            Kind::Adaptor(encryption_key, signature) => {
                signature.verify(public_key, encryption_key, Message::from_digest(*message)).is_ok()
            }
        }
    }
}

fuzz_target!(|input: Input| {
    let repeated = input.picked.iter().filter_map(|picked| {
        let signed = SIGNED[usize::from(picked.number % 96)].changed(picked)?;
        let valid = signed.is_valid();
        // What is changed in any bit is another's signature, over another message, or another signature.
        let at = usize::from(picked.place);
        let untouched = picked.bits == 0
            || match (picked.part % 4, &signed.signature) {
                (2 | 3, Kind::Bip340(_)) => at >= 64,
                (3, Kind::Adaptor(..)) => at >= 65,
                _ => false,
            };
        assert_eq!(valid, untouched);
        Some(std::iter::repeat_n((signed, valid), usize::from(picked.times % 16) + 1))
    });
    let signed: Vec<_> = repeated.flatten().take(MOST).collect();
    let items: Vec<_> = signed.iter().map(|(signed, _)| signed.item()).collect();
    let invalid: Vec<_> = (0..signed.len()).filter(|index| !signed[*index].1).collect();
    let verdict = eots::verify_batch(&items).map_err(|error| {
        assert_eq!(error.count, signed.len());
        error.invalid
    });
    assert_eq!(verdict, if invalid.is_empty() { Ok(()) } else { Err(invalid.clone()) });
    if input.threads % 16 == 1 {
        let threads = NonZeroUsize::new(2).unwrap();
        assert_eq!(eots::verify_batch_on(threads, &items).map_err(|error| error.invalid), verdict);
    }
});
