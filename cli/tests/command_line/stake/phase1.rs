//! `btcstake stake phase1`: from a staking transaction to a delegation that is unbonded and withdrawn.

use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::{ScriptBuf, Transaction};
use btcstake::outputs::{BuiltTransaction, Refused, StakeCheck};
use eots::SecretKey;
use serde_json::{Value, json};
use staking_scripts::transactions::CovenantTransaction as _;
use staking_scripts::{CovenantCommittee, Delegation, LeafTransaction as _};

use crate::fixtures::delegation::{ADDRESS, SCHEMA, stake};
use crate::fixtures::phase1::write_phase1;
use crate::fixtures::process::Folder;
use crate::node_answer::{self, INCLUDED, MEMBERS};

fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes(&[byte; 32]).unwrap()
}

/// Writes `NUMBER.json`, what a member of phase 1 returns: a signature over the unbonding transaction alone.
fn write_signatures(folder: &Folder, delegation: &str, members: &[u8], quorum: u16) -> String {
    let read = Delegation::from_json(&folder.read(delegation)).unwrap();
    let keys = members.iter().map(|byte| *key(*byte).public_key());
    let covenant = CovenantCommittee::new(keys.collect::<Vec<_>>(), quorum).unwrap();
    let unbonding = read.unbonding(&covenant).unwrap();
    let mut added = String::new();
    for byte in &members[..usize::from(quorum)] {
        let signed = unbonding.sign_as_covenant_member_unchecked(&key(*byte)).unwrap();
        let own = json!({
            "member": signed.member.to_string(), "unbonding_signature": signed.signature.to_string()
        });
        folder.write(&format!("{byte}.json"), own.to_string());
        added.push_str(&format!(" --covenant-signatures {byte}.json"));
    }
    added
}

/// The example's stake, under the parameters of either form; the engine judges.
#[test]
fn phase1_stake_is_unbonded_with_covenant_signatures_and_withdrawn() {
    let folder = Folder::new();
    for name in ["phase1.tx", "phase1-params.json", "params.json", "staker.key"] {
        folder.write(name, std::fs::read(node_answer::example().join(name)).unwrap());
    }
    for (form, params, fee) in [("phase1", "phase1-params.json", 64_000), ("genesis", "params.json", 9600)] {
        let file = |name: &str| format!("{form}-{name}");
        let make = format!(
            "stake phase1 --staking-transaction @phase1.tx --params {params} --height {INCLUDED} --network regtest"
        );
        folder.run(&format!("{make} --out {}", file("draft.json"))).ends(0);
        let draft = folder.delegation(&file("draft.json"));
        assert_eq!(folder.json(&make), draft);
        assert_eq!(draft["parameters_height"], json!(INCLUDED));
        assert_eq!(draft.get("slashing_transaction"), None);
        let signatures = write_signatures(&folder, &file("draft.json"), &MEMBERS, 6);
        let of = |name: &str| format!("--network regtest --params {params} --delegation {}", file(name));
        folder
            .run(&format!("tx unbond {} --secret-key-file staker.key", of("draft.json")))
            .fails(&["0 covenant signatures are given; must be at least 6, the quorum"]);
        let add = format!("stake add {}{signatures} --out {}", of("draft.json"), file("signed.json"));
        folder.run(&add).ends(0);
        SCHEMA.validate(&folder.delegation(&file("signed.json"))).unwrap();
        let check: StakeCheck = folder.output(&format!("stake check {}", of("signed.json")));
        assert_eq!((check.accepted, check.status.as_deref()), (true, Some("VERIFIED")));
        assert_eq!((check.covenant_signature_count, check.quorum), (6, Some(6)));

        let unbond = format!("tx unbond {} --secret-key-file staker.key", of("signed.json"));
        let built: BuiltTransaction = folder.output(&unbond);
        assert_eq!((built.fee_sat, built.warnings.len()), (fee, 0));
        folder.write(&file("unbonding.tx"), folder.run(&unbond).ends(0).stdout());
        let to = format!("--network regtest --to {ADDRESS} --fee-rate 5 --secret-key-file staker.key");
        let withdraw = |from: &str| {
            format!("tx withdraw --params {params} --delegation {} --from {from} {to}", file("signed.json"))
        };
        folder.write(&file("withdrawal.tx"), folder.run(&withdraw("unbonding")).ends(0).stdout());
        node_answer::judge_phase1_unbonding(folder.path(), &file("unbonding.tx"), &file("withdrawal.tx"));
        let direct: BuiltTransaction = folder.output(&withdraw("staking"));
        let short = format!(
            "tx withdraw-phase1 --staking-transaction @phase1.tx --params {params} --height {INCLUDED} {to}"
        );
        assert_eq!(folder.output::<BuiltTransaction>(&short).txid, direct.txid);
        folder.run(&withdraw("slashing")).fails(&["slashing_transaction is absent"]);
    }
}

