//! The rules of phase-1 stakes, version by version and under both forms of parameters.

use std::collections::BTreeSet;

use bitcoin::absolute::Height;
use bitcoin::{Amount, ScriptBuf};

use super::{mainnet, paying, said, stating};
use crate::outputs::OpReturnData;
use crate::parameters::{Parameters, ParametersHistory, Phase1Parameters, StakingCap};
use crate::phase1::{Phase1Error as Error, Phase1Rules, Phase1Stake, parse_phase1_stake};

fn height(height: u32) -> Height {
    Height::from_consensus(height).unwrap()
}

fn names(found: &[Error]) -> Vec<&'static str> {
    found.iter().map(Error::rule).collect()
}

/// The rules that a stake of mainnet's shape breaks under each version, or why it is none.
fn under_each(sat: u64, place: impl Fn(Phase1Rules<'_>) -> Phase1Rules<'_>) -> Vec<Vec<&'static str>> {
    let (transaction, history) = (stating(&said(64000), &said(64000), sat), mainnet());
    let rules = Phase1Rules::of_history(&history).into_iter();
    rules.map(|rules| names(&Phase1Stake::find(&transaction, place(rules)).unwrap().broken)).collect()
}

#[test]
fn amount_is_checked_version_by_version() {
    // Mainnet's largest amounts are 5e6, 5e10 and 5e11 sat.
    let broken = |sat| under_each(sat, |rules| rules);
    let (kept, amount): (Vec<&str>, _) = (vec![], vec!["staking_amount"]);
    assert_eq!(broken(5_000_000), [kept.clone(), kept.clone(), kept.clone()]);
    assert_eq!(broken(5_000_001), [amount.clone(), kept.clone(), kept.clone()]);
    assert_eq!(broken(50_000_000_001), [amount.clone(), amount.clone(), kept]);
    assert_eq!(broken(499_999), [amount.clone(), amount.clone(), amount]);
}

#[test]
fn height_is_checked_version_by_version() {
    // Activation at 857910, 864790 and 874088.
    let at = |block| under_each(500_000, |rules| rules.at(height(block)));
    let in_force =
        |block| -> Vec<bool> { at(block).iter().map(|found| !found.contains(&"height")).collect() };
    assert_eq!(in_force(857_909), [false, false, false]);
    assert_eq!(in_force(857_910), [true, false, false]);
    assert_eq!(in_force(864_789), [true, false, false]);
    assert_eq!(in_force(864_790), [false, true, false]);
    assert_eq!(in_force(874_088), [false, false, true]);
    assert_eq!(in_force(1_000_000), [false, false, true]);
    let history = mainnet();
    let rules = Phase1Rules::of_history(&history);
    let found = Phase1Stake::find(&stating(&said(64000), &said(64000), 500_000), rules[1].at(height(1)));
    assert_eq!(
        found.unwrap().broken,
        [Error::NotInForce { height: height(1), from: height(864_790), until: Some(height(874_088)) }]
    );
}

#[test]
fn cap_is_checked_version_by_version() {
    // Version 0 has a staking cap of 1000 bitcoin, the others end at 864799 and 875087.
    let at = |block| under_each(500_000, |rules| rules.at(height(block)));
    let has = |found: &[&str], rule: &str| found.contains(&rule);
    assert!(!has(&at(864_799)[1], "cap_height") && has(&at(864_800)[1], "cap_height"));
    assert!(!has(&at(875_087)[2], "cap_height") && has(&at(875_088)[2], "cap_height"));
    let after = |sat| under_each(500_000, |rules| rules.after(Amount::from_sat(sat)));
    let (kept, cap): (Vec<&str>, _) = (vec![], vec!["staking_cap"]);
    assert_eq!(after(99_999_999_999), [kept.clone(), kept.clone(), kept.clone()]);
    // A stake that reaches the cap still counts; the next does not.
    assert_eq!(after(100_000_000_000), [cap, kept.clone(), kept]);
    let history = mainnet();
    let first = Phase1Rules::from(history.get(0).unwrap()).after(Amount::MAX_MONEY);
    let error = parse_phase1_stake(&stating(&said(64000), &said(64000), 500_000), first).unwrap_err();
    let cap = Amount::from_sat(100_000_000_000);
    assert_eq!(error, Error::StakingCap { staked: Amount::MAX_MONEY, cap });
}

