//! Fifty thousand blocks with reorgs: the memory stays as it is.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use bitcoin::block::{Header, Version};
use bitcoin::hashes::Hash as _;
use bitcoin::transaction::Version as TransactionVersion;
use bitcoin::{
    Amount, Block, BlockHash, CompactTarget, Network, OutPoint, Script, ScriptBuf, Sequence, Transaction,
    TxIn, TxMerkleNode, TxOut, Txid, Witness, absolute,
};
use chain::{
    BlockHeight, Broadcast, ChainSource, ChainTip, Coin, FoundHeader, FoundTransaction, Lookup, Mempool,
    NodeError, Spenders, SpentOutput,
};
use staking_scripts::testing::history;
use store::SqliteStore;
use watch::testing::outpoint;
use watch::{Driver, Observer, SCHEMA, Settings, Told};

use crate::Rows;
use crate::million::resident;

/// All of them are spent, and take the room of that, before the memory is looked at first.
const STAKES: u32 = 10_000;
const BLOCKS: u32 = 50_000;
const DEPTH: u32 = 6;
/// Where the store begins.
const FIRST: u32 = 1_000;
/// After how many blocks the last few are undone, at most so many.
const BETWEEN: u32 = 10;
const DEEPEST: u32 = 5;
/// The transactions of a block, each of which spends a stake's output.
const SPENDS: u32 = 2;

/// A chain that is made when it is asked for: it keeps the hashes of its blocks, and which branch each is of.
struct Endless(RefCell<Vec<(BlockHash, u32)>>);

impl Endless {
    fn new() -> Self {
        let endless = Self(RefCell::new(Vec::with_capacity(BLOCKS as usize * 2)));
        (0..=FIRST).for_each(|_| endless.extend(0));
        endless
    }

    fn extend(&self, branch: u32) {
        let height = self.0.borrow().len() as u32;
        let hash = self.make(height, branch).block_hash();
        self.0.borrow_mut().push((hash, branch));
    }

    /// Undoes blocks, and makes as many of another branch, and one more.
    fn reorganize(&self, depth: u32, branch: u32) {
        let left = self.0.borrow().len() - depth as usize;
        self.0.borrow_mut().truncate(left);
        (0..=depth).for_each(|_| self.extend(branch));
    }

    fn make(&self, height: u32, branch: u32) -> Block {
        let prev_blockhash =
            height.checked_sub(1).map_or(BlockHash::all_zeros(), |below| self.0.borrow()[below as usize].0);
        let spend = |number: u32| Transaction {
            version: TransactionVersion::TWO,
            lock_time: absolute::LockTime::from_consensus(branch),
            input: vec![TxIn {
                previous_output: match height > FIRST {
                    true => outpoint((height * SPENDS + number) % STAKES),
                    false => OutPoint::new(Txid::all_zeros(), number),
                },
                script_sig: ScriptBuf::new(),
                sequence: Sequence::MAX,
                witness: Witness::from_slice(&[[7; 64].as_slice(), &[0x51; 40], &[0xc0; 33]]),
            }],
            output: vec![TxOut {
                value: Amount::ONE_BTC,
                script_pubkey: ScriptBuf::from_bytes(vec![0x51; 34]),
            }],
        };
        let header = Header {
            version: Version::TWO,
            prev_blockhash,
            merkle_root: TxMerkleNode::all_zeros(),
            time: height,
            bits: CompactTarget::from_consensus(0x207f_ffff),
            nonce: branch,
        };
        Block { header, txdata: (0..SPENDS).map(spend).collect() }
    }

    fn at(&self, hash: &BlockHash) -> Result<Block, NodeError> {
        // What is asked for is near the tip.
        let place = self.0.borrow().iter().rposition(|(known, _)| known == hash);
        let height = place.ok_or(NodeError::UnknownBlock { hash: *hash })?;
        let branch = self.0.borrow()[height].1;
        Ok(self.make(height as u32, branch))
    }
}

impl ChainSource for Endless {
    fn network(&self) -> Network {
        Network::Regtest
    }

    fn tip(&self) -> Result<ChainTip, NodeError> {
        let blocks = self.0.borrow();
        let height = BlockHeight::new(blocks.len() as u32 - 1);
        Ok(ChainTip { height, hash: blocks[blocks.len() - 1].0 })
    }

