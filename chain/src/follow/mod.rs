//! Following a chain, block by block, across reorgs.

mod ancestry;
#[cfg(test)]
#[cfg(feature = "embedded")]
mod embedded_tests;
#[cfg(test)]
#[cfg(feature = "testing")]
mod long_way_tests;
#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;

use std::collections::VecDeque;

use bitcoin::{Block, BlockHash};

use self::ancestry::{Route, route};
use crate::{ChainSource, ChainTip, NodeError};

/// How many of the newest blocks a follower remembers, for a node that does not know the last of them.
const MAX_REMEMBERED: usize = 2_016;
/// From how many blocks on a way is long: its blocks are asked for by their heights.
const LONG: u32 = 500;
/// How many of the last blocks of a long way are found by walking back from the tip.
const LAST: u32 = 100;
/// How many hashes are asked for at once.
const HASHES: u32 = 1_000;
/// How often a step is begun again because the chain moved, or the node lost a block, during it.
const MAX_RETRIES: u32 = 8;

/// A change of the followed chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainEvent {
    /// A block was connected on top of the last one.
    Connected {
        /// The block's height and hash.
        at: ChainTip,
        /// The block.
        block: Block,
    },
    /// Every block above the fork point was disconnected. The blocks of the other branch follow as
    /// [`Connected`](Self::Connected).
    Disconnected {
        /// The last block until now.
        from: ChainTip,
        /// The last block that both branches have in common: the last block from now on.
        fork_point: ChainTip,
    },
}

/// The result of a step of a [`Follower`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The chain changed by this event; there may be more.
    Event(ChainEvent),
    /// The follower is at the node's tip.
    AtTip,
    /// The node's best chain has less work than the one that was followed, as after a crash or while it
    /// reindexes. That is not a reorg: nothing is disconnected; ask again until the node has caught up.
    Behind {
        /// The node's tip.
        tip: ChainTip,
    },
}

/// A reason why a chain cannot be followed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FollowError {
    /// The block to start from is unknown to the node: it is of another network, or of a branch that this
    /// node never saw.
    #[error("the block to start from, {hash}, is unknown to the node; must be known to it")]
    UnknownStart {
        /// The block's hash.
        hash: BlockHash,
    },
    /// The node's chain is at least as high as the followed one, and has neither its last block nor any of
    /// the remembered ones before it.
    #[error(
        "block {} at height {} and the {remembered} remembered before it are not in the node's chain, whose tip is {} at height {}; \
        must have one of them in common",
        last.hash, last.height, tip.hash, tip.height
    )]
    NoForkPoint {
        /// The last block that was followed.
        last: ChainTip,
        /// How many blocks before it were compared.
        remembered: usize,
        /// The node's tip.
        tip: ChainTip,
    },
    /// The node's blocks do not follow each other: a block has another hash, parent or height than the chain
    /// that the node named needs. Its word is not taken for anything then.
    #[error("the node's block {hash} has {found}; must have {expected}")]
    Unlinked {
        /// The block's hash, by which it was asked for.
        hash: BlockHash,
        /// What the node said of it.
        found: String,
        /// What the chain needs.
        expected: String,
    },
    /// A call to the node failed; [`NodeError::BlockPruned`] for one, when it no longer has the next block.
    #[error(transparent)]
    Node(#[from] NodeError),
}

impl FollowError {
    /// Returns whether the same step may succeed later without a change, as [`NodeError::is_retryable`] does.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Node(error) if error.is_retryable())
    }
}

/// A listener to a chain's events, in the chain's order.
pub trait Listen {
    /// A block was connected on top of the last one.
    fn block_connected(&mut self, block: &Block, at: ChainTip);

    /// Every block above `fork_point` was disconnected; `fork_point` is the last one now.
    fn blocks_disconnected(&mut self, fork_point: ChainTip);
}

