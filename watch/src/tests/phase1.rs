//! Phase-1 stakes are found in the blocks.

use bitcoin::{Amount, Transaction, Txid};
use staking_scripts::testing::members;
use staking_scripts::{Parameters, ParametersHistory, Phase1Parameters, StakeStatus};
use store::testing::MemoryDatabase;

use super::stakes::{ANNOUNCED, MADE, PARAMETERS, evidence};
use super::tower::{DEPTH, Tower, settings};
use super::world::Bitcoin;
use super::{confirm, learn, mine};
use crate::event::Event;
use crate::stake::TrackedStake;
use crate::watch::Settings;

/// The committee and times of the stakes, in force from height 2 to 20.
fn parameters() -> ParametersHistory<Phase1Parameters> {
    let version: &Parameters = PARAMETERS.get(0).unwrap();
    let keys: Vec<String> = members(0).iter().map(|member| format!("02{}", member.public_key())).collect();
    let file = serde_json::json!({ "versions": [{
        "version": 0,
        "activation_height": 2,
        "cap_height": 20,
        "tag": "62626e31",
        "covenant_pks": keys,
        "covenant_quorum": version.covenant().quorum(),
        "unbonding_time": version.unbonding_time().blocks(),
        "unbonding_fee": version.unbonding_fee().to_sat(),
        "min_staking_amount": 500_000,
        "max_staking_amount": 5_000_000,
        "min_staking_time": 1000,
        "max_staking_time": 64000,
        "confirmation_depth": 7,
    }]});
    ParametersHistory::from_json(&file.to_string()).unwrap()
}

/// A chain of this height, and a tower that finds phase-1 stakes.
fn world(height: u32) -> (Bitcoin, Tower) {
    let mut bitcoin = Bitcoin::new();
    let settings = Settings { phase1: Some(parameters()), ..settings() };
    let mut tower = Tower::with(settings, MemoryDatabase::new(), &mut bitcoin);
    mine(&mut bitcoin, &mut tower, height);
    (bitcoin, tower)
}

fn stake(tower: &Tower, staking: &Transaction) -> Option<TrackedStake> {
    let tracker = tower.watch.tracker();
    tracker.stake(tracker.find(&staking.compute_txid())?).cloned()
}

fn status(tower: &Tower) -> StakeStatus {
    let stake = stake(tower, &ANNOUNCED.staking).unwrap();
    stake.state(tower.watch.tracker().height(), DEPTH).status
}

#[test]
fn a_phase1_stake_is_found_with_its_inclusion_and_its_end() {
    let (mut bitcoin, mut tower) = world(1);
    confirm(&mut bitcoin, &mut tower, &MADE[0].staking);
    assert_eq!(stake(&tower, &MADE[0].staking), None);
    confirm(&mut bitcoin, &mut tower, &ANNOUNCED.staking);
    let found = stake(&tower, &ANNOUNCED.staking).unwrap();
    assert_eq!(
        (found.is_phase1(), found.included_height(), status(&tower)),
        (true, Some(3), StakeStatus::Pending)
    );
    tower.restart(&mut bitcoin);
    mine(&mut bitcoin, &mut tower, DEPTH);
    assert_eq!(status(&tower), StakeStatus::Active);
    let active = tower.watch.tracker().statistics(tower.watch.tracker().height(), DEPTH);
    assert_eq!((active.active_stakes, active.active_sat), (1, 1_000_000));
    confirm(&mut bitcoin, &mut tower, &ANNOUNCED.unbonding);
    tower.restart(&mut bitcoin);
    assert_eq!(status(&tower), StakeStatus::Unbonding);
    // Undone: with its block the unbonding, and then the stake.
    bitcoin.reorganize(1, |_| false);
    tower.follow(&mut bitcoin).unwrap();
    assert_eq!(status(&tower), StakeStatus::Active);
    bitcoin.reorganize(12, |_| false);
    tower.follow(&mut bitcoin).unwrap();
    assert_eq!(stake(&tower, &ANNOUNCED.staking).unwrap().included_height(), None);
    // Mined again it is what it was.
    confirm(&mut bitcoin, &mut tower, &ANNOUNCED.staking);
    let found = stake(&tower, &ANNOUNCED.staking).unwrap();
    assert!(found.is_phase1() && found.included_height().is_some());
}

