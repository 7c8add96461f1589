//! `btcstake stake sign`.

use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::taproot::LeafVersion;
use bitcoin::transaction::Version;
use bitcoin::{Amount, Psbt, TapSighashType, Transaction, taproot};
use btcstake::outputs::{EotsContext, PsbtCheck, PsbtCombine, Refused, StakeCheck, StakePsbts};
use eots::SecretKey;
use serde_json::{Value, json};
use staking_scripts::{CovenantCommittee, Parties, StakingOutput, Timelock};

use crate::fixtures::delegation::{ACCOUNT, FILES, STAKER, stake};
use crate::fixtures::process::{Folder, PROVIDER_KEY};

/// A draft whose transactions are not what the staker's program makes of it is not signed.
#[test]
fn draft_must_be_the_stakers_and_consistent() {
    let folder = Folder::with_delegation();
    folder.write_changed("draft.json", "swapped.json", |draft| {
        draft["slashing_transaction"] = draft["unbonding_slashing_transaction"].clone();
    });
    let sign = format!("stake sign {FILES} swapped.json --secret-key-file staker.key --address {ACCOUNT}");
    folder.run(&sign).refuses(&["spends: the slashing transaction spends"]);
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
    folder.run(&wallet).fails(&["error: --possession proof.json", "the account address is mistyped"]);
    let other = format!("pop create --secret-key-file member.key --json --type bip340 --address {ACCOUNT}");
    folder.write("proof.json", folder.run(&other).ends(0).stdout());
    folder.run(&wallet).refuses(&["the proof of possession"]);
}

/// Changes a transaction of a delegation.
fn change(draft: &mut Value, field: &str, change: impl FnOnce(&mut Transaction)) {
    let mut transaction: Transaction = deserialize_hex(draft[field].as_str().unwrap()).unwrap();
    change(&mut transaction);
    draft[field] = serialize_hex(&transaction).into();
}

/// Other tools make slashing transactions of version 1, or with a higher fee: what is checked is the rule.
#[test]
fn slashing_transactions_of_other_tools_are_signed_as_they_are() {
    let folder = Folder::with_delegation();
    folder.write_changed("draft.json", "theirs.json", |draft| {
        change(draft, "slashing_transaction", |tx| tx.version = Version::ONE);
        change(draft, "unbonding_slashing_transaction", |tx| tx.output[1].value -= Amount::from_sat(7));
    });
    let said = [
        "the slashing transaction has version 1; one drafted here has 2",
        "the unbonding slashing transaction pays a fee of 100007 sat; one drafted here pays the least, 100000 sat",
    ];
    // What the wallet is given is what the file has.
    let psbts: StakePsbts = folder.output(&format!("stake psbts {FILES} theirs.json"));
    assert_eq!(psbts.warnings, said);
    let theirs: Value = serde_json::from_str(&folder.read("theirs.json")).unwrap();
    for (psbt, field) in [
        (&psbts.slashing_psbt, "slashing_transaction"),
        (&psbts.unbonding_slashing_psbt, "unbonding_slashing_transaction"),
    ] {
        let psbt: Psbt = psbt.parse().unwrap();
        assert_eq!(serialize_hex(&psbt.unsigned_tx), theirs[field].as_str().unwrap());
    }
    let run = folder.run(&format!("stake psbts {FILES} theirs.json"));
    assert!(run.code() == Some(0) && said.iter().all(|line| run.stderr().contains(line)), "{}", run.stderr());
    // The delegation has no place for warnings.
    let sign = format!("stake sign {FILES} theirs.json --secret-key-file staker.key --address {ACCOUNT}");
    for json in ["", "--json "] {
        let run = folder.run(&format!("{json}{sign}"));
        assert_eq!(run.code(), Some(0), "{}", run.stderr());
        let warned: Vec<_> = run.stderr().lines().map(ToOwned::to_owned).collect();
        assert_eq!(warned, said.map(|line| format!("warning: {line}")));
        folder.write("theirs-signed.json", run.stdout());
        let check: StakeCheck = folder.output(&format!("stake check {FILES} theirs-signed.json"));
        assert!(check.accepted, "{check:?}");
        let signed = folder.delegation("theirs-signed.json");
        assert_eq!(signed["slashing_transaction"], theirs["slashing_transaction"]);
    }
    // One that breaks a rule is refused by its name.
    folder.write_changed("draft.json", "broken.json", |draft| {
        change(draft, "slashing_transaction", |tx| {
            tx.version = Version(3);
            tx.output[1].value += Amount::from_sat(1);
        });
    });
    for step in [format!("stake psbts {FILES} broken.json"), sign.replace("theirs", "broken")] {
        let refused: Refused = folder.run(&format!("--json {step}")).output(1);
        let rules: Vec<_> = refused.violations.iter().map(|found| found.rule.as_str()).collect();
        assert_eq!(rules, ["version", "fee_too_small"]);
        assert_eq!(
            refused.violations[1].message,
            "the slashing transaction pays a fee of 99999 sat; must be at least 100000 sat"
        );
    }
}