/// A follower of a node's best chain, from a known block on, across reorgs of any depth.
///
/// Blocks are followed by hash, and must link: each header and block must have the hash that it was asked
/// for, each block its parent's hash and one height more ([`FollowError::Unlinked`]). Proof of work is the
/// node's to check.
///
/// It goes by hash, from the node's tip back along `previousblockhash` to what it knows, so it never takes a
/// tip for granted that a node passes through during a reorg. The chain that results from the events is at
/// every moment a chain that the node had; a block that has left it is disconnected before any other is
/// connected.
///
/// A node whose best chain has *less work* than the followed one is behind, not reorganized: after a crash
/// Bitcoin Core does not know its old tip. Work is compared as long as the node knows the followed block;
/// heights are compared when it does not.
///
/// In memory it keeps the hashes of the blocks that are still to be connected (32 bytes each), and the newest
/// 2016 that it has passed; no more than one block.
///
/// The position is advanced by the step that returns an event. To survive a crash of one's own, store
/// [`position`](Self::position) with what came of the event, and [`start`](Self::start) from it again.
#[derive(Debug, Clone)]
pub struct Follower {
    /// The followed blocks, the last one at the end; never empty.
    known: VecDeque<ChainTip>,
    /// The blocks to be connected, in the chain's order, each one height above the one before.
    ahead: VecDeque<BlockHash>,
    /// Whether they are the next ones of a long way: the tip is far above them.
    is_far: bool,
}

