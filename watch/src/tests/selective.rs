//! A slashing transaction without evidence shows its provider's key.

use bitcoin::Txid;
use staking_scripts::StakeStatus;
use staking_scripts::delegation::SlashedOutput;
use staking_scripts::testing::key;
use store::testing::MemoryDatabase;

use super::stakes::{MADE, evidence, slashing};
use super::tower::{DEPTH, Tower, settings};
use super::world::Bitcoin;
use super::{confirm, learn, mine};
use crate::alert::Alert;
use crate::event::{Event, Verdict};
use crate::report::Report;
use crate::watch::{OnSelective, Settings};

/// The first four stakes are provider 0's, and in blocks; their delegations are known where it is said.
fn world(on_selective: OnSelective, learned: &[usize]) -> (Bitcoin, Tower, MemoryDatabase) {
    let (mut bitcoin, database) = (Bitcoin::new(), MemoryDatabase::new());
    let settings = Settings { on_selective, ..settings() };
    let mut tower = Tower::with(settings, database.clone(), &mut bitcoin);
    for number in learned {
        learn(&mut bitcoin, &mut tower, &MADE[*number].delegation);
    }
    for stake in &MADE[..5] {
        confirm(&mut bitcoin, &mut tower, &stake.staking);
    }
    (bitcoin, tower, database)
}

fn id(number: usize) -> Txid {
    MADE[number].staking.compute_txid()
}

fn status(tower: &Tower, number: usize) -> StakeStatus {
    let tracker = tower.watch.tracker();
    tracker.stake(tracker.find(&id(number)).unwrap()).unwrap().state(tracker.height(), DEPTH).status
}

fn statuses(tower: &Tower) -> Vec<StakeStatus> {
    (0..5).map(|number| status(tower, number)).collect()
}

fn kinds(tower: &Tower) -> Vec<&'static str> {
    tower.alerts.iter().map(Alert::kind).collect()
}

#[test]
fn by_default_somebody_is_told_and_no_key_is_used_until_the_operator_wants_it() {
    let (mut bitcoin, mut tower, database) = world(OnSelective::Alert, &[0, 1, 2, 3, 4]);
    confirm(&mut bitcoin, &mut tower, &slashing(0, SlashedOutput::Staking));
    mine(&mut bitcoin, &mut tower, 2);
    let by = slashing(0, SlashedOutput::Staking).compute_txid();
    assert_eq!(tower.alerts, [Alert::SelectiveSlashing { stake: id(0), by }]);
    assert_eq!(tower.watch.slashed_providers().count(), 0);
    assert_eq!(status(&tower, 1), StakeStatus::Active);
    drop(tower);
    // With the same store: it was kept.
    database.end_lead();
    let settings = Settings { on_selective: OnSelective::Slash, ..settings() };
    let mut tower = Tower::with(settings, database, &mut bitcoin);
    tower.follow(&mut bitcoin).unwrap();
    mine(&mut bitcoin, &mut tower, 1);
    for number in 0..4 {
        assert_eq!(status(&tower, number), StakeStatus::Slashed, "{number}");
    }
    assert_ne!(status(&tower, 4), StakeStatus::Slashed);
    assert!(tower.alerts.iter().all(|alert| !matches!(alert, Alert::SelectiveSlashing { .. })));
}

/// Of either output, and when the delegation comes after the block.
#[test]
fn the_key_slashes_every_stake_of_the_provider() {
    for which in [SlashedOutput::Staking, SlashedOutput::Unbonding] {
        for is_known_before in [true, false] {
            let learned: &[usize] = if is_known_before { &[0, 1, 2, 3, 4] } else { &[1, 2, 3, 4] };
            let (mut bitcoin, mut tower, _) = world(OnSelective::Slash, learned);
            if which == SlashedOutput::Unbonding {
                confirm(&mut bitcoin, &mut tower, &MADE[0].unbonding);
            }
            confirm(&mut bitcoin, &mut tower, &slashing(0, which));
            if !is_known_before {
                assert_eq!(tower.watch.slashed_providers().count(), 0);
                learn(&mut bitcoin, &mut tower, &MADE[0].delegation);
            }
            assert_eq!(tower.watch.slashed_providers().count(), 1, "{which:?}");
            mine(&mut bitcoin, &mut tower, 1);
            let slashed = StakeStatus::Slashed;
            assert_eq!(statuses(&tower)[..4], [slashed; 4], "{which:?} {is_known_before}");
            assert_ne!(status(&tower, 4), slashed);
            // The others are slashed by the tower itself: nothing is said of them.
            assert_eq!(kinds(&tower), ["selective_slashing"]);
        }
    }
}

