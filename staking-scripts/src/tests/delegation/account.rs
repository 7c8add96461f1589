//! The staker's account in every form of a delegation: 20 or 32 bytes, in lower or upper case.

use bech32::{Bech32, Hrp};
use bitcoin::Network;
use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use finality::SigningContext;
use serde_json::Value;

use crate::delegation::{ChainMessage, ChainRules, Delegation, possession_from_json};
use crate::possession::{AccountAddress, Bip322Script, PopType, PossessionMessage, ProofOfPossession};
use crate::testing::{genesis, honest, key};
use crate::wire::{read_json, write_message};

/// An account of this many bytes.
fn account(length: u8) -> AccountAddress {
    let bytes: Vec<u8> = (0..length).collect();
    bech32::encode::<Bech32>(Hrp::parse("bbn").unwrap(), &bytes).unwrap().parse().unwrap()
}

/// A proof of each type for this account.
fn proofs(account: &AccountAddress) -> Vec<(PossessionMessage, ProofOfPossession)> {
    let staker = key("staker", 0);
    let message = PossessionMessage::new(SigningContext::GENESIS, account.clone()).unwrap();
    let bip322 =
        |script| ProofOfPossession::create_bip322(&staker, &message, script, Network::Bitcoin).unwrap();
    let all = [
        ProofOfPossession::create_bip340(&staker, &message).unwrap(),
        ProofOfPossession::create_ecdsa(&staker, &message).unwrap(),
        bip322(Bip322Script::P2wpkh),
        bip322(Bip322Script::P2tr),
    ];
    all.map(|proof| (message.clone(), proof)).to_vec()
}

/// A delegation's own JSON, and the proof by itself.
#[test]
fn account_of_20_or_32_bytes_is_in_an_accepted_delegation() {
    let (mut delegation, parameters) = honest(genesis());
    for length in [20, 32] {
        let account = account(length);
        for proven in proofs(&account) {
            delegation.proof_of_possession = Some(proven.clone());
            delegation.check_under(&parameters, None, ChainRules::MAINNET).unwrap();
            let text = delegation.to_json();
            let again = Delegation::from_json(&text).unwrap();
            assert_eq!(again, delegation);
            again.check_under(&parameters, None, ChainRules::MAINNET).unwrap();
            // In upper case the same; written in lower case.
            let upper = text.replace(account.as_str(), &account.as_str().to_uppercase());
            assert_ne!(upper, text);
            assert_eq!(Delegation::from_json(&upper).unwrap(), delegation);
            let alone: Value = serde_json::from_str(&upper).unwrap();
            assert_eq!(possession_from_json(&alone["proof_of_possession"].to_string()).unwrap(), proven);
            assert_eq!(Delegation::from_json(&upper).unwrap().to_json(), text);
        }
    }
}

#[test]
fn account_that_is_none_is_named_in_a_delegation() {
    let (delegation, _) = honest(genesis());
    let text = delegation.to_json();
    let (good, _) = delegation.proof_of_possession.as_ref().unwrap();
    let good = good.address().as_str();
    let error = |account: &str| {
        let error = Delegation::from_json(&text.replace(good, account)).unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(error.to_string().starts_with("proof_of_possession"), "{error}");
        cause
    };
    assert!(error(&good.replace("sm", "ms")).starts_with("the account address is mistyped"));
    assert!(error(&good.replace("bbn", "BBN")).contains("mixed"));
    assert!(error("bc1q9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0l").starts_with("a SegWit address"));
    let other = bech32::encode::<Bech32>(Hrp::parse("bbn").unwrap(), &[7; 21]).unwrap();
    assert!(error(&other).contains("holds 21 bytes"));
}

/// The message that registers a stake, as JSON of a node and as protobuf.
#[test]
fn account_of_20_or_32_bytes_is_read_from_the_chains_messages() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/vectors/node/samples/rest-tx-create-btc-delegation.json"
    );
    let sample: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let message = &sample["tx"]["body"]["messages"][0];
    let staker = key("staker", 0);
    for length in [20, 32] {
        let account = account(length);
        for (signed, proof) in proofs(&account) {
            for written in [account.to_string(), account.to_string().to_uppercase()] {
                let mut message = message.clone();
                message["staker_addr"] = written.into();
                message["btc_pk"] = staker.public_key().to_string().into();
                message["pop"]["btc_sig_type"] = match proof.proof_type() {
                    PopType::Bip340 => "BIP340".into(),
                    PopType::Bip322 => "BIP322".into(),
                    PopType::Ecdsa => "ECDSA".into(),
                };
                message["pop"]["btc_sig"] = BASE64_STANDARD.encode(proof.signature_bytes()).into();
                let text = message.to_string();
                let bytes = write_message(&read_json(&text).unwrap()[0]).unwrap().protobuf;
                let read = [
                    Delegation::from_chain_json(&text).unwrap(),
                    Delegation::from_any_json(&text).unwrap(),
                    Delegation::from_chain_protobuf(ChainMessage::Create, &bytes).unwrap(),
                ];
                for delegations in read {
                    let (message, read) = delegations[0].proof_of_possession.clone().unwrap();
                    assert_eq!((&message, &read), (&signed, &proof));
                    read.verify(staker.public_key(), &message).unwrap();
                }
            }
        }
    }
}

/// What a verifier prints beside its verdict is the proof by itself.
#[test]
fn possession_is_read_beside_a_verdict() {
    let proven = proofs(&account(20)).remove(3);
    let (mut delegation, _) = honest(genesis());
    delegation.proof_of_possession = Some(proven.clone());
    let own: Value = serde_json::from_str(&delegation.to_json()).unwrap();
    let mut verdict = serde_json::json!({
        "valid": true, "reason": null, "proof_of_possession": own["proof_of_possession"],
    });
    assert_eq!(possession_from_json(&verdict.to_string()).unwrap(), proven);
    verdict["proof_of_possession"]["signing_context"] = Value::Null;
    assert_eq!(possession_from_json(&verdict.to_string()).unwrap(), proven);
    let error = |verdict: &Value| {
        let error = possession_from_json(&verdict.to_string()).unwrap_err();
        std::error::Error::source(&error).unwrap().to_string()
    };
    let refused = "not a proof of possession: the verdict valid is false, or proof_of_possession is null";
    verdict["valid"] = false.into();
    assert_eq!(error(&verdict), refused);
    assert_eq!(error(&serde_json::json!({ "valid": true, "proof_of_possession": null })), refused);
    assert!(error(&serde_json::json!({ "valid": 1 })).starts_with("not a proof of possession: "));
}
