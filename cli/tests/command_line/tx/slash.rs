//! `btcstake tx slash`.

use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use bitcoin::consensus::encode::serialize_hex;
use btcstake::outputs::{EotsSign, TxExplain};
use serde_json::{Value, json};

use crate::fixtures::bitcoin::Served;
use crate::fixtures::delegation::{FILES, transaction};
use crate::fixtures::node::Regtest;
use crate::fixtures::process::{Folder, MEMBER_KEY, PROVIDER_EVEN, PROVIDER_KEY};

/// With the provider's key, from either output.
#[test]
fn slashing_from_either_output_shows_the_providers_key() {
    let folder = Folder::with_delegation();
    let slash = format!("tx slash {FILES} verified.json --provider-key-file provider.key");
    let slashed = transaction(&folder.output(&slash));
    assert_eq!(slashed.output[0].value.to_sat(), 500);
    let later = transaction(&folder.output(&format!("{slash} --unbonding")));
    let unbonding = folder.psbt(&format!("tx unbond {FILES} verified.json")).unsigned_tx;
    assert_eq!(later.input[0].previous_output.txid, unbonding.compute_txid());
    // Seen on chain, the slashing transaction shows the key to whoever has the delegation.
    for slashing in [&slashed, &later] {
        folder.write("slashing.tx", serialize_hex(slashing));
        let explained: TxExplain = folder.output(&format!("tx explain {FILES} verified.json @slashing.tx"));
        let said = explained.delegation.unwrap();
        assert_eq!(said.provider_secret_key.as_deref(), Some(PROVIDER_EVEN), "{said:?}");
        assert!(said.stake_transaction.unwrap().ends_with("slashing") && said.violations.is_empty());
    }
    folder.run(&slash.replace("provider.key", "member.key")).fails(&[
        "--provider-key-file",
        MEMBER_KEY,
        "not one of the stake's finality providers'",
    ]);
}

/// Whoever sees the slashing has the key, from the adaptor signatures.
#[test]
fn slashing_on_a_chain_shows_the_providers_key() {
    let Some(regtest) = Regtest::new() else { return };
    regtest.stake("slashed");
    regtest.broadcast("slashed.tx");
    regtest.mine(1);
    let slash = format!("tx slash {FILES} slashed.json --provider-key-file provider.key");
    let txid = regtest.send(&slash).txid;
    regtest.mine(1);
    let explain = format!("tx explain {txid} {FILES} slashed.json");
    let explained: TxExplain = regtest.output(&explain);
    assert_eq!(explained.delegation.unwrap().provider_secret_key.as_deref(), Some(PROVIDER_EVEN));
}

/// Evidence as the chain's gateway has it: hex beside base64, numbers as text; of two votes that were signed
/// with the key of a file.
pub(crate) fn evidence(folder: &Folder, key: &str, height: u64) -> Value {
    evidence_in(folder, key, height, "")
}

/// The same of votes that are signed with these flags.
fn evidence_in(folder: &Folder, key: &str, height: u64, flags: &str) -> Value {
    let vote = |hash: &str| -> EotsSign {
        folder.output(&format!(
            "eots sign --secret-key-file {key} --chain-id bbn-1 --height {height} --message {height:016x}{hash} --dangerously-unprotected {flags}"
        ))
    };
    let base64 = |hex: &str| BASE64_STANDARD.encode(hex::decode(hex).unwrap());
    let (canonical, fork) = ("aa".repeat(32), "bb".repeat(32));
    let (first, second) = (vote(&canonical), vote(&fork));
    json!({
        "fp_btc_pk_hex": first.public_key, "block_height": height.to_string(),
        "pub_rand": base64(&first.public_randomness),
        "canonical_app_hash": base64(&canonical), "fork_app_hash": base64(&fork),
        "canonical_finality_sig": base64(&first.signature), "fork_finality_sig": base64(&second.signature),
    })
}

