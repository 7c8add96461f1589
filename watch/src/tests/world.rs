//! A Bitcoin in memory: blocks, forks, and a mempool in which who pays more replaces who pays less.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::block::{Header, Version};
use bitcoin::hashes::Hash as _;
use bitcoin::{Block, BlockHash, CompactTarget, OutPoint, Transaction, TxMerkleNode, TxOut, Txid};
use chain::{BlockHeight, ChainTip, RejectionClass};

use crate::event::Verdict;

/// A chain and a mempool.
#[derive(Debug, Default)]
pub(super) struct Bitcoin {
    /// The best chain, from height 0.
    blocks: Vec<Block>,
    mempool: Vec<Transaction>,
    salt: u32,
    /// The parents of all blocks that ever were.
    parents: BTreeMap<BlockHash, BlockHash>,
    /// Outputs that are there from the beginning: the wallet's coins.
    coins: BTreeMap<OutPoint, TxOut>,
}

fn tip_of(height: usize, block: &Block) -> ChainTip {
    ChainTip { height: BlockHeight::new(u32::try_from(height).unwrap()), hash: block.block_hash() }
}

impl Bitcoin {
    pub(super) fn new() -> Self {
        let mut bitcoin = Self::default();
        bitcoin.mine(Vec::new());
        bitcoin
    }

    pub(super) fn at(&self, height: usize) -> Option<(&Block, ChainTip)> {
        self.blocks.get(height).map(|block| (block, tip_of(height, block)))
    }

    pub(super) fn mempool(&self) -> &[Transaction] {
        &self.mempool
    }

    fn mine(&mut self, txdata: Vec<Transaction>) {
        self.salt += 1;
        let prev_blockhash = self.blocks.last().map_or(BlockHash::all_zeros(), Block::block_hash);
        let header = Header {
            version: Version::TWO,
            prev_blockhash,
            merkle_root: TxMerkleNode::all_zeros(),
            time: self.salt,
            bits: CompactTarget::from_consensus(0),
            nonce: self.salt,
        };
        self.parents.insert(header.block_hash(), prev_blockhash);
        self.blocks.push(Block { header, txdata });
    }

    /// The last block that the best chain has in common with this block's.
    pub(super) fn fork_point(&self, mut hash: BlockHash) -> ChainTip {
        loop {
            let height = self.blocks.iter().position(|block| block.block_hash() == hash);
            match height {
                Some(height) => return tip_of(height, &self.blocks[height]),
                None => hash = self.parents[&hash],
            }
        }
    }

    /// Whether an output is there, in the chain or in the mempool, and who spends it in the mempool.
    fn spent_in_chain(&self) -> BTreeSet<OutPoint> {
        let all = self.blocks.iter().flat_map(|block| &block.txdata);
        all.flat_map(|transaction| transaction.input.iter().map(|input| input.previous_output)).collect()
    }

    fn outputs_in_chain(&self) -> BTreeSet<Txid> {
        self.blocks.iter().flat_map(|block| block.txdata.iter().map(Transaction::compute_txid)).collect()
    }

    /// What a transaction pays: its inputs are coins, or outputs of transactions that are known.
    fn fee(&self, transaction: &Transaction) -> u64 {
        let all = self.blocks.iter().flat_map(|block| &block.txdata).chain(&self.mempool);
        let known: BTreeMap<Txid, &Transaction> = all.map(|known| (known.compute_txid(), known)).collect();
        let value = |outpoint: &OutPoint| match known.get(&outpoint.txid) {
            Some(parent) => parent.output[usize::try_from(outpoint.vout).unwrap()].value.to_sat(),
            None => self.coins.get(outpoint).map_or(2_000_000, |coin| coin.value.to_sat()),
        };
        let held: u64 = transaction.input.iter().map(|input| value(&input.previous_output)).sum();
        held.saturating_sub(transaction.output.iter().map(|output| output.value.to_sat()).sum())
    }

