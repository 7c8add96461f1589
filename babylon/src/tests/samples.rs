//! Transactions that a real node executed: made again of their content, each has its bytes, as its hash and
//! its signature tell.

use std::path::Path;

use ::bitcoin::hashes::{Hash as _, sha256};
use ::bitcoin::key::Secp256k1;
use ::bitcoin::secp256k1::{self, PublicKey};
use prost::Message as _;
use serde_json::Value;

use super::messages::{bytes, list, message, parsed, text};
use crate::proto;
use crate::{AccountState, Fee, Message, Transaction};

/// The chain of the samples.
const CHAIN_ID: &str = "bbn-dev-1";

fn sample(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/node/transactions");
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The account of the samples has a number that no answer shows: it is one of the first.
fn signed_for(doc: &proto::SignDoc, public_key: &PublicKey, signature: &[u8]) -> bool {
    let signature = secp256k1::ecdsa::Signature::from_compact(signature).unwrap();
    (0..20).any(|account_number| {
        let doc = proto::SignDoc { account_number, ..doc.clone() };
        let digest = sha256::Hash::hash(&doc.encode_to_vec()).to_byte_array();
        let message = secp256k1::Message::from_digest(digest);
        Secp256k1::verification_only().verify_ecdsa(&message, &signature, public_key).is_ok()
    })
}

/// Makes a sample's transaction again.
fn check(name: &str) {
    let sample = sample(name);
    let (body, auth) = (&sample["tx"]["body"], &sample["tx"]["auth_info"]);
    let messages = list(&body["messages"], message);
    let shown: Vec<_> = messages.iter().map(Message::to_json).collect();
    assert_eq!(Value::Array(shown), body["messages"], "{name}");
    let transaction = Transaction::new(messages);

    let coin = &auth["fee"]["amount"][0];
    let fee = Fee {
        amount: parsed(coin, "amount"),
        denom: text(coin, "denom").to_owned(),
        gas_limit: parsed(&auth["fee"], "gas_limit"),
    };
    let unsigned = transaction.to_unsigned_json(&fee);
    assert_eq!(unsigned["body"], *body, "{name}");
    assert_eq!(unsigned["auth_info"]["fee"], auth["fee"], "{name}");

    let signer = &auth["signer_infos"][0];
    let public_key = PublicKey::from_slice(&bytes(&signer["public_key"]["key"])).unwrap();
    let account =
        AccountState { chain_id: CHAIN_ID.to_owned(), number: 0, sequence: parsed(signer, "sequence") };
    let doc = transaction.sign_doc(public_key.serialize(), &account, &fee);
    let signature = bytes(&sample["tx"]["signatures"][0]);
    assert!(signed_for(&doc, &public_key, &signature), "{name}: another signature");
    let hash = crate::transaction::raw(doc, signature).hash();
    let answer = if sample["tx_response"].is_object() { &sample["tx_response"] } else { &sample };
    assert_eq!(hex::encode_upper(hash), text(answer, "txhash"), "{name}");
}

#[test]
fn what_a_node_executed_is_made_again_byte_for_byte() {
    for name in [
        "rest-tx-create-finality-provider.json",
        "../samples/rest-tx-create-btc-delegation.json",
        "rest-tx-commit-pubrand.json",
        "rest-tx-add-finality-sig.json",
        "rest-tx-equivocating-vote.json",
        "rest-tx-add-covenant-sigs.json",
        "rest-tx-add-covenant-sigs-quorum.json",
        "rest-tx-add-inclusion-proof.json",
        "rest-tx-btc-undelegate.json",
        "tx-equivocation-vote.json",
        "tx-undelegate-by-slashing.json",
        "tx-selective-slashing-evidence.json",
    ] {
        check(name);
    }
}

#[test]
fn a_secret_key_in_a_message_is_not_shown() {
    let sample = sample("tx-selective-slashing-evidence.json");
    let message = message(&sample["tx"]["body"]["messages"][0]);
    assert_eq!(
        format!("{message:?}"),
        format!("Message({}, {} bytes)", message.type_url(), message.protobuf().len())
    );
}
