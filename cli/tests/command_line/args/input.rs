//! Bytes and texts: garbage in any flag, which gives exit code 2 and a message that names the flag; texts as
//! editors, shells and mail leave them; and files that are empty or cut off.

use btcstake::outputs::{EotsCommit, EotsProve};
use serde_json::{Value, json};

use crate::eots::{RANDOMNESS, SIGNATURE};
use crate::fixtures::process::{Folder, PROVIDER, PROVIDER_KEY};

const ACCOUNT: &str = "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm";

/// Every flag that takes bytes, in a command line that is complete but for it.
fn lines() -> Vec<(&'static str, String)> {
    let k = PROVIDER_KEY;
    let adaptor = format!("02{k}{k}");
    let verify = "eots verify";
    let extract =
        format!("eots extract --public-key {k} --public-randomness {k} --message 00 --signature {k}");
    let pop = "pop verify --address bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm --type";
    let stake = "script staking --quorum 1 --timelock 10 --network regtest";
    let unbonding = "script unbonding --quorum 1 --timelock 10 --network regtest";
    vec![
        ("--public-key", format!("{verify} --public-randomness {k} --message 00 --signature {k}")),
        ("--public-randomness", format!("{verify} --public-key {k} --message 00 --signature {k}")),
        ("--message", format!("{verify} --public-key {k} --public-randomness {k} --signature {k}")),
        ("--signature", format!("{verify} --public-key {k} --public-randomness {k} --message 00")),
        ("--public-key", format!("eots extract --public-randomness {k} --message 00 --signature {k}")),
        ("--public-randomness", format!("eots extract --public-key {k} --message 00 --signature {k}")),
        ("--message", format!("{extract} --signature {k}")),
        ("--signature", format!("{extract} --message 01")),
        (
            "--message",
            "eots sign --secret-key-file provider.key --chain-id c --height 1 --dangerously-unprotected"
                .to_owned(),
        ),
        (
            "--root",
            format!("eots check-proof --count 1 --index 0 --public-randomness {k} --proof 08011a20{k}"),
        ),
        (
            "--public-randomness",
            format!("eots check-proof --count 1 --index 0 --root {k} --proof 08011a20{k}"),
        ),
        ("--public-key", format!("eots check-commitment --height 1 --count 1 --root {k} --signature {k}{k}")),
        ("--root", format!("eots check-commitment --height 1 --count 1 --public-key {k} --signature {k}{k}")),
        ("--signature", format!("eots check-commitment --height 1 --count 1 --public-key {k} --root {k}")),
        ("--encryption-key", format!("adaptor sign --dangerously-blind --secret-key-file member.key --message {k}")),
        ("--message", format!("adaptor sign --dangerously-blind --secret-key-file member.key --encryption-key {k}")),
        (
            "--aux-rand",
            format!("adaptor sign --dangerously-blind --secret-key-file member.key --encryption-key {k} --message {k}"),
        ),
        (
            "--public-key",
            format!("adaptor verify --encryption-key {k} --message {k} --adaptor-signature {adaptor}"),
        ),
        (
            "--encryption-key",
            format!("adaptor verify --public-key {k} --message {k} --adaptor-signature {adaptor}"),
        ),
        (
            "--message",
            format!("adaptor verify --public-key {k} --encryption-key {k} --adaptor-signature {adaptor}"),
        ),
        (
            "--adaptor-signature",
            format!("adaptor verify --public-key {k} --encryption-key {k} --message {k}"),
        ),
        ("--adaptor-signature", "adaptor decrypt --decryption-key-file provider.key".to_owned()),
        (
            "--public-key",
            format!(
                "adaptor decrypt --decryption-key-file provider.key --message {k} --adaptor-signature {adaptor}"
            ),
        ),
        (
            "--message",
            format!(
                "adaptor decrypt --decryption-key-file provider.key --public-key {k} --adaptor-signature {adaptor}"
            ),
        ),
        ("--encryption-key", format!("adaptor recover --signature {k}{k} --adaptor-signature {adaptor}")),
        ("--adaptor-signature", format!("adaptor recover --signature {k}{k}")),
        ("--signature", format!("adaptor recover --adaptor-signature {adaptor}")),
        ("--staker", format!("{stake} --finality-provider {k} --covenant {k}")),
        ("--finality-provider", format!("{stake} --staker {k} --covenant {k}")),
        ("--covenant", format!("{stake} --staker {k} --finality-provider {k}")),
        ("--staker", format!("{unbonding} --finality-provider {k} --covenant {k}")),
        ("--finality-provider", format!("{unbonding} --staker {k} --covenant {k}")),
        ("--covenant", format!("{unbonding} --staker {k} --finality-provider {k}")),
        ("--staker", "script slashing-refund --timelock 10 --network regtest".to_owned()),
        ("--public-key", format!("{pop} bip340 --signature {k}{k}")),
        ("--public-key", format!("{pop} bip322 --signature {k}{k}")),
        ("--signature", format!("{pop} bip340 --public-key {k}")),
        ("--signature", format!("{pop} ecdsa --public-key {k}")),
        (
            "--staker",
            format!(
                "tx stake --params params.json --height 900000 --finality-provider {k} --amount-sat 500000 \
                 --staking-time 64000 --coin {k}:0:900000:5120{k} --change 1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2 \
                 --fee-rate 5 --out new.json"
            ),
        ),
        (
            "--aux-rand",
            "covenant sign --dangerously-without-height --delegation signed.json --params params.json --record member.key.record --secret-key-file member.key"
                .to_owned(),
        ),
        (
            "--l1-block-hash",
            format!(
                "provider vote --secret-key-file provider.key --dangerously-unprotected --chain-id c --block block.json \
                 --contract-chain-id bbn-1 --contract-kind rollup --contract {ACCOUNT} --unsigned --from {ACCOUNT} --l1-block-number 1"
            ),
        ),
        (
            "--keystone",
            format!(
                "anchor publish --coin {k}:0:100000:5120{k} --change 1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2 --fee-rate 5"
            ),
        ),
        ("--keystone", "anchor finality --node http://127.0.0.1:1 --from 1".to_owned()),
        ("--seed", "demo".to_owned()),
    ]
}

