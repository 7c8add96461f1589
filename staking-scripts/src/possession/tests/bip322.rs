//! BIP-322: published signatures, and signatures that the library accepts and that are not proofs of
//! possession.

use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use bitcoin::hashes::Hash;
use bitcoin::secp256k1::{Keypair, Message, SECP256K1};
use bitcoin::{Address, Network, PrivateKey, Witness};
use eots::SecretKey;

use super::{SCRIPTS, genesis, key};
use crate::possession::{Bip322Script, Bip322Signature, PopType, PossessionError, ProofOfPossession};

fn witness_of(signature: &Bip322Signature) -> Witness {
    bitcoin::consensus::deserialize(&signature.to_simple()).unwrap()
}

/// Returns a proof of this witness and this address, valid or not.
fn simple(address: &Address, witness: &Witness) -> ProofOfPossession {
    let protobuf = [
        &[0x0a, u8::try_from(address.to_string().len()).unwrap()],
        address.to_string().as_bytes(),
        &[0x12, u8::try_from(bitcoin::consensus::serialize(witness).len()).unwrap()],
        &bitcoin::consensus::serialize(witness),
    ]
    .concat();
    ProofOfPossession::from_signature_bytes(PopType::Bip322, &protobuf).unwrap()
}

/// Returns a signature by the right key over the right message, with another sighash type.
#[test]
fn bip322_refuses_other_sighash_types() {
    use bitcoin::key::TapTweak;
    use bitcoin::sighash::{EcdsaSighashType, Prevouts, SighashCache, TapSighashType};
    let (key, message) = (key("sighash"), genesis());
    for script in SCRIPTS {
        let ProofOfPossession::Bip322(made) =
            ProofOfPossession::create_bip322(&key, &message, script, Network::Bitcoin).unwrap()
        else {
            panic!()
        };
        let address = made.address();
        let to_spend = ::bip322::create_to_spend(address, message.text()).unwrap();
        let to_sign =
            ::bip322::create_to_sign(&to_spend, None, ::bip322::LockParams::default()).unwrap().unsigned_tx;
        let mut cache = SighashCache::new(&to_sign);
        let keypair = key.lend(|secret| Keypair::from_secret_key(SECP256K1, secret));
        let sign = |cache: &mut SighashCache<_>, byte: u8, ends: bool| match script {
            Bip322Script::P2wpkh => {
                let sighash_type = EcdsaSighashType::from_standard(byte.into()).unwrap();
                let spent = &to_spend.output[0];
                let sighash =
                    cache.p2wpkh_signature_hash(0, &spent.script_pubkey, spent.value, sighash_type).unwrap();
                let message = Message::from_digest(sighash.to_byte_array());
                let mut signature =
                    SECP256K1.sign_ecdsa(&message, &keypair.secret_key()).serialize_der().to_vec();
                signature.push(byte);
                Witness::from_slice(&[signature, keypair.public_key().serialize().to_vec()])
            }
            Bip322Script::P2tr => {
                let sighash_type = TapSighashType::from_consensus_u8(byte).unwrap();
                let prevouts = Prevouts::All(&to_spend.output);
                let sighash = cache.taproot_key_spend_signature_hash(0, &prevouts, sighash_type).unwrap();
                let message = Message::from_digest(sighash.to_byte_array());
                let tweaked = keypair.tap_tweak(SECP256K1, None).to_keypair();
                let mut signature =
                    SECP256K1.sign_schnorr_no_aux_rand(&message, &tweaked).serialize().to_vec();
                if ends {
                    signature.push(byte);
                }
                Witness::from_slice(&[signature])
            }
        };
        let verdict = |witness: &Witness| simple(address, witness).verify(key.public_key(), &message);
        assert_eq!(verdict(&sign(&mut cache, 0x01, true)), Ok(()));
        for byte in [0x02, 0x03, 0x81, 0x82, 0x83] {
            assert_eq!(
                verdict(&sign(&mut cache, byte, true)),
                Err(PossessionError::SighashType(byte)),
                "{script:?}"
            );
        }
        if script == Bip322Script::P2tr {
            assert_eq!(verdict(&sign(&mut cache, 0, false)), Ok(()));
            // Bitcoin refuses an explicit SIGHASH_DEFAULT. The library accepts it.
            let explicit = sign(&mut cache, 0, true);
            assert_eq!(verdict(&explicit), Err(PossessionError::SighashType(0)));
            assert!(::bip322::verify_simple(address, message.text(), explicit).is_ok());
        }
    }
}

