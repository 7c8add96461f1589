//! `btcstake tx explain` of phase-1 stakes, under parameters of either form.

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{Amount, Psbt, ScriptBuf, Transaction};
use btcstake::outputs::TxExplain;
use serde_json::json;

use crate::fixtures::delegation::STAKER;
use crate::fixtures::node::ScriptedNode;
use crate::fixtures::phase1::write_phase1;
use crate::fixtures::process::{Folder, MEMBER_KEY, PROVIDER_KEY};
use crate::status::answers_with;

const PHASE_1: &str = "--params phase1-params.json";

/// The rules that are broken under each version.
fn rules(found: &TxExplain) -> Vec<Vec<&str>> {
    let versions = found.parameters.iter().flatten();
    versions.map(|version| version.violations.iter().map(|found| found.rule.as_str()).collect()).collect()
}

struct Case {
    folder: Folder,
    stake: Transaction,
}

impl Case {
    fn new() -> Self {
        let folder = Folder::new();
        let stake = write_phase1(&folder);
        Self { folder, stake }
    }

    /// Explains the stake, changed.
    fn changed(&self, flags: &str, change: impl FnOnce(&mut Transaction)) -> TxExplain {
        let mut changed = self.stake.clone();
        change(&mut changed);
        self.folder.output(&format!("tx explain {flags} {}", serialize_hex(&changed)))
    }

    fn explained(&self, flags: &str) -> TxExplain {
        self.changed(flags, |_| {})
    }
}

/// Sets the staking time in the OP_RETURN data of output 1.
fn set_time(transaction: &mut Transaction, blocks: u16) {
    set(transaction, 71, &blocks.to_be_bytes());
}

fn set(transaction: &mut Transaction, place: usize, bytes: &[u8]) {
    let mut script = transaction.output[1].script_pubkey.to_bytes();
    script.splice(place..place + bytes.len(), bytes.iter().copied());
    transaction.output[1].script_pubkey = ScriptBuf::from_bytes(script);
}

#[test]
fn output_is_rebuilt_from_the_op_return_and_the_committee() {
    let case = Case::new();
    // Without parameters the data say what they say, and there is no stake.
    let alone = case.explained("");
    assert_eq!((alone.kind.as_str(), alone.op_return_tag.as_deref()), ("unknown", Some("62626e31")));
    assert!(alone.protocol_outputs.is_empty());
    let text = case.folder.run("tx explain @phase1.tx").ends(0).stdout();
    assert!(text.contains("62626e31, of data of a phase-1 stake, which alone are none"), "{text}");
    for (params, not_checked) in [
        (PHASE_1, vec![vec!["height", "staking_cap"], vec!["height", "cap_height"]]),
        ("--params params.json", vec![vec!["op_return_tag", "height", "cap_height", "staking_cap"]]),
    ] {
        let found = case.explained(params);
        assert_eq!((found.kind.as_str(), found.staker.as_deref()), ("stake", Some(STAKER)));
        assert_eq!(found.finality_providers, [PROVIDER_KEY]);
        assert_eq!((found.op_return_tag.as_deref(), found.timelock), (Some("62626e31"), Some(64000)));
        assert_eq!((found.covenant_members, found.quorum), (Some(3), Some(2)));
        let [output] = &found.protocol_outputs[..] else { panic!("{found:?}") };
        assert_eq!((output.index, output.output.as_str()), (0, "staking"));
        assert_eq!(found.outputs[0].owner, "staking");
        let versions = found.parameters.as_ref().unwrap();
        let left: Vec<_> = versions.iter().map(|version| version.not_checked.clone()).collect();
        assert_eq!(left, not_checked);
        assert!(rules(&found).concat().is_empty(), "{found:?}");

        // Exactly once: not twice, not never, whatever the data say.
        let twice = case.changed(params, |it| it.output.push(it.output[0].clone()));
        let never = case.changed(params, |it| drop(it.output.remove(0)));
        for (found, kept) in [(twice, "exactly one must"), (never, "exactly one must")] {
            assert_eq!((found.kind.as_str(), found.protocol_outputs.len()), ("unknown", 0));
            assert!(rules(&found).iter().all(|rules| *rules == ["staking_output"]), "{found:?}");
            let message = &found.parameters.unwrap()[0].violations[0].message;
            assert!(message.contains(kept), "{message}");
        }
    }
}

