//! Proofs of possession: round trips, published signatures, and signatures that must be refused.

mod bip322;
mod given;

use bitcoin::Network;
use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use bitcoin::hashes::{Hash, sha256};
use bitcoin::hex::DisplayHex;
use bitcoin::secp256k1::{Message, Parity, SECP256K1};
use finality::{AccountAddress, SigningContext};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::*;

const ADDRESS: &str = "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm";
const SCRIPTS: [Bip322Script; 2] = [Bip322Script::P2wpkh, Bip322Script::P2tr];

fn key(name: &str) -> SecretKey {
    SecretKey::from_bytes(&sha256::Hash::hash(name.as_bytes()).to_byte_array()).unwrap()
}

fn address(prefix: &str, bytes: &[u8]) -> AccountAddress {
    bech32::encode::<bech32::Bech32>(bech32::Hrp::parse(prefix).unwrap(), bytes).unwrap().parse().unwrap()
}

fn genesis() -> PossessionMessage {
    PossessionMessage::new(SigningContext::GENESIS, ADDRESS.parse().unwrap()).unwrap()
}

fn context(name: &str) -> SigningContext {
    sha256::Hash::hash(name.as_bytes()).to_string().parse().unwrap()
}

/// Returns one proof of each type, BIP-322 with both addresses.
fn all(key: &SecretKey, message: &PossessionMessage) -> Vec<ProofOfPossession> {
    let mut proofs = vec![
        ProofOfPossession::create_bip340(key, message).unwrap(),
        ProofOfPossession::create_ecdsa(key, message).unwrap(),
    ];
    proofs.extend(
        SCRIPTS
            .map(|script| ProofOfPossession::create_bip322(key, message, script, Network::Bitcoin).unwrap()),
    );
    proofs
}

proptest! {
    /// Odd and even keys, accounts of both lengths, with and without a context, through bytes and back.
    #[test]
    fn proof_verifies_for_each_type(
        secret in any::<[u8; 32]>(),
        account in any::<[u8; 32]>(),
        is_long in any::<bool>(),
        name in "[a-z]{0,8}",
        odd in any::<bool>(),
    ) {
        let Ok(key) = SecretKey::from_bytes(&secret) else { return Ok(()) };
        let key = key.with_parity(if odd { Parity::Odd } else { Parity::Even });
        let account = address("bbn", if is_long { &account } else { &account[..20] });
        let here = PossessionMessage::new(SigningContext::GENESIS, account.clone()).unwrap();
        let there = PossessionMessage::new(context(&name), account).unwrap();
        for (message, other) in [(&here, &there), (&there, &here)] {
            for proof in all(&key, message) {
                prop_assert_eq!(proof.verify(key.public_key(), message), Ok(()));
                prop_assert!(proof.verify(key.public_key(), other).is_err());
                prop_assert_eq!(ProofOfPossession::from_protobuf(&proof.to_protobuf()), Ok(proof.clone()));
                let bytes = proof.signature_bytes();
                let again = ProofOfPossession::from_signature_bytes(proof.proof_type(), &bytes);
                prop_assert_eq!(again, Ok(proof.clone()));
                if let ProofOfPossession::Bip322(signature) = &proof {
                    let simple = signature.to_simple();
                    let again = Bip322Signature::from_simple(&simple, key.public_key(), Network::Bitcoin);
                    prop_assert_eq!(again, Ok(signature.clone()));
                }
            }
            let (shown, secret) = (format!("{:?}", all(&key, message)), key.to_bytes().to_lower_hex_string());
            prop_assert!(!shown.contains(&secret));
            // The same each time.
            prop_assert_eq!(all(&key, message), all(&key, message));
        }
    }

    /// Any bytes give an error and no panic.
    #[test]
    fn proof_of_any_bytes_is_an_error(
        bytes in proptest::collection::vec(any::<u8>(), 0..120),
        first in 0u8..4,
    ) {
        let key = key("garbage");
        let shaped = [&[first], bytes.as_slice()].concat();
        for bytes in [&bytes, &shaped] {
            for proof_type in [PopType::Bip340, PopType::Bip322, PopType::Ecdsa] {
                if let Ok(proof) = ProofOfPossession::from_signature_bytes(proof_type, bytes) {
                    prop_assert!(proof.verify(key.public_key(), &genesis()).is_err());
                }
            }
            if let Ok(proof) = ProofOfPossession::from_protobuf(bytes) {
                prop_assert!(proof.verify(key.public_key(), &genesis()).is_err());
            }
            if let Ok(signature) = Bip322Signature::from_simple(bytes, key.public_key(), Network::Regtest) {
                let proof = ProofOfPossession::Bip322(signature);
                prop_assert!(proof.verify(key.public_key(), &genesis()).is_err());
            }
        }
    }
}

