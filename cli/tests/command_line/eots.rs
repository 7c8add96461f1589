//! `btcstake eots`.

use serde_json::json;

use crate::process::{Folder, PROVIDER, PROVIDER_EVEN, PROVIDER_KEY};

const RANDOMNESS: &str = "c6c856990779dd73e9f32b40c5c3be313b866a039acffe5f9a130c93c0394daf";
const SIGNATURE: &str = "53db8ae45a196cd59d18e613a60fa744cb97ca0c396908d9797389a9ded8c06c";

fn message(fill: &str) -> String {
    format!("0000000000000001{}", fill.repeat(32))
}

#[test]
fn randomness_is_the_protocols() {
    let line = "eots randomness --secret-key-file provider.key --chain-id bbn-1 --height 0 --count 2";
    let first = "bd970ce29234ce271540522f470a7f91a14a04d35683f73e60ed0e7815338832";
    let expected = json!({ "public_key": PROVIDER_KEY, "public_randomness": [first, RANDOMNESS] });
    assert_eq!(Folder::new().json(line), expected);
    let text = Folder::new().run(&format!("{line} --interval 1")).ends(0).stdout();
    assert_eq!(text, format!("0 {first}\n1 {RANDOMNESS}\n"));
}

#[test]
fn sign_verify_extract() {
    let folder = Folder::new();
    let sign = |fill| {
        let rest = "--secret-key-file provider.key --chain-id bbn-1 --height 1 --dangerously-unprotected";
        folder.json(&format!("eots sign {rest} --message {}", message(fill)))
    };
    let first = sign("aa");
    assert_eq!(first, json!({ "public_key": PROVIDER_KEY, "public_randomness": RANDOMNESS, "signature": SIGNATURE }));
    let second = sign("bb")["signature"].as_str().unwrap().to_owned();

    let keys = format!("--public-key {PROVIDER_KEY} --public-randomness {RANDOMNESS}");
    let verify = |fill, signature: &str| {
        folder.run(&format!("--json eots verify {keys} --message {} --signature {signature}", message(fill)))
    };
    assert_eq!(verify("aa", SIGNATURE).json(0), json!({ "valid": true }));
    assert_eq!(verify("bb", SIGNATURE).json(1), json!({ "valid": false }));
    let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    assert_eq!(verify("aa", order).json(1), json!({ "valid": false }));

    let extract = |a: &str, b: &str, s: &str| {
        let pairs = format!("--message {a} --signature {SIGNATURE} --message {b} --signature {s}");
        folder.run(&format!("--json eots extract {keys} {pairs}"))
    };
    let (a, b) = (message("aa"), message("bb"));
    assert_eq!(extract(&a, &b, &second).json(0), json!({ "secret_key": PROVIDER_EVEN }));
    let refused = extract(&a, &a, SIGNATURE).json(1);
    assert_eq!(refused["secret_key"], json!(null));
    assert!(refused["reason"].as_str().unwrap().contains("same message"));
}

#[test]
fn unprotected_signing_must_be_asked_for() {
    let line = "eots sign --secret-key-file provider.key --chain-id bbn-1 --height 1 --message 00";
    Folder::new().run(line).fails(&["--dangerously-unprotected", "height 1", "reveal the secret key"]);
}

#[test]
fn bytes_come_as_hex_from_files_and_from_standard_input() {
    let folder = Folder::new();
    let raw = [1u64.to_be_bytes().as_slice(), &[0xaa; 32]].concat();
    folder.write("message.bin", &raw);
    let keys = format!("--public-key {PROVIDER_KEY} --public-randomness {RANDOMNESS} --signature {SIGNATURE}");
    folder.run(&format!("eots verify {keys} --message @message.bin")).ends(0);
    let line = format!("eots verify {keys} --message -");
    folder.run_with(&line.split(' ').collect::<Vec<_>>(), &raw).ends(0);
    let line = format!("eots verify --public-key - --public-randomness - --signature {SIGNATURE} --message 00");
    folder
        .run_with(&line.split(' ').collect::<Vec<_>>(), &hex::decode(PROVIDER_KEY).unwrap())
        .fails(&["--public-randomness", "standard input"]);
    // A secret from standard input.
    let line = "--json eots randomness --secret-key-file - --chain-id bbn-1 --height 1";
    let json = folder.run_with(&line.split(' ').collect::<Vec<_>>(), PROVIDER.as_bytes()).json(0);
    assert_eq!(json["public_randomness"], json!([RANDOMNESS]));
}