/// Every flag of every command whose value is bytes, as clap knows them.
fn flags(command: &clap::Command, path: &str, found: &mut Vec<(String, String)>) {
    for arg in command.get_arguments() {
        let bytes =
            arg.get_value_names().is_some_and(|names| names.iter().any(|name| name.as_str() == "BYTES"));
        if let (true, Some(long)) = (bytes, arg.get_long()) {
            found.push((format!("--{long}"), path.trim().to_owned()));
        }
    }
    for sub in command.get_subcommands() {
        flags(sub, &format!("{path} {}", sub.get_name()), found);
    }
}

#[test]
fn bytes_of_every_flag_are_tried() {
    let mut found = Vec::new();
    flags(&btcstake::command_line(), "", &mut found);
    assert!(found.len() > 20);
    for (flag, path) in found {
        let tried = lines().iter().any(|(tried, line)| *tried == flag && line.starts_with(&path));
        assert!(tried, "no garbage is tried on {flag} of {path}");
    }
}

#[test]
fn bytes_that_are_garbage_name_their_flag() {
    let folder = Folder::with_delegation();
    folder.write("empty", "");
    folder.write("short", [1; 31]);
    for (flag, line) in lines() {
        for garbage in ["zz", "0", "абв", "@nowhere", "0x00"] {
            folder.run(&format!("{line} {flag} {garbage}")).fails(&[flag]);
        }
        // Too short and too long; a message may have any length.
        if flag != "--message" || line.starts_with("adaptor") {
            let long = "00".repeat(100);
            for garbage in ["00", "@short", &long] {
                folder.run(&format!("{line} {flag} {garbage}")).fails(&[flag, "bytes"]);
            }
            folder.run(&format!("{line} {flag} @empty")).fails(&[flag, "empty"]);
        }
    }
}