/// Every other rule, each by its name.
#[test]
fn each_rule_is_broken_under_its_name() {
    let history = mainnet();
    let last = history.get(2).unwrap();
    let rule = |transaction, parameters: &Phase1Parameters| {
        parse_phase1_stake(&transaction, parameters).map(drop).map_err(|error| error.rule())
    };
    let good = said(64000);
    assert_eq!(rule(stating(&good, &good, 500_000), last), Ok(()));
    let other_tag = OpReturnData { tag: *b"bbn2", ..good };
    assert_eq!(rule(stating(&other_tag, &good, 500_000), last), Err("op_return_tag"));
    assert_eq!(rule(stating(&said(63999), &said(63999), 500_000), last), Err("staking_time"));
    assert_eq!(rule(stating(&good, &said(1), 500_000), last), Err("staking_output"));
    let mut twice = stating(&good, &good, 500_000);
    twice.output.push(twice.output[1].clone());
    assert_eq!(rule(twice, last), Err("staking_output"));
    let mut alone = stating(&good, &good, 500_000);
    alone.output.truncate(1);
    assert_eq!(rule(alone.clone(), last), Err("staking_output"));
    alone.output.push(paying(500_000, ScriptBuf::from_bytes(vec![0x51])));
    assert_eq!(rule(alone, last), Err("staking_output"));
    let same = OpReturnData { finality_provider: good.staker, ..good };
    assert_eq!(rule(stating(&same, &good, 500_000), last), Err("parties"));
    let member = OpReturnData { staker: last.covenant.members()[0], ..good };
    assert_eq!(rule(stating(&member, &good, 500_000), last), Err("parties"));
    let mut repeated = stating(&good, &good, 500_000);
    repeated.output.push(repeated.output[0].clone());
    assert_eq!(rule(repeated, last), Err("op_return"));
    let mut none = stating(&good, &good, 500_000);
    none.output.remove(0);
    assert_eq!(rule(none, last), Err("op_return"));
}

/// What is not known is named, and not passed over.
#[test]
fn rules_that_cannot_be_checked_are_named() {
    let (phase1, genesis) = (mainnet(), ParametersHistory::<Parameters>::mainnet().unwrap());
    let [first, second]: [Phase1Rules<'_>; 2] =
        [phase1.get(0).unwrap().into(), phase1.get(1).unwrap().into()];
    assert_eq!(first.not_checked(), ["height", "staking_cap"]);
    assert_eq!(second.not_checked(), ["height", "cap_height"]);
    fn everything(rules: Phase1Rules<'_>) -> Vec<&'static str> {
        rules.at(height(1)).after(Amount::ZERO).not_checked()
    }
    assert!(everything(first).is_empty() && everything(second).is_empty());
    let of_genesis = Phase1Rules::from(genesis.get(0).unwrap());
    assert_eq!(everything(of_genesis), ["op_return_tag", "cap_height", "staking_cap"]);
}

/// The parameters of Babylon Genesis rebuild the same output, and break the same rules but those of tag and
/// cap.
#[test]
fn both_forms_of_parameters_judge_alike() {
    let (phase1, genesis) = (mainnet(), ParametersHistory::<Parameters>::mainnet().unwrap());
    let mut seen = BTreeSet::new();
    for sat in [400_000, 500_000, 60_000_000_000, 600_000_000_000] {
        for data in [said(64000), said(100), OpReturnData { tag: *b"else", ..said(64000) }] {
            let transaction = stating(&data, &data, sat);
            let both = Phase1Rules::of_history(&phase1).into_iter().zip(Phase1Rules::of_history(&genesis));
            for (early, late) in both.take(2) {
                let [early, late] = [early, late]
                    .map(|rules| Phase1Stake::find(&transaction, rules.at(height(864_795))).unwrap());
                assert_eq!(early.staking, late.staking);
                let common: Vec<_> =
                    names(&early.broken).into_iter().filter(|rule| *rule != "op_return_tag").collect();
                assert_eq!(common, names(&late.broken));
                seen.extend(common);
            }
        }
    }
    assert_eq!(seen, BTreeSet::from(["height", "staking_amount", "staking_time"]));
}

/// A cap that falls in height closes its own version only.
#[test]
fn cap_heights_that_fall_hold_for_their_version_each() {
    let text = include_str!("../../../data/mainnet-phase1-parameters.json").replace("864799", "900000");
    let history = ParametersHistory::<Phase1Parameters>::from_json(&text).unwrap();
    let caps: Vec<_> = history.iter().skip(1).map(|version| version.cap).collect();
    assert_eq!(caps, [900_000, 875_087].map(|cap| StakingCap::Height(height(cap))));
    let rules = Phase1Rules::of_history(&history);
    let transaction = stating(&said(64000), &said(64000), 500_000);
    let broken = |rules: Phase1Rules<'_>| names(&Phase1Stake::find(&transaction, rules).unwrap().broken);
    assert_eq!(broken(rules[1].at(height(870_000))), [""; 0]);
    assert_eq!(broken(rules[2].at(height(875_088))), ["cap_height"]);
}
