//! `btcstake stake sign`.

use btcstake::outputs::{EotsContext, StakeCheck};
use eots::SecretKey;
use serde_json::Value;

use crate::fixtures::delegation::{ACCOUNT, FILES, stake};
use crate::fixtures::process::{Folder, PROVIDER_KEY};

/// A draft whose transactions are not what the staker's program makes of it is not signed.
#[test]
fn draft_must_be_the_stakers_and_consistent() {
    let folder = Folder::with_delegation();
    folder.write_changed("draft.json", "swapped.json", |draft| {
        draft["slashing_transaction"] = draft["unbonding_slashing_transaction"].clone();
    });
    let sign = format!("stake sign {FILES} swapped.json --secret-key-file staker.key --address {ACCOUNT}");
    folder.run(&sign).fails(&[
        "--delegation",
        "slashing_transaction is the transaction",
        "the other fields make",
    ]);
    let other = format!("stake sign {FILES} draft.json --secret-key-file member.key --address {ACCOUNT}");
    folder.run(&other).fails(&["error: --secret-key-file\n", "must be the staker's"]);
}

/// The wallet holds the staker's key: it gets PSBTs, and what it returns goes into the delegation.
#[test]
fn signatures_of_a_wallet() {
    let folder = Folder::with_delegation();
    let lines = folder.run(&format!("stake psbts {FILES} draft.json")).ends(0).stdout();
    for (name, line) in ["slashing", "later"].iter().zip(lines.lines()) {
        folder.write(&format!("{name}.psbt"), line);
        let signed = folder
            .run(&format!("psbt sign --psbt @{name}.psbt --secret-key-file staker.key"))
            .ends(0)
            .stdout();
        folder.write(&format!("{name}-signed.psbt"), signed);
    }
    let proof = "pop create --secret-key-file staker.key --json --address";
    let proof = |rest: &str| folder.run(&format!("{proof} {ACCOUNT} {rest}")).ends(0).stdout();
    let sign = format!("stake sign {FILES} draft.json --possession proof.json");
    let wallet = format!("{sign} --slashing @slashing-signed.psbt --unbonding-slashing @later-signed.psbt");
    for kind in ["--type bip340", "--type ecdsa", "--type bip322 --script p2wpkh --network regtest"] {
        folder.write("proof.json", proof(kind));
        let signed: Value = folder.json(&wallet);
        folder.write("by-wallet.json", signed.to_string());
        let check: StakeCheck = folder.output(&format!("stake check {FILES} by-wallet.json"));
        assert!(check.accepted, "{kind}");
        let by_key = folder.json(&format!("{sign} --secret-key-file staker.key"));
        assert_eq!(by_key["proof_of_possession"], signed["proof_of_possession"]);
    }
    // Swapped, unsigned, of another key, without the proof, with a proof of another key.
    let swapped = format!("{sign} --slashing @later-signed.psbt --unbonding-slashing @slashing-signed.psbt");
    folder.run(&swapped).fails(&["error: --slashing\n", "the PSBT is of the transaction"]);
    folder
        .run(&wallet.replace("@later-signed", "@later"))
        .fails(&["error: --unbonding-slashing\n", "has not signed"]);
    folder.run(&wallet.replace("--possession proof.json", "")).fails(&["--possession"]);
    folder
        .run(&wallet.replace("--unbonding-slashing @later-signed.psbt", ""))
        .fails(&["--unbonding-slashing"]);
    folder.run(&format!("{wallet} --secret-key-file staker.key")).fails(&["--secret-key-file"]);
    folder.run(&format!("{sign} --address {ACCOUNT} --secret-key-file staker.key")).fails(&["--possession"]);
    folder.write("proof.json", proof("--type bip340").replace(ACCOUNT, "bbn1nonsense"));
    folder.run(&wallet).fails(&["error: --possession proof.json", "not an account address"]);
    let other = format!("pop create --secret-key-file member.key --json --type bip340 --address {ACCOUNT}");
    folder.write("proof.json", folder.run(&other).ends(0).stdout());
    folder.run(&wallet).refuses(&["the proof of possession"]);
}

/// The proof of possession of a stake on consumer chains is for their signing context, which the staker and
/// the covenant name alike.
#[test]
fn signing_context_of_consumer_chains() {
    let folder = Folder::with_delegation();
    let second = SecretKey::from_bytes(&[9; 32]).unwrap();
    let two = format!("--finality-provider a={PROVIDER_KEY} --finality-provider b={}", second.public_key());
    let draft = stake("two.json").replace(&format!("--finality-provider {PROVIDER_KEY}"), &two);
    folder.run(&draft).ends(0);
    let context: EotsContext =
        folder.output("eots context --operation staker-pop --chain-id consumer-1 --address bbn1contract");
    let context = format!("--signing-context {}", context.signing_context);
    let sign = format!("stake sign {FILES} two.json --secret-key-file staker.key --address {ACCOUNT}");
    folder.run(&sign).refuses(&["of consumer chains are given"]);
    folder.run(&format!("{sign} {context} --out two-signed.json")).ends(0);
    folder.delegation("two-signed.json");
    let check = format!("stake check {FILES} two-signed.json");
    assert!(folder.output::<StakeCheck>(&format!("{check} {context}")).accepted);
    let refused: StakeCheck = folder.run(&format!("--json {check}")).output(1);
    let rules: Vec<_> = refused.violations.iter().map(|found| found.rule.as_str()).collect();
    assert_eq!(rules, ["signing_context", "stake_kind"]);
    let member = format!(
        "covenant sign --dangerously-without-height {FILES} two-signed.json --record member.key.record --secret-key-file member.key"
    );
    folder.run(&member).ends(1);
    let answer: Value = folder.json(&format!("{member} {context}"));
    assert_eq!(answer["slashing_adaptor_signatures"].as_array().unwrap().len(), 2);
}
