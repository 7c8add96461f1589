//! Writes what the finality contract of a Cosmos chain takes and answers, by the contract's own types and
//! serializer, for the consumer chains' commitments, votes and evidence of `tests/vectors/eots`.

use std::path::Path;

use babylon_apis::finality_api::{Evidence, ExecuteMsg};
use babylon_merkle::Proof;
use cosmwasm_std::{Binary, from_json, to_json_string};
use serde::Serialize;
use serde_json::{Value, json};

/// What a contract answers when it is asked for evidence.
#[derive(Serialize)]
struct Answer {
    evidence: Option<Evidence>,
}

fn bytes(of: &Value, field: &str) -> Vec<u8> {
    hex::decode(of[field].as_str().expect(field)).expect(field)
}

fn consumers(folder: &Path, name: &str) -> Vec<(usize, Value)> {
    let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).expect(name);
    let whole: Value = serde_json::from_str(&text).expect(name);
    let cases = whole["cases"].as_array().expect("cases").iter().cloned().enumerate();
    cases.filter(|(_, case)| case["dialect"] == "consumer").collect()
}

fn binary(of: &Value, field: &str) -> Binary {
    Binary::from(bytes(of, field))
}

fn text(of: &Value, field: &str) -> String {
    of[field].as_str().expect(field).to_owned()
}

fn number(of: &Value, field: &str) -> u64 {
    of[field].as_u64().expect(field)
}

/// The message as the contract's own code writes it, and reads it again.
fn written(message: ExecuteMsg) -> String {
    let text = to_json_string(&message).expect("a message is JSON");
    assert_eq!(from_json::<ExecuteMsg>(&text).expect("it is read"), message);
    text
}

fn proof(of: &Value) -> Proof {
    let aunts = of["aunts"].as_array().expect("aunts").iter();
    Proof {
        total: number(of, "total"),
        index: number(of, "index"),
        leaf_hash: binary(of, "leaf_hash"),
        aunts: aunts
            .map(|aunt| Binary::from(hex::decode(aunt.as_str().expect("aunt")).expect("aunt")))
            .collect(),
    }
}

fn main() {
    let folder = std::env::args().nth(1).expect("the folder of the vectors");
    let folder = Path::new(&folder);
    let (eots, own) = (folder.join("eots"), folder.join("contracts"));
    let commitments = consumers(&eots, "commit");
    let mut cases = Vec::new();
    for (place, case) in &commitments {
        let message = ExecuteMsg::CommitPublicRandomness {
            fp_pubkey_hex: text(case, "public_key"),
            start_height: number(case, "start_height"),
            num_pub_rand: case["leaves"].as_array().expect("leaves").len() as u64,
            commitment: binary(case, "root"),
            signature: binary(case, "signature"),
        };
        cases.push(json!({ "kind": "commit", "source": place, "json": written(message) }));
    }
    // The proof is another's: what is written does not depend on what it proves.
    let proofs: Vec<_> =
        commitments.iter().flat_map(|(_, case)| case["proofs"].as_array().expect("proofs")).collect();
    for (number_of_vote, (place, case)) in consumers(&eots, "votes").iter().enumerate() {
        let given = proofs[number_of_vote % proofs.len()];
        let message = ExecuteMsg::SubmitFinalitySignature {
            fp_pubkey_hex: text(case, "public_key"),
            height: number(case, "height"),
            pub_rand: binary(case, "public_randomness"),
            proof: proof(given),
            block_hash: binary(case, "block_hash"),
            signature: binary(case, "signature"),
        };
        cases.push(json!({
            "kind": "vote", "source": place, "json": written(message), "proof": text(given, "protobuf"),
        }));
    }
    for (place, case) in consumers(&eots, "votes").iter().take(10) {
        let message = ExecuteMsg::Unjail { fp_pubkey_hex: text(case, "public_key") };
        cases.push(json!({ "kind": "unjail", "source": place, "json": written(message) }));
    }
    for (place, case) in &consumers(&eots, "evidence") {
        let evidence = Evidence {
            fp_btc_pk: bytes(case, "public_key").into(),
            block_height: number(case, "height"),
            pub_rand: bytes(case, "public_randomness").into(),
            canonical_app_hash: bytes(case, "canonical_block_hash").into(),
            fork_app_hash: bytes(case, "fork_block_hash").into(),
            canonical_finality_sig: bytes(case, "canonical_signature").into(),
            fork_finality_sig: bytes(case, "fork_signature").into(),
        };
        let answer = to_json_string(&Answer { evidence: Some(evidence) }).expect("an answer is JSON");
        cases.push(json!({ "kind": "evidence", "source": place, "json": answer }));
    }
    let whole = json!({
        "kind": "execute",
        "description": "What the finality contract of a Cosmos chain takes (commit, vote, unjail) and answers (evidence), as text, for the case `source` of ../eots/{commit,votes,votes,evidence}.json; the proof of a vote is that of another leaf.",
        "source": "babylon-apis 0.14.0 finality_api, cosmwasm-std to_json_string",
        "cases": cases,
    });
    std::fs::create_dir_all(&own).expect("the folder");
    let text = serde_json::to_string_pretty(&whole).expect("JSON");
    std::fs::write(own.join("execute.json"), text + "\n").expect("the file is written");
}
