//! `btcstake covenant sign`: whose parameters hold, what is refused, and what the signing record keeps.

use bitcoin::Transaction;
use bitcoin::consensus::encode::deserialize_hex;
use btcstake::outputs::{Refused, StakeCheck};
use serde_json::{Value, json};

use crate::fixtures::delegation::{ACCOUNT, FILES, node_answer, parameters, secret, stake};
use crate::fixtures::process::{Folder, MEMBER_KEY, PROVIDER};

/// Writes `two.json`: parameters with a second version, in force later, with another unbonding fee.
fn write_two_versions(folder: &Folder) {
    let mut versions = parameters();
    let mut later = versions[0].clone();
    later["unbonding_fee_sat"] = json!("20000");
    later["btc_activation_height"] = json!(950_000);
    versions.as_array_mut().unwrap().push(later);
    folder.write("two.json", versions.to_string());
}

#[test]
fn parameters_are_the_members_and_the_record_remembers() {
    let folder = Folder::with_delegation();
    write_two_versions(&folder);
    let sign = |file: &str, rest: &str| {
        let record = if rest.contains("--record") { "" } else { "--record other.jsonl" };
        let height = if rest.contains("--height") { "" } else { "--dangerously-without-height" };
        folder.run(&format!(
            "--json covenant sign --network regtest --params two.json --delegation {file} --secret-key-file member.key {record} {height} {rest}"
        ))
    };
    let refused: Refused = sign("signed.json", "").output(1);
    assert_eq!(refused.violations[0].rule, "parameters_version");
    assert_eq!(sign("signed.json", "--height 960000").output::<Refused>(1), refused);
    sign("signed.json", "--height 100").fails(&["--height"]);
    sign("signed.json", "--height 900000").ends(0);

    // The same staking transaction under the later version: while the committee is the same, so is the
    // staking output.
    let draft =
        stake("later.json").replace("params.json", "two.json").replace("--height 900000", "--height 960000");
    folder.run(&draft).ends(0);
    let by = "--network regtest --params two.json --secret-key-file staker.key --address";
    folder.run(&format!("stake sign --delegation later.json {by} {ACCOUNT} --out later-signed.json")).ends(0);
    let staking = |name: &str| folder.delegation(name)["staking_transaction"].clone();
    assert_eq!(staking("signed.json"), staking("later-signed.json"));
    let first = sign("signed.json", "--height 900000 --record record.jsonl --aux-rand 00").code();
    assert_eq!(first, Some(2), "auxiliary randomness of one byte");
    assert!(!folder.path().join("record.jsonl").exists());
    sign("signed.json", "--height 900000 --record record.jsonl").ends(0);
    sign("signed.json", "--height 900000 --record record.jsonl").ends(0);
    let record = folder.read("record.jsonl");
    assert_eq!(record.lines().count(), 1, "the same answer again is no second one");
    sign("later-signed.json", "--record record.jsonl").refuses(&["--record record.jsonl", "was signed"]);
    // Both in one command: the first is signed, and the second is refused for it.
    let both = "covenant sign --dangerously-without-height --network regtest --params two.json --delegation later-signed.json --delegation changed-later.json \
                --secret-key-file member.key --record batch.jsonl";
    let again = folder.delegation("later-signed.json");
    folder.write("changed-later.json", again.to_string());
    let lines = folder.run(both).ends(0).stdout();
    assert_eq!(lines.matches("unbonding_signature").count(), 2, "one stake twice is one answer: {lines}");
    let batch = folder.read("batch.jsonl");
    assert_eq!(batch.lines().count(), 1);
    folder.write("record2.jsonl", &record);
    let lines = folder.run(&both.replace("batch.jsonl", "record2.jsonl")).ends(1).stdout();
    assert_eq!(lines.matches("was signed").count(), 2, "{lines}");
    assert_eq!(folder.read("record.jsonl"), record);
    // Two different lines for one output: nobody knows which was signed.
    folder.write("record.jsonl", record.clone() + &batch);
    sign("signed.json", "--height 900000 --record record.jsonl").fails(&["line 2 has other transactions"]);
    folder.write("record.jsonl", record.clone() + &record);
    sign("signed.json", "--height 900000 --record record.jsonl").ends(0);
    // A record that is not whole stops everything.
    folder.write("record.jsonl", record.trim_end());
    sign("signed.json", "--height 900000 --record record.jsonl").fails(&["the last line is incomplete"]);
    folder.write("record.jsonl", format!("\"{PROVIDER}\"\n"));
    let run = sign("signed.json", "--height 900000 --record record.jsonl");
    assert!(!run.stderr().contains(&PROVIDER[..16]), "{}", run.stderr());
    run.fails(&["line 1 is not a JSON object"]);
    #[cfg(unix)]
    sign("signed.json", "--height 900000 --record /dev/zero").fails(&["/dev/zero", "not a regular file"]);
    folder.write("record.jsonl", "nonsense\n");
    sign("signed.json", "--height 900000 --record record.jsonl").fails(&["line 1"]);
}

