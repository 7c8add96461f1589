//! Chains of block headers: that work was done for each, and how many stand on the first.

use bitcoin::block::Header;
use bitcoin::params::Params;
use bitcoin::{BlockHash, Target};

/// The headers are no chain that work was done for, or a chain that is too short.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadersError {
    /// There is no header.
    #[error("there is no header")]
    Empty,
    /// The header demands less work than any block of the network has.
    #[error("the target {target:x} of the block {block} is above the network's limit {limit:x}")]
    TargetTooHigh {
        /// The block.
        block: BlockHash,
        /// The header's target.
        target: Target,
        /// The network's highest.
        limit: Target,
    },
    /// The target is written as no node writes it: negative, beyond 256 bits, or with another exponent.
    #[error("the target of the block {block} is written as {bits:08x}, which is no number's own form")]
    TargetForm {
        /// The block.
        block: BlockHash,
        /// The header's bits.
        bits: u32,
    },
    /// The header's hash is above its own target.
    #[error("the block {block} does not meet its target {target:x}")]
    NoWork {
        /// The block.
        block: BlockHash,
        /// The header's target.
        target: Target,
    },
    /// A header does not follow the one before it.
    #[error("the block {block} follows {found}, and not {expected}, which stands before it")]
    NotLinked {
        /// The block.
        block: BlockHash,
        /// The block that its header follows.
        found: BlockHash,
        /// The block before it.
        expected: BlockHash,
    },
    /// The target rises by more than four times at once, which no adjustment of the network's does.
    #[error(
        "the target {target:x} of the block {block} is above {highest:x}, four times that of the block before it"
    )]
    TargetLeaps {
        /// The block.
        block: BlockHash,
        /// The header's target.
        target: Target,
        /// The highest that an adjustment makes of the target before it.
        highest: Target,
    },
    /// The target changes a second time before the network adjusts it again.
    #[error(
        "the block {block} changes the target, which was changed {blocks} blocks before, and {period} lie between"
    )]
    TargetChanges {
        /// The block.
        block: BlockHash,
        /// How many blocks before it the target was changed.
        blocks: u32,
        /// How many blocks one target holds for.
        period: u32,
    },
    /// Fewer blocks stand on the first one than are asked for.
    #[error("{depth} blocks stand on the block {block}, and {least} must")]
    TooShallow {
        /// The block.
        block: BlockHash,
        /// How many blocks stand on it.
        depth: u32,
        /// How many must.
        least: u32,
    },
}

/// How deep the block of the first header is: how many of the blocks after it stand on it, which is the tip's
/// height without its own. The parameters of phase 1 count the block itself too, so that theirs is one more;
/// those of the chain do not.
///
/// Each header must follow the one before it, and work must have been done for each. Where a network adjusts
/// its target only, as mainnet and signet do, it must change as they change it: to four times as much at
/// most, and not twice within a period of 2016 blocks. Then, within a period, the work of the blocks above is
/// at least a quarter of what as many like the first take: none is easy to feign.
///
/// What is not checked: that the first header is of the chain that nodes follow — a target can be right for
/// the network and far too high for its time —, that there is no chain with more work, at which heights the
/// target changes, and the times stated.
///
/// # Errors
/// [`HeadersError`], one for each of these rules.
pub fn inclusion_depth(headers: &[Header], params: &Params) -> Result<u32, HeadersError> {
    let (first, rest) = headers.split_first().ok_or(HeadersError::Empty)?;
    check_work(first, params)?;
    let (mut depth, mut changed, mut before) = (0_u32, None, first);
    for header in rest {
        depth = depth.saturating_add(1);
        let (found, expected) = (header.prev_blockhash, before.block_hash());
        if found != expected {
            return Err(HeadersError::NotLinked { block: header.block_hash(), found, expected });
        }
        check_work(header, params)?;
        // Where blocks of the least work are allowed, any block may be one.
        if header.bits != before.bits && !params.allow_min_difficulty_blocks {
            check_adjustment(header, before, params)?;
            let (blocks, period) =
                (changed.map(|at| depth.saturating_sub(at)), params.miner_confirmation_window);
            if let Some(blocks) = blocks.filter(|blocks| *blocks < period) {
                return Err(HeadersError::TargetChanges { block: header.block_hash(), blocks, period });
            }
            changed = Some(depth);
        }
        before = header;
    }
    Ok(depth)
}

/// Checks that work was done for a header: its hash meets its target, and the target is not above the
/// network's limit.
pub(crate) fn check_work(header: &Header, params: &Params) -> Result<(), HeadersError> {
    let (block, target, limit) = (header.block_hash(), header.target(), params.max_attainable_target);
    // Bits beyond the number's end are lost where they are read; and what is lost, a node sees.
    if target.to_compact_lossy() != header.bits {
        return Err(HeadersError::TargetForm { block, bits: header.bits.to_consensus() });
    }
    if target > limit {
        return Err(HeadersError::TargetTooHigh { block, target, limit });
    }
    header.validate_pow(target).map(drop).map_err(|_| HeadersError::NoWork { block, target })
}

fn check_adjustment(header: &Header, before: &Header, params: &Params) -> Result<(), HeadersError> {
    let (target, highest) = (header.target(), before.target().max_transition_threshold(params));
    if target > highest {
        return Err(HeadersError::TargetLeaps { block: header.block_hash(), target, highest });
    }
    Ok(())
}