/// Nobody signed a slashing of it; whoever registers it signs one.
#[test]
fn a_registration_takes_its_place() {
    for is_unbonded in [false, true] {
        let (mut bitcoin, mut tower) = world(1);
        confirm(&mut bitcoin, &mut tower, &ANNOUNCED.staking);
        if is_unbonded {
            confirm(&mut bitcoin, &mut tower, &ANNOUNCED.unbonding);
        }
        tower.tell(Event::Evidence { evidence: &evidence(1, 7) }, &mut bitcoin).unwrap();
        mine(&mut bitcoin, &mut tower, 1);
        let kinds = |tower: &Tower| tower.alerts.iter().map(crate::Alert::kind).collect::<Vec<_>>();
        assert_eq!((kinds(&tower), bitcoin.mempool().len()), (vec!["equivocation"], 0));
        learn(&mut bitcoin, &mut tower, &ANNOUNCED.delegation);
        assert!(!stake(&tower, &ANNOUNCED.staking).unwrap().is_phase1());
        mine(&mut bitcoin, &mut tower, 1);
        assert_eq!(status(&tower), StakeStatus::Slashed, "{is_unbonded}");
    }
}

/// Nobody is told that a stake escaped which nobody could slash.
#[test]
fn a_phase1_stake_of_whoever_equivocated_does_not_escape() {
    let (mut bitcoin, mut tower) = world(1);
    confirm(&mut bitcoin, &mut tower, &ANNOUNCED.staking);
    tower.tell(Event::Evidence { evidence: &evidence(1, 7) }, &mut bitcoin).unwrap();
    let mut withdrawal = ANNOUNCED.unbonding.clone();
    withdrawal.input[0].witness.clear();
    confirm(&mut bitcoin, &mut tower, &withdrawal);
    mine(&mut bitcoin, &mut tower, 1);
    assert!(stake(&tower, &ANNOUNCED.staking).unwrap().spends.is_some());
    assert_eq!(tower.alerts.len(), 1, "{:?}", tower.alerts);
}

/// What is registered before its block is no phase-1 stake.
#[test]
fn what_is_registered_stays_registered() {
    let (mut bitcoin, mut tower) = world(1);
    learn(&mut bitcoin, &mut tower, &ANNOUNCED.delegation);
    confirm(&mut bitcoin, &mut tower, &ANNOUNCED.staking);
    mine(&mut bitcoin, &mut tower, DEPTH);
    let stake = stake(&tower, &ANNOUNCED.staking).unwrap();
    assert_eq!((stake.is_phase1(), status(&tower)), (false, StakeStatus::Active));
}

#[test]
fn what_breaks_a_rule_or_only_announces_is_none() {
    // Before the first height, and after the last.
    for height in [0, 20] {
        let (mut bitcoin, mut tower) = world(height);
        confirm(&mut bitcoin, &mut tower, &ANNOUNCED.staking);
        assert_eq!(stake(&tower, &ANNOUNCED.staking), None, "{height}");
    }
    let mut little = ANNOUNCED.staking.clone();
    let mut other_tag = ANNOUNCED.staking.clone();
    let mut words_alone = ANNOUNCED.staking.clone();
    for output in &mut little.output {
        output.value = output.value.min(Amount::from_sat(400_000));
    }
    for output in &mut other_tag.output {
        if output.script_pubkey.is_op_return() {
            let mut bytes = output.script_pubkey.to_bytes();
            bytes[2] ^= 1;
            output.script_pubkey = bytes.into();
        }
    }
    words_alone.output.retain(|output| output.script_pubkey.is_op_return());
    for (name, transaction) in [("amount", little), ("tag", other_tag), ("data", words_alone)] {
        let (mut bitcoin, mut tower) = world(1);
        confirm(&mut bitcoin, &mut tower, &transaction);
        assert_eq!(stake(&tower, &transaction), None, "{name}");
    }
    // Without the parameters nothing is found.
    let mut bitcoin = Bitcoin::new();
    let mut tower = Tower::new(&mut bitcoin);
    mine(&mut bitcoin, &mut tower, 1);
    confirm(&mut bitcoin, &mut tower, &ANNOUNCED.staking);
    assert_eq!(tower.watch.tracker().find(&txid()), None);
}

/// A block without marks is judged almost as fast as without looking for them.
#[test]
fn looking_for_marks_costs_little() {
    let (_, mut finds) = world(1);
    let (_, mut finds_none) = (Bitcoin::new(), Tower::new(&mut Bitcoin::new()));
    let block = spv::testing::block(std::iter::repeat_n(MADE[0].unbonding.clone(), 3000));
    let least = |tower: &mut Tower| {
        let once = || {
            let begun = std::time::Instant::now();
            drop(tower.watch.handle(Event::LookedBack { block: &block, height: 10 }));
            begun.elapsed()
        };
        std::iter::repeat_with(once).take(20).min().unwrap()
    };
    let (with, without) = (least(&mut finds), least(&mut finds_none));
    assert!(with < without * 3 / 2, "{with:?} against {without:?}");
}

fn txid() -> Txid {
    ANNOUNCED.staking.compute_txid()
}
