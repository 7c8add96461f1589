//! A chain that does what a test says: forks, crashes, prunes, moves between two calls.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bitcoin::absolute::LockTime;
use bitcoin::block::{Header, Version as BlockVersion};
use bitcoin::hashes::Hash as _;
use bitcoin::script::Builder;
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, Block, BlockHash, CompactTarget, FeeRate, Network, OutPoint, ScriptBuf, Sequence, Transaction,
    TxIn, TxMerkleNode, TxOut, Txid, Witness,
};

use crate::{BlockHeight, Broadcast, ChainSource, ChainTip, FeeEstimate, FoundHeader, Mempool, NodeError};

/// Seconds between two blocks.
const BLOCK_SPACING: u32 = 600;

/// A tree of blocks with a tip that the test sets. It validates nothing: blocks have no proof of work, and
/// their transactions may be anything.
///
/// ```
/// use chain::ChainSource;
/// use chain::testing::ScriptedChain;
///
/// let node = ScriptedChain::new();
/// let genesis = node.tip()?.hash;
/// let old = node.extend(genesis, 3);
/// node.set_tip(old[2]);
/// let new = node.extend(old[0], 3);
/// node.set_tip(new[2]);
/// assert_eq!(node.tip()?.height.to_u32(), 4);
/// assert_eq!(node.header(&old[1])?.confirmations, 0);
/// # Ok::<(), chain::NodeError>(())
/// ```
#[derive(Debug)]
pub struct ScriptedChain {
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) blocks: HashMap<BlockHash, (Block, BlockHeight)>,
    pub(super) tip: ChainTip,
    forgotten: HashSet<BlockHash>,
    pruned: HashSet<BlockHash>,
    /// A counter that makes every block different.
    salt: u32,
    /// After how many calls the tip changes, and to which block.
    moves: VecDeque<(u32, BlockHash)>,
    failures: VecDeque<NodeError>,
    calls: u64,
    pub(super) broadcast: Vec<Transaction>,
    rejections: VecDeque<String>,
    fee_rate: FeeRate,
    /// Whether it has an index of spenders.
    pub(super) has_index: bool,
}

impl Default for ScriptedChain {
    fn default() -> Self {
        Self::new()
    }
}

impl ScriptedChain {
    /// Returns a chain with only regtest's genesis block.
    pub fn new() -> Self {
        let genesis = bitcoin::constants::genesis_block(Network::Regtest);
        let tip = ChainTip { height: BlockHeight::GENESIS, hash: genesis.block_hash() };
        let state = State {
            blocks: HashMap::from([(tip.hash, (genesis, tip.height))]),
            tip,
            forgotten: HashSet::new(),
            pruned: HashSet::new(),
            salt: 0,
            moves: VecDeque::new(),
            failures: VecDeque::new(),
            calls: 0,
            broadcast: Vec::new(),
            rejections: VecDeque::new(),
            fee_rate: FeeRate::BROADCAST_MIN,
            has_index: false,
        };
        Self { state: Mutex::new(state) }
    }

    /// Builds `count` empty blocks on `parent`, and returns their hashes in order. The tip stays. On a block
    /// that does not exist nothing is built.
    pub fn extend(&self, parent: BlockHash, count: u32) -> Vec<BlockHash> {
        let genesis = bitcoin::constants::genesis_block(Network::Regtest);
        self.extend_with(parent, count, genesis.header.bits, &[])
    }

    /// Builds `count` blocks on `parent`, with this compact target in every header, and these transactions in
    /// the first block.
    pub fn extend_with(
        &self,
        parent: BlockHash,
        count: u32,
        bits: CompactTarget,
        transactions: &[Transaction],
    ) -> Vec<BlockHash> {
        let mut state = self.state();
        let (mut parent, mut transactions) = (parent, transactions);
        let mut hashes = Vec::new();
        for _ in 0..count {
            let Some(hash) = state.add(parent, bits, transactions) else { break };
            hashes.push(hash);
            (parent, transactions) = (hash, &[]);
        }
        hashes
    }

    /// Makes a block the tip of the best chain; nothing happens when there is no such block.
    pub fn set_tip(&self, hash: BlockHash) {
        self.state().set_tip(hash);
    }

    /// Makes a block the tip after `calls` more calls: between two calls of the code under test.
    pub fn set_tip_after(&self, calls: u32, hash: BlockHash) {
        self.state().moves.push_back((calls, hash));
    }

    /// Forgets blocks, as a node does that was killed before it wrote them to disk.
    pub fn forget(&self, hashes: &[BlockHash]) {
        self.state().forgotten.extend(hashes);
    }

    /// Restores forgotten blocks.
    pub fn remember(&self, hashes: &[BlockHash]) {
        let mut state = self.state();
        for hash in hashes {
            state.forgotten.remove(hash);
        }
    }

    /// Deletes blocks, and keeps their headers, as a node with `-prune` does.
    pub fn prune(&self, hashes: &[BlockHash]) {
        self.state().pruned.extend(hashes);
    }

    /// Makes the next call fail with this error; several are used in order.
    pub fn fail_next(&self, error: NodeError) {
        self.state().failures.push_back(error);
    }

    /// Rejects the next transaction that is broadcast, with Bitcoin Core's text `reason, detail`; several are
    /// used in order.
    pub fn reject_next(&self, text: &str) {
        self.state().rejections.push_back(text.to_owned());
    }

    /// Sets the fee rate that every estimate returns.
    pub fn set_fee_rate(&self, fee_rate: FeeRate) {
        self.state().fee_rate = fee_rate;
    }

