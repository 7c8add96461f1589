//! `btcstake pop verify`.

use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use btcstake::outputs::{PopCreate, PopVerify};
use serde_json::json;

use super::{
    ADDRESS, BIP340, CONTEXT, CONTRACT, ECDSA, OF_CONTRACT, OTHER, P2TR, P2TR_ALL, P2WPKH, TEXT, TEXT_BASE64,
    create, verify,
};
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
        // 65 bytes, which others make.
        (MEMBER_KEY, "bip322", P2TR_ALL.to_owned()),
    ];
    for (key, kind, signature) in proofs {
        let line = verify(key, &format!("{kind} --signature {signature}"));
        let verdict: PopVerify = folder.output(&line.replace("--json ", ""));
        assert_eq!((verdict.valid, verdict.reason), (true, None), "{line}");
        let record = verdict.proof_of_possession.unwrap();
        assert_eq!((record.kind.as_str(), record.account.as_str()), (kind, ADDRESS));
        // Another account, another key, and a signing context are another proof.
        let other_key = if key == MEMBER_KEY { PROVIDER_KEY } else { MEMBER_KEY };
        for other in [
            line.replace(ADDRESS, OTHER),
            line.replace(key, other_key),
            format!("{line} --signing-context {CONTEXT}"),
        ] {
            assert!(!folder.run(&other).output::<PopVerify>(1).valid, "{other}");
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
        let verdict = folder.run(&format!("{line} {context}")).json(0);
        assert_eq!(verdict["valid"], json!(true));
        assert_eq!(verdict["proof_of_possession"]["signing_context"], json!(CONTEXT));
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
    says(&format!("bip322 --signature {}", P2TR_ALL.replace("AQ==", "Ag==")), "sighash type is 0x02");
}

/// The record is the chain's form of the proof, whatever it was given as.
#[test]
fn record_is_the_proof_as_a_delegation_has_it() {
    let folder = Folder::new();
    for (kind, network, signature) in [
        ("bip340", "", None),
        ("ecdsa", "", None),
        ("bip322", "--script p2wpkh --network mainnet", Some(P2WPKH)),
        ("bip322", "--script p2tr --network regtest", Some(P2TR)),
    ] {
        let made: PopCreate = folder.output(&create("member", &format!("{kind} {network}")));
        let given = signature.unwrap_or(&made.signature);
        let network = network.split_once(' ').map_or("", |(_, network)| network.split_once(' ').unwrap().1);
        let line = verify(MEMBER_KEY, &format!("{kind} {network} --signature {given}"));
        let verdict = folder.run(&line).json(0);
        assert_eq!(
            verdict,
            json!({
                "valid": true, "reason": null,
                "proof_of_possession": {
                    "type": kind, "account": ADDRESS, "signature": made.signature, "signing_context": null,
                },
            })
        );
    }
    let refused = folder.run(&verify(PROVIDER_KEY, &format!("ecdsa --signature {ECDSA}"))).json(1);
    assert_eq!(refused["proof_of_possession"], json!(null));
    folder
        .run(&verify(MEMBER_KEY, &format!("ecdsa --network regtest --signature {ECDSA}")))
        .fails(&["--network", "--type bip322"]);
}

#[test]
fn account_of_32_bytes_and_in_upper_case() {
    let folder = Folder::new();
    let line = verify(PROVIDER_KEY, &format!("bip340 --signature {OF_CONTRACT}")).replace(ADDRESS, CONTRACT);
    let verdict = folder.run(&line).json(0);
    assert_eq!(verdict["proof_of_possession"]["account"], json!(CONTRACT));
    assert_eq!(folder.run(&line.replace(CONTRACT, &CONTRACT.to_uppercase())).json(0), verdict);
    folder.run(&line.replace(CONTRACT, &CONTRACT.replace("bbn", "BBN"))).fails(&["--address", "mixed"]);
    folder.run(&line.replace("fut8", "fut9")).fails(&["--address", "mistyped"]);
}

/// `eotsd pop export` signs the text of the account, of any chain; no chain takes that, nor the reverse.
#[test]
fn proof_over_the_text_of_an_account() {
    let folder = Folder::new();
    // From the tests of finality-provider (`pop_test.go`).
    let exported = "pop verify --type bip340-text --address bbn1ayrme3m73xv294t50k7v5pfj6pauyps03atepn \
        --public-key b1bc317bacf02fba17abea4f695c89997d55fe513a56ad8126237226212dd487 \
        --signature L9wYf+rg2fQRzy2rau2MTO9V5sEBCSUWtWcxJxweSrvkDpR6tJTwKz3Ba0c/q7yNCT91Ag7H4rKMVhKmyN4tkQ==";
    let valid = json!({ "valid": true, "reason": null, "proof_of_possession": null });
    assert_eq!(folder.json(exported), valid);
    for signature in [TEXT, TEXT_BASE64] {
        let line = verify(PROVIDER_KEY, &format!("bip340-text --signature {signature}"));
        assert_eq!(folder.run(&line).json(0), valid);
        let refused: PopVerify = folder.run(&line.replace(ADDRESS, OTHER)).output(1);
        let reason = format!("the key {PROVIDER_KEY} has not signed the text {OTHER}");
        assert_eq!(refused.reason, Some(reason));
        let chains: PopVerify = folder.run(&line.replace("bip340-text", "bip340")).output(1);
        assert!(!chains.valid);
    }
    let line = verify(PROVIDER_KEY, &format!("bip340-text --signature {BIP340}"));
    assert!(!folder.run(&line).output::<PopVerify>(1).valid);
    folder.run(&verify(MEMBER_KEY, &format!("bip340-text --signature {ECDSA}"))).fails(&[
        "--signature",
        "found an ECDSA signature (65 bytes); must be a BIP-340 signature of 64 bytes",
    ]);
    folder.run(&line.replace(ADDRESS, &"x".repeat(32))).fails(&["--address", "has 32 bytes"]);
}

/// A proof of another type is wrong usage; what was given and what was expected are named.
#[test]
fn proof_of_another_type_is_named() {
    let folder = Folder::new();
    let says = |rest: &str, words: &[&str]| {
        folder.run(&verify(MEMBER_KEY, rest)).fails(&[&["--signature"][..], words].concat());
    };
    let bip322 = "must be a BIP-322 proof: simple (smp…), full (ful…), or the chain's message BIP322Sig";
    let ecdsa = "must be an ECDSA signature of 65 bytes";
    says(&format!("bip322 --signature {ECDSA}"), &["found an ECDSA signature (65 bytes)", bip322]);
    says(&format!("bip322 --signature {BIP340}"), &["found a BIP-340 signature (64 bytes)", bip322]);
    for simple in [P2TR, P2TR_ALL, P2WPKH, &format!("smp{P2TR}")] {
        says(&format!("ecdsa --signature {simple}"), &["found a simple BIP-322 proof", ecdsa]);
        says(&format!("bip340 --signature {simple}"), &["found a simple BIP-322 proof", "64 bytes"]);
    }
    let message =
        folder.output::<PopCreate>(&create("member", "bip322 --script p2tr --network signet")).signature;
    says(&format!("ecdsa --signature {message}"), &["found the chain's message BIP322Sig", ecdsa]);
    let whole = format!("0802{:02x}{:02x}{ECDSA}", 0x12, 65);
    folder.run(&verify(MEMBER_KEY, &format!("ecdsa --signature {whole}"))).ends(0);
    says(&format!("bip322 --signature {whole}"), &["ProofOfPossessionBTC of type ECDSA", bip322]);
    let bytes = hex::decode(&message).unwrap();
    says(&format!("bip322 --signature ful{P2TR}"), &["found a simple BIP-322 proof after ful"]);
    let psbt = BASE64_STANDARD.encode(b"psbt\xff\x00");
    says(&format!("bip322 --signature pof{psbt}"), &["found a BIP-322 proof of funds", bip322]);
    says("bip322 --signature wha!", &["neither hex nor base64", "@FILE"]);
    // The same from files: text as a wallet shows it, and bytes.
    folder.write("ecdsa.txt", format!("{}\n", BASE64_STANDARD.encode(hex::decode(ECDSA).unwrap())));
    folder.write("ecdsa.bin", hex::decode(ECDSA).unwrap());
    folder.write("message.bin", bytes);
    folder.write("simple.txt", format!("smp{}\r\n{}\n", &P2TR[..50], &P2TR[50..]));
    folder.write("wrong.txt", format!("ful{P2TR}\n"));
    for (kind, file) in
        [("ecdsa", "ecdsa.txt"), ("ecdsa", "ecdsa.bin"), ("bip322", "message.bin"), ("bip322", "simple.txt")]
    {
        folder.run(&verify(MEMBER_KEY, &format!("{kind} --signature @{file}"))).ends(0);
    }
    says("bip322 --signature @ecdsa.txt", &["ecdsa.txt", "found an ECDSA signature"]);
    says("bip322 --signature @wrong.txt", &["wrong.txt", "found a simple BIP-322 proof after ful"]);
}

/// The proof of a nested address (P2SH-P2WPKH) has the form of P2WPKH; it is no proof for the chain.
#[test]
fn nested_address_is_named() {
    let folder = Folder::new();
    let nested = "AkgwRQIhAPP8b5JwYQ3Nv2Wi2YRIwAD0PbUHU7xlSbZCVjWqc9FYAiBfH81TWchbn9m5ywTINIhuGsa7Czwf0nCDij4bM0oH\
        AQEhAlMf5gaBNFA9JyMTMifIZ6yPpsg8U36aRMPFvb3LH+M3";
    let key = crate::fixtures::delegation::STAKER;
    let line = verify(key, &format!("bip322 --signature {nested}"));
    let refused: PopVerify = folder.run(&line).output(1);
    assert_eq!(
        refused.reason.as_deref(),
        Some(
            "the proof is of the address 32GDcsUty2rgDyCN6EPeWKmjesu1f4X16d, which is P2SH (nested SegWit); must be of a \
             P2WPKH or P2TR address"
        )
    );
    let refused: PopVerify = folder.run(&format!("{line} --network regtest")).output(1);
    assert!(refused.reason.unwrap().contains("2MspRgcQvaVN2RkpumN1X8GkzsE7BVTTb6y"));
}
