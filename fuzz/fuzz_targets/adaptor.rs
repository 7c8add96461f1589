//! Adaptor signatures: the parser of both forms; signing, verifying, decrypting and recovering, with sound
//! and with changed ones.
#![no_main]

use btcstake_fuzz::{Changes, Number, change};
use eots::secp256k1::{Message, SECP256K1, schnorr};
use eots::{AdaptorSignature, Parity, SecretKey, XOnlyPublicKey};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input {
    keys: [Number; 2],
    public_keys: [[u8; 32]; 2],
    message: [u8; 32],
    aux: [u8; 32],
    completed: [u8; 32],
    changes: Changes,
    bytes: Vec<u8>,
}

fuzz_target!(|input: Input| {
    let stranger = parse(&input.bytes);
    let [key, decryption_key] = input.keys.map(|number| SecretKey::from_bytes(&number.to_bytes()));
    let (Ok(key), Ok(decryption_key)) = (key, decryption_key) else { return };
    let (encryption_key, message) = (decryption_key.public_key(), Message::from_digest(input.message));
    if let Some(stranger) = stranger {
        // One that nobody signed: it does not verify, though what is decrypted and recovered adds up all the
        // same.
        assert!(stranger.verify(key.public_key(), encryption_key, message).is_err());
        if let [Ok(public_key), Ok(other)] = input.public_keys.map(|key| XOnlyPublicKey::from_slice(&key)) {
            assert!(stranger.verify(&public_key, &other, message).is_err());
        }
        adds_up(&stranger, &decryption_key);
        let bip340 = [&stranger.to_bytes()[1..33], &input.completed].concat();
        let bip340 = schnorr::Signature::from_slice(&bip340).unwrap();
        if let Ok(recovered) = stranger.recover(&bip340) {
            // The key has the sign with which the numbers came out; with even y it decrypts to the same
            // signature.
            assert_eq!(recovered.parity() == Parity::Even, stranger.decrypt(&recovered) == Ok(bip340));
        }
    }

    let Ok(sound) = AdaptorSignature::sign(&key, encryption_key, message, &input.aux) else { return };
    let mut changed = sound.to_bytes();
    change(&mut changed, &input.changes);
    let Some(changed) = parse(&changed) else { return };
    let verified = changed.verify(key.public_key(), encryption_key, message);
    assert_eq!(verified.is_ok(), changed == sound);
    if let Some(decrypted) = adds_up(&changed, &decryption_key) {
        let valid = SECP256K1.verify_schnorr(&decrypted, &message, key.public_key());
        assert_eq!(valid.is_ok(), changed == sound);
    }
});

/// Bytes that parse are those written again, in the form of 65 bytes and as text.
fn parse(bytes: &[u8]) -> Option<AdaptorSignature> {
    let parsed = AdaptorSignature::from_slice(bytes).ok()?;
    let written = parsed.to_bytes();
    match bytes {
        [2, rest @ .., flag] if bytes.len() == 66 => {
            assert_eq!(written, [&[2 + flag], rest].concat().as_slice())
        }
        _ => assert_eq!(written, bytes),
    }
    assert_eq!(AdaptorSignature::from_slice(&written), Ok(parsed));
    assert_eq!(parsed.to_string().parse(), Ok(parsed));
    Some(parsed)
}

/// What is decrypted with a key gives back that key.
fn adds_up(signature: &AdaptorSignature, decryption_key: &SecretKey) -> Option<schnorr::Signature> {
    let decrypted = signature.decrypt(decryption_key).ok()?;
    let recovered = signature.recover(&decrypted).unwrap();
    assert_eq!(recovered.to_bytes(), decryption_key.with_parity(Parity::Even).to_bytes());
    Some(decrypted)
}
