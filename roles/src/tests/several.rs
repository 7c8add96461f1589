//! A daemon whose node is several: one fails, the next is asked; one invents a height, and all go on.

use std::sync::atomic::Ordering;
use std::time::Instant;

use babylon::node::{Answer, BlockHeader, ChainNode, Executed, NodeError, NodeStatus, Query, Several};
use finality::ConsumerHeight;

use super::world::{Liar, World, policy};
use crate::provider::ProviderAlert;

/// A node that the test still has in hand.
#[derive(Debug, Clone, Copy)]
struct Held(&'static Liar<'static>);

impl ChainNode for Held {
    fn status(&self) -> Result<NodeStatus, NodeError> {
        self.0.status()
    }

    fn header(&self, height: ConsumerHeight) -> Result<Option<BlockHeader>, NodeError> {
        self.0.header(height)
    }

    fn query(&self, query: &Query) -> Result<Answer, NodeError> {
        self.0.query(query)
    }

    fn broadcast(&self, transaction: &[u8]) -> Result<(), NodeError> {
        self.0.broadcast(transaction)
    }

    fn executed(&self, hash: [u8; 32]) -> Result<Option<Executed>, NodeError> {
        self.0.executed(hash)
    }
}

/// A chain, and two nodes of it as one.
fn world() -> (&'static World, [Held; 2], Several) {
    let world: &'static World = Box::leak(Box::new(World::new()));
    let nodes = [0, 1].map(|_| Held(Box::leak(Box::new(Liar::new(&world.chain, |_| false)))));
    let several = nodes.map(|node| -> Box<dyn ChainNode> { Box::new(node) });
    (world, nodes, Several::new(several.into()).of_chain("bbn-1"))
}

#[test]
fn the_next_node_is_asked_where_one_is_away() {
    let (world, nodes, several) = world();
    let is_away = |number: usize, away| nodes[number].0.is_away.store(away, Ordering::Relaxed);
    let mut daemon = world.daemon(&several, None, policy());
    world.run(&mut daemon, 80);
    is_away(0, true);
    world.run(&mut daemon, 160);
    is_away(0, false);
    is_away(1, true);
    world.run(&mut daemon, 240);
    assert_eq!((world.missed(), daemon.alerts().count()), (vec![], 0));
    assert_eq!(world.log.told_of(ProviderAlert::Node).0, [""; 0], "one of them was always there");
    // Where none is, somebody is told, and what was missed meanwhile is made up for.
    is_away(0, true);
    daemon.step(Instant::now());
    assert_eq!(daemon.alerts().collect::<Vec<_>>(), [ProviderAlert::Node]);
    world.chain.advance(260);
    is_away(1, false);
    world.run(&mut daemon, 340);
    assert_eq!((world.missed(), daemon.alerts().count()), (vec![], 0));
}

/// By its word all others are late for a minute: the best of those that there are is asked all the same.
#[test]
fn a_height_that_one_of_them_invents_stops_no_vote_and_leaves_no_gap() {
    for (liar, boast) in [(0, 5_000), (0, u64::MAX / 2), (1, 5_000)] {
        let (world, nodes, several) = world();
        let mut daemon = world.daemon(&several, Some(&world.chain), policy());
        world.run(&mut daemon, 80);
        if liar == 1 {
            // It is asked when the other does not answer.
            nodes[0].0.is_away.store(true, Ordering::Relaxed);
        }
        nodes[liar].0.boasts.store(boast, Ordering::Relaxed);
        daemon.step(Instant::now());
        nodes[liar].0.boasts.store(0, Ordering::Relaxed);
        nodes[0].0.is_away.store(false, Ordering::Relaxed);
        world.run(&mut daemon, 300);
        assert_eq!((world.missed(), daemon.alerts().count()), (vec![], 0), "{liar} by {boast}");
        let committed = world.chain.committed();
        assert!(committed.windows(2).all(|pair| pair[0].0 + pair[0].1 == pair[1].0), "{committed:?}");
        assert!(world.chain.voted().iter().any(|height| *height > 250), "{liar} by {boast}");
    }
}
