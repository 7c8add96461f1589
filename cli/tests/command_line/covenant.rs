//! A covenant member: whose parameters hold, and what the signing record keeps.

use serde_json::json;

use crate::delegation::{ACCOUNT, FILES, parameters, stake, write_all};
use crate::process::Folder;

#[test]
fn a_member_chooses_the_parameters_and_remembers() {
    let folder = Folder::new();
    write_all(&folder);
    // A second version, in force later, with another unbonding fee.
    let mut versions = parameters();
    let mut later = versions[0].clone();
    later["unbonding_fee_sat"] = json!("20000");
    later["btc_activation_height"] = json!(950_000);
    versions.as_array_mut().unwrap().push(later);
    folder.write("two.json", versions.to_string());
    let sign = |file: &str, rest: &str| {
        let record = if rest.contains("--record") { "" } else { "--record other.jsonl" };
        folder.run(&format!(
            "--json covenant sign --params two.json --delegation {file} --secret-key-file member.key {record} {rest}"
        ))
    };
    let refused = sign("signed.json", "").json(1);
    assert_eq!(refused["violations"][0]["rule"], json!("parameters_version"));
    assert_eq!(sign("signed.json", "--height 960000").json(1), refused);
    sign("signed.json", "--height 100").fails(&["--height"]);
    sign("signed.json", "--height 900000").ends(0);

    // The same staking transaction under the later version: while the committee is the same, so is the
    // staking output.
    let draft =
        stake("later.json").replace("params.json", "two.json").replace("--height 900000", "--height 960000");
    folder.run(&draft).ends(0);
    let by = "--params two.json --secret-key-file staker.key --address";
    folder.run(&format!("stake sign --delegation later.json {by} {ACCOUNT} --out later-signed.json")).ends(0);
    let staking = |name: &str| folder.delegation(name)["staking_transaction"].clone();
    assert_eq!(staking("signed.json"), staking("later-signed.json"));
    let first = sign("signed.json", "--height 900000 --record record.jsonl --aux-rand 00").code();
    assert_eq!(first, Some(2), "auxiliary randomness of one byte");
    assert!(!folder.path().join("record.jsonl").exists());
    sign("signed.json", "--height 900000 --record record.jsonl").ends(0);
    sign("signed.json", "--height 900000 --record record.jsonl").ends(0);
    let record = std::fs::read_to_string(folder.path().join("record.jsonl")).unwrap();
    assert_eq!(record.lines().count(), 1, "the same answer again is no second one");
    sign("later-signed.json", "--record record.jsonl").fails(&["--record record.jsonl", "was signed"]);
    // Both in one command: the first is signed, and the second is refused for it.
    let both = "covenant sign --params two.json --delegation later-signed.json --delegation changed-later.json \
                --secret-key-file member.key --record batch.jsonl";
    let again = folder.delegation("later-signed.json");
    folder.write("changed-later.json", again.to_string());
    let lines = folder.run(both).ends(0).stdout();
    assert_eq!(lines.matches("unbonding_signature").count(), 2, "one stake twice is one answer: {lines}");
    let batch = std::fs::read_to_string(folder.path().join("batch.jsonl")).unwrap();
    assert_eq!(batch.lines().count(), 1);
    folder.write("record2.jsonl", &record);
    let lines = folder.run(&both.replace("batch.jsonl", "record2.jsonl")).ends(1).stdout();
    assert_eq!(lines.matches("was signed").count(), 2, "{lines}");
    assert_eq!(std::fs::read_to_string(folder.path().join("record.jsonl")).unwrap(), record);
    // A record that is not whole stops everything.
    folder.write("record.jsonl", record.trim_end());
    sign("signed.json", "--height 900000 --record record.jsonl").fails(&["the last line is incomplete"]);
    folder.write("record.jsonl", "nonsense\n");
    sign("signed.json", "--height 900000 --record record.jsonl").fails(&["line 1"]);
}

/// Where a newer version is in force, `stake check` and `covenant sign` say the same.
#[test]
fn stake_check_and_covenant_sign_give_one_verdict() {
    let folder = Folder::new();
    write_all(&folder);
    let mut versions = parameters();
    let mut later = versions[0].clone();
    later["unbonding_fee_sat"] = json!("20000");
    later["btc_activation_height"] = json!(950_000);
    versions.as_array_mut().unwrap().push(later);
    folder.write("two.json", versions.to_string());
    let files = "--params two.json --delegation signed.json";
    for (height, code) in [("", 1), ("--height 900000", 0), ("--height 949999", 0), ("--height 950000", 1)] {
        let check = folder.run(&format!("--json stake check {files} {height}")).json(code);
        let sign = format!("covenant sign {files} {height} --record r.jsonl --secret-key-file member.key");
        let sign = folder.run(&format!("--json {sign}")).json(code);
        if code == 1 {
            assert_eq!(check["violations"], sign["violations"], "{height}");
            assert_eq!(check["violations"][0]["rule"], json!("parameters_version"));
        }
    }
    assert_eq!(folder.json(&format!("stake check {FILES} signed.json"))["accepted"], json!(true));
}
