//! EOTS: the parsers of keys, randomness and signatures; signing, verifying and extracting, with sound and
//! with changed signatures.
#![no_main]

use btcstake_fuzz::{Changes, Number, change};
use eots::secp256k1::constants::CURVE_ORDER;
use eots::{Parity, PublicRandomness, SecretKey, SecretRandomness, Signature, XOnlyPublicKey};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input {
    public_key: [u8; 32],
    public_randomness: [u8; 32],
    signatures: [Number; 2],
    key: Number,
    randomness: Number,
    first: Vec<u8>,
    second: Vec<u8>,
    changes: Changes,
}

fuzz_target!(|input: Input| {
    untrusted(&input);
    let bytes = input.key.to_bytes();
    let parsed = SecretKey::from_bytes(&bytes);
    assert_eq!(parsed.is_ok(), bytes != [0; 32] && bytes < CURVE_ORDER);
    let Ok(key) = parsed else { return };
    assert_eq!(*key.to_bytes(), bytes);
    assert_eq!(*key.with_parity(key.parity()).to_bytes(), bytes);
    sound(&input, &key);
});

/// Numbers that nobody signed with: whatever parses stays as it is, and nothing verifies.
fn untrusted(input: &Input) {
    let randomness = PublicRandomness::from_bytes(input.public_randomness);
    assert_eq!(randomness.to_string().parse(), Ok(randomness));
    let [first, second] = input.signatures.map(|number| {
        let bytes = number.to_bytes();
        let parsed = Signature::from_bytes(bytes);
        assert_eq!(parsed.is_ok(), bytes < CURVE_ORDER);
        parsed.inspect(|signature| {
            assert_eq!(signature.to_bytes(), bytes);
            assert_eq!(signature.to_string().parse(), Ok(*signature));
        })
    });
    let Ok(public_key) = XOnlyPublicKey::from_slice(&input.public_key) else { return };
    assert_eq!(public_key.serialize(), input.public_key);
    let (Ok(first), Ok(second)) = (first, second) else { return };
    let messages = (input.first.as_slice(), input.second.as_slice());
    assert!(eots::verify(&public_key, &randomness, messages.0, &first).is_err());
    assert!(eots::verify(&public_key, &randomness, messages.1, &second).is_err());
    assert!(eots::extract(&public_key, &randomness, (messages.0, &first), (messages.1, &second)).is_err());
}

/// Signatures verify and two of them give the key, as long as nothing is changed.
fn sound(input: &Input, key: &SecretKey) {
    let bytes = input.randomness.to_bytes();
    let randomness = || SecretRandomness::dangerous_from_bytes(&bytes);
    let (Some(first), Some(second)) = (randomness(), randomness()) else { return };
    let public = *first.public_randomness();
    let public_key = key.public_key();
    let signature = eots::sign(key, first, &input.first).unwrap();
    let other = eots::sign_without_verifying(key, second, &input.second).unwrap();
    eots::verify(public_key, &public, &input.second, &other).unwrap();

    let mut changed = signature.to_bytes();
    change(&mut changed, &input.changes);
    let Ok(changed) = Signature::from_bytes(changed) else { return };
    let verified = eots::verify(public_key, &public, &input.first, &changed);
    assert_eq!(verified.is_ok(), changed == signature);
    let extracted = eots::extract(public_key, &public, (&input.first, &changed), (&input.second, &other));
    assert_eq!(extracted.is_ok(), changed == signature && input.first != input.second);
    if let Ok(extracted) = extracted {
        assert_eq!(extracted.parity(), Parity::Even);
        assert_eq!(extracted.with_parity(key.parity()).to_bytes(), key.to_bytes());
    }
}