    fn block_hash(&self, height: BlockHeight) -> Result<BlockHash, NodeError> {
        let tip = self.tip()?.height;
        let found = self.0.borrow().get(height.to_u32() as usize).map(|(hash, _)| *hash);
        found.ok_or(NodeError::NoSuchBlock { height, tip })
    }

    fn header(&self, hash: &BlockHash) -> Result<FoundHeader, NodeError> {
        let block = self.at(hash)?;
        let height = BlockHeight::new(block.header.time);
        let confirmations = self.tip()?.height.blocks_since(height) + 1;
        Ok(FoundHeader { header: block.header, height, confirmations })
    }

    fn block(&self, hash: &BlockHash) -> Result<Block, NodeError> {
        self.at(hash)
    }
}

impl Lookup for Endless {
    fn transaction(&self, _: &Txid) -> Result<Option<FoundTransaction>, NodeError> {
        Ok(None)
    }

    fn coins(&self, _: &Script) -> Result<Vec<Coin>, NodeError> {
        Ok(Vec::new())
    }

    fn spender(&self, _: &Coin) -> Result<Option<FoundTransaction>, NodeError> {
        Ok(None)
    }
}

impl Broadcast for Endless {
    fn broadcast(&self, transaction: &Transaction) -> Result<Txid, NodeError> {
        Ok(transaction.compute_txid())
    }
}

impl Mempool for Endless {
    fn waiting(&self) -> Result<Vec<Txid>, NodeError> {
        Ok(Vec::new())
    }
}

impl Spenders for Endless {
    fn spenders(&self, _: &[OutPoint]) -> Result<Option<Vec<SpentOutput>>, NodeError> {
        Ok(None)
    }
}

/// What happened.
#[derive(Default)]
struct Count {
    blocks: Cell<u32>,
    reorgs: Cell<u32>,
}

impl Observer for Count {
    fn told(&self, told: &Told<'_>) {
        match told {
            Told::Block(_) => self.blocks.set(self.blocks.get() + 1),
            Told::Disconnected(_) => self.reorgs.set(self.reorgs.get() + 1),
            _ => {}
        }
    }
}

pub(crate) fn measure(rows: &mut Rows) {
    let seconds = std::env::var("SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(0_u64);
    let folder = tempfile::tempdir().expect("a folder");
    let (node, count) = (Endless::new(), Count::default());
    let mut store = SqliteStore::open(folder.path().join("stakes.db"), &SCHEMA).expect("a store");
    watch::testing::fill(&mut store, STAKES, node.tip().expect("a tip"), DEPTH).expect("filled");
    let settings = Settings::new(history(&[0]), DEPTH);
    let mut driver =
        Driver::open(settings, &node, Box::new(store), &count, BlockHeight::GENESIS).expect("a watchtower");
    let begun = Instant::now();
    let (mut branch, mut early) = (1_u32, None);
    while count.blocks.get() < BLOCKS || begun.elapsed() < Duration::from_secs(seconds) {
        (0..BETWEEN).for_each(|_| node.extend(branch));
        while !driver.step(Instant::now()).expect("stored") {}
        branch += 1;
        node.reorganize(1 + branch % DEEPEST, branch);
        while !driver.step(Instant::now()).expect("stored") {}
        assert_eq!(driver.watch().tracker().tip(), node.tip().expect("a tip"));
        if early.is_none() && count.blocks.get() > BLOCKS / 5 {
            early = Some(resident());
        }
        if seconds > 0 {
            let share = f64::from(count.blocks.get()) / f64::from(BLOCKS);
            let due = Duration::from_secs(seconds).mul_f64(share.min(1.0));
            std::thread::sleep(due.saturating_sub(begun.elapsed()));
        }
    }
    rows.row("soak: blocks", f64::from(count.blocks.get()), "", None);
    rows.row("soak: reorgs", f64::from(count.reorgs.get()), "", None);
    rows.row("soak: time", begun.elapsed().as_secs_f64(), "s", None);
    let (early, late) = (early.expect("long enough"), resident());
    rows.row("soak: resident memory after a fifth", early, "MB", None);
    rows.row("soak: resident memory at the end", late, "MB", None);
    rows.row("soak: growth", late / early, "times", Some(1.05));
}
