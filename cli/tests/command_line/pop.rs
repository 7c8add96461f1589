//! `btcstake pop`. The proofs of these keys were verified by the Go reference (babylon v4.1.0).

use serde_json::json;

use crate::process::{Folder, MEMBER_KEY, PROVIDER_KEY};

const ADDRESS: &str = "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm";
const OTHER: &str = "bbn1qurswpc8qurswpc8qurswpc8qurswpc8ydktlc";
/// SHA256("btcstaking/0/staker_pop/chain-1/contract").
const CONTEXT: &str = "8d4576624d8dc34d00e5aa83cdea90319cab0834f4b5aae8eb9e0e7e9b849909";

const BIP340: &str = "62bdb51bb1f525d270b99dbf1b6dfd82cbe222dc824e60d98082fd56a8a5180c\
    0df7d8b2e434f1549de5ad8ce2cbfd9899965d42dba79daedd1ae6ab04d4090e";
const ECDSA: &str = "1f2fd8e3afc4fcbb07a72c462227e6a6a9341471edf4a50fe7c801f7174109c0d9\
    74fc04b7a73519e4db004409a0df2895406f7ce8e61ff0d54fd17003fbbdfc96";
const P2WPKH: &str = "AkcwRAIgGOHBclLHfikBOCITMLifo5NH0WsCDVKC4Oh+aUQtRpQCIG67J+Oj7Ll2i00dPDubpN+nYOZtV09dcZiprbbrSlKtASECTUts0TYQ\
    Msqb0q652QCqTUXZ6tgKyUIzdMRRpyVNB2Y=";
const P2TR: &str =
    "AUFvqbP0XQNPMcWByhOMmxd1gp+4/6T1Vv/QqfaUDPSo6u/WaOyWQ5d2qijSQM/qucvGTUiaWBoAyCZQmf7iHqvbAQ==";

fn create(key: &str, rest: &str) -> String {
    format!("pop create --secret-key-file {key}.key --address {ADDRESS} --type {rest}")
}

fn verify(key: &str, rest: &str) -> String {
    format!("--json pop verify --public-key {key} --address {ADDRESS} --type {rest}")
}

#[test]
fn the_three_types() {
    let folder = Folder::new();
    for (name, key, kind, signature) in
        [("provider", PROVIDER_KEY, "bip340", BIP340), ("member", MEMBER_KEY, "ecdsa", ECDSA)]
    {
        let expected = json!({
            "public_key": key, "type": kind, "address": ADDRESS, "signature": signature,
            "signing_context": null, "bitcoin_address": null, "simple_signature": null,
        });
        assert_eq!(folder.json(&create(name, kind)), expected);
    }
    let p2wpkh = folder.json(&create("member", "bip322 --script p2wpkh --network mainnet"));
    assert_eq!(p2wpkh["bitcoin_address"], json!("bc1qa0qwuze2h85zw7nqpsj3ga0z9geyrgwpp9ee7r"));
    assert_eq!(p2wpkh["simple_signature"], json!(P2WPKH));
    let p2tr = folder.json(&create("member", "bip322 --script p2tr --network regtest"));
    assert_eq!(
        p2tr["bitcoin_address"],
        json!("bcrt1p5e6v9v2j5wp3y6c79gaqdqltq7jdv45fswnnm7exmmp2020mqepspf6x45")
    );
    assert_eq!(p2tr["simple_signature"], json!(P2TR));
    // As text: the signature alone where there is nothing else.
    assert_eq!(folder.run(&create("provider", "bip340")).ends(0).stdout(), format!("{BIP340}\n"));

    let message = |json: &serde_json::Value| json["signature"].as_str().unwrap().to_owned();
    let proofs = [
        (PROVIDER_KEY, "bip340", BIP340.to_owned()),
        (MEMBER_KEY, "ecdsa", ECDSA.to_owned()),
        // The chain's message, and the simple signature as wallets show it.
        (MEMBER_KEY, "bip322", message(&p2wpkh)),
        (MEMBER_KEY, "bip322", message(&p2tr)),
        (MEMBER_KEY, "bip322", P2WPKH.to_owned()),
        (MEMBER_KEY, "bip322", P2TR.to_owned()),
        (MEMBER_KEY, "bip322", format!("smp{P2TR}")),
    ];
    for (key, kind, signature) in proofs {
        let line = verify(key, &format!("{kind} --signature {signature}"));
        assert_eq!(folder.run(&line).json(0), json!({ "valid": true, "reason": null }), "{line}");
        // Another account, another key, and a signing context are another proof.
        let other_key = if key == MEMBER_KEY { PROVIDER_KEY } else { MEMBER_KEY };
        for other in [
            line.replace(ADDRESS, OTHER),
            line.replace(key, other_key),
            format!("{line} --signing-context {CONTEXT}"),
        ] {
            assert_eq!(folder.run(&other).json(1)["valid"], json!(false), "{other}");
        }
    }
}

