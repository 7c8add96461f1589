//! `btcstake script`.

use crate::fixtures::process::{Folder, MEMBER_KEY, PROVIDER_KEY};

#[test]
fn outputs_have_the_leaves_they_have() {
    let folder = Folder::new();
    let parties = format!(
        "--staker {MEMBER_KEY} --finality-provider {PROVIDER_KEY} --covenant {} --quorum 1",
        COVENANT
    );
    let leaves = |json: &serde_json::Value, field: &str| -> Vec<String> {
        json[field].as_object().unwrap().keys().cloned().collect()
    };
    let staking = folder.json(&format!("script staking {parties} --timelock 64000 --network regtest"));
    assert_eq!(leaves(&staking, "leaves"), ["slashing", "timelock", "unbonding"]);
    assert_eq!(leaves(&staking, "control_blocks"), ["slashing", "timelock", "unbonding"]);
    assert!(staking["address"].as_str().unwrap().starts_with("bcrt1p"));
    assert!(staking["descriptor"].as_str().unwrap().starts_with("tr(50929b74"));
    assert_eq!(staking["script_pubkey"].as_str().unwrap().len(), 68);
    assert_eq!(staking["merkle_root"].as_str().unwrap().len(), 64);
    let unbonding = folder.json(&format!("script unbonding {parties} --timelock 1008 --network mainnet"));
    assert_eq!(leaves(&unbonding, "leaves"), ["slashing", "timelock"]);
    assert!(unbonding["address"].as_str().unwrap().starts_with("bc1p"));
    let refund = folder
        .json(&format!("script slashing-refund --staker {MEMBER_KEY} --timelock 1008 --network signet"));
    assert_eq!(leaves(&refund, "leaves"), ["timelock"]);
    let script = format!("20{MEMBER_KEY}ad02f003b2");
    assert_eq!(refund["leaves"]["timelock"], serde_json::json!(script));
    assert!(refund["address"].as_str().unwrap().starts_with("tb1p"));
}

/// A covenant member's public key.
const COVENANT: &str = "531fe6068134503d2723133227c867ac8fa6c83c537e9a44c3c5bdbdcb1fe337";

#[test]
fn arguments_that_make_no_output_are_named() {
    let folder = Folder::new();
    let fails = |rest: &str, words: &[&str]| {
        let member = COVENANT;
        folder.run(&format!("script staking --network regtest --covenant {member} {rest}")).fails(words);
    };
    let usual = format!("--staker {MEMBER_KEY} --finality-provider {PROVIDER_KEY}");
    fails(&format!("{usual} --timelock 0 --quorum 1"), &["--timelock", "1 to 65535"]);
    fails(&format!("{usual} --timelock 65536 --quorum 1"), &["--timelock", "1 to 65535"]);
    fails(&format!("{usual} --timelock 10 --quorum 0"), &["quorum is 0"]);
    fails(&format!("{usual} --timelock 10 --quorum 2"), &["quorum is 2", "at most 1, the number of members"]);
    fails(&format!("{usual} --timelock 10 --quorum 1 --covenant {}", COVENANT), &["given twice", COVENANT]);
    fails(
        &format!("{usual} --timelock 10 --quorum 1 --finality-provider {MEMBER_KEY}"),
        &["twice", MEMBER_KEY],
    );
    let off_curve =
        format!("--staker {} --finality-provider {PROVIDER_KEY} --timelock 10 --quorum 1", "ff".repeat(32));
    fails(&off_curve, &["--staker", "x coordinate"]);
}
