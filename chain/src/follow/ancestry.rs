//! The way from a known block to the node's tip, found by walking back along `previousblockhash`.

use std::collections::VecDeque;

use bitcoin::BlockHash;
use bitcoin::block::Header;

use super::{FollowError, linked};
use crate::{BlockHeight, ChainSource, ChainTip, FoundHeader, NodeError};

/// The route from the last known block to the node's tip.
pub(super) enum Route {
    /// The tip is above the last known block: the first `kept` of the blocks that were ahead, then these.
    Onward { kept: usize, ahead: Vec<BlockHash> },
    /// The tip is on a branch: back to the fork point, then these.
    Fork { fork_point: ChainTip, ahead: Vec<BlockHash> },
    /// The node's chain has less work than the known one.
    Behind,
}

/// A walk back from the node's tip.
struct Walk {
    /// The current block.
    at: ChainTip,
    /// The blocks passed, the highest first.
    passed: Vec<BlockHash>,
    /// The work of the blocks passed.
    work: u128,
}

impl Walk {
    fn back<S: ChainSource + ?Sized>(&mut self, source: &S) -> Result<(), FollowError> {
        let found = source.header(&self.at.hash)?;
        check(&found, self.at)?;
        self.leave(&found.header);
        Ok(())
    }

    fn leave(&mut self, header: &Header) {
        self.passed.push(self.at.hash);
        self.work = self.work.saturating_add(work_of(header));
        self.at = ChainTip { height: below(self.at.height), hash: header.prev_blockhash };
    }

    fn ahead(mut self) -> Vec<BlockHash> {
        self.passed.reverse();
        self.passed
    }
}

/// Finds the route from the last block of `known` to `tip`; `ahead` are the blocks that were to be connected.
pub(super) fn route<S: ChainSource + ?Sized>(
    source: &S,
    known: &VecDeque<ChainTip>,
    ahead: &VecDeque<BlockHash>,
    tip: ChainTip,
) -> Result<Route, FollowError> {
    let Some(&last) = known.back() else { return Ok(Route::Behind) };
    let mut walk = Walk { at: tip, passed: Vec::new(), work: 0 };
    while walk.at.height > last.height {
        if let Some(kept) = kept_up_to(ahead, last.height, walk.at) {
            return Ok(Route::Onward { kept, ahead: walk.ahead() });
        }
        walk.back(source)?;
    }
    if walk.at == last {
        return Ok(Route::Onward { kept: 0, ahead: walk.ahead() });
    }
    match source.header(&last.hash) {
        Ok(found) => {
            check(&found, last)?;
            fork_by_headers(source, last, found, walk)
        }
        Err(NodeError::UnknownBlock { .. }) => fork_by_memory(source, known, tip, walk),
        Err(error) => Err(error.into()),
    }
}

/// How many of the blocks ahead stay when `at` is one of them.
fn kept_up_to(ahead: &VecDeque<BlockHash>, last: BlockHeight, at: ChainTip) -> Option<usize> {
    let kept = usize::try_from(at.height.blocks_since(last)).ok()?;
    (ahead.get(kept.checked_sub(1)?)? == &at.hash).then_some(kept)
}

/// Finds the fork point by walking back from both blocks, and compares the work of the two branches.
fn fork_by_headers<S: ChainSource + ?Sized>(
    source: &S,
    last: ChainTip,
    last_header: FoundHeader,
    mut new: Walk,
) -> Result<Route, FollowError> {
    let mut old = Walk { at: last, passed: Vec::new(), work: 0 };
    let mut header = Some(last_header.header);
    while old.at != new.at {
        if old.at.height == BlockHeight::GENESIS {
            // Two genesis blocks: the node is on another network than the one that was followed.
            return Err(FollowError::UnknownStart { hash: last.hash });
        }
        if new.at.height == old.at.height {
            new.back(source)?;
        }
        match header.take() {
            Some(header) => old.leave(&header),
            None => old.back(source)?,
        }
        // The hashes of the old branch are not needed any more.
        old.passed.clear();
    }
    if new.work < old.work {
        return Ok(Route::Behind);
    }
    let fork_point = new.at;
    Ok(Route::Fork { fork_point, ahead: new.ahead() })
}

/// Finds the fork point among the known blocks, for a node that does not know the last of them.
fn fork_by_memory<S: ChainSource + ?Sized>(
    source: &S,
    known: &VecDeque<ChainTip>,
    tip: ChainTip,
    mut walk: Walk,
) -> Result<Route, FollowError> {
    let Some(&last) = known.back() else { return Ok(Route::Behind) };
    if tip.height < last.height {
        return Ok(Route::Behind);
    }
    for &candidate in known.iter().rev() {
        while walk.at.height > candidate.height {
            walk.back(source)?;
        }
        if walk.at == candidate {
            return Ok(Route::Fork { fork_point: candidate, ahead: walk.ahead() });
        }
    }
    Err(FollowError::NoForkPoint { last, remembered: known.len().saturating_sub(1), tip })
}

/// Refuses a header that is not the one at this height with this hash.
fn check(found: &FoundHeader, at: ChainTip) -> Result<(), FollowError> {
    linked(at.hash, "hash", found.header.block_hash(), at.hash)?;
    linked(at.hash, "height", found.height, at.height)
}

/// The height of the block before.
fn below(height: BlockHeight) -> BlockHeight {
    BlockHeight::new(height.to_u32().saturating_sub(1))
}

/// The work of one header. The work of every chain there is stays far below 2¹²⁸.
fn work_of(header: &Header) -> u128 {
    let bytes = header.work().to_be_bytes();
    let (high, low) = bytes.split_at(16);
    if high.iter().any(|&byte| byte != 0) {
        return u128::MAX;
    }
    low.try_into().map_or(u128::MAX, u128::from_be_bytes)
}
