//! Stories of a stake and its slashing.

use chain::RejectionClass;
use staking_scripts::StakeStatus;
use staking_scripts::delegation::SlashedOutput;
use staking_scripts::testing::key;

use super::stakes::{MADE, evidence, slashing};
use super::tower::{DEPTH, Tower};
use super::world::Bitcoin;
use super::{confirm, mine};
use crate::alert::Alert;
use crate::event::{Event, Verdict};

/// A chain, a tower, and the tower's knowledge of the first stakes.
fn world(stakes: &[usize]) -> (Bitcoin, Tower) {
    let mut bitcoin = Bitcoin::new();
    let mut tower = Tower::new(&mut bitcoin);
    for number in stakes {
        let delegation = &MADE[*number].delegation;
        tower.tell(Event::Delegation { delegation, since: 0 }, &mut bitcoin).unwrap();
    }
    (bitcoin, tower)
}

fn status(tower: &Tower, number: usize) -> StakeStatus {
    let id = tower.watch.tracker().find(&MADE[number].staking.compute_txid()).unwrap();
    let tracker = tower.watch.tracker();
    tracker.stake(id).unwrap().state(tracker.height(), DEPTH).status
}

fn accuse(bitcoin: &mut Bitcoin, tower: &mut Tower, provider: usize) {
    tower.tell(Event::Evidence { evidence: &evidence(provider, 7) }, bitcoin).unwrap();
}

#[test]
fn a_stake_is_slashed_until_it_is_buried() {
    let (mut bitcoin, mut tower) = world(&[0]);
    assert_eq!(status(&tower, 0), StakeStatus::Verified);
    confirm(&mut bitcoin, &mut tower, &MADE[0].staking);
    mine(&mut bitcoin, &mut tower, DEPTH);
    assert_eq!(status(&tower, 0), StakeStatus::Active);
    accuse(&mut bitcoin, &mut tower, 0);
    assert_eq!(bitcoin.mempool().len(), 1);
    mine(&mut bitcoin, &mut tower, 1);
    assert_eq!(status(&tower, 0), StakeStatus::Slashed);
    // Undone, and forgotten by the node: sent again with the next block.
    bitcoin.reorganize(1, |_| false);
    tower.follow(&mut bitcoin).unwrap();
    assert_eq!((status(&tower, 0), bitcoin.mempool().len()), (StakeStatus::Active, 1));
    // Forgotten without a block: sent again after a minute, and no sooner.
    bitcoin.forget_mempool();
    tower.wait(59, &mut bitcoin).unwrap();
    assert_eq!(bitcoin.mempool().len(), 0);
    tower.wait(1, &mut bitcoin).unwrap();
    assert_eq!(bitcoin.mempool().len(), 1);
    mine(&mut bitcoin, &mut tower, DEPTH);
    assert!(!tower.alerts.iter().any(|alert| matches!(alert, Alert::Slashed { .. })), "{:?}", tower.alerts);
    mine(&mut bitcoin, &mut tower, 1);
    let kinds: Vec<_> = tower.alerts.iter().map(Alert::kind).collect();
    assert_eq!(kinds, ["equivocation", "slashed"]);
}

#[test]
fn stakes_of_every_status_are_slashed_and_those_of_others_are_not() {
    let (mut bitcoin, mut tower) = world(&[0, 1, 2, 3, 4]);
    // One waits in the mempool, one is in a block, one unbonds, one is nowhere; the last is another's.
    for number in [1, 2, 4] {
        confirm(&mut bitcoin, &mut tower, &MADE[number].staking);
    }
    confirm(&mut bitcoin, &mut tower, &MADE[2].unbonding);
    assert_eq!(bitcoin.broadcast(&MADE[0].staking), Verdict::Taken);
    tower.look_at_mempool(&mut bitcoin).unwrap();
    accuse(&mut bitcoin, &mut tower, 0);
    mine(&mut bitcoin, &mut tower, 2);
    for number in [0, 1, 2] {
        assert_eq!(status(&tower, number), StakeStatus::Slashed, "{number}");
    }
    assert_eq!((status(&tower, 3), status(&tower, 4)), (StakeStatus::Verified, StakeStatus::Verified));
    // It comes later, and is seen.
    assert_eq!(bitcoin.broadcast(&MADE[3].staking), Verdict::Taken);
    tower.look_at_mempool(&mut bitcoin).unwrap();
    mine(&mut bitcoin, &mut tower, 1);
    assert_eq!(status(&tower, 3), StakeStatus::Slashed);
}

