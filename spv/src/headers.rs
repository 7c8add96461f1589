//! Chains of block headers: the proof of work of each, and the depth of the first.

use bitcoin::block::Header;
use bitcoin::params::Params;
use bitcoin::{BlockHash, Target, Work};

/// A broken rule of a chain of headers: of its links, its proof of work, or its depth.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadersError {
    /// The list of headers is empty.
    #[error("0 headers are given; must be at least 1")]
    Empty,
    /// A header's target is above the network's limit.
    #[error("the target of block {block} is {target:x}; must be at most the network's limit {limit:x}")]
    TargetTooHigh {
        /// The block.
        block: BlockHash,
        /// The header's target.
        target: Target,
        /// The network's limit.
        limit: Target,
    },
    /// A header's nBits is not the compact form of a target: it is negative, above 256 bits, or has another
    /// exponent than nodes write.
    #[error("nBits of block {block} is {bits:08x}; must be the compact form of a target")]
    TargetForm {
        /// The block.
        block: BlockHash,
        /// The header's nBits.
        bits: u32,
    },
    /// A header's hash is above its own target.
    #[error("the hash of block {block} is above its target {target:x}; must be at or below it")]
    NoWork {
        /// The block.
        block: BlockHash,
        /// The header's target.
        target: Target,
    },
    /// A header does not follow the one before it.
    #[error("the previous block of {block} is {found}; must be {expected}, the header before it")]
    NotLinked {
        /// The block.
        block: BlockHash,
        /// The block that its header follows.
        found: BlockHash,
        /// The block before it.
        expected: BlockHash,
    },
    /// The target rises more than four-fold in one step, which no adjustment of the network does.
    #[error(
        "the target of block {block} is {target:x}; must be at most {highest:x}, four times the target before it"
    )]
    TargetLeaps {
        /// The block.
        block: BlockHash,
        /// The header's target.
        target: Target,
        /// The highest target that one adjustment allows.
        highest: Target,
    },
    /// The target changes twice within one adjustment period.
    #[error(
        "the target changes at block {block}, {blocks} blocks after the last change; must be at least {period}"
    )]
    TargetChanges {
        /// The block.
        block: BlockHash,
        /// How many blocks before this one the target was changed.
        blocks: u32,
        /// The length of an adjustment period, in blocks.
        period: u32,
    },
    /// The first header's block is not deep enough.
    #[error("block {block} is {depth} deep; must be at least {least}")]
    TooShallow {
        /// The block.
        block: BlockHash,
        /// How many blocks are on top of it.
        depth: u32,
        /// How many must be.
        least: u32,
    },
    /// The headers have less work than is demanded.
    #[error("the headers have a work of {found:x}; must be at least {least:x}")]
    TooLittleWork {
        /// The work of all headers.
        found: Work,
        /// The least work.
        least: Work,
    },
    /// The headers do not have the block that is trusted.
    #[error("the block {0} is not among the headers, nor the parent of the first; must be")]
    NotAnchored(BlockHash),
}

/// Returns the depth of the first header's block: how many blocks are on top of it, 0 for the tip. That is
/// the tip's height less its own. The parameters of phase 1 count the block itself too, so theirs is one
/// more; those of Babylon Genesis do not.
///
/// Each header must follow the one before it and have proof of work. On networks whose target changes by
/// adjustment only, such as mainnet and signet, it must rise four-fold at most, and not change twice within a
/// period of 2016 blocks. So, within a period, a block on top has at least a quarter of the first one's work.
///
/// What is not checked: that the first header is of the chain that nodes follow (a target can be right for
/// the network and far too high for its time), that there is no chain with more work, at which heights the
/// target changes, and timestamps.
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
        // Where blocks of minimum difficulty are allowed, any block may be one.
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

/// What ties headers to the chain that nodes follow. A few headers of low difficulty are cheap to make, and
/// who forges an inclusion makes them: a trusted parent alone does not make them dearer, so that work is
/// asked for too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// The least total work of the headers.
    pub min_work: Option<Work>,
    /// A block of that chain, which must be one of the headers or the parent of the first.
    pub header: Option<TrustedHeader>,
}

/// A block that the caller knows from its own node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustedHeader {
    /// The hash of the block.
    pub hash: BlockHash,
    /// Its height, where the caller knows it: headers do not have it.
    pub height: Option<u32>,
}

impl Anchor {
    /// Nothing: the headers show work, and no more.
    pub const NONE: Self = Self { min_work: None, header: None };

    /// Checks that the anchor holds these headers, which [`inclusion_depth`] has checked. Returns the height
    /// of the first one, where the trusted block's is known.
    ///
    /// # Errors
    /// [`HeadersError::TooLittleWork`] or [`HeadersError::NotAnchored`].
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "headers with so much work that it overflows do not exist"
    )]
    pub fn check(self, headers: &[Header]) -> Result<Option<u32>, HeadersError> {
        let first = headers.first().ok_or(HeadersError::Empty)?;
        if let Some(least) = self.min_work {
            let found = headers.iter().map(Header::work).reduce(|sum, work| sum + work);
            let found = found.ok_or(HeadersError::Empty)?;
            if found < least {
                return Err(HeadersError::TooLittleWork { found, least });
            }
        }
        let Some(TrustedHeader { hash, height }) = self.header else { return Ok(None) };
        if first.prev_blockhash == hash {
            return Ok(height.and_then(|height| height.checked_add(1)));
        }
        let above = headers.iter().position(|header| header.block_hash() == hash);
        let above = above.ok_or(HeadersError::NotAnchored(hash))?;
        let Some(height) = height else { return Ok(None) };
        // No block is below the first of the chain.
        let first = u32::try_from(above).ok().and_then(|above| height.checked_sub(above));
        first.map(Some).ok_or(HeadersError::NotAnchored(hash))
    }
}

/// Checks a header's proof of work: its hash is at or below its target, and the target is not above the
/// network's limit.
pub(crate) fn check_work(header: &Header, params: &Params) -> Result<(), HeadersError> {
    let (block, target, limit) = (header.block_hash(), header.target(), params.max_attainable_target);
    // Decoding nBits drops bits past the end of the number; a node refuses such a header.
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
