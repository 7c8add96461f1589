//! A chain's history beside its anchors: up to which block Bitcoin binds it, and where it is another one.
//!
//! Anchors hold commitments and never data. Whoever has lost a chain's blocks gets none of them back from
//! Bitcoin; whoever is offered a copy can tell whether it is the one that was anchored.

use std::collections::BTreeMap;

use super::checkpoint::EpochTimestamp;
use super::hemi::{Keystone, KeystoneConfirmations};

/// The fewest bytes of a hash that bind a block.
const LEAST_HASH: usize = 11;

/// A block of a chain whose history is to be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainBlock {
    /// The height.
    pub height: u64,
    /// The hash, as the chain's anchors have it: for Babylon Genesis CometBFT's block id, not the AppHash.
    pub hash: [u8; 32],
    /// The hash of the block before it, by the block's own header, where the caller has it. An anchor binds
    /// the blocks below it by these links alone: without them, the caller must have checked them.
    pub parent: Option<[u8; 32]>,
}

/// A block that an anchor on Bitcoin commits to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnchoredBlock {
    /// Its height.
    pub height: u64,
    /// Its hash, or the first bytes of it, at least 11. Of a hash that is cut to 12 bytes, whoever makes both
    /// can find two blocks that have it, with 2⁴⁸ tries.
    pub hash: Vec<u8>,
    /// How deep the anchor is in Bitcoin.
    pub depth: u32,
}

/// A reason why a history is not compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// An anchor's hash is too short, or longer than a hash.
    #[error("the anchor of block {height} has {length} bytes of its hash; must have {LEAST_HASH} to 32")]
    HashLength {
        /// The height.
        height: u64,
        /// The length.
        length: usize,
    },
    /// Two anchors commit to different blocks of one height: two histories were anchored.
    #[error("two anchors commit to different blocks at height {0}; must commit to one")]
    Contradiction(u64),
    /// A block does not have the height after the one before it.
    #[error("the block after height {after} has height {found}; must have the next one")]
    NotConsecutive {
        /// The height before it.
        after: u64,
        /// Its height.
        found: u64,
    },
    /// A block names another one as the one before it.
    #[error("the block at height {0} names another block before it than the one that is given")]
    NotLinked(u64),
}

/// What anchors say of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundHistory {
    /// The last anchored block that is the history's, with all anchored ones below it: Bitcoin binds every
    /// block up to it. `None` where there is none.
    pub bound: Option<AnchoredBlock>,
    /// Where the history is another one than the anchored; `None` where no anchor contradicts it.
    pub divergence: Option<Divergence>,
    /// The last block of the history. What is above `bound` no anchor says anything of.
    pub last_height: Option<u64>,
    /// How many anchors are of blocks that the history does not have: below its first, or above its last.
    /// Some above it mean that it is not whole.
    pub outside: usize,
}

/// The first anchor that contradicts a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divergence {
    /// The first block that differs is above this height: of the last anchored block that is the same.
    pub above: Option<u64>,
    /// What was anchored: the first block that differs is at most as high.
    pub anchored: AnchoredBlock,
    /// The history's block at that height.
    pub found: [u8; 32],
}

impl AnchoredBlock {
    /// Returns the block that an epoch's checkpoint commits to, the last of the epoch; `None` where no
    /// submission of it is left. A checkpoint does not say the height, which follows from the chain's epochs.
    pub fn of_checkpoint(timestamp: &EpochTimestamp, height: u64) -> Option<Self> {
        let (_, depth) = timestamp.best?;
        Some(Self { height, hash: timestamp.block_hash.to_vec(), depth })
    }

    /// Returns the block that a keystone commits to, by the first bytes of its hash; `None` where neither
    /// the keystone nor a descendant is published.
    pub fn of_keystone(keystone: &Keystone, confirmations: &KeystoneConfirmations) -> Option<Self> {
        confirmations.publication?;
        let (height, hash) = (keystone.l2_block_number.into(), keystone.ep_hash.to_vec());
        Some(Self { height, hash, depth: confirmations.effective_confirmations })
    }
}

/// Compares a history with the anchors of its chain. `blocks` are the history's in the order of their
/// heights, without gaps; they are read once and not kept. Which anchors count, the caller chooses, for
/// example by their depth.
///
/// # Errors
/// [`RestoreError`] when the anchors contradict each other, or the blocks are not a chain.
pub fn compare_history(
    blocks: impl IntoIterator<Item = ChainBlock>,
    anchors: impl IntoIterator<Item = AnchoredBlock>,
) -> Result<BoundHistory, RestoreError> {
    let mut left = by_height(anchors)?;
    let (mut bound, mut divergence, mut before) = (None::<AnchoredBlock>, None, None::<ChainBlock>);
    for block in blocks {
        if let Some(ChainBlock { height, hash, .. }) = before {
            if height.checked_add(1) != Some(block.height) {
                return Err(RestoreError::NotConsecutive { after: height, found: block.height });
            }
            if block.parent.is_some_and(|parent| parent != hash) {
                return Err(RestoreError::NotLinked(block.height));
            }
        }
        before = Some(block);
        let Some(anchored) = left.remove(&block.height) else { continue };
        if divergence.is_some() {
            continue;
        }
        if block.hash.starts_with(&anchored.hash) {
            bound = Some(anchored);
        } else {
            let above = bound.as_ref().map(|bound| bound.height);
            divergence = Some(Divergence { above, anchored, found: block.hash });
        }
    }
    let last_height = before.map(|block| block.height);
    Ok(BoundHistory { bound, divergence, last_height, outside: left.len() })
}

/// Returns the lowest height at which two histories have different blocks. Heights that only one of them has
/// do not differ. Both must be in the order of their heights.
pub fn first_difference(
    one: impl IntoIterator<Item = ChainBlock>,
    other: impl IntoIterator<Item = ChainBlock>,
) -> Option<u64> {
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    let (mut left, mut right) = (one.next()?, other.next()?);
    loop {
        if left.height < right.height {
            left = one.next()?;
        } else if left.height > right.height {
            right = other.next()?;
        } else if left.hash != right.hash {
            return Some(left.height);
        } else {
            (left, right) = (one.next()?, other.next()?);
        }
    }
}

/// Returns one anchor for each height: the longest hash of it, with the greatest depth.
fn by_height(
    anchors: impl IntoIterator<Item = AnchoredBlock>,
) -> Result<BTreeMap<u64, AnchoredBlock>, RestoreError> {
    let mut all = BTreeMap::<u64, AnchoredBlock>::new();
    for anchor in anchors {
        let (height, length) = (anchor.height, anchor.hash.len());
        if !(LEAST_HASH..=32).contains(&length) {
            return Err(RestoreError::HashLength { height, length });
        }
        let known = all.entry(height).or_insert_with(|| anchor.clone());
        let (short, long) =
            if known.hash.len() < length { (&known.hash, &anchor.hash) } else { (&anchor.hash, &known.hash) };
        if !long.starts_with(short) {
            return Err(RestoreError::Contradiction(height));
        }
        let depth = known.depth.max(anchor.depth);
        *known = AnchoredBlock { height, hash: long.clone(), depth };
    }
    Ok(all)
}
