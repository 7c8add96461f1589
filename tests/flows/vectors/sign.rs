//! Signatures: the same bytes from the same key and randomness, and the reference's verified.

use bitcoin::hashes::{Hash, sha256};
use bitcoin::secp256k1::{Message, SECP256K1, schnorr};
use eots::SecretRandomness;
use serde::Deserialize;

use super::{Bytes, Hex, YCoordinate, cases};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    secret_key: Bytes<32>,
    public_key: Bytes<32>,
    parity: YCoordinate,
    secret_randomness: Bytes<32>,
    public_randomness: Bytes<32>,
    randomness_parity: YCoordinate,
    message: Hex,
    signature: Bytes<32>,
}

#[test]
fn signatures_have_the_bytes_of_the_reference() {
    for (number, case) in cases::<Case>("sign", 305) {
        let key = case.secret_key.secret_key();
        assert_eq!(*key.public_key(), case.public_key.public_key(), "case {number}");
        assert_eq!(key.parity(), case.parity.into(), "case {number}");
        let randomness = || SecretRandomness::dangerous_from_bytes(&case.secret_randomness.0).unwrap();
        let public_randomness = case.public_randomness.public_randomness();
        assert_eq!(*randomness().public_randomness(), public_randomness, "case {number}");
        assert_eq!(
            case.secret_randomness.secret_key().parity(),
            case.randomness_parity.into(),
            "case {number}"
        );

        let signature = case.signature.signature();
        assert_eq!(eots::sign(&key, randomness(), &case.message.0).unwrap(), signature, "case {number}");
        assert_eq!(eots::sign_without_verifying(&key, randomness(), &case.message.0).unwrap(), signature);
        eots::verify(key.public_key(), &public_randomness, &case.message.0, &signature).unwrap();

        // Seen by libsecp256k1, it is a BIP-340 signature over the message's hash.
        let bip340 =
            schnorr::Signature::from_slice(&[case.public_randomness.0, case.signature.0].concat()).unwrap();
        let digest = Message::from_digest(sha256::Hash::hash(&case.message.0).to_byte_array());
        SECP256K1.verify_schnorr(&bip340, &digest, key.public_key()).unwrap();
    }
}
