//! `btcstake eots extract`.

use btcstake::outputs::EotsExtract;
use serde_json::json;

use super::{SIGNATURE, keys, message, sign};
use crate::fixtures::process::{Folder, MEMBER, MEMBER_KEY, PROVIDER_EVEN, PROVIDER_KEY};
use crate::tx::slash::evidence;

#[test]
fn secret_key_comes_of_two_messages() {
    let folder = Folder::new();
    let extract = |a: &str, b: &str, s: &str| {
        let pairs = format!("--message {a} --signature {SIGNATURE} --message {b} --signature {s}");
        folder.run(&format!("--json eots extract {} {pairs}", keys()))
    };
    let (a, b, second) = (message("aa"), message("bb"), sign(&folder, "bb").signature);
    assert_eq!(extract(&a, &b, &second).json(0), json!({ "secret_key": PROVIDER_EVEN, "reason": null }));
    let refused: EotsExtract = extract(&a, &a, SIGNATURE).output(1);
    assert_eq!(refused.secret_key, None);
    assert!(refused.reason.unwrap().contains("same message"));
}

#[test]
fn one_message_and_one_signature_are_too_few() {
    let k = PROVIDER_KEY;
    let line = format!("eots extract --public-key {k} --public-randomness {k} --message 00 --signature {k}");
    Folder::new().run(&line).fails(&["twice", "--message is given 1 times and --signature 1 times"]);
}

/// Real evidence of a real chain node, in every form that it prints.
#[test]
fn evidence_that_the_chain_prints_gives_the_key() {
    let folder = Folder::new();
    let answers = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/node/answers");
    let key = "dc1a556d48386b4a24d0a10d6a16d7b436a38cf582732e86ee52f465513d20ff";
    let mut found = Vec::new();
    for name in ["rest-evidence-of-provider.json", "rest-evidences.json", "query-list-evidences.json"] {
        let line = format!("--json eots extract --evidence {answers}/{name}");
        let extracted: EotsExtract = folder.run(&line).output(0);
        found.push(extracted.secret_key.unwrap());
        assert_eq!(folder.run(&format!("{line} --public-key {key}")).json(0)["reason"], json!(null));
        folder
            .run(&format!("{line} --public-key {PROVIDER_KEY}"))
            .fails(&["none is of the provider that is meant"]);
        folder.run(&format!("{line} --message 00")).fails(&["must not be"]);
    }
    assert!(found.iter().all(|one| *one == found[0]));
    folder.write("extracted.key", &found[0]);
    assert_eq!(folder.json("key show --secret-key-file extracted.key")["public_key"], key);
    folder.write("nothing.json", "{}");
    folder.run("eots extract --evidence nothing.json").fails(&["--evidence", "it must have `evidence`"]);
    folder.run("eots extract").fails(&["--public-key is absent"]);
}

/// Of several providers' evidence, which one is meant must be said; and what reveals no key is none.
#[test]
fn evidence_of_several_providers_is_told_apart() {
    let folder = Folder::new();
    let all = [evidence(&folder, "provider.key", 5), evidence(&folder, "member.key", 6)];
    folder.write("all.json", json!({ "evidences": all, "pagination": null }).to_string());
    let extract = |with: &str| folder.run(&format!("--json eots extract --evidence all.json {with}"));
    extract("").fails(&["--evidence", "several providers equivocate in it; must be one that is meant"]);
    for (public, secret) in [(PROVIDER_KEY, PROVIDER_EVEN), (MEMBER_KEY, MEMBER)] {
        let extracted = extract(&format!("--public-key {public}")).json(0);
        assert_eq!(extracted, json!({ "secret_key": secret, "reason": null }));
    }
    let mut same = all[0].clone();
    same["fork_app_hash"] = same["canonical_app_hash"].clone();
    folder.write("same.json", json!({ "evidence": same }).to_string());
    let same = folder.run("--json eots extract --evidence same.json");
    same.fails(&["--evidence same.json", "the evidence proves nothing"]);
}
