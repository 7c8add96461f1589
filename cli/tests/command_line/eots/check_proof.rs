//! `btcstake eots check-proof`.

use btcstake::outputs::{EotsCommit, EotsProve, EotsRandomness, Verdict};
use serde_json::json;

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
        folder.write("proof.json", proven.stdout());
        let protobuf = proven.output::<EotsProve>(0).protobuf;
        folder.write("proof.hex", &protobuf);
        folder.write("proof.bin", hex::decode(&protobuf).unwrap());
        let check = |index: usize, proof: &str| {
            let rest = format!("--index {index} --public-randomness {public} --proof {proof}");
            folder.run(&format!("--json eots check-proof --root {root} --count 9 {rest}"))
        };
        for proof in ["@proof.json", "@proof.hex", "@proof.bin", &protobuf, "-"] {
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

#[test]
fn text_that_is_no_proof_is_named() {
    let folder = Folder::new();
    let root = folder.output::<EotsCommit>(&format!("eots commit {RANGE}")).root;
    let check =
        format!("eots check-proof --root {root} --count 9 --index 0 --public-randomness {root} --proof");
    folder.run(&format!("{check} zz")).fails(&["--proof", "neither JSON nor hex"]);
    folder.run(&format!("{check} {{}}")).fails(&["--proof", "JSON"]);
    folder.run(&format!("{check} ff")).ends(1);
}