#[test]
fn commitments_are_made_proven_and_checked() {
    let folder = Folder::new();
    let range = "--secret-key-file provider.key --chain-id bbn-1 --height 100 --count 9";
    let committed = folder.json(&format!("eots commit {range}"));
    assert_eq!((&committed["start_height"], &committed["count"]), (&json!(100), &json!(9)));
    assert_eq!(committed["signature"].as_str().unwrap().len(), 128);
    let context = "0123456789abcdef".repeat(4);
    let consumer = folder.json(&format!("eots commit {range} --signing-context {context}"));
    assert_eq!(consumer["root"], committed["root"]);
    assert_ne!(consumer["signature"], committed["signature"]);
    folder.run(&format!("eots commit {range} --signing-context 00")).fails(&["--signing-context", "64"]);

    let root = committed["root"].as_str().unwrap();
    let list = folder.json(&format!("eots randomness {range}"));
    for index in [0, 3, 8] {
        let proven = folder.run(&format!("--json eots prove {range} --index {index}")).ends(0);
        let public = list["public_randomness"][index].as_str().unwrap();
        folder.write("proof.json", proven.stdout());
        let proof = proven.json(0);
        assert_eq!((&proof["index"], &proof["total"]), (&json!(index), &json!(9)));
        let protobuf = proof["protobuf"].as_str().unwrap();
        folder.write("proof.hex", protobuf);
        folder.write("proof.bin", hex::decode(protobuf).unwrap());
        let check = |index: usize, proof: &str| {
            let rest = format!("--index {index} --public-randomness {public} --proof {proof}");
            folder.run(&format!("--json eots check-proof --root {root} --count 9 {rest}"))
        };
        for proof in ["@proof.json", "@proof.hex", "@proof.bin", protobuf, "-"] {
            let run = check(index, proof);
            if proof == "-" {
                run.fails(&["--proof"]);
            } else {
                assert_eq!(run.json(0), json!({ "valid": true }), "{proof}");
            }
        }
        assert_eq!(check(index + 1, protobuf).json(1), json!({ "valid": false }));
    }
    // With a distance between the heights, the index still counts the leaves.
    let apart = format!("{range} --interval 5");
    let root = folder.json(&format!("eots commit {apart}"))["root"].as_str().unwrap().to_owned();
    let proof = folder.json(&format!("eots prove {apart} --index 8"));
    let field = |name: &str| proof[name].as_str().unwrap().to_owned();
    let rest = format!("--public-randomness {} --proof {}", field("public_randomness"), field("protobuf"));
    folder.run(&format!("eots check-proof --root {root} --count 9 --index 8 {rest}")).ends(0);
    let root = committed["root"].as_str().unwrap();
    folder.run(&format!("eots prove {range} --index 9")).fails(&["--index", "count of 9"]);
    let check = format!("eots check-proof --root {root} --count 9 --index 0 --public-randomness {root} --proof");
    folder.run(&format!("{check} zz")).fails(&["--proof", "neither JSON nor hex"]);
    folder.run(&format!("{check} {{}}")).fails(&["--proof", "JSON"]);
    folder.run(&format!("{check} ff")).fails(&["--proof", "Proof"]);
}

#[test]
fn many_signatures_at_once() {
    let folder = Folder::new();
    let line = |fill: &str, signature: &str| {
        json!({ "public_key": PROVIDER_KEY, "public_randomness": RANDOMNESS, "message": message(fill), "signature": signature }).to_string()
    };
    let (good, order) =
        (line("aa", SIGNATURE), line("aa", "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"));
    folder.write("good.jsonl", [good.as_str(); 40].join("\n"));
    let verdict = folder.run("--json eots verify-batch --file good.jsonl").json(0);
    assert_eq!(verdict, json!({ "valid": true, "count": 40, "invalid": [] }));
    // Blank lines do not count; a number not below the order and a signature of another message are named.
    let mixed = [good.as_str(), "", &line("bb", SIGNATURE), &good, &order, ""].join("\n");
    let run = folder.run_with(&["--json", "eots", "verify-batch", "--file", "-"], mixed.as_bytes());
    assert_eq!(run.json(1), json!({ "valid": false, "count": 4, "invalid": [1, 3] }));
    folder.write("broken.jsonl", format!("{good}\n{{}}\n"));
    folder.run("eots verify-batch --file broken.jsonl").fails(&["--file", "line 2", "public_key"]);
    folder.write("short.jsonl", good.replace(SIGNATURE, "00"));
    folder.run("eots verify-batch --file short.jsonl").fails(&["--file", "line 1", "signature"]);
    folder.run("eots verify-batch --file nowhere").fails(&["--file", "nowhere"]);
}
