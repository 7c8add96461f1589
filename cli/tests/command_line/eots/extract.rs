//! `btcstake eots extract`.

use btcstake::outputs::EotsExtract;
use serde_json::json;

use super::{SIGNATURE, keys, message, sign};
use crate::fixtures::process::{Folder, PROVIDER_EVEN, PROVIDER_KEY};

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