/// The unbonding pays as much as the slashing, and was first: its own slashing follows it.
#[test]
fn where_the_unbonding_waits_its_slashing_follows() {
    let (mut bitcoin, mut tower) = world(&[0]);
    confirm(&mut bitcoin, &mut tower, &MADE[0].staking);
    assert_eq!(bitcoin.broadcast(&MADE[0].unbonding), Verdict::Taken);
    let unbonding_fee = 1_000_000 - MADE[0].unbonding.output[0].value.to_sat();
    let slashing = MADE[0].delegation.slashing.as_ref().unwrap();
    let paid: u64 = slashing.transaction.output.iter().map(|output| output.value.to_sat()).sum();
    let replaces = 1_000_000 - paid > unbonding_fee;
    accuse(&mut bitcoin, &mut tower, 0);
    let txids: Vec<_> = bitcoin.mempool().iter().map(bitcoin::Transaction::compute_txid).collect();
    match replaces {
        true => assert_eq!(txids, [slashing.transaction.compute_txid()]),
        false => assert_eq!(txids.len(), 2),
    }
    mine(&mut bitcoin, &mut tower, 1);
    assert_eq!(status(&tower, 0), StakeStatus::Slashed);
}

#[test]
fn an_extension_is_followed_to_the_child() {
    let (mut bitcoin, mut tower) = world(&[1]);
    let child = MADE[1].child.as_ref().unwrap();
    confirm(&mut bitcoin, &mut tower, &MADE[1].staking);
    confirm(&mut bitcoin, &mut tower, &child.staking);
    accuse(&mut bitcoin, &mut tower, 0);
    mine(&mut bitcoin, &mut tower, 1);
    let id = child.staking.compute_txid();
    let unknown = Alert::UnknownExtension { stake: MADE[1].staking.compute_txid(), by: id };
    assert!(tower.alerts.contains(&unknown), "{:?}", tower.alerts);
    // Learned after its block, and after the evidence.
    tower.tell(Event::Delegation { delegation: &child.delegation, since: 0 }, &mut bitcoin).unwrap();
    mine(&mut bitcoin, &mut tower, 1);
    let tracker = tower.watch.tracker();
    let stake = tracker.stake(tracker.find(&id).unwrap()).unwrap();
    assert_eq!(stake.state(tracker.height(), DEPTH).status, StakeStatus::Slashed);
    assert_eq!(status(&tower, 1), StakeStatus::Unbonded);
}

#[test]
fn evidence_that_proves_nothing_and_refusals_are_told_once() {
    let (mut bitcoin, mut tower) = world(&[0]);
    confirm(&mut bitcoin, &mut tower, &MADE[0].staking);
    let mut wrong = evidence(0, 7);
    wrong.fork_signature = wrong.canonical_signature;
    for _ in 0..2 {
        tower.tell(Event::Evidence { evidence: &wrong }, &mut bitcoin).unwrap();
    }
    assert!(matches!(tower.alerts.as_slice(), [Alert::InvalidEvidence { .. }]), "{:?}", tower.alerts);
    assert_eq!(tower.watch.slashed_providers().count(), 0);

    accuse(&mut bitcoin, &mut tower, 0);
    let stake = MADE[0].staking.compute_txid();
    let refused = || Verdict::Refused { class: RejectionClass::Invalid, reason: "bad".to_owned() };
    for _ in 0..3 {
        let event = Event::Verdict { stake, output: SlashedOutput::Staking, verdict: refused() };
        tower.tell(event, &mut bitcoin).unwrap();
    }
    let kinds: Vec<_> = tower.alerts.iter().map(Alert::kind).collect();
    assert_eq!(kinds, ["invalid_evidence", "equivocation", "refused"]);
    // After a restart too.
    tower.restart(&mut bitcoin);
    let event = Event::Verdict { stake, output: SlashedOutput::Staking, verdict: refused() };
    tower.tell(event, &mut bitcoin).unwrap();
    assert_eq!(tower.alerts.len(), 3);
}