/// Signatures that the BIP-322 library accepts, and that are not proofs of possession.
#[test]
fn bip322_refuses_other_scripts() {
    let (key, message) = (key("scripts"), genesis());
    let keypair = key.lend(|secret| Keypair::from_secret_key(SECP256K1, secret));
    let private = PrivateKey::new(keypair.secret_key(), Network::Bitcoin);
    let public = bitcoin::CompressedPublicKey(keypair.public_key());
    // P2SH around P2WPKH: the same witness, and the library verifies it.
    let nested = Address::p2shwpkh(&public, Network::Bitcoin);
    let signed =
        ::bip322::sign_full(&nested, message.text(), &[private], None, ::bip322::LockParams::default())
            .unwrap();
    let proof = simple(&nested, &signed.input[0].witness);
    assert_eq!(proof.verify(key.public_key(), &message), Err(PossessionError::UnsupportedAddress(nested)));
    // P2PKH.
    let legacy = Address::p2pkh(public, Network::Bitcoin);
    let proof = simple(&legacy, &Witness::from_slice(&[[1; 71].as_slice(), &public.to_bytes()]));
    assert_eq!(proof.verify(key.public_key(), &message), Err(PossessionError::UnsupportedAddress(legacy)));
    // A multisig of which the key is one: P2WSH.
    let script = bitcoin::script::Builder::new()
        .push_int(1)
        .push_key(&bitcoin::PublicKey::new(keypair.public_key()))
        .push_int(1)
        .push_opcode(bitcoin::opcodes::all::OP_CHECKMULTISIG)
        .into_script();
    let multisig = Address::p2wsh(&script, Network::Bitcoin);
    let witness = ::bip322::sign_simple(&multisig, message.text(), &[private], Some(&script)).unwrap();
    assert!(::bip322::verify_simple(&multisig, message.text(), witness.clone()).is_ok());
    assert_eq!(
        simple(&multisig, &witness).verify(key.public_key(), &message),
        Err(PossessionError::UnsupportedAddress(multisig))
    );
    // Taproot through a script path or with an annex; P2WPKH with another element.
    for script in SCRIPTS {
        let proof = ProofOfPossession::create_bip322(&key, &message, script, Network::Bitcoin).unwrap();
        let ProofOfPossession::Bip322(signature) = proof else { panic!() };
        let mut witness = witness_of(&signature);
        witness.push([0x50]);
        let items = witness.len();
        assert_eq!(
            simple(signature.address(), &witness).verify(key.public_key(), &message),
            Err(PossessionError::WitnessItems(items))
        );
    }
}

/// A Taproot output of the key without BIP-86's tweak, and a witness of another key.
#[test]
fn bip322_refuses_addresses_of_other_keys() {
    let (other, message, key) = (key("other"), genesis(), key("mine"));
    for script in SCRIPTS {
        let of =
            |key| match ProofOfPossession::create_bip322(key, &message, script, Network::Bitcoin).unwrap() {
                ProofOfPossession::Bip322(signature) => signature,
                _ => panic!(),
            };
        let (mine, theirs) = (of(&key), of(&other));
        let error = ProofOfPossession::Bip322(theirs.clone()).verify(key.public_key(), &message).unwrap_err();
        assert!(matches!(error, PossessionError::OtherAddress { .. }), "{error}");
        // The key's witness with the other key's address, and the reverse.
        assert!(simple(theirs.address(), &witness_of(&mine)).verify(key.public_key(), &message).is_err());
        assert!(simple(mine.address(), &witness_of(&theirs)).verify(key.public_key(), &message).is_err());
    }
    // The address of the bare internal key, without BIP-86's tweak.
    let bare = Address::p2tr_tweaked(
        bitcoin::key::TweakedPublicKey::dangerous_assume_tweaked(*key.public_key()),
        Network::Bitcoin,
    );
    let error =
        simple(&bare, &Witness::from_slice(&[[1; 64]])).verify(key.public_key(), &message).unwrap_err();
    assert!(matches!(error, PossessionError::OtherAddress { .. }), "{error}");
}

