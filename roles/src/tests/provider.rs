//! A finality provider's daemon in its ordinary life.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use finality::{ConsumerHeight, RandomnessSchedule, Signer as _, SigningContext, VoteMessage};

use super::world::{Liar, World, policy};
use crate::provider::{ProviderAlert, ProviderEvent, ProviderPolicy, ProviderStep};

#[test]
fn randomness_is_committed_ahead_and_every_height_with_power_is_voted_for() {
    let world = World::new();
    let mut daemon = world.daemon(&world.chain, None, policy());
    world.run(&mut daemon, 400);
    let powered = world.chain.powered();
    assert!(powered.len() > 300, "{powered:?}");
    assert_eq!(world.missed(), [0_u64; 0]);
    // Commitments follow each other without a gap, and none is made too early.
    let committed = world.chain.committed();
    assert!(committed.windows(2).all(|pair| pair[0].0 + pair[0].1 == pair[1].0), "{committed:?}");
    let last = committed.last().unwrap();
    assert!(last.0 + last.1 > 450 && last.0 <= 400 + 51, "{committed:?}");
    assert_eq!(daemon.alerts().collect::<Vec<_>>(), []);
    let facts = daemon.facts();
    assert_eq!((facts.is_jailed, facts.power, facts.left_out), (false, 500_000, 0));
    assert!(facts.votes > 300 && facts.timestamped_ahead >= 5 && facts.committed_ahead > 50, "{facts:?}");
}

#[test]
fn who_starts_late_catches_up_in_batches() {
    let world = World::new();
    let mut first = world.daemon(&world.chain, None, policy());
    world.run(&mut first, 100);
    drop(first);
    // Nobody is there for a while, and an epoch is final meanwhile.
    world.chain.finalize_epoch(9);
    world.chain.advance(150);
    let mut second = world.daemon(&world.chain, None, policy());
    world.run(&mut second, 260);
    assert_eq!(world.missed(), [0_u64; 0]);
    let counts = world.log.events().into_iter().filter_map(|event| match event {
        ProviderEvent::Voted { count, .. } => Some(count),
        _ => None,
    });
    assert_eq!(counts.max(), Some(7), "as many as one transaction may have");
}

#[test]
fn nothing_is_voted_for_that_two_nodes_disagree_on() {
    let world = World::new();
    let liar = Liar::new(&world.chain, |height| height % 5 == 0);
    {
        let mut daemon = world.daemon(&world.chain, Some(&liar), policy());
        world.run(&mut daemon, 200);
        assert_eq!(daemon.alerts().collect::<Vec<_>>(), [ProviderAlert::Disagreement]);
        let missed = world.missed();
        assert!(missed.len() > 10 && missed.iter().all(|height| height % 5 == 0), "{missed:?}");
        // What is cleared up is voted for after all.
        liar.is_lying.store(false, Ordering::Relaxed);
        world.run(&mut daemon, 280);
        assert_eq!((world.missed(), daemon.alerts().count()), (Vec::new(), 0));
    }
    // The other way round: the own node is the one that lies.
    liar.is_lying.store(true, Ordering::Relaxed);
    let mut daemon = world.daemon(&liar, Some(&world.chain), policy());
    world.run(&mut daemon, 340);
    assert_eq!(world.chain.is_jailed_or_slashed(), (false, false));
    // A second node that is away confirms nothing.
    let before = world.chain.voted().len();
    liar.is_lying.store(false, Ordering::Relaxed);
    liar.is_away.store(true, Ordering::Relaxed);
    let mut daemon = world.daemon(&world.chain, Some(&liar), policy());
    world.run(&mut daemon, 370);
    assert_eq!(world.chain.voted().len(), before);
    assert_eq!(daemon.alerts().collect::<Vec<_>>(), [ProviderAlert::SecondNode]);
    liar.is_away.store(false, Ordering::Relaxed);
    world.run(&mut daemon, 450);
    assert_eq!((world.missed(), daemon.alerts().count()), (Vec::new(), 0));
}

/// More blocks than are looked at in a step, none of which can be voted for, and others above them.
#[test]
fn what_cannot_be_voted_for_holds_up_nothing_above_it() {
    let world = World::new();
    let liar = Liar::new(&world.chain, |height| (30..=260).contains(&height));
    let mut first = world.daemon(&world.chain, Some(&liar), policy());
    world.run(&mut first, 262);
    drop(first);
    world.chain.finalize_epoch(24);
    world.chain.advance(330);
    let mut second = world.daemon(&world.chain, Some(&liar), policy());
    world.run(&mut second, 420);
    let missed = world.missed();
    assert!(missed.len() > 200 && missed.iter().all(|height| (30..=260).contains(height)), "{missed:?}");
}

/// A node saves a block before it executes it, and says until then that nobody has power there.
#[test]
fn blocks_that_are_shown_early_are_voted_for() {
    let world = World::new();
    let node = Liar::new(&world.chain, |_| false);
    node.is_early.store(true, Ordering::Relaxed);
    let mut daemon = world.daemon(&node, None, policy());
    world.run(&mut daemon, 250);
    assert_eq!(world.missed(), [0_u64; 0]);
    assert!(world.chain.voted().len() > 100);
}