/// Whoever shows a worse delegation first keeps nobody from the right one: signatures of another stake, none
/// of the staker, and another unbonding transaction.
#[test]
fn a_worse_delegation_does_not_keep_a_stake_from_being_slashed() {
    let right = &MADE[0].delegation;
    let others = staking_scripts::Delegation {
        covenant_signatures: MADE[2].delegation.covenant_signatures.clone(),
        ..right.clone()
    };
    let mut unsigned = right.clone();
    for slashing in [&mut unsigned.slashing, &mut unsigned.unbonding_slashing] {
        slashing.as_mut().unwrap().staker_signature = None;
    }
    let mut paler = others.clone();
    let unbonding = paler.unbonding_transaction.as_mut().unwrap();
    unbonding.output[0].value -= bitcoin::Amount::from_sat(1);
    for (name, worse) in [("signatures", &others), ("staker", &unsigned), ("unbonding", &paler)] {
        for is_known_before in [true, false] {
            let (mut bitcoin, mut tower) = world(&[]);
            tower.tell(Event::Delegation { delegation: worse, since: 0 }, &mut bitcoin).unwrap();
            confirm(&mut bitcoin, &mut tower, &MADE[0].staking);
            if !is_known_before {
                accuse(&mut bitcoin, &mut tower, 0);
            }
            tower.tell(Event::Delegation { delegation: right, since: 0 }, &mut bitcoin).unwrap();
            // And again afterwards.
            tower.tell(Event::Delegation { delegation: worse, since: 0 }, &mut bitcoin).unwrap();
            tower.restart(&mut bitcoin);
            if is_known_before {
                // By the right delegation it is unbonding, and not something unknown.
                confirm(&mut bitcoin, &mut tower, &MADE[0].unbonding);
                assert_eq!(status(&tower, 0), StakeStatus::Unbonding, "{name}");
                accuse(&mut bitcoin, &mut tower, 0);
            }
            mine(&mut bitcoin, &mut tower, 2);
            assert_eq!(status(&tower, 0), StakeStatus::Slashed, "{name}");
        }
    }
}

/// Before the unbonding transaction was known, nobody knew whose output this is that was spent since.
#[test]
fn what_spends_an_unbonding_output_is_found_when_the_unbonding_is_learned_late() {
    let (mut bitcoin, mut tower) = world(&[]);
    let mut bare = MADE[0].delegation.clone();
    (bare.unbonding_transaction, bare.unbonding_slashing) = (None, None);
    bare.covenant_signatures.clear();
    tower.tell(Event::Delegation { delegation: &bare, since: 0 }, &mut bitcoin).unwrap();
    for transaction in [&MADE[0].staking, &MADE[0].unbonding, &slashing(0, SlashedOutput::Unbonding)] {
        confirm(&mut bitcoin, &mut tower, transaction);
    }
    assert_eq!(status(&tower, 0), StakeStatus::Unbonded);
    tower.tell(Event::Delegation { delegation: &MADE[0].delegation, since: 0 }, &mut bitcoin).unwrap();
    assert_eq!(status(&tower, 0), StakeStatus::Slashed);
}

/// The provider's key is nowhere in what is shown or stored.
#[test]
fn no_secret_is_stored_or_shown() {
    let (mut bitcoin, mut tower) = world(&[0]);
    confirm(&mut bitcoin, &mut tower, &MADE[0].staking);
    accuse(&mut bitcoin, &mut tower, 0);
    let secret = key("provider", 0).to_bytes();
    let text = bitcoin::hex::DisplayHex::to_lower_hex_string(secret.as_slice());
    let shown = format!("{:?} {:?}", tower.watch, tower.alerts);
    assert!(!shown.contains(&text));
    assert!(tower.stored().iter().all(|value| {
        !value.windows(32).any(|window| window == secret.as_slice())
            && !String::from_utf8_lossy(value).to_lowercase().contains(&text)
    }));
}
