//! The way to the chain fails, and the daemon is killed: never two votes at a height, and none is missed that
//! could be cast.

use std::sync::atomic::Ordering;
use std::time::Instant;

use babylon::testing::Fault;

use super::world::{Liar, World, policy};
use crate::provider::{ProviderAlert, ProviderStep};

/// A sequence that is always the same.
struct Dice(u64);

impl Dice {
    fn next(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[test]
fn lost_and_doubled_answers_kills_and_full_mempools_lose_no_vote() {
    for seed in 0..6 {
        let world = World::new();
        let mut dice = Dice(seed);
        let mut daemon = world.daemon(&world.chain, None, policy());
        let mut again = 0;
        while world.chain.height() < 400 {
            world.chain.finalize_epoch((world.chain.height() / 10).saturating_sub(2));
            let faults =
                [Fault::Lost, Fault::AnswerLost, Fault::MempoolFull, Fault::Forgotten, Fault::OutOfGas];
            if dice.next(3) == 0 {
                world.chain.fail([faults[usize::try_from(dice.next(5)).unwrap()]]);
            }
            if dice.next(8) == 0 {
                daemon = world.daemon(&world.chain, None, policy());
            }
            again = if daemon.step(Instant::now()) == ProviderStep::Again { again + 1 } else { 0 };
            assert!(again < 50, "a busy loop at seed {seed}");
        }
        assert_eq!(world.chain.is_jailed_or_slashed(), (false, false), "seed {seed}");
        assert_eq!(world.missed(), [0_u64; 0], "seed {seed}");
        let committed = world.chain.committed();
        assert!(committed.windows(2).all(|pair| pair[0].0 + pair[0].1 == pair[1].0), "{committed:?}");
    }
}

#[test]
fn a_node_that_is_away_is_waited_for() {
    let world = World::new();
    let own = Liar::new(&world.chain, |_| false);
    let mut daemon = world.daemon(&own, None, policy());
    world.run(&mut daemon, 60);
    own.is_away.store(true, Ordering::Relaxed);
    for _ in 0..20 {
        assert_eq!(daemon.step(Instant::now()), ProviderStep::Wait);
    }
    assert!(daemon.alerts().any(|alert| alert == ProviderAlert::Node));
    world.chain.advance(80);
    own.is_away.store(false, Ordering::Relaxed);
    world.run(&mut daemon, 150);
    assert_eq!((world.missed(), daemon.alerts().count()), (Vec::new(), 0));
}

/// What a node that is still catching up says is not of now.
#[test]
fn a_node_that_catches_up_is_waited_for() {
    let world = World::new();
    let own = Liar::new(&world.chain, |_| false);
    let mut daemon = world.daemon(&own, None, policy());
    world.run(&mut daemon, 60);
    let before = world.chain.voted().len();
    own.is_behind.store(true, Ordering::Relaxed);
    for height in 0..20 {
        world.chain.advance(61 + height);
        assert_eq!(daemon.step(Instant::now()), ProviderStep::Wait);
    }
    assert_eq!(daemon.alerts().collect::<Vec<_>>(), [ProviderAlert::NodeBehind]);
    assert_eq!(world.chain.voted().len(), before);
    own.is_behind.store(false, Ordering::Relaxed);
    world.run(&mut daemon, 150);
    assert_eq!((world.missed(), daemon.alerts().count()), (Vec::new(), 0));
}

/// Two transactions of one account, of which the other is not the daemon's.
#[test]
fn another_users_transactions_of_the_account_are_waited_out() {
    let world = World::new();
    let mut daemon = world.daemon(&world.chain, None, policy());
    for _ in 0..40 {
        world.pay();
        world.chain.finalize_epoch((world.chain.height() / 10).saturating_sub(2));
        daemon.step(Instant::now());
    }
    assert_eq!(world.missed(), [0_u64; 0]);
    assert!(!world.chain.voted().is_empty());
}