#[test]
fn a_signing_context_is_part_of_the_proof() {
    let folder = Folder::new();
    for kind in ["bip340", "ecdsa", "bip322 --script p2tr --network signet"] {
        let context = format!("--signing-context {CONTEXT}");
        let made = folder.json(&format!("{} {context}", create("member", kind)));
        let kind = kind.split(' ').next().unwrap();
        let line = verify(MEMBER_KEY, &format!("{kind} --signature {}", made["signature"].as_str().unwrap()));
        assert_eq!(
            folder.run(&format!("{line} {context}")).json(0),
            json!({ "valid": true, "reason": null })
        );
        assert_eq!(folder.run(&line).json(1)["valid"], json!(false));
        let other = context.replace('a', "b");
        assert_eq!(folder.run(&format!("{line} {other}")).json(1)["valid"], json!(false));
    }
}

#[test]
fn why_a_proof_is_not_valid_is_said() {
    let folder = Folder::new();
    let says = |rest: &str, words: &str| {
        let text = folder.run(&verify(MEMBER_KEY, rest).replace("--json ", "")).ends(1).stdout();
        assert!(text.starts_with("not valid: ") && text.contains(words), "{text}");
    };
    says(&format!("bip340 --signature {BIP340}"), "has not signed");
    says(&format!("ecdsa --signature 27{}", &ECDSA[2..]), "27 to 34, not 39");
    // Bytes that are no proof of this type, a key that is none.
    says("bip322 --signature 0a03616263", "Bitcoin address");
    let text =
        folder.run(&verify(&"f".repeat(64), &format!("bip340 --signature {BIP340}")).replace("--json ", ""));
    assert!(text.ends(1).stdout().contains("not the x coordinate"));
    // SIGHASH_NONE at the end of a simple signature.
    says(&format!("bip322 --signature {}", P2TR.replace("AQ==", "Ag==")), "sighash type is 0x02");
}

#[test]
fn what_does_not_belong_together_is_said() {
    let folder = Folder::new();
    folder.run(&create("member", "bip322 --script p2tr")).fails(&["--network"]);
    folder.run(&create("member", "bip322 --network regtest")).fails(&["--script"]);
    folder.run(&create("member", "ecdsa --script p2tr")).fails(&["--script", "--type bip322"]);
    folder.run(&create("member", "bip340 --network regtest")).fails(&["--network", "--type bip322"]);
    // An account of another chain needs that chain's context.
    let osmo = create("member", "bip340").replace(ADDRESS, "osmo1qurswpc8qurswpc8qurswpc8qurswpc8mg52kn");
    folder.run(&osmo).fails(&["osmo1", "bbn1", "signing context"]);
    folder.json(&format!("{osmo} --signing-context {CONTEXT}"));
    // A Bitcoin address is no account.
    let bitcoin = create("member", "bip340").replace(ADDRESS, "bc1qa0qwuze2h85zw7nqpsj3ga0z9geyrgwpp9ee7r");
    folder.run(&bitcoin).fails(&["--address"]);
}