    /// Takes a transaction as a node does.
    pub(super) fn broadcast(&mut self, transaction: &Transaction) -> Verdict {
        let refused = |class, reason: &str| Verdict::Refused { class, reason: reason.to_owned() };
        let txid = transaction.compute_txid();
        let (in_chain, spent) = (self.outputs_in_chain(), self.spent_in_chain());
        if in_chain.contains(&txid) || self.mempool.iter().any(|waiting| waiting.compute_txid() == txid) {
            return Verdict::Taken;
        }
        let waits = |txid: &Txid| self.mempool.iter().any(|waiting| waiting.compute_txid() == *txid);
        for input in &transaction.input {
            let from = input.previous_output;
            let is_coin = from.txid.to_byte_array().windows(2).all(|pair| pair[0] == pair[1]);
            if spent.contains(&from) || !(is_coin || in_chain.contains(&from.txid) || waits(&from.txid)) {
                return refused(RejectionClass::MissingInputs, "bad-txns-inputs-missingorspent");
            }
        }
        let conflicts = self.conflicts_of(transaction);
        let paid: u64 = conflicts.iter().map(|other| self.fee(other)).sum();
        if !conflicts.is_empty() && self.fee(transaction) <= paid {
            return refused(RejectionClass::Mempool, "insufficient fee");
        }
        let gone: BTreeSet<Txid> = conflicts.iter().map(Transaction::compute_txid).collect();
        self.mempool.retain(|waiting| !gone.contains(&waiting.compute_txid()));
        self.mempool.push(transaction.clone());
        Verdict::Taken
    }

    /// What waits and spends the same, with all that waits on it.
    fn conflicts_of(&self, transaction: &Transaction) -> Vec<Transaction> {
        let spends: BTreeSet<OutPoint> =
            transaction.input.iter().map(|input| input.previous_output).collect();
        let mut gone: BTreeSet<Txid> = BTreeSet::new();
        // Parents come before their children.
        for waiting in &self.mempool {
            let is_gone = waiting.input.iter().any(|input| {
                spends.contains(&input.previous_output) || gone.contains(&input.previous_output.txid)
            });
            if is_gone {
                gone.insert(waiting.compute_txid());
            }
        }
        self.mempool.iter().filter(|waiting| gone.contains(&waiting.compute_txid())).cloned().collect()
    }

    /// Mines a block of those that wait, with their parents, that are chosen.
    pub(super) fn mine_chosen(&mut self, mut is_chosen: impl FnMut(usize) -> bool) {
        let (mut chosen, mut left): (Vec<Transaction>, Vec<Transaction>) = (Vec::new(), Vec::new());
        let mut left_out: BTreeSet<Txid> = BTreeSet::new();
        for (number, waiting) in std::mem::take(&mut self.mempool).into_iter().enumerate() {
            let is_orphan = waiting.input.iter().any(|input| left_out.contains(&input.previous_output.txid));
            if is_orphan || !is_chosen(number) {
                left_out.insert(waiting.compute_txid());
                left.push(waiting);
            } else {
                chosen.push(waiting);
            }
        }
        self.mempool = left;
        self.mine(chosen);
    }

    /// Disconnects blocks, and mines as many and one more, empty: of what they had, some wait again.
    pub(super) fn reorganize(&mut self, depth: usize, mut comes_back: impl FnMut(usize) -> bool) {
        let depth = depth.min(self.blocks.len() - 1);
        let gone = self.blocks.split_off(self.blocks.len() - depth);
        let waiting = std::mem::take(&mut self.mempool);
        for _ in 0..=depth {
            self.mine(Vec::new());
        }
        let back = gone.into_iter().flat_map(|block| block.txdata).enumerate();
        for transaction in back.filter_map(|(number, back)| comes_back(number).then_some(back)).chain(waiting)
        {
            let _verdict = self.broadcast(&transaction);
        }
    }

    /// What waits is forgotten, as after a restart of the node.
    pub(super) fn forget_mempool(&mut self) {
        self.mempool.clear();
    }
}