/// Where a newer version is in force, `stake check` and `covenant sign` say the same.
#[test]
fn verdict_is_that_of_stake_check() {
    let folder = Folder::with_delegation();
    write_two_versions(&folder);
    let files = "--network regtest --params two.json --delegation signed.json";
    for (height, code) in [("", 1), ("--height 900000", 0), ("--height 949999", 0), ("--height 950000", 1)] {
        let check: StakeCheck = folder.run(&format!("--json stake check {files} {height}")).output(code);
        let at = if height.is_empty() { "--dangerously-without-height" } else { height };
        let sign = format!("covenant sign {files} {at} --record r.jsonl --secret-key-file member.key");
        let sign = folder.run(&format!("--json {sign}"));
        if code == 1 {
            assert_eq!(sign.output::<Refused>(1).violations, check.violations, "{height}");
            assert_eq!(check.violations[0].rule, "parameters_version");
        } else {
            sign.json(0);
        }
    }
    assert!(folder.output::<StakeCheck>(&format!("stake check {FILES} signed.json")).accepted);
}

/// Writes `bad.json`: a delegation that breaks rules.
fn write_bad(folder: &Folder) {
    folder.write_changed("signed.json", "bad.json", |json| json["unbonding_time_blocks"] = json!(1009));
}

#[test]
fn delegations_that_break_rules_are_refused() {
    let folder = Folder::with_delegation();
    write_bad(&folder);
    let check: StakeCheck = folder.run(&format!("--json stake check {FILES} bad.json")).output(1);
    let sign = |file: &str| {
        format!(
            "covenant sign --dangerously-without-height {FILES} {file} --record member.key.record --secret-key-file member.key"
        )
    };
    let refused: Refused = folder.run(&format!("--json {}", sign("bad.json"))).output(1);
    assert_eq!(refused.violations, check.violations);
    // One rule is one rule.
    let one = |json: &mut Value| json["proof_of_possession"]["signature"] = json!("00".repeat(64));
    folder.write_changed("signed.json", "one-rule.json", one);
    let refused = folder.run(&sign("one-rule.json")).ends(1).stdout();
    assert!(refused.starts_with("refused: 1 rule is broken\n"), "{refused}");
}

#[test]
fn delegations_of_one_command_are_judged_each() {
    let folder = Folder::with_delegation();
    write_bad(&folder);
    let check: StakeCheck = folder.run(&format!("--json stake check {FILES} bad.json")).output(1);
    let batch = format!(
        "covenant sign --dangerously-without-height {FILES} signed.json --delegation bad.json --delegation nowhere.json --delegation signed.json"
    );
    let lines = folder
        .run(&format!("{batch} --record batch.jsonl --secret-key-file member.key --aux-rand {}", secret(0)))
        .ends(1)
        .stdout();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0]["signatures"], lines[3]["signatures"]);
    assert_eq!(lines[0]["signatures"]["member"], json!(MEMBER_KEY));
    let refused: Refused = serde_json::from_value(lines[1]["refused"].clone()).unwrap();
    assert_eq!(refused.violations, check.violations);
    assert!(lines[2]["error"].as_str().unwrap().contains("nowhere.json"));
    for field in ["slashing_adaptor_signatures", "unbonding_slashing_adaptor_signatures"] {
        assert_eq!(lines[0]["signatures"][field].as_array().unwrap().len(), 1);
    }
}