/// The signatures of BIP-322's own test vectors that are of the two kinds of addresses, and those that
/// Bitcoin Core's and bip322-js's tests have for the same key.
#[test]
fn bip322_verifies_published_signatures() {
    const WIF: &str = "L3VFeEujGtevx9w18HD1fhRbCH67Az2dpCymeRE1SoPK6XQtaN2k";
    let private = PrivateKey::from_wif(WIF).unwrap();
    let key = SecretKey::from_bytes(&private.inner.secret_bytes()).unwrap();
    let public = key.public_key();
    let read = |text: &str| {
        Bip322Signature::from_simple(&BASE64_STANDARD.decode(text).unwrap(), public, Network::Bitcoin)
            .unwrap()
    };
    let (segwit, taproot) = (
        "bc1q9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0l",
        "bc1ppv609nr0vr25u07u95waq5lucwfm6tde4nydujnu8npg4q75mr5sxq8lt3",
    );
    // Address, message, signature, and whether it is the deterministic one.
    let published = [
        (
            segwit,
            "",
            "AkcwRAIgM2gBAQqvZX15ZiysmKmQpDrG83avLIT492QBzLnQIxYCIBaTpOaD20qRlEylyxFSeEA2ba9YOixpX8z46TSDtS40ASECx/EgAxlkQpQ9hYjgGu6EBCPMVPwVIVJqO4XCsMvViHI=",
            false,
        ),
        (
            segwit,
            "",
            "AkgwRQIhAPkJ1Q4oYS0htvyuSFHLxRQpFAY56b70UvE7Dxazen0ZAiAtZfFz1S6T6I23MWI2lK/pcNTWncuyL8UL+oMdydVgzAEhAsfxIAMZZEKUPYWI4BruhAQjzFT8FSFSajuFwrDL1Yhy",
            true,
        ),
        (
            segwit,
            "Hello World",
            "AkcwRAIgZRfIY3p7/DoVTty6YZbWS71bc5Vct9p9Fia83eRmw2QCICK/ENGfwLtptFluMGs2KsqoNSk89pO7F29zJLUx9a/sASECx/EgAxlkQpQ9hYjgGu6EBCPMVPwVIVJqO4XCsMvViHI=",
            false,
        ),
        (
            segwit,
            "Hello World",
            "AkgwRQIhAOzyynlqt93lOKJr+wmmxIens//zPzl9tqIOua93wO6MAiBi5n5EyAcPScOjf1lAqIUIQtr3zKNeavYabHyR8eGhowEhAsfxIAMZZEKUPYWI4BruhAQjzFT8FSFSajuFwrDL1Yhy",
            true,
        ),
        (
            taproot,
            "Hello World",
            "AUHd69PrJQEv+oKTfZ8l+WROBHuy9HKrbFCJu7U1iK2iiEy1vMU5EfMtjc+VSHM7aU0SDbak5IUZRVno2P5mjSafAQ==",
            // SIGHASH_ALL, where ours has SIGHASH_DEFAULT.
            false,
        ),
    ];
    for (address, message, text, deterministic) in published {
        let signature = read(text);
        assert_eq!(signature.address().to_string(), address);
        assert_eq!(signature.verify(public, message), Ok(()));
        assert!(signature.verify(public, &format!("{message}.")).is_err());
        if deterministic {
            let made = Bip322Signature::create(&key, message, Bip322Script::P2wpkh, Network::Bitcoin);
            assert_eq!(made.unwrap(), signature);
        }
    }
}

