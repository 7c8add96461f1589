//! `btcstake pop verify`.

use btcstake::outputs::{PopCreate, Verdict};
use serde_json::json;

use super::{ADDRESS, BIP340, CONTEXT, ECDSA, OTHER, P2TR, P2WPKH, create, verify};
use crate::fixtures::process::{Folder, MEMBER_KEY, PROVIDER_KEY};

#[test]
fn proofs_of_the_three_types_are_valid_for_one_key_and_account() {
    let folder = Folder::new();
    let bip322 =
        |rest: &str| folder.output::<PopCreate>(&create("member", &format!("bip322 {rest}"))).signature;
    let proofs = [
        (PROVIDER_KEY, "bip340", BIP340.to_owned()),
        (MEMBER_KEY, "ecdsa", ECDSA.to_owned()),
        // The chain's message, and the simple signature as wallets show it.
        (MEMBER_KEY, "bip322", bip322("--script p2wpkh --network mainnet")),
        (MEMBER_KEY, "bip322", bip322("--script p2tr --network regtest")),
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
            assert!(!folder.run(&other).output::<Verdict>(1).valid, "{other}");
        }
    }
}

#[test]
fn signing_context_is_part_of_the_proof() {
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
fn reason_says_why_a_proof_is_not_valid() {
    let folder = Folder::new();
    let says = |rest: &str, words: &str| {
        let text = folder.run(&verify(MEMBER_KEY, rest).replace("--json ", "")).ends(1).stdout();
        assert!(text.starts_with("not valid: ") && text.contains(words), "{text}");
    };
    says(&format!("bip340 --signature {BIP340}"), "has not signed");
    says(&format!("ecdsa --signature 27{}", &ECDSA[2..]), "is 39; must be 27 to 34");
    // Bytes that are no proof of this type, a key that is none.
    says("bip322 --signature 0a03616263", "Bitcoin address");
    let text =
        folder.run(&verify(&"f".repeat(64), &format!("bip340 --signature {BIP340}")).replace("--json ", ""));
    assert!(text.ends(1).stdout().contains("not the x coordinate"));
    // SIGHASH_NONE at the end of a simple signature.
    says(&format!("bip322 --signature {}", P2TR.replace("AQ==", "Ag==")), "sighash type is 0x02");
}