/// A page of a node has the stake that `--staking-txid` names; without a proof of possession it is refused
/// for that alone.
#[test]
fn delegation_of_a_page_is_named() {
    let folder = Folder::with_delegation();
    let one = node_answer(&folder.delegation("verified.json"))["btc_delegation"].clone();
    folder.write("page.json", json!({ "btc_delegations": [one] }).to_string());
    let sign = format!(
        "covenant sign --dangerously-without-height {FILES} page.json --record r.jsonl --secret-key-file member.key"
    );
    let stake: Transaction = deserialize_hex(one["staking_tx_hex"].as_str().unwrap()).unwrap();
    let named = format!("--json {sign} --staking-txid {}", stake.compute_txid());
    let refused: Refused = folder.run(&named).output(1);
    assert_eq!(refused.violations.iter().map(|found| found.rule.as_str()).collect::<Vec<_>>(), ["absent"]);
    folder.run(&format!("{sign} --staking-txid {}", secret(7))).fails(&["none is of"]);
    folder.run(&format!("{sign} --previous-delegation page.json")).fails(&["does not extend a stake"]);
}

#[test]
fn secret_key_of_a_stranger_is_refused() {
    let folder = Folder::with_delegation();
    let sign = format!(
        "covenant sign --dangerously-without-height {FILES} signed.json --record provider.key.record --secret-key-file provider.key"
    );
    folder.run(&sign).fails(&["--secret-key-file", "not in the covenant committee"]);
}

/// The member's own tip decides which parameters are in force and how much time is left: it must be given, or
/// left out in so many words.
#[test]
fn height_is_demanded() {
    let folder = Folder::with_delegation();
    let sign = format!("covenant sign {FILES} signed.json --record r.jsonl --secret-key-file member.key");
    folder.run(&sign).fails(&["--height is absent", "--node", "--dangerously-without-height"]);
    folder
        .run(&format!("{sign} --height 900000 --dangerously-without-height"))
        .fails(&["cannot be used with"]);
    folder.run(&format!("{sign} --height 900000")).ends(0);
    folder.run(&format!("{sign} --dangerously-without-height")).ends(0);
    let bare = sign.replace("--record r.jsonl", "--height 900000");
    folder.run(&bare).fails(&["--record is absent", "--dangerously-without-record"]);
    let forgotten = format!("{bare} --dangerously-without-record");
    folder.run(&forgotten).ends(0);
    folder.run(&format!("{forgotten} --record r.jsonl")).fails(&["cannot be used with"]);
}

/// The disk is full in the middle of a line: what was written of it is cut off, and nothing is signed.
#[cfg(target_os = "linux")]
#[test]
fn record_that_cannot_be_written_whole_is_cut_back() {
    let folder = Folder::with_delegation();
    let sign =
        format!("covenant sign {FILES} signed.json --height 900000 --secret-key-file member.key --record");
    folder.run(&format!("{sign} first.jsonl")).ends(0);
    let line = folder.read("first.jsonl");
    // Entries of other stakes, so many that the next one crosses the limit of 1024 bytes.
    let entry: Value = serde_json::from_str(&line).unwrap();
    let mut full = String::new();
    for vout in 1.. {
        let mut other = entry.clone();
        let txid = entry["staking_output"].as_str().unwrap().split(':').next().unwrap();
        other["staking_output"] = json!(format!("{txid}:{vout}"));
        let next = format!("{other}\n");
        if full.len() + next.len() > 1024 {
            break;
        }
        full.push_str(&next);
    }
    assert!(full.len() + line.len() > 1024);
    folder.write("r.jsonl", &full);
    let program = env!("CARGO_BIN_EXE_btcstake");
    let script = format!("trap '' XFSZ; ulimit -f 1; exec {program} {sign} r.jsonl");
    let shell =
        std::process::Command::new("bash").args(["-c", &script]).current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&shell.stderr);
    assert!(shell.status.code() == Some(2) && shell.stdout.is_empty(), "{said}");
    assert!(said.contains("--record r.jsonl") && said.contains("File too large"), "{said}");
    assert_eq!(folder.read("r.jsonl"), full, "what was written of the line is cut off again");
    folder.run(&format!("{sign} r.jsonl")).ends(0);
}

#[test]
fn record_is_open_in_one_process() {
    let folder = Folder::with_delegation();
    folder.write("r.jsonl", "");
    let held = std::fs::File::open(folder.path().join("r.jsonl")).unwrap();
    held.lock().unwrap();
    let sign = format!(
        "covenant sign {FILES} signed.json --height 900000 --secret-key-file member.key --record r.jsonl"
    );
    folder.run(&sign).fails(&["another process has this record open; must be one"]);
    drop(held);
    folder.run(&sign).ends(0);
}
