//! Against Bitcoin Core's engine.

use bitcoin::{BlockHash, ScriptBuf};

use super::{ChainEvent, Follower, Step};
use crate::{ChainSource as _, ChainTip, EmbeddedRegtest, Mine as _};

fn anyone() -> ScriptBuf {
    ScriptBuf::from_bytes(vec![0x51])
}

fn events(follower: &mut Follower, node: &EmbeddedRegtest) -> Vec<ChainEvent> {
    let mut events = Vec::new();
    loop {
        match follower.step(node).unwrap() {
            Step::Event(event) => events.push(event),
            Step::AtTip => return events,
            behind @ Step::Behind { .. } => panic!("{behind:?}"),
        }
    }
}

fn connected(event: &ChainEvent) -> (ChainTip, BlockHash) {
    match event {
        ChainEvent::Connected { at, block } => (*at, block.block_hash()),
        other @ ChainEvent::Disconnected { .. } => panic!("{other:?}"),
    }
}

#[test]
fn follower_sees_the_engines_reorgs_of_depths_1_5_and_150() {
    for depth in [1, 5, 150] {
        let node = EmbeddedRegtest::in_memory().unwrap();
        let genesis = node.tip().unwrap().hash;
        let common = node.mine(5, &anyone()).unwrap();
        let fork_point = node.tip().unwrap();
        let old = node.mine(depth, &anyone()).unwrap();
        let old_tip = node.tip().unwrap();
        let mut follower = Follower::start(&node, genesis).unwrap();
        let seen: Vec<_> = events(&mut follower, &node).iter().map(|event| connected(event).1).collect();
        assert_eq!(seen, [common, old].concat());

        let new = node.mine_on(&fork_point.hash, depth, &anyone()).unwrap();
        assert_eq!(events(&mut follower, &node), [], "as much work is not more");
        let last = node.mine_on(new.last().unwrap(), 1, &anyone()).unwrap();
        let seen = events(&mut follower, &node);
        assert_eq!(seen[0], ChainEvent::Disconnected { from: old_tip, fork_point }, "depth {depth}");
        let seen: Vec<_> = seen[1..].iter().map(|event| connected(event).1).collect();
        assert_eq!(seen, [new, last].concat(), "depth {depth}");
        assert_eq!(follower.position(), node.tip().unwrap());
    }
}
