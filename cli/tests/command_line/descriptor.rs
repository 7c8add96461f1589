//! `btcstake descriptor`.

use serde_json::{Value, json};

use crate::fixtures::process::{Folder, MEMBER_KEY, PROVIDER, PROVIDER_KEY};

/// Covenant members' public keys, ascending.
const COVENANT: [&str; 2] = [
    "462779ad4aad39514614751a71085f2f10e1c7a593e4e030efb5b8721ce55b0b",
    "531fe6068134503d2723133227c867ac8fa6c83c537e9a44c3c5bdbdcb1fe337",
];

/// The three outputs as `btcstake script` prints them.
fn scripts(folder: &Folder, network: &str) -> [(&'static str, Value); 3] {
    let [first, second] = COVENANT;
    let parties =
        format!("--finality-provider {PROVIDER_KEY} --covenant {second} --covenant {first} --quorum 2");
    let rest = format!("--staker {MEMBER_KEY} --timelock 1008 --network {network}");
    [
        ("staking", folder.json(&format!("script staking {parties} {rest}"))),
        ("unbonding", folder.json(&format!("script unbonding {parties} {rest}"))),
        ("slashing-refund", folder.json(&format!("script slashing-refund {rest}"))),
    ]
}

#[test]
fn descriptors_that_script_prints_are_read_back() {
    let folder = Folder::new();
    for network in ["mainnet", "testnet4", "signet", "regtest"] {
        for (output, printed) in scripts(&folder, network) {
            let text = printed["descriptor"].as_str().unwrap();
            let refund = output == "slashing-refund";
            let mut expected = json!({
                "valid": true,
                "output": output,
                "staker": MEMBER_KEY,
                "finality_providers": if refund { json!([]) } else { json!([PROVIDER_KEY]) },
                "covenant": if refund { json!([]) } else { json!(COVENANT) },
                "quorum": if refund { json!(null) } else { json!(2) },
                "timelock": 1008,
            });
            // All else is what was printed.
            expected.as_object_mut().unwrap().extend(printed.as_object().unwrap().clone());
            assert_eq!(folder.json(&format!("descriptor {text} --network {network}")), expected);
        }
    }
}

#[test]
fn descriptors_come_from_files_and_standard_input_too() {
    let folder = Folder::new();
    let (_, printed) = &scripts(&folder, "regtest")[0];
    let text = printed["descriptor"].as_str().unwrap();
    let expected = folder.json(&format!("descriptor {text} --network regtest"));
    // As an editor leaves it, with a line's end.
    folder.write("stake.descriptor", format!("{text}\r\n"));
    assert_eq!(folder.json("descriptor @stake.descriptor --network regtest"), expected);
    let args = ["--json", "descriptor", "-", "--network", "regtest"];
    assert_eq!(folder.run_with(&args, text.as_bytes()).json(0), expected);
    // Without its checksum, which is printed all the same.
    let (bare, _) = text.split_once('#').unwrap();
    assert_eq!(folder.json(&format!("descriptor {bare} --network regtest")), expected);
}

/// As wallets print them: keys with origins and compressed, `sortedmulti_a` in any order, a checksum of that
/// text. The answer is that of the usual form.
#[test]
fn descriptors_of_wallets_are_read() {
    let folder = Folder::new();
    let (_, printed) = &scripts(&folder, "regtest")[0];
    let text = printed["descriptor"].as_str().unwrap();
    let expected = folder.json(&format!("descriptor {text} --network regtest"));
    let [first, second] = COVENANT;
    let (bare, _) = text.split_once('#').unwrap();
    let wallet = bare
        .replace(
            &format!("multi_a(2,{first},{second})"),
            &format!("sortedmulti_a(2,{second},[aabbccdd]{first})"),
        )
        .replace(MEMBER_KEY, &format!("[d34db33f/86'/0'/0'/0/3]03{MEMBER_KEY}"))
        .replace(PROVIDER_KEY, &format!("[d34db33f/86h/0h]{PROVIDER_KEY}"));
    assert!(wallet.matches('[').count() == 6 && wallet.matches("sorted").count() == 2, "{wallet}");
    let mut engine = staking_scripts::miniscript::descriptor::checksum::Engine::new();
    engine.input(&wallet).unwrap();
    let checked = format!("{wallet}#{}", engine.checksum());
    for text in [&wallet, &checked] {
        assert_eq!(folder.json(&format!("descriptor {text} --network regtest")), expected, "{text}");
    }
    let wrong = format!("{wallet}#{}", text.split_once('#').unwrap().1);
    let refused = folder.run(&format!("--json descriptor {wrong} --network regtest")).json(1);
    assert!(refused["reason"].as_str().unwrap().contains("checksum is wrong"), "{refused}");
}

#[test]
fn text_says_whose_it_is() {
    let folder = Folder::new();
    for (output, printed) in scripts(&folder, "regtest") {
        let descriptor = printed["descriptor"].as_str().unwrap();
        let text = folder.run(&format!("descriptor {descriptor} --network regtest")).ends(0).stdout();
        let (address, script) =
            (printed["address"].as_str().unwrap(), printed["script_pubkey"].as_str().unwrap());
        let heading = format!("{output} output\n");
        for part in [&heading, address, script, descriptor, MEMBER_KEY, "1008 blocks"] {
            assert!(text.contains(part), "no {part:?} in {text}");
        }
        let parties = ["2 of 2", PROVIDER_KEY, COVENANT[0], COVENANT[1]];
        let named = parties.iter().filter(|part| text.contains(**part)).count();
        assert_eq!(named, if output == "slashing-refund" { 0 } else { parties.len() }, "{text}");
        for (_, leaf) in printed["leaves"].as_object().unwrap() {
            assert!(text.contains(leaf.as_str().unwrap()), "{text}");
        }
    }
}

/// A descriptor that is not of the protocol is a negative answer, with the reason.
#[test]
fn descriptors_that_are_almost_ours_are_refused() {
    let folder = Folder::new();
    let [(_, staking), (_, unbonding), _] = scripts(&folder, "regtest");
    let bare =
        |printed: &Value| printed["descriptor"].as_str().unwrap().split('#').next().unwrap().to_owned();
    let (staking, unbonding) = (bare(&staking), bare(&unbonding));
    let [first, second] = COVENANT;
    let cases = [
        (format!("wpkh(02{MEMBER_KEY})"), "not of the form tr(KEY,TREE)"),
        ("zz".to_owned(), "not of the form tr(KEY,TREE)"),
        ("@unfinished".to_owned(), "not a descriptor"),
        (format!("{unbonding}#qqqqqqqq"), "checksum is wrong"),
        (
            staking.replace("50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0", MEMBER_KEY),
            "internal key",
        ),
        (staking.replace(&format!("{first},{second}"), &format!("{second},{first}")), "out of order"),
        (
            staking.replace(&format!("pk({PROVIDER_KEY})"), &format!("multi_a(1,{PROVIDER_KEY})")),
            "one key only",
        ),
        (staking.replace("1008", "65536"), "blocks; must be 1 to 65535"),
        (staking.replace("1008", "4194305"), "512 seconds"),
        (
            staking.replace(&format!("pk({PROVIDER_KEY})"), &format!("pk([d34db33/0]{PROVIDER_KEY})")),
            "its origin is not [FINGERPRINT/PATH]",
        ),
        (
            staking.replace(&format!("pk({PROVIDER_KEY})"), &format!("sortedmulti_a(1,{PROVIDER_KEY})")),
            "as multi_a or sortedmulti_a of it is another script",
        ),
        (unbonding.replace(PROVIDER_KEY, MEMBER_KEY), "stands twice"),
    ];
    folder.write("unfinished", "tr(");
    for (text, reason) in cases {
        let args = ["--json", "descriptor", &text, "--network", "regtest"];
        let json = folder.run_with(&args, b"").json(1);
        assert_eq!(json["valid"], json!(false), "{text}");
        assert!(json["reason"].as_str().unwrap().contains(reason), "no {reason:?} in {json} of {text}");
        assert_eq!(json.as_object().unwrap().len(), 2, "{json}");
        let shown = folder.run_with(&args[1..], b"").ends(1).stdout();
        assert!(shown.starts_with("not valid: ") && shown.contains(reason), "{shown}");
    }
}

/// A secret where a descriptor or a public key belongs is not printed back.
#[test]
fn secrets_are_not_printed_back() {
    let folder = Folder::new();
    let (_, printed) = &scripts(&folder, "regtest")[0];
    let wif = "L3VFeEujGtevx9w18HD1fhRbCH67Az2dpCymeRE1SoPK6XQtaN2k";
    let staking =
        printed["descriptor"].as_str().unwrap().split('#').next().unwrap().replace(PROVIDER_KEY, wif);
    for text in [wif, PROVIDER, &staking] {
        let run = folder.run(&format!("descriptor {text} --network regtest")).ends(1);
        assert!(!run.stdout().contains(wif) && !run.stdout().contains(PROVIDER), "{}", run.stdout());
    }
}

#[test]
fn files_that_cannot_be_read_name_their_argument() {
    let folder = Folder::new();
    folder.write("empty", "");
    folder.write("bytes", [0xff, 0xfe]);
    for (argument, word) in [("@nowhere", "cannot open nowhere"), ("@empty", "empty"), ("@bytes", "no text")]
    {
        folder.run(&format!("descriptor {argument} --network regtest")).fails(&["DESCRIPTOR", word]);
    }
    folder.run_with(&["descriptor", "-", "--network", "regtest"], b" \n").fails(&["DESCRIPTOR", "empty"]);
    folder.run("descriptor zz").fails(&["--network"]);
    folder.run("descriptor zz --network moon").fails(&["--network"]);
    folder.run("descriptor --network regtest").fails(&["DESCRIPTOR"]);
}