/// Members may sign the PSBT of the unbonding transaction itself.
#[test]
fn covenant_signatures_of_a_phase1_stake_come_in_a_psbt_too() {
    let folder = Folder::new();
    write_phase1(&folder);
    let unbond = "tx unbond --network regtest --params phase1-params.json --delegation phase1.json";
    let mut psbt = folder.psbt(unbond);
    let read = Delegation::from_json(&folder.read("phase1.json")).unwrap();
    let keys = [2, 5, 6].map(|byte| *key(byte).public_key());
    let covenant = CovenantCommittee::new(keys.to_vec(), 2).unwrap();
    let unbonding = read.unbonding(&covenant).unwrap();
    let (_, (script, version)) = psbt.inputs[0].tap_scripts.first_key_value().unwrap();
    let leaf = bitcoin::TapLeafHash::from_script(script, *version);
    let mut add = |key, signature| {
        let signature =
            bitcoin::taproot::Signature { signature, sighash_type: bitcoin::TapSighashType::Default };
        psbt.inputs[0].tap_script_sigs.insert((key, leaf), signature);
        folder.write("signed.psbt", psbt.to_string());
    };
    add(*key(3).public_key(), unbonding.sign_as_staker(&key(3)).unwrap());
    let signed = format!("{unbond} --signed @signed.psbt");
    folder.run(&signed).fails(&["0 covenant signatures are given; must be at least 2"]);
    for byte in [2, 6] {
        let by = unbonding.sign_as_covenant_member_unchecked(&key(byte)).unwrap();
        add(by.member, by.signature);
    }
    assert_eq!(folder.output::<BuiltTransaction>(&signed).txid, unbonding.txid().to_string());
}

#[test]
fn signatures_that_are_not_valid_are_not_added_to_a_phase1_stake() {
    let folder = Folder::new();
    write_phase1(&folder);
    let files = "--network regtest --params phase1-params.json --delegation phase1.json";
    let added = write_signatures(&folder, "phase1.json", &[2, 5, 6], 2);
    folder
        .write_changed("2.json", "forged.json", |json| json["unbonding_signature"] = json!("00".repeat(64)));
    let forged = folder.run(&format!("--json stake add {files} --covenant-signatures forged.json"));
    let refused: Refused = forged.output(1);
    assert_eq!(refused.violations[0].rule, "covenant_signatures");
    folder.run(&format!("stake add {files}{added} --out added.json")).ends(0);
    // A forged file in its place is named, and does not count.
    folder.write_changed("added.json", "changed.json", |json| {
        json["covenant_signatures"][0]["unbonding_signature"] = json!("00".repeat(64));
    });
    let check: StakeCheck =
        folder.output("stake check --network regtest --params phase1-params.json --delegation changed.json");
    assert_eq!((check.covenant_signature_count, check.status.as_deref()), (1, Some("PENDING")));
    assert!(check.warnings[0].starts_with("covenant_signatures: unbonding transaction"), "{check:?}");
}

/// A stake that was not counted is the staker's all the same; what is no stake is none.
#[test]
fn rules_that_a_phase1_stake_breaks_are_warnings() {
    let folder = Folder::new();
    write_phase1(&folder);
    let make = "stake phase1 --staking-transaction @phase1.tx --params phase1-params.json --network regtest";
    let late = folder.run(&format!("{make} --height 864800 --out late.json"));
    assert_eq!((late.code(), late.stdout().as_str()), (Some(0), "written to late.json\n"));
    let warning = "warning: the stake breaks a rule of phase 1: the block's height is 864800; must be at most 864799, the cap height\n";
    assert_eq!(late.stderr(), warning);
    let full = folder.run(&format!("{make} --height 860000 --staked-before-sat 100000000000"));
    assert!(full.stderr().contains("must be below the staking cap, 100000000000 sat"), "{}", full.stderr());
    folder.run(&format!("{make} --height 857909")).fails(&["error: --height\n", "height 857909"]);
    // Data alone, and no data.
    let mut psbt: bitcoin::Psbt = folder.read("phase1.psbt").parse().unwrap();
    psbt.unsigned_tx.output[0].script_pubkey = ScriptBuf::from_bytes(vec![0x51]);
    folder.write("alone.psbt", psbt.to_string());
    let of = |file: &str| format!("{} --height 860000", make.replace("phase1.tx", file));
    folder.run(&of("alone.psbt")).fails(&["error: --staking-transaction\n", "exactly one must"]);
    let plain = folder.psbt(&stake("plain.json"));
    folder.write("plain.psbt", plain.to_string());
    folder.run(&of("plain.psbt")).fails(&["error: --staking-transaction\n", "OP_RETURN"]);
}