/// Evidence alone, as the chain prints it, is enough to slash; Bitcoin Core's engine takes both transactions.
#[test]
fn evidence_of_the_chain_slashes_either_output() {
    let served = Served::new();
    let folder = &served.folder;
    served.stake("stake");
    served.confirm_file("stake.tx");
    let one = evidence(folder, "provider.key", 252);
    folder.write("evidence.json", json!({ "evidence": one }).to_string());
    // The chain's list repeats, and has others' too.
    let all = [evidence(folder, "member.key", 7), one.clone(), one, evidence(folder, "member.key", 9)];
    let page = json!({ "evidences": all, "pagination": { "next_key": null, "total": "4" } });
    folder.write("evidences.json", page.to_string());
    let slash = |with: &str| format!("tx slash {FILES} stake.json {with}");
    for output in ["", "--unbonding"] {
        let of_key = folder.json(&slash(&format!("--provider-key-file provider.key {output}")));
        for file in ["evidence.json", "evidences.json"] {
            let of_evidence = folder.json(&slash(&format!("--evidence {file} {output}")));
            assert_eq!(of_evidence, of_key, "{file} {output}");
        }
        let line = format!("--json {}", slash(&format!("--evidence - {output}")));
        let words: Vec<_> = line.split_whitespace().collect();
        let piped = folder.run_with(&words, folder.read("evidence.json").as_bytes());
        assert_eq!(piped.json(0), of_key);
    }
    let slashing = served.build(&slash("--evidence evidence.json"), "slashing.tx");
    served.confirm(&slashing);
    // A tenth of a percent of 500 000 sat.
    assert_eq!(slashing.output[0].value.to_sat(), 500);
    served.stake("other");
    served.confirm_file("other.tx");
    let unbond = format!("tx unbond {FILES} other.json --secret-key-file staker.key");
    let unbonding = served.build(&unbond, "unbonding.tx");
    served.confirm(&unbonding);
    let line = slash("--evidence evidence.json --unbonding").replace("stake.json", "other.json");
    let later = served.build(&line, "later.tx");
    assert_eq!(later.input[0].previous_output.txid, unbonding.compute_txid());
    served.confirm(&later);
}

#[test]
fn evidence_that_slashes_nothing_here_is_refused() {
    let folder = Folder::with_delegation();
    let slash = |with: &str| folder.run(&format!("tx slash {FILES} verified.json {with}"));
    let write = |name: &str, evidence: Value| folder.write(name, json!({ "evidence": evidence }).to_string());
    let own = evidence(&folder, "provider.key", 252);
    write("own.json", own.clone());
    write("other.json", evidence(&folder, "member.key", 252));
    slash("--evidence other.json").fails(&["--evidence", "none is of the provider that is meant"]);
    let real = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/node/answers/rest-evidences.json");
    slash(&format!("--evidence {real}")).fails(&["--evidence", "none is of the provider that is meant"]);
    // A fork vote that nobody has made, one that is another's, and the same vote twice.
    for (name, field, value) in [
        ("none.json", "fork_finality_sig", json!("")),
        ("wrong.json", "fork_app_hash", own["canonical_finality_sig"].clone()),
        ("same.json", "fork_app_hash", own["canonical_app_hash"].clone()),
        ("randomness.json", "pub_rand", own["canonical_app_hash"].clone()),
    ] {
        let mut changed = own.clone();
        changed[field] = value;
        write(name, changed);
        slash(&format!("--evidence {name}")).fails(&["--evidence"]);
    }
    folder.write("no.json", "{}");
    slash("--evidence no.json").fails(&["--evidence no.json", "it must have `evidence`"]);
    slash("--evidence nowhere.json").fails(&["--evidence", "nowhere.json"]);
    slash("--evidence own.json --provider-key-file provider.key").fails(&["cannot be used with"]);
    slash("").fails(&["--provider-key-file <FILE>|--evidence <FILE>"]);
    // Evidence of a consumer chain's contract names no context: the flag says it, and no other flag does.
    let context = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let of_contract = evidence_in(&folder, "provider.key", 252, &format!("--signing-context {context}"));
    write("contract.json", of_contract);
    slash("--evidence contract.json").fails(&["--evidence contract.json", "proves nothing"]);
    let said = slash(&format!("--evidence contract.json --evidence-signing-context {context}"));
    assert_eq!(said.ends(0).stdout(), slash("--provider-key-file provider.key").ends(0).stdout());
    slash(&format!("--provider-key-file provider.key --evidence-signing-context {context}"))
        .fails(&["--evidence"]);
    // And it is the key of the stake's provider that is extracted.
    let extracted = folder.json(&format!("eots extract --evidence own.json --public-key {PROVIDER_KEY}"));
    assert_eq!(extracted["secret_key"], json!(PROVIDER_EVEN));
}
