//! `btcstake eots`.

use serde_json::json;

use crate::process::{Folder, PROVIDER, PROVIDER_EVEN, PROVIDER_KEY, Run};

const RANDOMNESS: &str = "c6c856990779dd73e9f32b40c5c3be313b866a039acffe5f9a130c93c0394daf";
pub(crate) const SIGNATURE: &str = "53db8ae45a196cd59d18e613a60fa744cb97ca0c396908d9797389a9ded8c06c";

const ORDER: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

/// A line for `verify-batch`.
pub(crate) fn vote_line(fill: &str, signature: &str) -> String {
    json!({ "public_key": PROVIDER_KEY, "public_randomness": RANDOMNESS, "message": message(fill), "signature": signature })
        .to_string()
}

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
    assert_eq!(
        first,
        json!({ "public_key": PROVIDER_KEY, "public_randomness": RANDOMNESS, "message": message("aa"), "signature": SIGNATURE })
    );
    let second = sign("bb")["signature"].as_str().unwrap().to_owned();

    let keys = format!("--public-key {PROVIDER_KEY} --public-randomness {RANDOMNESS}");
    let verify = |fill, signature: &str| {
        folder.run(&format!("--json eots verify {keys} --message {} --signature {signature}", message(fill)))
    };
    assert_eq!(verify("aa", SIGNATURE).json(0), json!({ "valid": true, "reason": null }));
    let refused = |run: Run, reason: &str| {
        let json = run.json(1);
        assert_eq!(json["valid"], json!(false));
        assert!(json["reason"].as_str().unwrap().contains(reason), "{json}");
    };
    refused(verify("bb", SIGNATURE), "does not verify");
    // What has the right length and is no signature, or no key, is a negative answer as well.
    refused(verify("aa", ORDER), "must be below the group order");
    let line =
        format!("--json eots verify --public-randomness {RANDOMNESS} --message 00 --signature {SIGNATURE}");
    refused(folder.run(&format!("{line} --public-key {}", "f".repeat(64))), "not the x coordinate");

    let extract = |a: &str, b: &str, s: &str| {
        let pairs = format!("--message {a} --signature {SIGNATURE} --message {b} --signature {s}");
        folder.run(&format!("--json eots extract {keys} {pairs}"))
    };
    let (a, b) = (message("aa"), message("bb"));
    assert_eq!(extract(&a, &b, &second).json(0), json!({ "secret_key": PROVIDER_EVEN, "reason": null }));
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
    let keys =
        format!("--public-key {PROVIDER_KEY} --public-randomness {RANDOMNESS} --signature {SIGNATURE}");
    folder.run(&format!("eots verify {keys} --message @message.bin")).ends(0);
    let line = format!("eots verify {keys} --message -");
    folder.run_with(&line.split(' ').collect::<Vec<_>>(), &raw).ends(0);
    let line =
        format!("eots verify --public-key - --public-randomness - --signature {SIGNATURE} --message 00");
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
                assert_eq!(run.json(0), json!({ "valid": true, "reason": null }), "{proof}");
            }
        }
        assert_eq!(check(index + 1, protobuf).json(1)["valid"], json!(false));
        // A proof's JSON that contradicts itself is none.
        let other =
            std::fs::read_to_string(folder.path().join("proof.json")).unwrap().replace(public, RANDOMNESS);
        folder.write("other.json", other);
        assert!(check(index, "@other.json").json(1)["reason"].as_str().unwrap().contains("contradicts"));
    }
    // Verifiers count the heights by ones: others are not committed to.
    for verb in ["commit", "prove --index 8", "prove --all"] {
        folder.run(&format!("eots {verb} {range} --interval 5")).fails(&["consecutive", "5 apart"]);
    }
    // All at once are the same proofs.
    let all = folder.run(&format!("eots prove {range} --all")).ends(0).stdout();
    assert_eq!(all.lines().count(), 9);
    for (index, line) in all.lines().enumerate() {
        let one = folder.json(&format!("eots prove {range} --index {index}"));
        assert_eq!(serde_json::from_str::<serde_json::Value>(line).unwrap(), one);
    }
    // The provider's signature over the commitment.
    let root = committed["root"].as_str().unwrap();
    let check =
        format!("--json eots check-commitment --public-key {PROVIDER_KEY} --height 100 --root {root}");
    let signature = |json: &serde_json::Value| json["signature"].as_str().unwrap().to_owned();
    let genesis = format!("{check} --count 9 --signature {}", signature(&committed));
    assert_eq!(folder.run(&genesis).json(0), json!({ "valid": true, "reason": null }));
    assert_eq!(folder.run(&genesis.replace("--count 9", "--count 8")).json(1)["valid"], json!(false));
    assert_eq!(folder.run(&genesis.replace(PROVIDER_KEY, ORDER)).json(1)["valid"], json!(false));
    assert_eq!(folder.run(&format!("{genesis} --signing-context {context}")).json(1)["valid"], json!(false));
    let consumer =
        format!("{check} --count 9 --signature {} --signing-context {context}", signature(&consumer));
    assert_eq!(folder.run(&consumer).json(0), json!({ "valid": true, "reason": null }));
    let root = committed["root"].as_str().unwrap();
    folder.run(&format!("eots prove {range} --index 9")).fails(&["--index", "must be below the count, 9"]);
    let check =
        format!("eots check-proof --root {root} --count 9 --index 0 --public-randomness {root} --proof");
    folder.run(&format!("{check} zz")).fails(&["--proof", "neither JSON nor hex"]);
    folder.run(&format!("{check} {{}}")).fails(&["--proof", "JSON"]);
    folder.run(&format!("{check} ff")).ends(1);
}