/// Every flag that takes a text of a certain form.
#[test]
fn texts_of_another_form_name_their_flag() {
    let folder = Folder::new();
    folder.write("empty", "");
    let k = PROVIDER_KEY;
    let account = "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm";
    let (create, verify) =
        ("pop create --secret-key-file provider.key", format!("pop verify --public-key {k}"));
    let garbage = ["zz", "0", "абв", "@empty", "@nowhere", "0x00", "00"];
    let lines = [
        ("--address", format!("{create} --type bip340")),
        ("--address", format!("{verify} --type ecdsa --signature {k}{k}00")),
        ("--type", format!("{create} --address {account}")),
        ("--type", format!("{verify} --address {account} --signature {k}{k}")),
        ("--signing-context", format!("{create} --type bip340 --address {account}")),
        ("--signing-context", format!("{verify} --type bip340 --address {account} --signature {k}{k}")),
        ("--signature", format!("{verify} --type bip322 --address {account}")),
        ("--script", format!("{create} --type bip322 --address {account} --network regtest")),
        ("--network", format!("{create} --type bip322 --address {account} --script p2tr")),
    ];
    for (flag, line) in lines {
        for garbage in garbage {
            folder.run(&format!("{line} {flag} {garbage}")).fails(&[flag]);
        }
    }
}

/// A path without the `@`, of a flag that takes a value: the message says how a file is given.
#[test]
fn texts_that_are_paths_are_pointed_out() {
    let folder = Folder::new();
    let (k, hint) = (PROVIDER_KEY, "a file is given as @FILE");
    for line in ["tx explain", "broadcast --node http://127.0.0.1:1"] {
        for path in ["stake.tx", "../stake.tx", "ab"] {
            // Two hex digits are a transaction that ends early.
            let word = if path == "ab" { "the transaction ends early" } else { hint };
            folder.run(&format!("{line} {path}")).fails(&["TRANSACTION", word]);
        }
    }
    folder.run("psbt check --psbt stake.psbt").fails(&["--psbt", "not a PSBT in base64", hint]);
    let verify = format!("eots verify --public-key {k} --public-randomness {k} --signature {k} --message");
    folder.run(&format!("{verify} message.bin")).fails(&["--message", "not hex", hint]);
    // A file that was given so is no such mistake.
    folder.write("text", "text");
    for line in ["tx explain @text", "psbt check --psbt @text"] {
        let run = folder.run(line);
        assert!(!run.stderr().contains(hint), "{}", run.stderr());
        run.fails(&["base64"]);
    }
}

