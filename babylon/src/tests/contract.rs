//! What is no message of a contract is refused, and the message that carries one.

use finality::{AccountAddress, ConsumerHeight, RandomnessCommitment, SignedCommitment};
use prost::Message as _;
use serde_json::{Value, json};

use crate::Message;
use crate::contract::{ContractKind, ContractMessage, FinalityContract, InvalidContractMessage};
use crate::proto::MsgExecuteContract;

const KEY: &str = "1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f";

fn contract(kind: ContractKind) -> FinalityContract {
    let address = "bbn15krhx7g8hpl9e7pfjgdl9zkt095hnzgvqv4dk3".parse().unwrap();
    FinalityContract { kind, chain_id: "bbn-1".to_owned(), address }
}

fn vote() -> Value {
    let bytes = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=";
    json!({ "submit_finality_signature": {
        "fp_pubkey_hex": KEY, "height": 7, "pub_rand": bytes, "block_hash": bytes, "signature": bytes,
        "proof": { "total": 1, "index": 0, "leaf_hash": bytes, "aunts": [] },
    } })
}

/// The message with one thing changed.
fn with(pointer: &str, value: Value) -> String {
    let mut message = vote();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let object = message.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        object.remove(name);
    } else {
        object.insert(name.to_owned(), value);
    }
    message.to_string()
}

#[test]
fn what_is_no_message_is_refused_and_says_why() {
    let rollup = contract(ContractKind::Rollup);
    assert!(rollup.read(&vote().to_string()).is_ok());
    let at = |name: &str| format!("/submit_finality_signature/{name}");
    let many = vec!["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE="; 101];
    let above = "//////////////////////////////////////////8=";
    for (message, needle) in [
        (String::new(), "not a message"),
        ("{}".to_owned(), "not a message"),
        ("[]".to_owned(), "not a message"),
        (json!({ "update_admin": { "admin": KEY } }).to_string(), "not a message"),
        (with(&at("fp_pubkey_hex"), json!("00")), "`fp_pubkey_hex` is \"00\""),
        (with(&at("fp_pubkey_hex"), json!("x".repeat(1000))), "an x-only public key in hex"),
        (with(&at("height"), json!("7")), "not a message"),
        (with(&at("height"), json!(-1)), "not a message"),
        (with(&at("pub_rand"), json!("AAA=")), "`pub_rand` is \"2 bytes\"; must be 32 bytes"),
        (with(&at("pub_rand"), json!("00")), "not a message"),
        (with(&at("block_hash"), Value::Null), "not a message"),
        (with(&at("block_app_hash"), json!("AAA=")), "not a message"),
        (with(&at("signature"), json!(above)), "must be below the group order"),
        (with(&at("proof/aunts"), json!(many)), "at most 100 hashes"),
        (with(&at("proof/aunts"), json!(["AAA="])), "`aunts` is \"2 bytes\""),
        (with(&at("proof/index"), Value::Null), "not a message"),
        (with(&at("l1_block_number"), json!(5)), "one is absent"),
        (with(&at("l1_block_hash_hex"), json!("00")), "one is absent"),
    ] {
        let refused = rollup.read(&message).unwrap_err().to_string();
        assert!(refused.contains(needle) && refused.len() < 300, "{message}: {refused}");
    }
    let mut settled = vote();
    settled["submit_finality_signature"]["l1_block_number"] = json!(5);
    settled["submit_finality_signature"]["l1_block_hash_hex"] = json!("00");
    let refused = rollup.read(&settled.to_string()).unwrap_err().to_string();
    assert!(refused.contains("64 hex digits"), "{refused}");
}

/// A vote that is signed for one contract is not told to another.
#[test]
fn a_vote_is_told_to_its_own_contract_only() {
    let own = contract(ContractKind::Cosmos);
    let message = own.read(&vote().to_string()).unwrap();
    assert!(
        matches!(&message, ContractMessage::Vote { vote, .. } if vote.message.height() == ConsumerHeight(7))
    );
    own.write(&message).unwrap();
    let elsewhere = FinalityContract { chain_id: "bbn-test-6".to_owned(), ..own };
    let refused = elsewhere.write(&message);
    assert!(matches!(refused, Err(InvalidContractMessage::OtherContract { .. })), "{refused:?}");
}

#[test]
fn the_message_that_carries_it_has_the_same_in_protobuf_and_json() {
    let signer: AccountAddress = "bbn1hxux9c0ngteslenm0tsngpgpyy0td89pjf7uqj".parse().unwrap();
    let contract = contract(ContractKind::Rollup);
    let commitment =
        RandomnessCommitment { start_height: ConsumerHeight(u64::MAX - 9), count: 3, root: [5; 32] };
    let signature = bitcoin::secp256k1::schnorr::Signature::from_slice(&[1; 64]).unwrap();
    let signed = SignedCommitment { commitment, signature };
    let told = ContractMessage::Commit { public_key: KEY.parse().unwrap(), signed };
    let message = Message::execute_contract(&signer, &contract, &told).unwrap();
    let read = MsgExecuteContract::decode(message.protobuf()).unwrap();
    assert_eq!(read.msg, contract.write(&told).unwrap().into_bytes());
    assert_eq!((read.sender, read.contract), (signer.to_string(), contract.address.to_string()));
    let json = message.to_json();
    assert_eq!(json["@type"], "/cosmwasm.wasm.v1.MsgExecuteContract");
    assert_eq!(serde_json::from_slice::<Value>(&read.msg).unwrap(), json["msg"]);
    // Numbers of 64 bits stay what they are.
    assert_eq!(json["msg"]["commit_public_randomness"]["start_height"], json!(u64::MAX - 9));
    assert_eq!(json["funds"], json!([]));
}