#[test]
fn many_signatures_at_once() {
    let folder = Folder::new();
    let (good, order) = (vote_line("aa", SIGNATURE), vote_line("aa", ORDER));
    folder.write("good.jsonl", [good.as_str(); 40].join("\n"));
    let verdict = folder.run("--json eots verify-batch --file good.jsonl").json(0);
    assert_eq!(verdict, json!({ "valid": true, "count": 40, "invalid": [], "invalid_lines": [] }));
    // Blank lines do not count; a number not below the order and a signature of another message are named.
    let mixed = [good.as_str(), "", &vote_line("bb", SIGNATURE), &good, &order, ""].join("\n");
    let run = folder.run_with(&["--json", "eots", "verify-batch", "--file", "-"], mixed.as_bytes());
    assert_eq!(
        run.json(1),
        json!({ "valid": false, "count": 4, "invalid": [1, 3], "invalid_lines": [3, 5] })
    );
    // A mark at the beginning, other line ends, no line end, fields that are not needed, and what `sign`
    // prints.
    let sign = "eots sign --secret-key-file provider.key --chain-id bbn-1 --height 1 --dangerously-unprotected --message 00";
    let signed = folder.run(&format!("--json {sign}")).ends(0).stdout();
    let more = good.replacen('{', r#"{"height":1,"#, 1);
    folder.write("other.jsonl", format!("\u{feff}{good}\r\n{more}\r\n\r\n{signed}{good}"));
    assert_eq!(folder.json("eots verify-batch --file other.jsonl")["count"], json!(4));
    // Nothing to verify is no success.
    folder.write("empty.jsonl", "\n\n");
    folder.run("eots verify-batch --file empty.jsonl").fails(&["--file has 0 signatures"]);
    folder.write("array.jsonl", format!(r#"["{PROVIDER_KEY}","{RANDOMNESS}","00","{SIGNATURE}"]"#));
    folder.run("eots verify-batch --file array.jsonl").fails(&["line 1", "not a JSON object"]);
    // What a stranger writes does not reach the terminal as it is, nor at any length.
    let hostile = good.replacen("public_key", &format!("\\u001b]0;x\\u0007{}", "y".repeat(100_000)), 1);
    folder.write("hostile.jsonl", hostile);
    let run = folder.run("eots verify-batch --file hostile.jsonl");
    assert!(run.stderr().len() < 10_000 && !run.stderr().contains('\u{1b}'), "{}", run.stderr());
    run.fails(&["line 1", "public_key"]);
    // More than are verified at once: indices go on.
    folder.write("many.jsonl", format!("{}\n{order}\n", [good.as_str(); 20_000].join("\n")));
    let run = folder.run("--json eots verify-batch --file many.jsonl").json(1);
    assert_eq!((&run["count"], &run["invalid"]), (&json!(20_001), &json!([20_000])));
    folder.write("broken.jsonl", format!("{good}\n{{}}\n"));
    folder.run("eots verify-batch --file broken.jsonl").fails(&["--file", "line 2", "public_key"]);
    folder.write("short.jsonl", good.replace(SIGNATURE, "00"));
    folder.run("eots verify-batch --file short.jsonl").fails(&["--file", "line 1", "signature"]);
    folder.run("eots verify-batch --file nowhere").fails(&["--file", "nowhere"]);
}

#[test]
fn a_consumer_chains_votes() {
    let folder = Folder::new();
    let context = "eots context --operation finality-vote --chain-id test-1 --address bbn1addr";
    let context = folder.json(context)["signing_context"].as_str().unwrap().to_owned();
    // hex(SHA256("btcstaking/0/fp_fin_vote/test-1/bbn1addr")), computed by another program.
    assert_eq!(context, "fc1f4c2b45db3c8fef77227d2b2f16f16c9fdbb5d2ba034936b8a84266774834");
    let vote = format!("--message {} --signing-context {context}", message("aa"));
    let signed = folder.json(&format!(
        "eots sign --secret-key-file provider.key --chain-id bbn-1 --height 1 --dangerously-unprotected {vote}"
    ));
    assert_eq!(signed["message"], json!(format!("{}{}", hex::encode(&context), message("aa"))));
    let keys = format!("--public-key {PROVIDER_KEY} --public-randomness {RANDOMNESS}");
    let verify = format!("eots verify {keys} --signature {}", signed["signature"].as_str().unwrap());
    folder.run(&format!("{verify} {vote}")).ends(0);
    folder.run(&format!("{verify} --message {}", message("aa"))).ends(1);
}