/// A stake of Babylon Genesis may have such data too, which nobody there looks at.
#[test]
fn op_return_that_contradicts_a_stake_of_babylon_genesis_is_a_warning() {
    let folder = Folder::new();
    write_phase1(&folder);
    let warnings = |file: &str| {
        let run = folder
            .run(&format!("--json stake check --network regtest --params params.json --delegation {file}"));
        run.output::<StakeCheck>(1).warnings
    };
    assert!(warnings("draft.json").is_empty());
    folder.write_changed("draft.json", "changed.json", |json| {
        let hex = json["staking_transaction"].as_str().unwrap();
        let mut transaction: Transaction = deserialize_hex(hex).unwrap();
        let mut script = transaction.output[1].script_pubkey.to_bytes();
        script.splice(71.., 64_001_u16.to_be_bytes());
        transaction.output[1].script_pubkey = ScriptBuf::from_bytes(script);
        json["staking_transaction"] = json!(serialize_hex(&transaction));
    });
    let [warning] = &warnings("changed.json")[..] else { panic!("{:?}", warnings("changed.json")) };
    assert!(
        warning.starts_with("op_return_staking_time: the OP_RETURN names a staking time of 64001"),
        "{warning}"
    );
}

/// By the rules of phase 1, under parameters of either form.
#[test]
fn phase1_delegation_is_checked_by_the_rules_of_phase_1() {
    let folder = Folder::new();
    write_phase1(&folder);
    let check = |file: &str, more: &str| {
        let line = format!("--json stake check --network regtest --delegation {file} {more}");
        let run = folder.run(&line);
        let code = run.code().unwrap();
        let check: StakeCheck = run.output(code);
        assert_eq!(code, i32::from(!check.accepted));
        let rules = check.violations.iter().map(|found| found.rule.clone()).collect::<Vec<_>>();
        (rules, check.not_checked)
    };
    let none = Vec::<String>::new();
    let phase1 = "--params phase1-params.json";
    assert_eq!(check("phase1.json", phase1), (none.clone(), vec!["staking_cap".to_owned()]));
    let before = |sat: u64| check("phase1.json", &format!("{phase1} --staked-before-sat {sat}"));
    assert_eq!(before(99_999_999_999), (none.clone(), none.clone()));
    assert_eq!(before(100_000_000_000), (vec!["staking_cap".to_owned()], none.clone()));
    let genesis = ["op_return_tag", "cap_height", "staking_cap"].map(ToOwned::to_owned).to_vec();
    assert_eq!(check("phase1.json", "--params params.json"), (none, genesis));
    assert_eq!(check("phase1.json", &format!("{phase1} --height 864800")).0, ["cap_height"]);
    folder.run(&format!("stake check --delegation phase1.json {phase1} --height 5")).fails(&["--height"]);

    let changed = |change: &dyn Fn(&mut Value)| {
        folder.write_changed("phase1.json", "changed.json", change);
        check("changed.json", phase1).0
    };
    let other = key(9).public_key().to_string();
    assert_eq!(changed(&|it| it["staker"] = json!(other)), ["op_return_staker"]);
    assert_eq!(changed(&|it| it["finality_providers"] = json!([other])), ["op_return_finality_provider"]);
    assert_eq!(changed(&|it| it["staking_time_blocks"] = json!(1)), ["op_return_staking_time"]);
    assert_eq!(changed(&|it| it["staking_amount_sat"] = json!(1)), ["staked_amount"]);
    assert_eq!(changed(&|it| it["unbonding_time_blocks"] = json!(1)), ["unbonding_time"]);
    assert_eq!(changed(&|it| drop(it.as_object_mut().unwrap().remove("unbonding_transaction"))), ["absent"]);
    // The steps that phase 1 does not have say which parameters they need.
    for step in [
        "stake psbts",
        "stake include --node http://127.0.0.1:1",
        "tx slash --provider-key-file provider.key",
    ] {
        folder
            .run(&format!("{step} --delegation phase1.json {phase1}"))
            .fails(&["--params", "these are phase-1 parameters; must be those of Babylon Genesis"]);
    }
}
