//! `btcstake eots check-proof`.

use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use btcstake::outputs::{EotsCommit, EotsProve, EotsRandomness, Verdict};
use serde_json::{Value, json};

use super::{RANDOMNESS, RANGE};
use crate::fixtures::process::Folder;

#[test]
fn proof_is_valid_for_one_index_in_every_form() {
    let folder = Folder::new();
    let root = folder.output::<EotsCommit>(&format!("eots commit {RANGE}")).root;
    let list: EotsRandomness = folder.output(&format!("eots randomness {RANGE}"));
    for index in [0, 3, 8] {
        let proven = folder.run(&format!("--json eots prove {RANGE} --index {index}")).ends(0);
        let public = &list.public_randomness[index];
        let json = proven.stdout();
        folder.write("proof.json", &json);
        let protobuf = proven.output::<EotsProve>(0).protobuf;
        folder.write("proof.hex", &protobuf);
        folder.write("proof.bin", hex::decode(&protobuf).unwrap());
        let check = |index: usize, proof: &str| {
            let rest = format!("--index {index} --public-randomness {public} --proof {proof}");
            folder.run(&format!("--json eots check-proof --root {root} --count 9 {rest}"))
        };
        folder.write("node-proof.json", as_a_node(&json));
        for proof in ["@node-proof.json", "@proof.json", "@proof.hex", "@proof.bin", &protobuf, "-"] {
            let run = check(index, proof);
            if proof == "-" {
                run.fails(&["--proof"]);
            } else {
                assert_eq!(run.json(0), json!({ "valid": true, "reason": null }), "{proof}");
            }
        }
        assert!(!check(index + 1, &protobuf).output::<Verdict>(1).valid);
        // A proof's JSON that contradicts itself is none.
        folder.write("other.json", folder.read("proof.json").replace(public, RANDOMNESS));
        let refused: Verdict = check(index, "@other.json").output(1);
        assert!(refused.reason.unwrap().contains("contradicts"));
    }
}

/// A proof as a node prints it in a vote: numbers as text, hashes in base64.
fn as_a_node(proof: &str) -> String {
    let own: Value = serde_json::from_str(proof).unwrap();
    let base64 = |hash: &Value| BASE64_STANDARD.encode(hex::decode(hash.as_str().unwrap()).unwrap());
    let aunts: Vec<String> = own["aunts"].as_array().unwrap().iter().map(base64).collect();
    json!({
        "total": own["total"].to_string(), "index": own["index"].to_string(),
        "leaf_hash": base64(&own["leaf_hash"]), "aunts": aunts,
    })
    .to_string()
}

#[test]
fn text_that_is_no_proof_is_named() {
    let folder = Folder::new();
    let root = folder.output::<EotsCommit>(&format!("eots commit {RANGE}")).root;
    let check =
        format!("eots check-proof --root {root} --count 9 --index 0 --public-randomness {root} --proof");
    folder.run(&format!("{check} zz")).fails(&["--proof", "neither JSON nor hex"]);
    folder.run(&format!("{check} {{}}")).fails(&["--proof", "JSON"]);
    folder.run(&format!("{check} ff")).ends(1);
    let proof = |field: &str, value: Value| {
        let mut proof = json!({ "total": "9", "index": "0", "leaf_hash": root, "aunts": [] });
        proof[field] = value;
        folder.write("node-proof.json", proof.to_string());
        folder.run(&format!("{check} @node-proof.json"))
    };
    proof("aunts", json!([])).ends(1);
    proof("total", json!("nine")).fails(&["--proof", "\"nine\" is not a whole number"]);
    proof("index", json!([])).fails(&["--proof", "a whole number, as a number or as text"]);
    for hash in ["00", "?", "AAA="] {
        proof("leaf_hash", json!(hash)).fails(&["--proof", "a hash is not 32 bytes in hex or base64"]);
        proof("aunts", json!([hash])).fails(&["--proof", "a hash is not 32 bytes in hex or base64"]);
    }
}
