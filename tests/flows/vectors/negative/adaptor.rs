//! Adaptor signatures.

use bitcoin::secp256k1::{Message, Parity, PublicKey, SECP256K1, schnorr};
use eots::{AdaptorSignature, SecretKey, XOnlyPublicKey};
use serde::Deserialize;

use super::{ACCEPT, Refusal, Rule, check, name, public_key, sized};
use crate::vectors::Hex;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Verify {
    public_key: Hex,
    encryption_key: Hex,
    message: Hex,
    adaptor_signature: Hex,
}

const VERIFY: &[Rule] = &[
    ("already_decrypted", &[("Invalid", 1)]),
    ("encrypted_to_the_odd_point", &[("Invalid", 1)]),
    ("encryption_key_above_p", &[("encryption key: InvalidPublicKey", 1)]),
    ("encryption_key_bit", &[("encryption key: InvalidPublicKey", 1)]),
    ("encryption_key_is_the_signer", &[("Invalid", 1)]),
    ("encryption_key_not_on_curve", &[("encryption key: InvalidPublicKey", 1)]),
    ("encryption_key_of_another", &[("Invalid", 1)]),
    ("key_above_p", &[("key: InvalidPublicKey", 1)]),
    ("key_bit", &[("key: InvalidPublicKey", 1)]),
    ("key_not_on_curve", &[("key: InvalidPublicKey", 1)]),
    ("key_of_another", &[("Invalid", 1)]),
    ("key_parity_ignored", &[("Invalid", 1)]),
    ("keys_swapped", &[("Invalid", 1)]),
    ("message_bit", &[("Invalid", 1)]),
    ("message_empty", &[("Length", 1)]),
    ("message_of_another", &[("Invalid", 1)]),
    ("message_too_long", &[("Length", 1)]),
    ("message_too_short", &[("Length", 1)]),
    ("nonce_at_infinity", &[("Invalid", 1)]),
    ("not_encrypted", &[("Invalid", 1)]),
    ("old_form_wrong_flag", &[("Invalid", 1)]),
    ("prefix_flipped", &[("Invalid", 2)]),
    ("randomness_bit", &[("Invalid", 1), ("Point", 2)]),
    ("randomness_of_another_signature", &[("Invalid", 1)]),
    ("s_negated", &[("Invalid", 1)]),
    ("s_zero", &[("Zero", 1)]),
    ("signature_bit", &[("Invalid", 3)]),
    ("signature_of_another_message", &[("Invalid", 1)]),
];

#[test]
fn verify() {
    check("adaptor_verify", 33, VERIFY, |case: &Verify| {
        let key = public_key(&case.public_key.0)?;
        let encryption_key = encryption_key(&case.encryption_key)?;
        let adaptor = adaptor(&case.adaptor_signature)?;
        adaptor.verify(&key, &encryption_key, Message::from_digest(sized(&case.message.0)?)).map_err(name)
    });
}

fn adaptor(bytes: &Hex) -> Result<AdaptorSignature, Refusal> {
    AdaptorSignature::from_slice(&bytes.0).map_err(name)
}

/// The file has the compressed point; ours is x-only, lifted to even y.
fn encryption_key(bytes: &Hex) -> Result<XOnlyPublicKey, Refusal> {
    let point =
        PublicKey::from_slice(&bytes.0).map_err(|error| format!("encryption key: {}", name(error)))?;
    let (key, parity) = point.x_only_public_key();
    assert_eq!(parity, Parity::Even);
    Ok(key)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decode {
    adaptor_signature: Hex,
}

const DECODE: &[Rule] = &[
    ("empty", &[("Length", 1)]),
    ("old_form_flag", &[("OldForm", 2)]),
    ("old_form_not_on_curve", &[("Point", 1)]),
    ("old_form_prefix", &[("OldForm", 2)]),
    ("old_form_s_equals_n", &[("NotBelowOrder", 1)]),
    ("prefix", &[("Point", 5)]),
    ("randomness_above_p", &[("Point", 1)]),
    ("randomness_at_infinity", &[("Point", 1)]),
    ("randomness_equals_p", &[("Point", 1)]),
    ("randomness_not_on_curve", &[("Point", 1)]),
    ("s_above_n", &[("NotBelowOrder", 2)]),
    ("s_equals_n", &[("NotBelowOrder", 1)]),
    ("too_long", &[("Length", 1)]),
    ("too_short", &[("Length", 2)]),
];

#[test]
fn decode() {
    check("adaptor_decode", 22, DECODE, |case: &Decode| adaptor(&case.adaptor_signature).map(|_| ()));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decrypt {
    public_key: Hex,
    message: Hex,
    decryption_secret: Hex,
    adaptor_signature: Hex,
}

const DECRYPT: &[Rule] = &[
    ("decryption_key_above_n", &[("InvalidSecretKey", 1)]),
    ("decryption_key_bit", &[("result: IncorrectSignature", 1)]),
    ("decryption_key_equals_n", &[("InvalidSecretKey", 1)]),
    ("decryption_key_of_another", &[("result: IncorrectSignature", 1)]),
    ("decryption_key_too_long", &[("Length", 1)]),
    ("decryption_key_too_short", &[("Length", 1)]),
    ("decryption_key_zero", &[("InvalidSecretKey", 1)]),
    ("prefix_flipped", &[("result: IncorrectSignature", 1)]),
    ("s_zero", &[("Zero", 1)]),
    ("signature_of_another_message", &[("result: IncorrectSignature", 1)]),
];

/// Refused means here: there is no decryption, or it is no signature ("result: …").
#[test]
fn decrypt() {
    check("adaptor_decrypt", 10, DECRYPT, |case: &Decrypt| {
        let adaptor = adaptor(&case.adaptor_signature)?;
        let key = public_key(&case.public_key.0)?;
        let message = Message::from_digest(sized(&case.message.0)?);
        let decryption_key = SecretKey::from_bytes(&sized(&case.decryption_secret.0)?).map_err(name)?;
        let signature = adaptor.decrypt(&decryption_key).map_err(name)?;
        SECP256K1
            .verify_schnorr(&signature, &message, &key)
            .map_err(|error| format!("result: {}", name(error)))
    });
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recover {
    encryption_key: Hex,
    adaptor_signature: Hex,
    signature: Hex,
}

const RECOVER: &[Rule] = &[
    ("prefix_flipped", &[(ACCEPT, 1)]),
    ("randomness_above_p", &[("Unrelated", 1)]),
    ("randomness_bit", &[("Unrelated", 1)]),
    ("s_above_n", &[("Unrelated", 1)]),
    ("s_bit", &[("result: another key", 1)]),
    ("s_equals_n", &[("Unrelated", 1)]),
    ("s_not_decrypted", &[("Unrelated", 1)]),
    ("s_zero", &[("result: another key", 1)]),
    ("signature_of_another_message", &[("Unrelated", 1)]),
    ("signature_too_long", &[("InvalidSignature", 1)]),
    ("signature_too_short", &[("InvalidSignature", 1)]),
];

/// Refused means here: no key is recovered, or it is not the encryption key's ("result: …").
#[test]
fn recover() {
    check("adaptor_recover", 11, RECOVER, |case: &Recover| {
        let signature = schnorr::Signature::from_slice(&case.signature.0).map_err(name)?;
        let recovered = adaptor(&case.adaptor_signature)?.recover(&signature).map_err(name)?;
        if *recovered.public_key() == encryption_key(&case.encryption_key)? {
            Ok(())
        } else {
            Err("result: another key".to_owned())
        }
    });
}