impl Follower {
    /// Returns a follower that starts at the block `hash`, whose successors are connected first. If it is no
    /// longer in the best chain, the first event disconnects it.
    ///
    /// # Errors
    ///
    /// [`FollowError::UnknownStart`] when the node does not know the block; the node's own errors.
    pub fn start<S: ChainSource + ?Sized>(source: &S, hash: BlockHash) -> Result<Self, FollowError> {
        match source.header(&hash) {
            Ok(found) => Ok(Self::at(ChainTip { height: found.height, hash })),
            Err(NodeError::UnknownBlock { .. }) => Err(FollowError::UnknownStart { hash }),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns a follower that starts at the block `last`, without asking the node, which may be behind it.
    pub fn at(last: ChainTip) -> Self {
        Self { known: VecDeque::from([last]), ahead: VecDeque::new(), is_far: false }
    }

    /// Returns a follower that starts at the block `last`, with blocks before it that were followed earlier,
    /// oldest first: it searches them for the fork point when the node does not know `last`.
    pub fn resume(earlier: impl IntoIterator<Item = ChainTip>, last: ChainTip) -> Self {
        let mut follower = Self { known: VecDeque::new(), ahead: VecDeque::new(), is_far: false };
        for block in earlier.into_iter().filter(|block| block.height < last.height) {
            follower.remember(block);
        }
        follower.remember(last);
        follower
    }

    /// Returns the current block: the last one connected, the fork point disconnected to, or the start.
    pub fn position(&self) -> ChainTip {
        // Never empty: the constructors put a block in, and a disconnection puts the fork point in.
        self.known.back().copied().unwrap_or(ChainTip {
            height: crate::BlockHeight::GENESIS,
            hash: bitcoin::hashes::Hash::all_zeros(),
        })
    }

    /// Returns the remembered blocks, oldest first, [`position`](Self::position) at the end: what
    /// [`resume`](Self::resume) takes. At most 2016, and not always without gaps.
    pub fn remembered(&self) -> impl DoubleEndedIterator<Item = ChainTip> + '_ {
        self.known.iter().copied()
    }

    /// Asks the node for its tip, and returns the next event.
    ///
    /// On a long way it asks for the hashes of the next thousand blocks at once, and at each step for one
    /// block; near the tip for the tip, a header for each block that is new, and at most one block.
    ///
    /// # Errors
    ///
    /// As [`FollowError`] says. The position is not moved then.
    pub fn step<S: ChainSource + ?Sized>(&mut self, source: &S) -> Result<Step, FollowError> {
        let mut retries = MAX_RETRIES;
        loop {
            match self.attempt(source) {
                // A block of the node's chain that the node does not know: the node crashed since it told of
                // it.
                Err(FollowError::Node(NodeError::UnknownBlock { .. })) if retries > 0 => {
                    self.forget_ahead();
                    retries = retries.saturating_sub(1);
                }
                // The chain moved while the hashes of a long way were told.
                Err(FollowError::Unlinked { .. }) if self.is_far && retries > 0 => {
                    self.forget_ahead();
                    retries = retries.saturating_sub(1);
                }
                result => return result,
            }
        }
    }

    /// Passes every event to `listener` until the node's tip is reached or the node is behind. Returns
    /// [`Step::AtTip`] or [`Step::Behind`].
    ///
    /// # Errors
    ///
    /// As [`step`](Self::step); the listener has been told of every event before the error.
    pub fn catch_up<S: ChainSource + ?Sized>(
        &mut self,
        source: &S,
        listener: &mut dyn Listen,
    ) -> Result<Step, FollowError> {
        loop {
            match self.step(source)? {
                Step::Event(ChainEvent::Connected { at, block }) => listener.block_connected(&block, at),
                Step::Event(ChainEvent::Disconnected { fork_point, .. }) => {
                    listener.blocks_disconnected(fork_point);
                }
                at_rest => return Ok(at_rest),
            }
        }
    }

    fn attempt<S: ChainSource + ?Sized>(&mut self, source: &S) -> Result<Step, FollowError> {
        if !self.is_far
            && let Some(at_rest) = self.find_way(source)?
        {
            return Ok(at_rest);
        }
        let last = self.position();
        let Some(&hash) = self.ahead.front() else { return Ok(Step::AtTip) };
        let block = source.block(&hash)?;
        linked(hash, "hash", block.block_hash(), hash)?;
        linked(hash, "parent", block.header.prev_blockhash, last.hash)?;
        let at = ChainTip { height: last.height.saturating_add(1), hash };
        self.ahead.pop_front();
        self.is_far &= !self.ahead.is_empty();
        self.remember(at);
        Ok(Step::Event(ChainEvent::Connected { at, block }))
    }

    /// Finds the next blocks, or what is to be done without one.
    fn find_way<S: ChainSource + ?Sized>(&mut self, source: &S) -> Result<Option<Step>, FollowError> {
        let tip = source.tip()?;
        let last = self.position();
        if tip.hash == last.hash {
            self.ahead.clear();
            return Ok(Some(Step::AtTip));
        }
        if self.ahead.back() == Some(&tip.hash) {
            return Ok(None);
        }
        let distance = tip.height.to_u32().saturating_sub(last.height.to_u32());
        if distance >= LONG && source.block_hash(last.height)? == last.hash {
            let count = distance.saturating_sub(LAST).min(HASHES);
            self.ahead = source.hashes_above(last.height, count)?.into();
            self.is_far = !self.ahead.is_empty();
            if self.is_far {
                return Ok(None);
            }
        }
        match route(source, &self.known, &self.ahead, tip)? {
            Route::Onward { kept, ahead } => {
                self.ahead.truncate(kept);
                self.ahead.extend(ahead);
                Ok(None)
            }
            Route::Fork { fork_point, ahead } => {
                self.forget_above(fork_point);
                self.ahead = ahead.into();
                Ok(Some(Step::Event(ChainEvent::Disconnected { from: last, fork_point })))
            }
            Route::Behind => {
                self.ahead.clear();
                Ok(Some(Step::Behind { tip }))
            }
        }
    }

    fn forget_ahead(&mut self) {
        self.ahead.clear();
        self.is_far = false;
    }

    fn remember(&mut self, block: ChainTip) {
        if self.known.len() >= MAX_REMEMBERED {
            self.known.pop_front();
        }
        self.known.push_back(block);
    }

    fn forget_above(&mut self, fork_point: ChainTip) {
        while self.known.back().is_some_and(|block| block.height >= fork_point.height) {
            self.known.pop_back();
        }
        self.remember(fork_point);
    }
}

/// Refuses a block of which the node says other than the chain needs.
fn linked<T: PartialEq + std::fmt::Display>(
    hash: BlockHash,
    what: &str,
    found: T,
    expected: T,
) -> Result<(), FollowError> {
    if found == expected {
        return Ok(());
    }
    let text = |value: T| format!("the {what} {value}");
    Err(FollowError::Unlinked { hash, found: text(found), expected: text(expected) })
}