/// Others make a block final before this daemon has seen it: the chain still waits for its vote.
#[test]
fn votes_for_final_blocks_count_as_long_as_the_chain_waits() {
    let world = World::new();
    world.chain.finalize_anyway(40);
    let mut daemon = world.daemon(&world.chain, None, policy());
    world.run(&mut daemon, 250);
    // The first epoch has its timestamp at once here: its blocks need no vote.
    let missed = world.missed();
    assert!(missed.iter().all(|at| *at < 10), "{missed:?}");
    assert!(world.chain.voted().len() > 100);
    // After that it is over: what is long final is not voted for.
    drop(daemon);
    let left = world.chain.height();
    world.chain.advance(left + 100);
    let mut daemon = world.daemon(&world.chain, None, policy());
    world.run(&mut daemon, left + 160);
    let missed = world.missed();
    assert!(!missed.is_empty() && missed.iter().all(|at| *at < left + 70), "{missed:?}");
}

/// What the signer has signed does not verify: nothing is sent, and somebody is told.
#[test]
fn votes_that_do_not_verify_are_not_sent() {
    let world = World::new();
    let mut daemon = world.daemon(&world.chain, None, policy());
    world.run(&mut daemon, 100);
    let other = World::with_signer_of("bbn-2");
    let committed = world.chain.committed();
    for (start, count) in committed {
        let range = RandomnessSchedule::new(ConsumerHeight(start), u32::try_from(count).unwrap(), 1).unwrap();
        other.signer.commit(range).unwrap();
    }
    let before = world.chain.voted().len();
    let mut wrong = world.daemon_of(&other.signer, policy());
    for _ in 0..10 {
        wrong.step(Instant::now());
    }
    assert_eq!(world.chain.voted().len(), before);
    assert!(wrong.alerts().any(|alert| alert == ProviderAlert::InvalidVote));
    world.run(&mut daemon, 250);
    assert_eq!(world.missed(), [0_u64; 0]);
}

/// What another signer of the key has signed is left alone.
#[test]
fn refused_votes_are_left_out_and_the_rest_is_sent() {
    let world = World::new();
    let mut daemon = world.daemon(&world.chain, None, policy());
    world.run(&mut daemon, 60);
    for height in [95, 96, 101] {
        let other = VoteMessage::new(SigningContext::GENESIS, ConsumerHeight(height), [0xee; 32]);
        world.signer.vote(&other).unwrap();
    }
    world.run(&mut daemon, 200);
    assert_eq!(world.missed(), [95, 96, 101]);
    assert_eq!(world.chain.is_jailed_or_slashed(), (false, false));
    let left_out: Vec<_> = world
        .log
        .events()
        .into_iter()
        .filter_map(|event| match event {
            ProviderEvent::LeftOut { height, reason } => {
                Some((height.to_u64(), reason.contains("double sign")))
            }
            _ => None,
        })
        .collect();
    assert_eq!(left_out, [(95, true), (96, true), (101, true)]);
    assert_eq!(daemon.facts().left_out, 3);
}

#[test]
fn jailed_providers_are_unjailed_where_that_is_wanted() {
    for unjail in [true, false] {
        let world = World::new();
        let mut daemon = world.daemon(&world.chain, None, ProviderPolicy { unjail, ..policy() });
        world.run(&mut daemon, 100);
        world.chain.jail();
        world.run(&mut daemon, 160);
        assert_eq!(world.chain.is_jailed_or_slashed(), (!unjail, false));
        let last = *world.chain.voted().last().unwrap();
        assert_eq!(last > 140, unjail, "{last}");
        assert_eq!(daemon.alerts().any(|alert| alert == ProviderAlert::Jailed), !unjail);
        assert_eq!(world.log.events().contains(&ProviderEvent::Unjailed), unjail);
    }
}

/// Two daemons on one signer and one account: each may find that the other was first.
#[test]
fn two_daemons_on_one_signer_are_harmless() {
    let world = World::new();
    let mut daemons =
        [world.daemon(&world.chain, None, policy()), world.daemon(&world.chain, None, policy())];
    let mut turn = 0;
    while world.chain.height() < 300 {
        world.chain.finalize_epoch((world.chain.height() / 10).saturating_sub(2));
        daemons[turn % 2].step(Instant::now());
        turn += 1;
    }
    assert_eq!(world.missed(), [0_u64; 0]);
    assert_eq!(world.chain.is_jailed_or_slashed(), (false, false));
    let votes: Vec<_> = daemons.iter().map(|daemon| daemon.facts().votes).collect();
    assert!(votes.iter().all(|votes| *votes > 20), "{votes:?}");
    // Who was second has left nothing out.
    assert!(daemons.iter().all(|daemon| daemon.facts().left_out == 0));
}