/// Verifiers of wallets take no P2TR proof of 65 bytes. The signature is the same bytes each time, over the
/// sighash of BIP-341 with SIGHASH_DEFAULT.
#[test]
fn bip322_of_taproot_has_64_bytes_and_65_are_read() {
    use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
    let (key, message) = (key("default"), genesis());
    let create = || ProofOfPossession::create_bip322(&key, &message, Bip322Script::P2tr, Network::Bitcoin);
    let ProofOfPossession::Bip322(made) = create().unwrap() else { panic!() };
    let witness = witness_of(&made);
    assert_eq!((witness.len(), witness.nth(0).unwrap().len(), made.to_simple().len()), (1, 64, 66));
    assert_eq!(create().unwrap(), ProofOfPossession::Bip322(made.clone()));
    let to_spend = ::bip322::create_to_spend(made.address(), message.text()).unwrap();
    let to_sign = ::bip322::create_to_sign(&to_spend, None, ::bip322::LockParams::default()).unwrap();
    let sighash = SighashCache::new(&to_sign.unsigned_tx)
        .taproot_key_spend_signature_hash(0, &Prevouts::All(&to_spend.output), TapSighashType::Default)
        .unwrap();
    let signature = bitcoin::secp256k1::schnorr::Signature::from_slice(witness.nth(0).unwrap()).unwrap();
    let output_key = bitcoin::XOnlyPublicKey::from_slice(&made.address().script_pubkey().as_bytes()[2..]);
    let digest = Message::from_digest(sighash.to_byte_array());
    SECP256K1.verify_schnorr(&signature, &digest, &output_key.unwrap()).unwrap();
    // The library's own, with SIGHASH_ALL.
    let private = key.lend(|secret| PrivateKey::new(*secret, Network::Bitcoin));
    let longer = ::bip322::sign_simple(made.address(), message.text(), &[private], None).unwrap();
    assert_eq!(longer.nth(0).unwrap().len(), 65);
    assert_eq!(simple(made.address(), &longer).verify(key.public_key(), &message), Ok(()));
}

/// A nested wallet's simple proof has the form of P2WPKH, so only its verification tells them apart.
#[test]
fn bip322_names_the_nested_address_of_a_simple_proof() {
    let (key, message) = (key("nested"), genesis());
    let private = key.lend(|secret| PrivateKey::new(*secret, Network::Bitcoin));
    let public = bitcoin::CompressedPublicKey(key.lend(|secret| secret.public_key(SECP256K1)));
    let nested = Address::p2shwpkh(&public, Network::Bitcoin);
    let witness = ::bip322::sign_simple(&nested, message.text(), &[private], None).unwrap();
    let read = |network| {
        let bytes = bitcoin::consensus::serialize(&witness);
        let signature = Bip322Signature::from_simple(&bytes, key.public_key(), network).unwrap();
        ProofOfPossession::Bip322(signature).verify(key.public_key(), &message).unwrap_err()
    };
    assert_eq!(
        read(Network::Bitcoin).to_string(),
        format!(
            "the proof is of the address {nested}, which is P2SH (nested SegWit); must be of a P2WPKH or P2TR address"
        )
    );
    let elsewhere = Address::p2shwpkh(&public, Network::Signet);
    assert_eq!(read(Network::Signet), PossessionError::UnsupportedAddress(elsewhere));
    // One that nobody signed is not called nested.
    let mut other = witness.to_vec();
    other[0][10] ^= 1;
    let error = simple(&Address::p2wpkh(&public, Network::Bitcoin), &Witness::from_slice(&other))
        .verify(key.public_key(), &message);
    assert!(matches!(error, Err(PossessionError::Bip322(_))), "{error:?}");
}