/// A wallet that signs every leaf that it knows is not refused: the right signature is taken, and the file is
/// not to be passed on.
#[test]
fn wallet_that_signs_every_leaf_is_warned_of() {
    let folder = Folder::with_delegation();
    let psbts: StakePsbts = folder.output(&format!("stake psbts {FILES} draft.json"));
    let staker = SecretKey::from_bytes(&[3; 32]).unwrap();
    let parties = {
        let public = |byte: u8| *SecretKey::from_bytes(&[byte; 32]).unwrap().public_key();
        let committee = CovenantCommittee::new([2, 5, 6].map(public), 2).unwrap();
        Parties::new(public(3), [public(1)], committee).unwrap()
    };
    let output = StakingOutput::new(parties, Timelock::from_blocks(64_000).unwrap()).unwrap();
    let mut psbt: Psbt = psbts.slashing_psbt.parse().unwrap();
    let spent = [psbt.inputs[0].witness_utxo.clone().unwrap()];
    assert_eq!(spent[0].script_pubkey, output.taproot().script_pubkey());
    let mut sighashes = SighashCache::new(psbt.unsigned_tx.clone());
    for leaf in output.taproot().leaves() {
        let sighash = sighashes
            .taproot_script_spend_signature_hash(
                0,
                &Prevouts::All(&spent),
                leaf.hash(),
                TapSighashType::Default,
            )
            .unwrap();
        let signature = staker.sign_bip340(sighash).unwrap();
        let signature = taproot::Signature { signature, sighash_type: TapSighashType::Default };
        psbt.inputs[0].tap_script_sigs.insert((*staker.public_key(), leaf.hash()), signature);
        let script = (leaf.script.clone(), LeafVersion::TapScript);
        psbt.inputs[0].tap_scripts.insert(leaf.control_block.clone(), script);
    }
    folder.write("every-leaf.psbt", psbt.to_string());
    folder.write("later.psbt", &psbts.unbonding_slashing_psbt);
    let later = folder.run("psbt sign --psbt @later.psbt --secret-key-file staker.key").ends(0).stdout();
    folder.write("later-signed.psbt", later);
    let proof = format!("pop create --secret-key-file staker.key --json --type bip340 --address {ACCOUNT}");
    folder.write("proof.json", folder.run(&proof).ends(0).stdout());
    let run = folder.run(&format!(
        "stake sign {FILES} draft.json --possession proof.json --slashing @every-leaf.psbt --unbonding-slashing @later-signed.psbt"
    ));
    assert_eq!(run.code(), Some(0), "{}", run.stderr());
    let warned = run.stderr();
    assert_eq!(warned.lines().count(), 2, "{warned}");
    for line in warned.lines() {
        assert!(line.starts_with(&format!("warning: --slashing: {STAKER} has signed the ")), "{line}");
        assert!(
            line.contains("which nobody asked for; it is left out; the file must not be passed on"),
            "{line}"
        );
    }
    let unbonding = warned.lines().find(|line| line.contains("signed the unbonding leaf too")).unwrap();
    assert!(unbonding.ends_with("the covenant committee slashes alone, without a finality provider's key"));
    folder.write("by-wallet.json", run.stdout());
    let by_key = folder.delegation("signed.json");
    assert_eq!(folder.delegation("by-wallet.json")["staker_signatures"], by_key["staker_signatures"]);
    // The commands that would pass it on say so.
    let check: PsbtCheck = folder.output("psbt check --psbt @every-leaf.psbt");
    let combined: PsbtCombine = folder.output("psbt combine --psbt @every-leaf.psbt --psbt @every-leaf.psbt");
    for warnings in [&check.warnings, &combined.warnings] {
        assert!(warnings.iter().any(|warning| warning.contains("must not be passed on")), "{warnings:?}");
    }
}

/// What wallets show for `staker.key`, P2TR: of 65 bytes, of 64 with and without prefix, and full. Computed
/// by another program.
const PROOFS: [&str; 4] = [
    "AUEPtE2JbTcGAD9l/mHiZDm7OTcOIarbrka/OJ9/All+wqJlRm0ZG6t2Z0Off+nOAWo4PYuTc0oSF80gTimu5BL4AQ==",
    "AUCTncG/1PRAhbKF8aQ8VxkYR1lR9YjuQ9zsla034Ww7SmSsX/4dAjbemvVlDYwn15E7XrXPOv2Bms40W8xeLXlY",
    "smpAUCTncG/1PRAhbKF8aQ8VxkYR1lR9YjuQ9zsla034Ww7SmSsX/4dAjbemvVlDYwn15E7XrXPOv2Bms40W8xeLXlY",
    "fulAAAAAAABAd3wvnIV6BFlDjZZzTCbiflfxPHKFHxeuYyrB7tCLNKNAAAAAAAAAAAAAQAAAAAAAAAAAWoBQJOdwb/U9ECFsoXxpDxXGRhHWVH1\
     iO5D3OyVrTfhbDtKZKxf/h0CNt6a9WUNjCfXkTtetc86/YGazjRbzF4teVgAAAAA",
];