/// What one command printed, put into a file for another one: the message says what to do.
#[test]
fn bytes_that_are_hex_in_a_file_are_pointed_out() {
    let folder = Folder::new();
    let k = PROVIDER_KEY;
    folder.write("key.hex", format!("{k}\n"));
    let line = format!("eots verify --public-randomness {k} --message 00 --signature {k} --public-key");
    folder.run(&format!("{line} @key.hex")).fails(&["--public-key", "has hex digits"]);
    folder.run(&format!("{line} 02{k}")).fails(&["--public-key", "leave out the first byte"]);
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

/// What editors, shells and mail do to text changes nothing.
#[test]
fn texts_are_read_as_they_were_meant() {
    let folder = Folder::with_delegation();
    let read = |name: &str| folder.read(name);
    for name in ["signed.json", "params.json", "covenant1.json", "staker.key"] {
        folder.write(&format!("bom-{name}"), format!("\u{feff}\r\n{}\r\n\r\n", read(name).trim()));
    }
    let folded: Vec<_> = read("signed.psbt")
        .trim()
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    folder.write("folded.psbt", format!("\u{feff}{}\r\n", folded.join("\r\n")));
    let files = "--network regtest --params bom-params.json --delegation bom-signed.json";
    assert_eq!(folder.json(&format!("stake check {files}"))["status"], "PENDING");
    assert_eq!(
        folder.json(&format!("covenant check {files} --covenant-signatures bom-covenant1.json"))["valid"],
        true
    );
    folder.run(&format!("stake add {files} --covenant-signatures bom-covenant1.json")).ends(0);
    let signed =
        folder.run("psbt sign --psbt @folded.psbt --secret-key-file bom-staker.key").ends(0).stdout();
    assert_eq!(
        signed.trim(),
        folder.run("psbt sign --psbt @signed.psbt --secret-key-file staker.key").stdout().trim()
    );
    // A proof's hex too, which is longer than a line.
    let line = "eots prove --secret-key-file provider.key --chain-id c --height 1 --count 4 --index 2";
    let proof: EotsProve = folder.output(line);
    let made: EotsCommit =
        folder.output("eots commit --secret-key-file provider.key --chain-id c --height 1 --count 4");
    let hex = &proof.protobuf;
    folder.write("proof.hex", format!("\u{feff}{}\n{}\n", &hex[..64], &hex[64..]));
    let check = format!(
        "eots check-proof --root {} --count 4 --index 2 --public-randomness {} --proof @proof.hex",
        made.root, proof.public_randomness
    );
    assert_eq!(folder.json(&check)["valid"], true);
}

/// Of JSON of another form, the field is named, and the rule in words.
#[test]
fn files_of_another_form_name_the_field() {
    let folder = Folder::with_delegation();
    let fails = |field: &str, value: Value, words: &[&str]| {
        folder.write_changed("signed.json", "changed.json", |json| json[field] = value);
        let run = folder.run("stake check --network regtest --params params.json --delegation changed.json");
        assert!(run.stderr().starts_with("error: --delegation changed.json\n"), "{}", run.stderr());
        run.fails(words);
    };
    let former = "finality_providers is now an array of keys, and consumer_chains one of their chains";
    for value in [json!(PROVIDER_KEY), json!([{ "consumer_chain": "a", "public_key": PROVIDER_KEY }])] {
        fails("finality_providers", value, &[former]);
    }
    fails("finality_providers", json!([PROVIDER_KEY, PROVIDER_KEY]), &["it has 2 keys; must have 1 where"]);
    fails("finality_providers", json!(["00"]), &["line 1 column"]);
    fails("consumer_chains", json!(["a", "b"]), &["it names 2 chains; must name 1, one for each"]);
    for (hex, reason) in [
        ("zz", "not hex: Invalid character 'z' at position 0"),
        ("0", "not hex: Odd number of digits"),
        ("0200", "the transaction ends early"),
    ] {
        for field in ["staking_transaction", "unbonding_transaction"] {
            fails(field, json!(hex), &[&format!("because: {field}\n  because: {reason}\n")]);
        }
    }
    for field in ["inclusion", "extends", "proof_of_possession", "staker_signatures"] {
        fails(field, json!(7), &[&format!("expected the object {field}")]);
    }

    let sign =
        "stake sign --params params.json --delegation draft.json --secret-key-file staker.key --possession";
    let proof = |text: &str, reason: &str| {
        folder.write("proof.json", text);
        folder
            .run(&format!("{sign} proof.json"))
            .fails(&["error: --possession proof.json\n  because: proof_of_possession\n", reason]);
    };
    proof(&folder.read("signed.json"), "it is a delegation; must be a proof of possession by itself");
    proof("{}", "not a proof of possession: missing field `type`");
    proof("[]", "not a proof of possession: it is no JSON object");
}

#[test]
fn files_with_nothing_in_them_and_files_cut_off_are_named() {
    let folder = Folder::with_delegation();
    folder.write("empty", "");
    folder.write("blank", "\u{feff} \r\n");
    for file in ["empty", "blank"] {
        let is_empty = format!("the file {file} is empty");
        for (flag, line) in [
            ("--psbt", format!("psbt check --psbt @{file}")),
            (
                "--signed",
                format!("tx unbond --delegation verified.json --params params.json --signed @{file}"),
            ),
            ("--delegation", format!("stake check --params params.json --delegation {file}")),
            ("--params", format!("stake check --delegation signed.json --params {file}")),
            ("--params", format!("params check --params {file}")),
            (
                "--covenant-signatures",
                format!(
                    "stake add --delegation signed.json --params params.json --covenant-signatures {file}"
                ),
            ),
            (
                "--covenant-signatures",
                format!(
                    "covenant check --delegation signed.json --params params.json --covenant-signatures {file}"
                ),
            ),
        ] {
            folder.run(&line).fails(&[flag, &is_empty]);
        }
        folder
            .run(&format!("psbt sign --psbt @signed.psbt --secret-key-file {file}"))
            .fails(&["--secret-key-file", "it is empty"]);
    }
    folder.run_with(&["psbt", "check", "--psbt", "-"], b"\n").fails(&["--psbt", "standard input is empty"]);
    let psbt: bitcoin::Psbt = folder.read("signed.psbt").trim().parse().unwrap();
    let bytes = psbt.serialize();
    for length in [6, 40, bytes.len() / 2, bytes.len() - 1] {
        folder.write("cut.psbt", &bytes[..length]);
        let run = folder.run("psbt check --psbt @cut.psbt");
        assert!(
            !run.stderr().contains("UnexpectedEof") && !run.stderr().contains("IO error"),
            "{}",
            run.stderr()
        );
        run.fails(&["--psbt", "the PSBT ends early"]);
    }
}