#[test]
fn proof_with_a_flipped_bit_is_refused() {
    let (key, message) = (key("flipped"), genesis());
    let flipped = |bytes: &[u8]| {
        let bytes = bytes.to_vec();
        (0..bytes.len() * 8).map(move |bit| {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes
        })
    };
    for proof in all(&key, &message) {
        let signature = proof.signature_bytes();
        let mut accepted = Vec::new();
        for bytes in flipped(&signature) {
            if ProofOfPossession::from_signature_bytes(proof.proof_type(), &bytes)
                .is_ok_and(|proof| proof.verify(key.public_key(), &message).is_ok())
            {
                accepted.push(bytes);
            }
        }
        match proof {
            // Headers 31 and 27 differ in whether the key is compressed, which does not matter for an x-only
            // key.
            ProofOfPossession::Ecdsa(_) if signature[0] == 31 => {
                assert_eq!(accepted, [[&[27], &signature[1..]].concat()]);
            }
            _ => assert_eq!(accepted, Vec::<Vec<u8>>::new(), "{:?}", proof.proof_type()),
        }
        for bytes in flipped(message.address().as_bytes()) {
            let other = PossessionMessage::new(SigningContext::GENESIS, address("bbn", &bytes)).unwrap();
            assert!(proof.verify(key.public_key(), &other).is_err());
        }
        let mut keys = 0;
        for bytes in flipped(&key.public_key().serialize()) {
            if let Ok(other) = XOnlyPublicKey::from_slice(&bytes) {
                keys += 1;
                assert!(proof.verify(&other, &message).is_err());
            }
        }
        assert!(keys > 80, "{keys}");
    }
}

#[test]
fn proof_of_another_context_prefix_or_type_is_refused() {
    let key = key("contexts");
    let message =
        |name: &str, prefix: &str| PossessionMessage::new(context(name), address(prefix, &[7; 20])).unwrap();
    for proof in all(&key, &message("a", "bbn")) {
        assert_eq!(proof.verify(key.public_key(), &message("a", "bbn")), Ok(()));
        assert!(proof.verify(key.public_key(), &message("b", "bbn")).is_err());
        // BIP-340 signs the bytes of the address, the others its text.
        let prefix_signed = proof.proof_type() != PopType::Bip340;
        assert_eq!(proof.verify(key.public_key(), &message("a", "osmo")).is_err(), prefix_signed);
        for proof_type in [PopType::Bip340, PopType::Bip322, PopType::Ecdsa] {
            if proof_type != proof.proof_type() {
                assert!(
                    ProofOfPossession::from_signature_bytes(proof_type, &proof.signature_bytes()).is_err()
                );
            }
        }
    }
    assert_eq!(
        PossessionMessage::new(SigningContext::GENESIS, address("osmo", &[7; 20])).unwrap_err().to_string(),
        "the account osmo1qurswpc8qurswpc8qurswpc8qurswpc8mg52kn is not one of Babylon Genesis; must begin with bbn1, \
         or a consumer chain's signing context must be given"
    );
}

/// The messages, computed independently.
#[test]
fn possession_message_has_the_context_before_the_account() {
    let (key, context) = (key("messages"), context("c"));
    let message = PossessionMessage::new(context, ADDRESS.parse().unwrap()).unwrap();
    let text = format!("{context}{ADDRESS}");
    assert_eq!(text.len(), 64 + ADDRESS.len());

    let raw = [context.to_string().as_bytes(), message.address().as_bytes()].concat();
    let digest = Message::from_digest(sha256::Hash::hash(&raw).to_byte_array());
    let ProofOfPossession::Bip340(signature) = ProofOfPossession::create_bip340(&key, &message).unwrap()
    else {
        panic!()
    };
    SECP256K1.verify_schnorr(&signature, &digest, key.public_key()).unwrap();

    let varstr = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let magic = [varstr("Bitcoin Signed Message:\n"), varstr(&text)].concat();
    let digest = Message::from_digest(bitcoin::hashes::sha256d::Hash::hash(&magic).to_byte_array());
    let ProofOfPossession::Ecdsa(signature) = ProofOfPossession::create_ecdsa(&key, &message).unwrap() else {
        panic!()
    };
    let standard = bitcoin::secp256k1::ecdsa::Signature::from_compact(&signature.to_bytes()[1..]).unwrap();
    SECP256K1.verify_ecdsa(&digest, &standard, &key.lend(|secret| secret.public_key(SECP256K1))).unwrap();

    for script in SCRIPTS {
        let proof = ProofOfPossession::create_bip322(&key, &message, script, Network::Signet).unwrap();
        let ProofOfPossession::Bip322(signature) = proof else { panic!() };
        let encoded = BASE64_STANDARD.encode(signature.to_simple());
        ::bip322::verify_simple_encoded(&signature.address().to_string(), &text, &encoded).unwrap();
    }
}

