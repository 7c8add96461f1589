//! What the secured chain is to be told of, and how often.

use bitcoin::Txid;
use store::testing::MemoryDatabase;
use store::{ChangeSet, Schema, Store as _};

use super::stakes::MADE;
use super::tower::{DEPTH, Tower, settings};
use super::world::Bitcoin;
use super::{confirm, learn, mine, register};
use crate::alert::Alert;
use crate::event::Event;
use crate::report::Report;
use crate::rows::SCHEMA;
use babylon::query::DelegationStatus::{self, Active, Expired, Pending, Unbonded, Verified};

fn id(number: usize) -> Txid {
    MADE[number].staking.compute_txid()
}

fn world(stakes: &[usize]) -> (Bitcoin, Tower) {
    let mut bitcoin = Bitcoin::new();
    let mut tower = Tower::new(&mut bitcoin);
    for number in stakes {
        learn(&mut bitcoin, &mut tower, &MADE[*number].delegation);
    }
    (bitcoin, tower)
}

fn registered(tower: &Tower, stake: Txid) -> Option<DelegationStatus> {
    let tracker = tower.watch.tracker();
    tracker.stake(tracker.find(&stake).unwrap()).unwrap().registered()
}

#[test]
fn an_inclusion_is_due_of_verified_stakes_that_are_deep() {
    let (mut bitcoin, mut tower) = world(&[0]);
    // Of a stake that nobody knows it is not noted.
    register(&mut bitcoin, &mut tower, id(1), Verified);
    confirm(&mut bitcoin, &mut tower, &MADE[0].staking);
    mine(&mut bitcoin, &mut tower, DEPTH - 1);
    register(&mut bitcoin, &mut tower, id(0), Verified);
    assert_eq!(tower.watch.due_reports(), []);
    mine(&mut bitcoin, &mut tower, 1);
    let report = Report::Inclusion { stake: id(0), height: 1 };
    for (status, expected) in
        [(Pending, vec![]), (Active, vec![]), (Unbonded, vec![]), (Expired, vec![]), (Verified, vec![report])]
    {
        register(&mut bitcoin, &mut tower, id(0), status);
        tower.restart(&mut bitcoin);
        assert_eq!(registered(&tower, id(0)), Some(status));
        assert_eq!(tower.watch.due_reports(), expected, "{status:?}");
    }
    // Undone: nothing is there to tell of.
    bitcoin.reorganize(7, |_| false);
    tower.follow(&mut bitcoin).unwrap();
    assert_eq!(tower.watch.due_reports(), []);
}

#[test]
fn an_undelegation_is_due_with_its_block_and_that_of_an_extension_when_it_is_deep() {
    let (mut bitcoin, mut tower) = world(&[0, 1]);
    let child = MADE[1].child.as_ref().unwrap();
    learn(&mut bitcoin, &mut tower, &child.delegation);
    for transaction in [&MADE[0].staking, &MADE[1].staking, &MADE[0].unbonding, &child.staking] {
        confirm(&mut bitcoin, &mut tower, transaction);
    }
    let by = child.staking.compute_txid();
    register(&mut bitcoin, &mut tower, by, Verified);
    register(&mut bitcoin, &mut tower, id(1), Active);
    let unbonded = Report::Undelegation { stake: id(0), by: MADE[0].unbonding.compute_txid(), height: 3 };
    let extended = Report::Undelegation { stake: id(1), by, height: 4 };
    for status in DelegationStatus::ALL {
        register(&mut bitcoin, &mut tower, id(0), status);
        let is_due = matches!(status, Pending | Verified | Active);
        assert_eq!(tower.watch.due_reports(), if is_due { vec![unbonded] } else { vec![] }, "{status:?}");
    }
    mine(&mut bitcoin, &mut tower, DEPTH - 1);
    assert_eq!(tower.watch.due_reports(), []);
    // The child's own inclusion is never reported: it comes with that.
    mine(&mut bitcoin, &mut tower, 10);
    tower.restart(&mut bitcoin);
    assert_eq!(tower.watch.due_reports(), [extended]);
}