#[test]
fn rules_are_checked_version_by_version() {
    let case = Case::new();
    let at = |height: u32| case.explained(&format!("{PHASE_1} --height {height}"));
    let none = Vec::<&str>::new();
    assert_eq!(rules(&at(860_000)), [none.clone(), vec!["height"]]);
    assert_eq!(rules(&at(864_790)), [vec!["height"], none.clone()]);
    assert_eq!(rules(&at(864_800)), [vec!["height"], vec!["cap_height"]]);
    let full = case.explained(&format!("{PHASE_1} --height 860000 --staked-before-sat 100000000000"));
    assert_eq!(rules(&full), [vec!["staking_cap"], vec!["height"]]);
    assert!(full.parameters.as_ref().unwrap()[0].not_checked.is_empty());
    let both = |rule: &'static str| vec![vec![rule], vec![rule]];
    let amount = case.changed(PHASE_1, |it| it.output[0].value = Amount::from_sat(499_999));
    assert_eq!((rules(&amount), amount.kind.as_str()), (both("staking_amount"), "stake"));
    let tag = case.changed(PHASE_1, |it| set(it, 2, b"else"));
    assert_eq!((rules(&tag), tag.op_return_tag.as_deref()), (both("op_return_tag"), Some("656c7365")));
    // The staker's key is a member's.
    let member = hex::decode(MEMBER_KEY).unwrap();
    assert_eq!(rules(&case.changed(PHASE_1, |it| set(it, 7, &member))), both("parties"));
    assert_eq!(rules(&case.changed(PHASE_1, |it| set(it, 7, &[0xff; 32]))), both("op_return"));
    let repeated = case.changed(PHASE_1, |it| it.output.push(it.output[1].clone()));
    assert_eq!(rules(&repeated), both("op_return"));
    // A time outside the range, with its output.
    let mut parameters: serde_json::Value =
        serde_json::from_str(&case.folder.read("phase1-params.json")).unwrap();
    parameters["versions"][1]["max_staking_time"] = json!(63_999);
    parameters["versions"][1]["min_staking_time"] = json!(63_999);
    case.folder.write("shorter.json", parameters.to_string());
    assert_eq!(rules(&case.explained("--params shorter.json")), [none, vec!["staking_time"]]);
}

#[test]
fn op_return_that_contradicts_the_output_is_named() {
    let case = Case::new();
    // An output that nobody describes: the parameters' own time.
    let time = case.changed(PHASE_1, |it| set_time(it, 250));
    let expected = ["staking_output", "op_return_staking_time"].to_vec();
    assert_eq!(rules(&time), [expected.clone(), expected.clone()]);
    assert_eq!(time.kind, "unknown");
    // One that the PSBT or the delegation describes: any other key or time.
    let other = hex::decode(MEMBER_KEY).unwrap();
    for (place, bytes, rule) in [
        (7, &other[..], "op_return_staker"),
        (39, &other, "op_return_finality_provider"),
        (71, &[0, 9], "op_return_staking_time"),
    ] {
        let mut psbt: Psbt = case.folder.read("phase1.psbt").parse().unwrap();
        set(&mut psbt.unsigned_tx, place, bytes);
        case.folder.write("changed.psbt", psbt.to_string());
        let plain: TxExplain = case.folder.output("tx explain @changed.psbt");
        assert_eq!((plain.kind.as_str(), plain.warnings.len()), ("stake", 1), "{plain:?}");
        assert!(plain.warnings[0].starts_with("the OP_RETURN names "), "{plain:?}");
        let under: TxExplain = case.folder.output(&format!("tx explain @changed.psbt {PHASE_1}"));
        for found in rules(&under) {
            assert!(found.contains(&rule), "{rule}: {under:?}");
        }
    }
    let mut changed = case.stake.clone();
    set_time(&mut changed, 9);
    case.folder.write_changed("phase1.json", "changed.json", |json| {
        json["staking_transaction"] = json!(serialize_hex(&changed));
    });
    let known = format!("tx explain {PHASE_1} --delegation changed.json {}", serialize_hex(&changed));
    let known: TxExplain = case.folder.output(&known);
    assert!(known.delegation.unwrap().violations.iter().any(|it| it.rule == "op_return_staking_time"));
}

/// A node that has the transaction in a block tells the height.
#[test]
fn node_tells_the_height_of_a_phase1_stake() {
    let case = Case::new();
    let txid = case.stake.compute_txid();
    let node = ScriptedNode::start(answers_with(&json!(serialize_hex(&case.stake)), 864_800, 864_900));
    let line = format!("tx explain {txid} {PHASE_1} --network regtest {}", node.at(&case.folder));
    let found: TxExplain = case.folder.output(&line);
    assert_eq!((found.block_height, found.kind.as_str()), (Some(864_800), "stake"));
    assert_eq!(rules(&found), [vec!["height"], vec!["cap_height"]]);
}

/// With its delegation, as other stakes; and what spends it is judged by the same parameters.
#[test]
fn delegation_of_a_phase1_stake_recognises_its_transactions() {
    let case = Case::new();
    for params in [PHASE_1, "--params params.json"] {
        let flags = format!("{params} --delegation phase1.json");
        let stake = case.explained(&flags);
        let place = stake.delegation.unwrap();
        assert_eq!((place.stake_transaction.as_deref(), place.violations.len()), (Some("staking"), 0));
        let unbonding = case.folder.psbt(&format!("tx unbond {flags} --network regtest"));
        let found: TxExplain = case.folder.output(&format!("tx explain {flags} {unbonding}"));
        assert_eq!((found.kind.as_str(), found.fee_sat), ("unbonding", Some(64_000)));
        assert!(rules(&found).concat().is_empty(), "{found:?}");
        let mut cheap = unbonding;
        cheap.unsigned_tx.output[0].value += Amount::ONE_SAT;
        let found: TxExplain = case.folder.output(&format!("tx explain {params} {cheap}"));
        assert!(rules(&found).iter().all(|rules| *rules == ["unbonding_fee"]), "{found:?}");
    }
}