/// `r ‖ n − s` with the other recovery id is a signature by the same key, unless the low s is required.
#[test]
fn ecdsa_refuses_a_high_s() {
    let (key, message) = (key("malleable"), genesis());
    let ProofOfPossession::Ecdsa(signature) = ProofOfPossession::create_ecdsa(&key, &message).unwrap() else {
        panic!()
    };
    let mut bytes = signature.to_bytes();
    let s = bitcoin::secp256k1::SecretKey::from_slice(&bytes[33..]).unwrap().negate();
    bytes[33..].copy_from_slice(&s.secret_bytes());
    bytes[0] = ((bytes[0] - 27) ^ 1) + 27;
    let high = CompactSignature::from_bytes(bytes);
    let text = message.text();
    let recovered = bitcoin::sign_message::MessageSignature::from_slice(&bytes)
        .unwrap()
        .recover_pubkey(SECP256K1, bitcoin::sign_message::signed_msg_hash(&text))
        .unwrap();
    assert_eq!(recovered.inner.x_only_public_key().0, *key.public_key());
    assert_eq!(high.verify(key.public_key(), &text), Err(PossessionError::HighS));
}

#[test]
fn ecdsa_recovery_headers_are_27_to_34() {
    let (key, message) = (key("headers"), genesis());
    let ProofOfPossession::Ecdsa(signature) = ProofOfPossession::create_ecdsa(&key, &message).unwrap() else {
        panic!()
    };
    let mut bytes = signature.to_bytes();
    let header = bytes[0];
    assert!(header == 31 || header == 32);
    for other in 0..=255 {
        bytes[0] = other;
        let verdict = CompactSignature::from_bytes(bytes).verify(key.public_key(), &message.text());
        match other {
            _ if other == header || other == header - 4 => assert_eq!(verdict, Ok(())),
            27..=34 => assert!(verdict.is_err()),
            _ => assert_eq!(verdict, Err(PossessionError::RecoveryHeader(other))),
        }
    }
    for (r, s) in [([0; 32], [1; 32]), ([1; 32], [0; 32]), ([255; 32], [1; 32]), ([1; 32], [255; 32])] {
        let bytes = [&[31], r.as_slice(), &s].concat();
        let proof = ProofOfPossession::from_signature_bytes(PopType::Ecdsa, &bytes).unwrap();
        assert!(proof.verify(key.public_key(), &message).is_err());
    }
}

#[test]
fn proof_errors_name_malformed_signatures() {
    let key = key("malformed");
    let invalid = |proof_type, bytes: &[u8]| {
        ProofOfPossession::from_signature_bytes(proof_type, bytes).unwrap_err().to_string()
    };
    assert_eq!(invalid(PopType::Bip340, &[1; 63]), "the signature has 63 bytes; must have 64");
    assert_eq!(invalid(PopType::Ecdsa, &[1; 64]), "the signature has 64 bytes; must have 65");
    assert!(invalid(PopType::Bip322, b"ss").contains("protobuf"));
    assert!(invalid(PopType::Bip322, b"").contains("Bitcoin address"));
    let simple = |bytes: &[u8]| {
        Bip322Signature::from_simple(bytes, key.public_key(), Network::Bitcoin).unwrap_err().to_string()
    };
    assert!(simple(&[]).contains("witness"));
    assert!(simple(&[1, 1, 7, 0]).contains("witness"), "a byte after the witness");
    assert!(simple(&[0xfd, 1, 0, 1, 7]).contains("witness"), "a count in three bytes");
    assert!(simple(&[3, 1, 7, 1, 7, 1, 7]).contains("3 items"));
    assert!(simple(&[2, 1, 7, 1, 7]).contains("compressed public key"));
    assert!(simple(&[0]).contains("0 items"));
    let protobuf = [8, 3, 18, 1, 7];
    assert_eq!(
        ProofOfPossession::from_protobuf(&protobuf).unwrap_err().to_string(),
        "the type of the proof of possession is 3; must be 0 to 2"
    );
}

/// The vector that the reference has from a wallet's tests.
#[test]
fn ecdsa_verifies_a_published_signed_message() {
    let secret = "adce25dc25ef89f06a722abdc4b601d706c9efc6bc84075355e6b96ca3871621";
    let secret: [u8; 32] = bitcoin::hex::FromHex::from_hex(secret).unwrap();
    let key = SecretKey::from_bytes(&secret).unwrap();
    let signature =
        "IDtG3XPLpiKOp4PjTzCo/ng8gm4MFTTyHeh/DaPC1XYsYaj5Jr4h8dnxmwuJtNkPkH40rEfnrrO8fgZKNOIF5iM=";
    let signature =
        CompactSignature::from_bytes(BASE64_STANDARD.decode(signature).unwrap().try_into().unwrap());
    assert_eq!(CompactSignature::create(&key, "hello world").unwrap(), signature);
    assert_eq!(signature.verify(key.public_key(), "hello world"), Ok(()));
    assert!(signature.verify(key.public_key(), "hello worlds").is_err());
}