#[test]
fn what_the_chain_takes_no_notice_of_is_told_again_a_few_times() {
    let (mut bitcoin, mut tower) = world(&[0]);
    tower.posts = true;
    register(&mut bitcoin, &mut tower, id(0), Active);
    confirm(&mut bitcoin, &mut tower, &MADE[0].staking);
    confirm(&mut bitcoin, &mut tower, &MADE[0].unbonding);
    assert_eq!(tower.posted.len(), 1);
    mine(&mut bitcoin, &mut tower, 5);
    tower.restart(&mut bitcoin);
    assert_eq!(tower.posted.len(), 1);
    mine(&mut bitcoin, &mut tower, 1);
    assert_eq!(tower.posted.len(), 2);
    tower.restart(&mut bitcoin);
    mine(&mut bitcoin, &mut tower, 6);
    assert_eq!((tower.posted.len(), tower.alerts.len()), (3, 0));
    mine(&mut bitcoin, &mut tower, 30);
    assert_eq!(tower.posted.len(), 3);
    assert!(matches!(tower.alerts.as_slice(), [Alert::NotReported { .. }]), "{:?}", tower.alerts);
    // In another block it is another report.
    bitcoin.reorganize(43, |_| true);
    mine(&mut bitcoin, &mut tower, 1);
    assert_eq!(tower.posted.len(), 4);
    // What is settled is forgotten.
    register(&mut bitcoin, &mut tower, id(0), Unbonded);
    assert_eq!(tower.rows("posted"), 1);
    mine(&mut bitcoin, &mut tower, 7);
    assert_eq!((tower.posted.len(), tower.rows("posted")), (4, 0));
}

#[test]
fn what_fails_is_tried_again_with_the_next_block_or_minute_and_then_less_often() {
    let (mut bitcoin, mut tower) = world(&[0]);
    register(&mut bitcoin, &mut tower, id(0), Active);
    confirm(&mut bitcoin, &mut tower, &MADE[0].staking);
    confirm(&mut bitcoin, &mut tower, &MADE[0].unbonding);
    let mut rounds = Vec::new();
    for round in 0..40 {
        if let [report] = tower.watch.due_reports().as_slice() {
            let failure = Some("no".to_owned());
            tower.tell(Event::Reported { report: *report, failure }, &mut bitcoin).unwrap();
            rounds.push(round);
        }
        assert_eq!(tower.watch.due_reports(), []);
        if round % 2 == 0 {
            mine(&mut bitcoin, &mut tower, 1);
        } else {
            tower.wait(60, &mut bitcoin).unwrap();
        }
    }
    assert_eq!(rounds, [0, 1, 3, 7, 15, 31]);
    let kinds: Vec<_> = tower.alerts.iter().map(Alert::kind).collect();
    assert_eq!(kinds, ["not_reported"]);
}

/// What the chain has of it stays known when a better delegation takes the place of a worse one.
#[test]
fn a_status_outlasts_a_delegation() {
    let (mut bitcoin, mut tower) = world(&[]);
    let mut worse = MADE[0].delegation.clone();
    worse.covenant_signatures.clear();
    worse.unbonding_transaction.as_mut().unwrap().output[0].value -= bitcoin::Amount::from_sat(1);
    learn(&mut bitcoin, &mut tower, &worse);
    register(&mut bitcoin, &mut tower, id(0), Verified);
    learn(&mut bitcoin, &mut tower, &MADE[0].delegation);
    tower.restart(&mut bitcoin);
    assert_eq!(registered(&tower, id(0)), Some(Verified));
}

/// Rows of the first version have no statuses, and do not tell what is an extension.
#[test]
fn a_store_of_the_first_version_is_opened() {
    let (mut bitcoin, mut tower) = world(&[0, 1]);
    let child = MADE[1].child.as_ref().unwrap();
    learn(&mut bitcoin, &mut tower, &child.delegation);
    for transaction in [&MADE[0].staking, &MADE[1].staking, &child.staking] {
        confirm(&mut bitcoin, &mut tower, transaction);
    }
    const OLD: Schema = Schema { versions: &[SCHEMA.versions[0]], ..SCHEMA };
    let database = MemoryDatabase::new();
    let mut old = database.open(&OLD).unwrap();
    assert!(old.try_lead().unwrap());
    let mut changes = ChangeSet::new();
    for table in OLD.versions.concat() {
        for (key, mut value) in tower.table(table) {
            if table == "stake" {
                // The last field is the newest.
                let newest = value.split_off(value.len() - 3);
                assert_eq!(newest[..2], [0x80, 1]);
            }
            changes.put(table, key, value);
        }
    }
    old.apply(&changes).unwrap();
    drop(old);
    let mut opened = Tower::with(settings(), database, &mut bitcoin);
    for stake in [id(0), id(1), child.staking.compute_txid()] {
        let of = |tower: &Tower| {
            let tracker = tower.watch.tracker();
            tracker.stake(tracker.find(&stake).unwrap()).unwrap().clone()
        };
        assert_eq!(of(&opened), of(&tower));
        assert_eq!(registered(&opened, stake), None);
        register(&mut bitcoin, &mut opened, stake, Verified);
    }
    assert_eq!(opened.table("stake").len(), 3);
    mine(&mut bitcoin, &mut opened, DEPTH);
    let inclusion = Report::Inclusion { stake: id(0), height: 1 };
    let due = opened.watch.due_reports();
    assert!(due.len() == 2 && due.contains(&inclusion), "{due:?}");
}