/// From the text that a wallet shows to a delegation that the covenant accepts: `pop verify --json` prints
/// what `stake sign --possession` takes, by itself and whole.
#[test]
fn bip322_proof_of_a_wallet_reaches_a_delegation() {
    let folder = Folder::with_delegation();
    let lines = folder.run(&format!("stake psbts {FILES} draft.json")).ends(0).stdout();
    for (name, line) in ["slashing", "later"].iter().zip(lines.lines()) {
        folder.write(&format!("{name}.psbt"), line);
        let sign = format!("psbt sign --psbt @{name}.psbt --secret-key-file staker.key");
        folder.write(&format!("{name}-signed.psbt"), folder.run(&sign).ends(0).stdout());
    }
    let mut seen = 0;
    for proof in PROOFS {
        folder.write("proof.txt", format!("{proof}\n"));
        let verify = format!(
            "pop verify --type bip322 --address {ACCOUNT} --public-key {STAKER} --network regtest --signature @proof.txt"
        );
        let verdict = folder.json(&verify);
        let record = &verdict["proof_of_possession"];
        folder.write("verdict.json", verdict.to_string());
        folder.write("record.json", record.to_string());
        for file in ["verdict.json", "record.json"] {
            let sign = format!(
                "stake sign {FILES} draft.json --possession {file} --slashing @slashing-signed.psbt \
                 --unbonding-slashing @later-signed.psbt"
            );
            let signed = folder.json(&sign);
            for key in ["type", "account", "signature"] {
                assert_eq!(signed["proof_of_possession"][key], record[key], "{key} of {proof}");
            }
            folder.write("by-wallet.json", signed.to_string());
            folder.delegation("by-wallet.json");
            let check: StakeCheck = folder.output(&format!("stake check {FILES} by-wallet.json"));
            assert!(check.accepted, "{proof}");
            seen += 1;
            let member = format!(
                "covenant sign --dangerously-without-height {FILES} by-wallet.json --record {seen}.record \
                 --secret-key-file member.key"
            );
            folder.run(&member).ends(0);
        }
    }
    // A proof that is not valid, and one for tools, are no possession.
    let sign = format!("stake sign {FILES} draft.json --secret-key-file staker.key --possession");
    let other = format!(
        "pop verify --type bip322 --address {ACCOUNT} --public-key {PROVIDER_KEY} --signature {}",
        PROOFS[1]
    );
    folder.write("not-valid.json", folder.run(&format!("--json {other}")).json(1).to_string());
    folder.run(&format!("{sign} not-valid.json")).fails(&["--possession not-valid.json", "valid is false"]);
    let text = folder
        .json(&format!("pop create --type bip340-text --address {ACCOUNT} --secret-key-file staker.key"));
    folder.write("text.json", text.to_string());
    folder.run(&format!("{sign} text.json")).fails(&["--possession text.json", "bip340-text", "bip340"]);
    let verify = format!(
        "pop verify --type bip340-text --address {ACCOUNT} --public-key {STAKER} --signature {}",
        text["signature"].as_str().unwrap()
    );
    folder.write("text.json", folder.json(&verify).to_string());
    folder
        .run(&format!("{sign} text.json"))
        .fails(&["--possession text.json", "proof_of_possession is null"]);
}

/// Contracts and interchain accounts stake too; upper case is read, and written in lower case.
#[test]
fn account_of_32_bytes_and_in_upper_case() {
    let folder = Folder::with_delegation();
    let contract = "bbn1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0sa5fut8";
    for (number, account) in [contract, ACCOUNT].into_iter().enumerate() {
        for (case, written) in [account.to_owned(), account.to_uppercase()].into_iter().enumerate() {
            let name = format!("{number}-{case}.json");
            let sign =
                format!("stake sign {FILES} draft.json --secret-key-file staker.key --address {written}");
            folder.run(&format!("{sign} --out {name}")).ends(0);
            let signed = folder.delegation(&name);
            assert_eq!(signed["proof_of_possession"]["account"], json!(account));
            assert!(folder.output::<StakeCheck>(&format!("stake check {FILES} {name}")).accepted);
            // In a delegation's file too.
            folder.write_changed(&name, "upper.json", |delegation| {
                delegation["proof_of_possession"]["account"] = account.to_uppercase().into();
            });
            assert!(folder.output::<StakeCheck>(&format!("stake check {FILES} upper.json")).accepted);
        }
    }
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
