//! Transactions that a real node executed: made again of their content, each has its bytes, as its hash and
//! its signature tell.

use std::path::Path;

use ::bitcoin::consensus::deserialize;
use ::bitcoin::hashes::{Hash as _, sha256};
use ::bitcoin::key::Secp256k1;
use ::bitcoin::secp256k1::{self, PublicKey, schnorr};
use ::bitcoin::{BlockHash, Txid};
use ::finality::{
    AccountAddress, ConsumerHeight, FinalityVote, RandomnessCommitment, RandomnessProof, SignedCommitment,
    SigningContext, VoteMessage,
};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use eots::{AdaptorSignature, PublicRandomness, SecretKey, Signature, XOnlyPublicKey};
use prost::Message as _;
use serde_json::Value;
use spv::InclusionProof;
use staking_scripts::possession::PopType;
use staking_scripts::transactions::{CovenantAdaptorSignatures, CovenantSignature};
use staking_scripts::{CovenantSignatures, Delegation, ProofOfPossession};

use crate::message::{CommissionRates, ProviderDescription};
use crate::proto::{self, Proof};
use crate::{AccountState, Fee, Message, Transaction};

/// The chain of the samples.
const CHAIN_ID: &str = "bbn-dev-1";

fn sample(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/node/transactions");
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn text<'a>(json: &'a Value, key: &str) -> &'a str {
    json[key].as_str().unwrap_or_else(|| panic!("{key} in {json}"))
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Debug>>(json: &Value, key: &str) -> T {
    text(json, key).parse().unwrap()
}

fn bytes(json: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(json.as_str().unwrap()).unwrap()
}

fn fixed<const N: usize>(json: &Value) -> [u8; N] {
    bytes(json).try_into().unwrap()
}

fn list<T>(json: &Value, read: impl Fn(&Value) -> T) -> Vec<T> {
    json.as_array().unwrap().iter().map(read).collect()
}

fn inclusion(json: &Value) -> (BlockHash, InclusionProof) {
    let position = u32::try_from(json["key"]["index"].as_u64().unwrap()).unwrap();
    let proof = InclusionProof::from_bytes(&bytes(&json["proof"]), position).unwrap();
    (parsed(&json["key"], "hash"), proof)
}

/// Makes a message of what its JSON says, through the toolkit's own types.
fn message(json: &Value) -> Message {
    let signer = |key: &str| -> AccountAddress { parsed(json, key) };
    let key = |name: &str| -> XOnlyPublicKey { parsed(json, name) };
    match text(json, "@type") {
        "/babylon.btcstaking.v1.MsgCreateFinalityProvider" => {
            assert_eq!(json["pop"]["btc_sig_type"], "BIP340");
            let possession =
                ProofOfPossession::from_signature_bytes(PopType::Bip340, &bytes(&json["pop"]["btc_sig"]));
            let said = |name: &str| text(&json["description"], name).to_owned();
            let description = ProviderDescription {
                moniker: said("moniker"),
                identity: said("identity"),
                website: said("website"),
                security_contact: said("security_contact"),
                details: said("details"),
            };
            let rates = &json["commission"];
            let commission = CommissionRates {
                rate: parsed(rates, "rate"),
                max_rate: parsed(rates, "max_rate"),
                max_change_rate: parsed(rates, "max_change_rate"),
            };
            let possession = possession.unwrap();
            let signer = signer("addr");
            Message::create_finality_provider(&signer, &key("btc_pk"), &description, commission, &possession)
        }
        "/babylon.finality.v1.MsgCommitPubRandList" => {
            let commitment = RandomnessCommitment {
                start_height: ConsumerHeight(parsed(json, "start_height")),
                count: parsed(json, "num_pub_rand"),
                root: fixed(&json["commitment"]),
            };
            let signature = schnorr::Signature::from_slice(&bytes(&json["sig"])).unwrap();
            let signed = SignedCommitment { commitment, signature };
            Message::commit_randomness(&signer("signer"), &key("fp_btc_pk"), &signed)
        }
        "/babylon.finality.v1.MsgAddFinalitySig" => {
            let height = ConsumerHeight(parsed(json, "block_height"));
            let hash = fixed(&json["block_app_hash"]);
            let proof = &json["proof"];
            let proof = Proof {
                total: parsed(proof, "total"),
                index: parsed(proof, "index"),
                leaf_hash: bytes(&proof["leaf_hash"]),
                aunts: list(&proof["aunts"], bytes),
            };
            let vote = FinalityVote {
                public_key: key("fp_btc_pk"),
                message: VoteMessage::new(SigningContext::GENESIS, height, hash),
                public_randomness: PublicRandomness::from_bytes(fixed(&json["pub_rand"])),
                proof: RandomnessProof::from_protobuf(&proof.encode_to_vec()).unwrap(),
                signature: Signature::from_bytes(fixed(&json["finality_sig"])).unwrap(),
            };
            Message::vote(&signer("signer"), &vote).unwrap()
        }
        "/babylon.btcstaking.v1.MsgAddCovenantSigs" => {
            let member = key("pk");
            let adaptors = |name: &str| CovenantAdaptorSignatures {
                member,
                signatures: list(&json[name], |one| AdaptorSignature::from_slice(&bytes(one)).unwrap()),
            };
            let signature = |json: &Value| CovenantSignature {
                member,
                signature: schnorr::Signature::from_slice(&bytes(json)).unwrap(),
            };
            let extension = &json["stake_expansion_tx_sig"];
            let signatures = CovenantSignatures {
                unbonding: signature(&json["unbonding_tx_sig"]),
                slashing: adaptors("slashing_tx_sigs"),
                unbonding_slashing: adaptors("slashing_unbonding_tx_sigs"),
                extension: extension.is_string().then(|| signature(extension)),
            };
            Message::add_covenant_signatures(&signer("signer"), parsed(json, "staking_tx_hash"), &signatures)
        }
        "/babylon.btcstaking.v1.MsgAddBTCDelegationInclusionProof" => {
            let (block, proof) = inclusion(&json["staking_tx_inclusion_proof"]);
            Message::add_inclusion_proof(&signer("signer"), parsed(json, "staking_tx_hash"), block, &proof)
        }
        "/babylon.btcstaking.v1.MsgBTCUndelegate" => {
            let (block, proof) = inclusion(&json["stake_spending_tx_inclusion_proof"]);
            let transaction = |json: &Value| deserialize(&bytes(json)).unwrap();
            let funding = list(&json["funding_transactions"], transaction);
            let stake: Txid = parsed(json, "staking_tx_hash");
            let spending = transaction(&json["stake_spending_tx"]);
            Message::undelegate(&signer("signer"), stake, &spending, block, &proof, &funding)
        }
        "/babylon.btcstaking.v1.MsgCreateBTCDelegation" => {
            let delegations = Delegation::from_chain_json(&json.to_string()).unwrap();
            Message::register_stake(&delegations[0], None).unwrap()
        }
        "/babylon.btcstaking.v1.MsgSelectiveSlashingEvidence" => {
            let provider = SecretKey::from_bytes(&fixed(&json["recovered_fp_btc_sk"])).unwrap();
            Message::selective_slashing_evidence(&signer("signer"), &provider)
        }
        other => panic!("{other} has no message"),
    }
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
