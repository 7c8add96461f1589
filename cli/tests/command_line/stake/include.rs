//! `btcstake stake include`, on a real bitcoind.

use btcstake::outputs::StakeCheck;

use crate::fixtures::delegation::FILES;
use crate::fixtures::node::Regtest;

/// The proof that a stake is in a block goes with the delegation, to who asks no node.
#[test]
fn proof_is_made_of_a_stake_that_is_deep_enough() {
    let Some(regtest) = Regtest::new() else { return };
    regtest.stake("stake");
    let include = format!("stake include {FILES} stake.json --depth 3 --out included.json");
    let include = |words: &[&str]| regtest.run(&include).fails(words);
    include(&["the node has no transaction"]);
    regtest.broadcast("stake.tx");
    include(&["is unconfirmed; must be in a block"]);
    regtest.mine(1);
    let shallow = ["is not shown to be in a block", "is 0 deep; must be at least 3"];
    regtest.run(&format!("stake include {FILES} stake.json --depth 3")).refuses(&shallow);
    regtest.mine(3);
    let include = format!("stake include {FILES} stake.json --depth 3");
    regtest.run(&format!("{include} --out included.json")).ends(0);
    regtest.folder.delegation("included.json");
    let check = "stake check --params params.json --delegation included.json";
    let checked: StakeCheck = regtest.folder.output(&format!("{check} --network regtest --depth 3"));
    assert!(checked.accepted, "{checked:?}");
    let sign = "covenant sign --params params.json --delegation included.json --network regtest --depth 3 --height 108";
    let sign = format!("{sign} --record r.jsonl --secret-key-file member.key");
    for line in [sign.clone(), format!("--json {sign}")] {
        regtest.folder.run(&line).warns(0, &["unanchored", "the height of the inclusion"]);
    }
    for bad in ["--network regtest", "--depth 3"] {
        let refused: StakeCheck = regtest.folder.run(&format!("--json {check} {bad}")).output(1);
        let inclusion = refused.violations.iter().find(|found| found.rule == "inclusion");
        // Read as mainnet's, it is of another network.
        let hint = inclusion.unwrap().message.contains("--network says which");
        assert_eq!(hint, bad == "--depth 3", "{refused:?}");
    }
    let include = "stake include --params params.json --delegation stake.json --depth 3";
    for (network, expected) in [("--network signet", "signet"), ("", "mainnet")] {
        let error = format!("--node is on regtest; must be on {expected}, as --network says");
        regtest.run(&format!("{include} {network} --out wrong.json")).fails(&[error.as_str()]);
    }
}