    /// Returns the transactions that were broadcast and not rejected, in order, repetitions included.
    pub fn broadcasts(&self) -> Vec<Transaction> {
        self.state().broadcast.clone()
    }

    /// Returns the number of calls so far.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn answer<T>(
        &self,
        answer: impl FnOnce(&mut State) -> Result<T, NodeError>,
    ) -> Result<T, NodeError> {
        let mut state = self.state();
        if let Some(error) = state.failures.pop_front() {
            return Err(error);
        }
        let result = answer(&mut state);
        state.calls = state.calls.saturating_add(1);
        for (calls, _) in &mut state.moves {
            *calls = calls.saturating_sub(1);
        }
        while let Some(&(0, hash)) = state.moves.front() {
            state.moves.pop_front();
            state.set_tip(hash);
        }
        result
    }
}

impl State {
    fn add(
        &mut self,
        parent: BlockHash,
        bits: CompactTarget,
        transactions: &[Transaction],
    ) -> Option<BlockHash> {
        let (before, height) = self.blocks.get(&parent)?;
        let (height, time) = (height.saturating_add(1), before.header.time.saturating_add(BLOCK_SPACING));
        self.salt = self.salt.saturating_add(1);
        let mut txdata = vec![coinbase(height, self.salt)];
        txdata.extend_from_slice(transactions);
        let header = Header {
            version: BlockVersion::NO_SOFT_FORK_SIGNALLING,
            prev_blockhash: parent,
            merkle_root: TxMerkleNode::all_zeros(),
            time,
            bits,
            nonce: 0,
        };
        let mut block = Block { header, txdata };
        block.header.merkle_root = block.compute_merkle_root()?;
        let hash = block.block_hash();
        self.blocks.insert(hash, (block, height));
        Some(hash)
    }

    fn set_tip(&mut self, hash: BlockHash) {
        if let Some((_, height)) = self.blocks.get(&hash) {
            self.tip = ChainTip { height: *height, hash };
        }
    }

    fn known(&self, hash: &BlockHash) -> Result<&(Block, BlockHeight), NodeError> {
        let unknown = NodeError::UnknownBlock { hash: *hash };
        if self.forgotten.contains(hash) { Err(unknown) } else { self.blocks.get(hash).ok_or(unknown) }
    }

    /// The block of the best chain at `height`.
    fn ancestor(&self, height: BlockHeight) -> Option<BlockHash> {
        let mut at = self.tip;
        while at.height > height {
            let (block, own) = self.blocks.get(&at.hash)?;
            at = ChainTip {
                height: BlockHeight::new(own.to_u32().saturating_sub(1)),
                hash: block.header.prev_blockhash,
            };
        }
        (at.height == height).then_some(at.hash)
    }
}

impl ChainSource for ScriptedChain {
    fn network(&self) -> Network {
        Network::Regtest
    }

    fn tip(&self) -> Result<ChainTip, NodeError> {
        self.answer(|state| Ok(state.tip))
    }

    fn block_hash(&self, height: BlockHeight) -> Result<BlockHash, NodeError> {
        self.answer(|state| {
            let none = NodeError::NoSuchBlock { height, tip: state.tip.height };
            state.ancestor(height).ok_or(none)
        })
    }

    fn header(&self, hash: &BlockHash) -> Result<FoundHeader, NodeError> {
        self.answer(|state| {
            let (block, height) = state.known(hash)?;
            let in_best_chain = state.ancestor(*height) == Some(*hash);
            let depth = state.tip.height.blocks_since(*height);
            let confirmations = if in_best_chain { depth.saturating_add(1) } else { 0 };
            Ok(FoundHeader { header: block.header, height: *height, confirmations })
        })
    }

    fn block(&self, hash: &BlockHash) -> Result<Block, NodeError> {
        self.answer(|state| {
            let (block, _) = state.known(hash)?;
            if state.pruned.contains(hash) {
                return Err(NodeError::BlockPruned { hash: *hash });
            }
            Ok(block.clone())
        })
    }
}

impl Broadcast for ScriptedChain {
    /// As [`Broadcast::broadcast`]: accepts everything but what [`reject_next`](Self::reject_next) names.
    fn broadcast(&self, transaction: &Transaction) -> Result<Txid, NodeError> {
        self.answer(|state| {
            let txid = transaction.compute_txid();
            if let Some(text) = state.rejections.pop_front() {
                return Err(NodeError::rejected(txid, &text));
            }
            state.broadcast.push(transaction.clone());
            Ok(txid)
        })
    }
}

impl Mempool for ScriptedChain {
    /// What was broadcast, whether a block has it or not.
    fn waiting(&self) -> Result<Vec<Txid>, NodeError> {
        self.answer(|state| Ok(state.broadcast.iter().map(Transaction::compute_txid).collect()))
    }
}

impl FeeEstimate for ScriptedChain {
    fn fee_rate(&self, _blocks: u16) -> Result<FeeRate, NodeError> {
        self.answer(|state| Ok(state.fee_rate))
    }
}

fn coinbase(height: BlockHeight, salt: u32) -> Transaction {
    let script = Builder::new().push_int(i64::from(height.to_u32())).push_slice(salt.to_le_bytes());
    Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn {
            previous_output: OutPoint::null(),
            script_sig: script.into_script(),
            sequence: Sequence::MAX,
            witness: Witness::new(),
        }],
        output: vec![TxOut { value: Amount::ONE_BTC, script_pubkey: ScriptBuf::from_bytes(vec![0x51]) }],
    }
}