/// Killed right after the block is stored, and undone by a reorg: the key follows from what is stored.
#[test]
fn what_a_block_showed_survives_a_kill_and_a_reorg() {
    let (mut bitcoin, mut tower, _) = world(OnSelective::Slash, &[0, 1, 2, 3, 4]);
    assert_eq!(bitcoin.broadcast(&slashing(0, SlashedOutput::Staking)), Verdict::Taken);
    bitcoin.mine_chosen(|_| true);
    tower.dies_in = Some(1);
    assert!(tower.follow(&mut bitcoin).is_err());
    bitcoin.reorganize(1, |_| false);
    tower.restart(&mut bitcoin);
    assert_eq!(tower.watch.slashed_providers().count(), 1);
    tower.follow(&mut bitcoin).unwrap();
    tower.restart(&mut bitcoin);
    mine(&mut bitcoin, &mut tower, 2);
    assert_eq!(statuses(&tower)[..4], [StakeStatus::Slashed; 4]);
    assert_eq!(tower.rows("slashing"), 1);
}

/// It shows no key to whoever has no signature of who signed it; a better delegation does.
#[test]
fn a_key_is_recovered_when_the_signatures_are_known() {
    let (mut bitcoin, mut tower, _) = world(OnSelective::Slash, &[1]);
    let mut few = MADE[0].delegation.clone();
    few.covenant_signatures.clear();
    learn(&mut bitcoin, &mut tower, &few);
    confirm(&mut bitcoin, &mut tower, &slashing(0, SlashedOutput::Staking));
    tower.restart(&mut bitcoin);
    assert_eq!((tower.watch.slashed_providers().count(), kinds(&tower)), (0, vec!["selective_slashing"]));
    learn(&mut bitcoin, &mut tower, &MADE[0].delegation);
    assert_eq!(tower.watch.slashed_providers().count(), 1);
    mine(&mut bitcoin, &mut tower, 1);
    assert_eq!(status(&tower, 1), StakeStatus::Slashed);
}

#[test]
fn of_one_provider_a_few_slashing_transactions_are_kept() {
    let (mut bitcoin, mut tower, _) = world(OnSelective::Alert, &[0, 1, 2, 3, 4]);
    for number in 0..5 {
        confirm(&mut bitcoin, &mut tower, &slashing(number, SlashedOutput::Staking));
    }
    // Three of the four of provider 0, and that of provider 1.
    assert_eq!((tower.rows("slashing"), tower.alerts.len()), (4, 5));
    tower.restart(&mut bitcoin);
    assert_eq!((tower.rows("slashing"), tower.alerts.len()), (4, 5));
    tower.tell(Event::Evidence { evidence: &evidence(0, 7) }, &mut bitcoin).unwrap();
    tower.restart(&mut bitcoin);
    assert_eq!(tower.rows("slashing"), 1);
}

#[test]
fn the_report_is_due_where_it_is_to_be_published_and_there_is_no_evidence() {
    let report = Report::SelectiveSlashing { provider: *key("provider", 0).public_key() };
    for (on_selective, expected) in
        [(OnSelective::Alert, vec![]), (OnSelective::Slash, vec![]), (OnSelective::Publish, vec![report])]
    {
        let (mut bitcoin, mut tower, _) = world(on_selective, &[0, 1]);
        tower.posts = true;
        confirm(&mut bitcoin, &mut tower, &slashing(0, SlashedOutput::Staking));
        tower.restart(&mut bitcoin);
        mine(&mut bitcoin, &mut tower, 20);
        // Once, also after a restart.
        assert_eq!(tower.posted, expected, "{on_selective:?}");
    }
    let (mut bitcoin, mut tower, _) = world(OnSelective::Publish, &[0, 1]);
    confirm(&mut bitcoin, &mut tower, &slashing(0, SlashedOutput::Staking));
    assert_eq!(tower.watch.due_reports(), [report]);
    tower.tell(Event::Evidence { evidence: &evidence(0, 7) }, &mut bitcoin).unwrap();
    assert_eq!(
        (tower.watch.due_reports(), tower.watch.published_key(key("provider", 0).public_key()).is_none()),
        (vec![], true)
    );
}

/// The key is nowhere in what is shown or stored.
#[test]
fn no_key_is_stored_or_shown() {
    for on_selective in [OnSelective::Alert, OnSelective::Publish] {
        let (mut bitcoin, mut tower, _) = world(on_selective, &[0, 1]);
        confirm(&mut bitcoin, &mut tower, &slashing(0, SlashedOutput::Staking));
        tower.tell(Event::Tick { seconds: 100 }, &mut bitcoin).unwrap();
        let secret = key("provider", 0).to_bytes();
        let text = bitcoin::hex::DisplayHex::to_lower_hex_string(secret.as_slice());
        let ready = crate::report::ReadyReport::SelectiveSlashing {
            provider: *key("provider", 0).public_key(),
            key: key("provider", 0),
        };
        let due = tower.watch.due_reports();
        let shown = format!("{:?} {:?} {ready:?} {due:?}", tower.watch, tower.alerts);
        assert!(!shown.contains(&text));
        assert!(tower.stored().iter().all(|value| {
            !value.windows(32).any(|window| window == secret.as_slice())
                && !String::from_utf8_lossy(value).to_lowercase().contains(&text)
        }));
    }
}