#[test]
fn what_somebody_should_know_is_raised_once_and_cleared() {
    let world = World::new();
    let begun = Instant::now();
    let policy = ProviderPolicy { halted_after: Duration::from_secs(60), least_balance: 5_000, ..policy() };
    let mut daemon = world.daemon(&world.chain, None, policy);
    daemon.step(begun);
    let raised: Vec<_> = daemon.alerts().collect();
    assert_eq!(raised, [ProviderAlert::Coverage, ProviderAlert::Balance]);
    world.chain.set_balance(&world.account.address().unwrap(), 6_000);
    world.run(&mut daemon, 100);
    assert_eq!(daemon.alerts().count(), 0);
    let of = |alert| {
        let is_of = |event: &&ProviderEvent| match event {
            ProviderEvent::Raised { alert: found, .. } | ProviderEvent::Cleared(found) => *found == alert,
            _ => false,
        };
        world.log.events().iter().filter(is_of).count()
    };
    assert_eq!((of(ProviderAlert::Balance), of(ProviderAlert::Coverage)), (2, 2));
    // A commitment that the chain would not take is not made.
    let few = ProviderPolicy { heights: 50, ..policy };
    let world = World::new();
    let mut daemon = world.daemon(&world.chain, None, few);
    daemon.step(begun);
    assert!(
        daemon.alerts().any(|alert| alert == ProviderAlert::TooFewHeights)
            && world.chain.committed().is_empty()
    );
}

#[test]
fn slashed_providers_have_nothing_left_to_do() {
    let world = World::new();
    let mut daemon = world.daemon(&world.chain, Some(&world.chain), policy());
    world.run(&mut daemon, 100);
    // Its key is elsewhere too, without this signer.
    let last = ConsumerHeight(*world.chain.voted().last().unwrap());
    world.equivocate(last);
    assert_eq!(world.chain.is_jailed_or_slashed(), (false, true));
    while daemon.step(Instant::now()) != ProviderStep::Slashed {}
    assert!(daemon.alerts().any(|alert| alert == ProviderAlert::Slashed));
    assert!(daemon.facts().is_slashed);
}

#[test]
fn policies_that_cannot_be_kept_are_refused() {
    for wrong in [
        ProviderPolicy { heights: 0, ..ProviderPolicy::default() },
        ProviderPolicy { timestamping_delay: 160_000, ..ProviderPolicy::default() },
        ProviderPolicy { most_votes: 0, ..ProviderPolicy::default() },
    ] {
        assert!(wrong.check().is_err());
    }
    ProviderPolicy::default().check().unwrap();
    assert!(ProviderAlert::ALL.windows(2).all(|pair| pair[0] < pair[1]), "each is there once");
}

/// One answer with any number costs a step, and no more: what it settled is settled by nobody's word.
#[test]
fn heights_that_a_node_invents_cost_one_step_and_no_vote() {
    for boast in [u64::MAX, 1 << 60, 200_000] {
        let world = World::new();
        let node = Liar::new(&world.chain, |_| false);
        let mut daemon = world.daemon(&node, Some(&world.chain), policy());
        world.run(&mut daemon, 100);
        node.boasts.store(boast, Ordering::Relaxed);
        let begun = Instant::now();
        daemon.step(Instant::now());
        assert!(begun.elapsed() < Duration::from_secs(5), "{boast}: {:?}", begun.elapsed());
        node.boasts.store(0, Ordering::Relaxed);
        world.run(&mut daemon, 250);
        assert_eq!(world.missed(), [0_u64; 0], "{boast}");
        assert!(world.chain.voted().iter().any(|height| *height > 200), "{boast}");
    }
}

/// The chain lets nobody fill a gap between commitments: one node's height makes none.
#[test]
fn a_node_that_boasts_leaves_no_gap_in_the_randomness() {
    let world = World::new();
    let node = Liar::new(&world.chain, |_| false);
    let mut daemon = world.daemon(&node, Some(&world.chain), policy());
    world.run(&mut daemon, 100);
    node.boasts.store(5_000, Ordering::Relaxed);
    daemon.step(Instant::now() + Duration::from_secs(3_600));
    assert!(daemon.alerts().any(|alert| alert == ProviderAlert::Commitment));
    node.boasts.store(0, Ordering::Relaxed);
    world.run(&mut daemon, 300);
    let committed = world.chain.committed();
    let ends: Vec<_> = committed.iter().map(|(start, count)| start + count).collect();
    let starts: Vec<_> = committed.iter().skip(1).map(|(start, _)| *start).collect();
    assert_eq!(starts, ends[..ends.len() - 1], "{committed:?}");
    assert_eq!(world.missed(), [0_u64; 0]);
}

/// Nobody else says so, and there is no evidence: it may still have power.
#[test]
fn one_nodes_word_for_a_slashing_ends_nothing() {
    let world = World::new();
    let mut daemon = world.daemon(&world.chain, None, policy());
    world.run(&mut daemon, 100);
    world.equivocate(ConsumerHeight(*world.chain.voted().last().unwrap()));
    for seconds in 0..40 {
        let step = daemon.step(Instant::now() + Duration::from_secs(seconds));
        assert_ne!(step, ProviderStep::Slashed);
    }
    assert!(daemon.alerts().any(|alert| alert == ProviderAlert::Slashed));
}
