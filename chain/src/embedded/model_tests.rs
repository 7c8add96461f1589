//! Random forks, judged by a model that knows nothing of the engine.
#![expect(clippy::arithmetic_side_effects, reason = "small numbers of a test")]

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::{Block, BlockHash, OutPoint, ScriptBuf, Transaction};
use proptest::prelude::{Strategy, any, proptest};
use proptest::test_runner::Config;

use super::EmbeddedRegtest;
use super::reorg_tests::assert_index_is_exact;
use super::tests::spend;
use crate::{
    BlockHeight, Broadcast as _, ChainEvent, ChainSource as _, Follower, Lookup as _, Mine as _, Step,
};

/// Blocks that every chain begins with, so that there are coins to spend.
const COMMON: u32 = 105;

#[derive(Debug, Clone)]
enum Move {
    /// Mines on the tip, with the mempool.
    Mine(u32),
    /// Mines on the block with this number, counted modulo the blocks there are from `COMMON` on.
    Fork { parent: usize, count: u32 },
    /// Broadcasts a spend of one of the coins.
    Spend(usize),
}

fn a_move() -> impl Strategy<Value = Move> {
    proptest::prop_oneof![
        (1..4_u32).prop_map(Move::Mine),
        (any::<usize>(), 1..9_u32).prop_map(|(parent, count)| Move::Fork { parent, count }),
        any::<usize>().prop_map(Move::Spend),
    ]
}

/// The tree of blocks, of which the first one with the greatest height is the tip.
struct Model {
    blocks: BTreeMap<BlockHash, (Block, u32)>,
    order: Vec<BlockHash>,
    tip: (BlockHash, u32),
    sent: Vec<Transaction>,
}

impl Model {
    fn add(&mut self, block: Block) {
        let hash = block.block_hash();
        let height = self.blocks[&block.header.prev_blockhash].1 + 1;
        assert!(self.blocks.insert(hash, (block, height)).is_none(), "a block was made twice");
        self.order.push(hash);
        if height > self.tip.1 {
            self.tip = (hash, height);
        }
    }

    /// The best chain, genesis first.
    fn chain(&self) -> Vec<&Block> {
        let mut chain = Vec::new();
        let mut next = Some(self.tip.0);
        while let Some((block, _)) = next.and_then(|hash| self.blocks.get(&hash)) {
            chain.push(block);
            next = Some(block.header.prev_blockhash);
        }
        chain.reverse();
        chain
    }

    /// Unspent outputs to `script` that the next block may spend, and the confirmed ids.
    fn coins(&self, script: &ScriptBuf) -> (BTreeSet<OutPoint>, BTreeSet<bitcoin::Txid>) {
        let (mut coins, mut confirmed) = (BTreeSet::new(), BTreeSet::new());
        for (height, block) in self.chain().into_iter().enumerate().skip(1) {
            for transaction in &block.txdata {
                let txid = transaction.compute_txid();
                confirmed.insert(txid);
                for input in &transaction.input {
                    coins.remove(&input.previous_output);
                }
                let mature = usize::try_from(self.tip.1).unwrap() + 1 >= height + 100;
                if transaction.is_coinbase() && !mature {
                    continue;
                }
                for (vout, output) in (0..).zip(&transaction.output) {
                    if output.script_pubkey == *script {
                        coins.insert(OutPoint { txid, vout });
                    }
                }
            }
        }
        (coins, confirmed)
    }
}

fn play(moves: Vec<Move>) {
    let script = ScriptBuf::from_bytes(vec![0x51]);
    let node = EmbeddedRegtest::in_memory().unwrap();
    let genesis = node.block_at(BlockHeight::GENESIS).unwrap();
    let mut follower = Follower::start(&node, genesis.block_hash()).unwrap();
    let mut replica = vec![genesis.block_hash()];
    let tip = (genesis.block_hash(), 0);
    let mut model =
        Model { blocks: BTreeMap::from([(tip.0, (genesis, 0))]), order: Vec::new(), tip, sent: Vec::new() };
    for hash in node.mine(COMMON, &script).unwrap() {
        model.add(node.block(&hash).unwrap());
    }
    for a_move in moves {
        match a_move {
            Move::Mine(count) => {
                for hash in node.mine(count, &script).unwrap() {
                    model.add(node.block(&hash).unwrap());
                }
            }
            Move::Fork { parent, count } => {
                let forkable = &model.order[usize::try_from(COMMON).unwrap() - 1..];
                let parent = forkable[parent % forkable.len()];
                for hash in node.mine_on(&parent, count, &script).unwrap() {
                    model.add(node.block(&hash).unwrap());
                }
            }
            Move::Spend(which) => {
                let coins = node.coins(&script).unwrap();
                let transaction = spend(&coins[which % coins.len()]);
                if node.broadcast(&transaction).is_ok() {
                    model.sent.push(transaction);
                }
            }
        }
        assert_eq!((node.tip().unwrap().hash, node.tip().unwrap().height.to_u32()), model.tip);
        let (coins, confirmed) = model.coins(&script);
        let found: BTreeSet<OutPoint> =
            node.coins(&script).unwrap().into_iter().map(|coin| coin.outpoint).collect();
        assert_eq!(found, coins);
        for transaction in &model.sent {
            let txid = transaction.compute_txid();
            let found = node.transaction(&txid).unwrap();
            assert_eq!(
                found.as_ref().is_some_and(|found| found.block.is_some()),
                confirmed.contains(&txid),
                "{txid}"
            );
            // Each spends a coin of its own and nothing conflicts with it, so as long as the output that it
            // spends exists and is mature, it is in the mempool.
            if coins.contains(&transaction.input[0].previous_output) {
                assert!(found.is_some_and(|found| found.block.is_none()), "{txid} is in the mempool");
            }
        }
        assert_index_is_exact(&node);
        loop {
            match follower.step(&node).unwrap() {
                Step::Event(ChainEvent::Connected { at, block }) => {
                    assert_eq!(block.header.prev_blockhash, *replica.last().unwrap());
                    replica.push(at.hash);
                }
                Step::Event(ChainEvent::Disconnected { fork_point, .. }) => {
                    replica.truncate(usize::try_from(fork_point.height.to_u32()).unwrap() + 1);
                    assert_eq!(*replica.last().unwrap(), fork_point.hash);
                }
                Step::AtTip => break,
                behind @ Step::Behind { .. } => panic!("{behind:?}"),
            }
        }
        let chain: Vec<BlockHash> = model.chain().into_iter().map(Block::block_hash).collect();
        assert_eq!(replica, chain);
    }
}

proptest! {
    #![proptest_config(Config { cases: 24, failure_persistence: None, ..Config::default() })]
    #[test]
    fn forks_are_as_the_model_says(moves in proptest::collection::vec(a_move(), 1..14)) {
        play(moves);
    }
}
