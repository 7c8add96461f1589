//! Every message, and the transaction that carries it, as the reference's module makes them: byte for byte.

use ::bitcoin::block::Header;
use ::bitcoin::consensus::deserialize;
use ::bitcoin::secp256k1::schnorr;
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

use crate::message::{CheckpointProof, CommissionRates, ProviderDescription};
use crate::proto::Proof;
use crate::{AccountKey, AccountState, Fee, Message, Transaction};

pub(super) fn text<'a>(json: &'a Value, key: &str) -> &'a str {
    json[key].as_str().unwrap_or_else(|| panic!("{key} in {json}"))
}

pub(super) fn parsed<T: std::str::FromStr<Err: std::fmt::Debug>>(json: &Value, key: &str) -> T {
    text(json, key).parse().unwrap()
}

pub(super) fn bytes(json: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(json.as_str().unwrap()).unwrap()
}

pub(super) fn fixed<const N: usize>(json: &Value) -> [u8; N] {
    bytes(json).try_into().unwrap()
}

pub(super) fn list<T>(json: &Value, read: impl Fn(&Value) -> T) -> Vec<T> {
    json.as_array().unwrap().iter().map(read).collect()
}

pub(super) fn inclusion(json: &Value) -> (BlockHash, InclusionProof) {
    let position = u32::try_from(json["key"]["index"].as_u64().unwrap()).unwrap();
    let proof = InclusionProof::from_bytes(&bytes(&json["proof"]), position).unwrap();
    (parsed(&json["key"], "hash"), proof)
}

fn header(json: &Value) -> Header {
    deserialize(&hex::decode(json.as_str().unwrap()).unwrap()).unwrap()
}

fn description(json: &Value) -> ProviderDescription {
    let said = |name: &str| text(json, name).to_owned();
    ProviderDescription {
        moniker: said("moniker"),
        identity: said("identity"),
        website: said("website"),
        security_contact: said("security_contact"),
        details: said("details"),
    }
}

/// Makes a message of what its JSON says, through the toolkit's own types.
pub(super) fn message(json: &Value) -> Message {
    let signer = |key: &str| -> AccountAddress { parsed(json, key) };
    let key = |name: &str| -> XOnlyPublicKey { parsed(json, name) };
    match text(json, "@type") {
        "/babylon.btcstaking.v1.MsgCreateFinalityProvider" => {
            assert_eq!(json["pop"]["btc_sig_type"], "BIP340");
            let possession =
                ProofOfPossession::from_signature_bytes(PopType::Bip340, &bytes(&json["pop"]["btc_sig"]));
            let described = description(&json["description"]);
            let rates = &json["commission"];
            let commission = CommissionRates {
                rate: parsed(rates, "rate"),
                max_rate: parsed(rates, "max_rate"),
                max_change_rate: parsed(rates, "max_change_rate"),
            };
            let possession = possession.unwrap();
            let signer = signer("addr");
            Message::create_finality_provider(&signer, &key("btc_pk"), &described, commission, &possession)
        }
        "/babylon.btcstaking.v1.MsgEditFinalityProvider" => {
            let base64 = XOnlyPublicKey::from_slice(&bytes(&json["btc_pk"])).unwrap();
            let commission = json["commission"].is_string().then(|| parsed(json, "commission"));
            Message::edit_finality_provider(
                &signer("addr"),
                &base64,
                &description(&json["description"]),
                commission,
            )
        }
        "/babylon.finality.v1.MsgUnjailFinalityProvider" => {
            Message::unjail_finality_provider(&signer("signer"), &key("fp_btc_pk"))
        }
        "/cosmos.bank.v1beta1.MsgSend" => {
            let coin = &json["amount"][0];
            let to: AccountAddress = parsed(json, "to_address");
            Message::send(&signer("from_address"), &to, parsed(coin, "amount"), text(coin, "denom"))
        }
        "/babylon.btclightclient.v1.MsgInsertHeaders" => {
            let headers = list(&json["headers"], header);
            Message::insert_headers(&signer("signer"), &headers)
        }
        "/babylon.btccheckpoint.v1.MsgInsertBTCSpvProof" => {
            let parts = list(&json["proofs"], |proof| CheckpointProof {
                transaction: deserialize(&bytes(&proof["btc_transaction"])).unwrap(),
                inclusion: InclusionProof::from_bytes(
                    &bytes(&proof["merkle_nodes"]),
                    u32::try_from(proof["btc_transaction_index"].as_u64().unwrap()).unwrap(),
                )
                .unwrap(),
                header: header(&proof["confirming_btc_header"]),
            });
            Message::insert_checkpoint(&signer("submitter"), &parts.try_into().unwrap())
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

#[test]
fn messages_and_transactions_are_the_references() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/node/messages.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = file["cases"].as_array().unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for case in cases {
        let made = message(&case["json"]);
        kinds.insert(made.type_url());
        let of = |name: &str| hex::decode(case[name].as_str().unwrap()).unwrap();
        assert_eq!(hex::encode(made.protobuf()), hex::encode(of("protobuf")), "{}", case["json"]);
        assert_eq!(made.to_json(), case["json"]);
        let number = |name: &str| case[name].as_u64().unwrap();
        let key = AccountKey::from_bytes(&of("account_secret_key").try_into().unwrap()).unwrap();
        assert_eq!(key.address().unwrap(), *made.signer());
        let account = AccountState {
            chain_id: case["chain_id"].as_str().unwrap().to_owned(),
            number: number("account_number"),
            sequence: number("sequence"),
        };
        let fee = Fee {
            amount: number("fee_ubbn").into(),
            denom: "ubbn".to_owned(),
            gas_limit: number("gas_limit"),
        };
        let mut transaction = Transaction::new(vec![made]);
        transaction.timeout_height = number("timeout_height");
        let signed = transaction.sign(&key, &account, &fee);
        assert_eq!(
            hex::encode(transaction.sign_bytes(&key, &account, &fee)),
            case["sign_bytes"].as_str().unwrap()
        );
        assert_eq!(hex::encode(signed.bytes()), case["transaction"].as_str().unwrap());
    }
    assert_eq!((cases.len(), kinds.len()), (64, 12), "{kinds:?}");
}
