//! Proofs of possession: their parsers, untrusted proofs, sound proofs that are changed, and account
//! addresses.
#![no_main]

use std::sync::LazyLock;

use bech32::{Bech32, Hrp};
use btcstake_fuzz::{Changes, change};
use eots::SecretKey;
use finality::{AccountAddress, InvalidAccountAddress, Operation, PossessionMessage, SigningContext};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use staking_scripts::ProofOfPossession;
use staking_scripts::bitcoin::Network;
use staking_scripts::possession::{Bip322Script, Bip322Signature, GivenProof, PopType};
use staking_scripts::testing::{ACCOUNT, key};

#[derive(Arbitrary, Debug)]
enum Input {
    /// Any bytes, as a message and as each type of signature.
    Bytes(Vec<u8>),
    /// A sound proof, its message and its signature changed.
    Changed { sample: u8, message: Changes, signature: Changes },
    /// An account.
    Account { prefix: String, bytes: Vec<u8>, upper: bool },
}

struct Sample {
    signed: PossessionMessage,
    proof: ProofOfPossession,
}

static KEY: LazyLock<SecretKey> = LazyLock::new(|| key("staker", 0));
static SAMPLES: LazyLock<Vec<Sample>> = LazyLock::new(|| {
    let address: AccountAddress = ACCOUNT.parse().unwrap();
    let context = SigningContext::consumer(Operation::StakerPop, "chain", ACCOUNT);
    let messages = [SigningContext::GENESIS, context]
        .map(|context| PossessionMessage::new(context, address.clone()).unwrap());
    let proofs = |signed: &PossessionMessage| {
        let bip322 =
            |script| ProofOfPossession::create_bip322(&KEY, signed, script, Network::Bitcoin).unwrap();
        [
            ProofOfPossession::create_bip340(&KEY, signed).unwrap(),
            ProofOfPossession::create_ecdsa(&KEY, signed).unwrap(),
            bip322(Bip322Script::P2wpkh),
            bip322(Bip322Script::P2tr),
        ]
    };
    let all = messages
        .iter()
        .flat_map(|signed| proofs(signed).map(|proof| Sample { signed: signed.clone(), proof }));
    all.collect()
});

fuzz_target!(|input: Input| match input {
    Input::Bytes(bytes) => untrusted(&bytes),
    Input::Changed { sample, message, signature } => changed(sample, &message, &signature),
    Input::Account { prefix, bytes, upper } => account(&prefix, &bytes, upper),
});

fn parse(proof_type: PopType, bytes: &[u8]) -> Option<ProofOfPossession> {
    let proof = ProofOfPossession::from_signature_bytes(proof_type, bytes).ok()?;
    assert_eq!(proof.proof_type(), proof_type);
    assert_eq!(
        ProofOfPossession::from_signature_bytes(proof_type, &proof.signature_bytes()),
        Ok(proof.clone())
    );
    if proof_type != PopType::Bip322 {
        assert_eq!(proof.signature_bytes(), bytes);
    }
    Some(proof)
}

fn parse_message(bytes: &[u8]) -> Option<ProofOfPossession> {
    let proof = ProofOfPossession::from_protobuf(bytes).ok()?;
    assert_eq!(ProofOfPossession::from_protobuf(&proof.to_protobuf()), Ok(proof.clone()));
    assert_eq!(parse(proof.proof_type(), &proof.signature_bytes()), Some(proof.clone()));
    Some(proof)
}

fn untrusted(bytes: &[u8]) {
    let types = [PopType::Bip340, PopType::Bip322, PopType::Ecdsa];
    let simple = Bip322Signature::from_simple(bytes, KEY.public_key(), Network::Bitcoin).ok();
    let simple = simple.map(|signature| {
        assert_eq!(signature.to_simple(), bytes);
        ProofOfPossession::Bip322(signature)
    });
    let text = String::from_utf8_lossy(bytes);
    let given = GivenProof::from_text(&text).ok().into_iter().chain([GivenProof::from_bytes(bytes.to_vec())]);
    for given in given {
        for kind in types {
            if let Ok(proof) = given.read(kind, KEY.public_key(), Network::Bitcoin) {
                assert_eq!(proof.proof_type(), kind);
                for sample in SAMPLES.iter() {
                    assert!(proof.verify(KEY.public_key(), &sample.signed).is_err());
                }
            }
        }
    }
    for proof in
        types.into_iter().filter_map(|kind| parse(kind, bytes)).chain(parse_message(bytes)).chain(simple)
    {
        for sample in SAMPLES.iter() {
            assert!(proof.verify(KEY.public_key(), &sample.signed).is_err());
        }
    }
    if let Ok(text) = core::str::from_utf8(bytes)
        && let Ok(address) = text.parse::<AccountAddress>()
    {
        let lower = text.to_lowercase();
        assert_eq!((address.as_str(), address.to_string().as_str()), (lower.as_str(), lower.as_str()));
        assert!(lower.starts_with(&format!("{}1", address.prefix())));
    }
}

/// Whatever is changed, what verifies is the same signature; in ECDSA the header's kind of key may be the
/// other.
fn changed(sample: u8, message: &Changes, signature: &Changes) {
    let Sample { signed, proof } = &SAMPLES[usize::from(sample) % SAMPLES.len()];
    let mut bytes = proof.to_protobuf();
    change(&mut bytes, message);
    let mut signature_bytes = proof.signature_bytes();
    change(&mut signature_bytes, signature);
    for other in [parse_message(&bytes), parse(proof.proof_type(), &signature_bytes)].into_iter().flatten() {
        for (number, sample) in SAMPLES.iter().enumerate() {
            if other.verify(KEY.public_key(), &sample.signed).is_ok() {
                assert_eq!(&sample.signed, signed, "verifies for sample {number}");
                match (&other, proof) {
                    (ProofOfPossession::Ecdsa(other), ProofOfPossession::Ecdsa(proof)) => {
                        assert_eq!(other.to_bytes()[1..], proof.to_bytes()[1..]);
                    }
                    _ => assert_eq!(&other, proof),
                }
            }
        }
        if other == *proof {
            other.verify(KEY.public_key(), signed).unwrap();
        }
        assert!(other.verify(key("else", 0).public_key(), signed).is_err());
    }
}

fn account(prefix: &str, bytes: &[u8], upper: bool) {
    let Ok(hrp) = Hrp::parse(prefix) else { return };
    let Ok(mut text) = bech32::encode_lower::<Bech32>(hrp, bytes) else { return };
    let lower = text.clone();
    if upper {
        text = text.to_uppercase();
    }
    match text.parse::<AccountAddress>() {
        Ok(address) => {
            assert_eq!((address.as_str(), address.as_bytes()), (lower.as_str(), bytes));
            assert_eq!(address.prefix(), prefix.to_lowercase());
            assert_eq!(
                PossessionMessage::new(SigningContext::GENESIS, address).is_ok(),
                prefix.to_lowercase() == "bbn"
            );
        }
        Err(InvalidAccountAddress::Length(length)) => {
            assert!(length == bytes.len() && !matches!(length, 20 | 32));
        }
        // Of witness version 0, by chance.
        Err(InvalidAccountAddress::SegwitAddress(_)) => assert!(!matches!(bytes.len(), 20 | 32)),
        Err(other) => panic!("{text}: {other}"),
    }
}
