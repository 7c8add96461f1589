//! What whoever is listened to can make it keep.

use staking_scripts::Delegation;
use staking_scripts::testing::key;

use super::stakes::{MADE, evidence, evidence_of};
use super::tower::Tower;
use super::world::Bitcoin;
use super::{confirm, learn, mine};
use crate::alert::Alert;
use crate::event::Event;

fn count(tower: &Tower, kind: &str) -> usize {
    tower.alerts.iter().filter(|alert| alert.kind() == kind).count()
}

#[test]
fn invalid_evidence_and_delegations_are_told_of_a_bounded_number_of_times() {
    let mut bitcoin = Bitcoin::new();
    let mut tower = Tower::new(&mut bitcoin);
    learn(&mut bitcoin, &mut tower, &MADE[0].delegation);
    let mut wrong = evidence(0, 7);
    wrong.fork_signature = wrong.canonical_signature;
    let invalid = |number: u32| {
        let mut delegation: Delegation = MADE[1].delegation.clone();
        delegation.staking_time_blocks += 1;
        delegation.staking_transaction.lock_time = bitcoin::absolute::LockTime::from_consensus(number);
        delegation
    };
    for number in (0..100).chain(0..150_u32) {
        let height = finality::ConsumerHeight(u64::from(number));
        wrong.canonical = finality::VoteMessage::new(finality::SigningContext::GENESIS, height, [1; 32]);
        wrong.fork = finality::VoteMessage::new(finality::SigningContext::GENESIS, height, [2; 32]);
        tower.tell(Event::Evidence { evidence: &wrong }, &mut bitcoin).unwrap();
        learn(&mut bitcoin, &mut tower, &invalid(number));
        // The same ones again are no more.
        assert_eq!(count(&tower, "flooded") > 0, number >= 100);
        if number == 120 {
            tower.restart(&mut bitcoin);
        }
    }
    for kind in ["invalid_evidence", "invalid_delegation"] {
        assert_eq!(count(&tower, kind), 100, "{kind}");
    }
    assert_eq!((count(&tower, "flooded"), tower.alerts.len()), (2, 202));
    assert_eq!((tower.rows("told"), tower.rows("evidence")), (202, 0));
    // Nothing that is real is lost over it.
    confirm(&mut bitcoin, &mut tower, &MADE[0].staking);
    tower.tell(Event::Evidence { evidence: &evidence(0, 7) }, &mut bitcoin).unwrap();
    mine(&mut bitcoin, &mut tower, 8);
    assert_eq!((count(&tower, "equivocation"), count(&tower, "slashed")), (1, 1));
}

/// Another delegation of a stake is as anybody likes, where no quorum has signed it.
#[test]
fn other_delegations_of_one_stake_are_told_once() {
    let mut bitcoin = Bitcoin::new();
    let mut tower = Tower::new(&mut bitcoin);
    learn(&mut bitcoin, &mut tower, &MADE[0].delegation);
    for less in 1..5 {
        let mut other = MADE[0].delegation.clone();
        other.covenant_signatures.clear();
        let unbonding = other.unbonding_transaction.as_mut().unwrap();
        unbonding.output[0].value -= bitcoin::Amount::from_sat(less);
        learn(&mut bitcoin, &mut tower, &other);
    }
    assert!(tower.alerts.len() <= 1, "{:?}", tower.alerts);
}

#[test]
fn of_each_provider_a_few_pieces_of_evidence_are_kept() {
    let mut bitcoin = Bitcoin::new();
    let mut tower = Tower::new(&mut bitcoin);
    for height in 1..20 {
        tower.tell(Event::Evidence { evidence: &evidence(0, height) }, &mut bitcoin).unwrap();
    }
    assert_eq!((tower.rows("evidence"), count(&tower, "equivocation")), (8, 1));
    tower.restart(&mut bitcoin);
    assert_eq!((tower.watch.slashed_providers().count(), tower.alerts.len()), (1, 1));
}

/// Anybody can equivocate with keys that he makes himself.
#[test]
fn of_providers_without_a_stake_a_bounded_number_is_taken_note_of() {
    let mut bitcoin = Bitcoin::new();
    let mut tower = Tower::new(&mut bitcoin);
    learn(&mut bitcoin, &mut tower, &MADE[0].delegation);
    confirm(&mut bitcoin, &mut tower, &MADE[0].staking);
    for number in 0..30 {
        let evidence = evidence_of(&key("stranger", number), 7);
        tower.tell(Event::Evidence { evidence: &evidence }, &mut bitcoin).unwrap();
    }
    assert_eq!((tower.rows("evidence"), count(&tower, "too_many_accused")), (20, 1));
    // Of whoever has a stake it is.
    tower.tell(Event::Evidence { evidence: &evidence(0, 7) }, &mut bitcoin).unwrap();
    // And of another when his stake is known, and it comes again.
    tower.tell(Event::Evidence { evidence: &evidence(1, 7) }, &mut bitcoin).unwrap();
    learn(&mut bitcoin, &mut tower, &MADE[5].delegation);
    tower.tell(Event::Evidence { evidence: &evidence(1, 7) }, &mut bitcoin).unwrap();
    tower.restart(&mut bitcoin);
    mine(&mut bitcoin, &mut tower, 8);
    assert_eq!((count(&tower, "slashed"), tower.watch.slashed_providers().count()), (1, 22));
    let is_flooded = |alert: &Alert| matches!(alert, Alert::Flooded { .. });
    assert!(!tower.alerts.iter().any(is_flooded));
}
