//! Telling the chain of the Bitcoin headers that it does not know yet: somebody has to.

use babylon::node::{ChainNode, NodeError};
use babylon::query;
use bitcoin::BlockHash;
use bitcoin::block::Header;
use chain::{BlockHeight, ChainSource};

/// How many headers are in one transaction: each takes some 10 400 gas, and nodes take no transaction that
/// may use more than 10 000 000.
pub const HEADERS_AT_ONCE: usize = 400;

/// How far the chain's view of Bitcoin may be off the best chain.
const MOST_REORGANIZED: u32 = 1_000;

/// Headers that the chain does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHeaders {
    /// The headers from the fork with the chain's view on, the oldest first.
    pub headers: Vec<Header>,
    /// Whether they reach the Bitcoin node's tip.
    pub is_all: bool,
}

/// The headers that the chain does not know are not found, or it is not told of them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeadersError {
    /// A node of the chain does not answer.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The Bitcoin node does not answer, or does not know the chain's last block.
    #[error(transparent)]
    Bitcoin(#[from] chain::NodeError),
    /// What the chain knows has left the Bitcoin node's chain long ago. The chain survives a fork of a few
    /// blocks only.
    #[error(
        "the chain's Bitcoin block {hash} at height {height} is more than {MOST_REORGANIZED} blocks off the node's chain; is the node on the same network?"
    )]
    OffChain {
        /// The last block that the chain knows.
        hash: BlockHash,
        /// Its height.
        height: u32,
    },
    /// The Bitcoin node's chain was reorganized while its headers were read.
    #[error(
        "the node's block at height {height} does not follow the one before: its chain was reorganized meanwhile"
    )]
    Reorganized {
        /// The height of the block.
        height: u32,
    },
    /// The chain was told, and does not know.
    #[error("{count} headers were executed, and the chain's tip is where it was")]
    NotTaken {
        /// How many headers it was told of.
        count: usize,
    },
}

/// Returns up to `most` headers of a Bitcoin node's chain that the chain does not know.
///
/// # Errors
/// [`HeadersError`].
pub fn new_headers(
    node: &dyn ChainNode,
    bitcoin: &(impl ChainSource + ?Sized),
    most: usize,
) -> Result<NewHeaders, HeadersError> {
    let known = query::light_client_tip(node)?;
    let tip = bitcoin.tip()?.height.to_u32();
    // The chain's tip may have left Bitcoin's best chain: what it lacks begins at the fork.
    let mut fork = known.height;
    let mut hash = known.hash;
    while fork > 0 {
        let own = (fork <= tip).then(|| bitcoin.block_hash(BlockHeight::new(fork))).transpose()?;
        if own == Some(hash) {
            break;
        }
        if known.height.saturating_sub(fork) >= MOST_REORGANIZED {
            return Err(HeadersError::OffChain { hash: known.hash, height: known.height });
        }
        hash = bitcoin.header(&hash)?.header.prev_blockhash;
        fork = fork.saturating_sub(1);
    }
    let last = u64::from(fork).saturating_add(u64::try_from(most).unwrap_or(u64::MAX));
    let last = u32::try_from(last).unwrap_or(u32::MAX).min(tip);
    let mut headers: Vec<Header> = Vec::new();
    for height in fork.saturating_add(1)..=last {
        let header = bitcoin.header_at(BlockHeight::new(height))?.header;
        let before = headers.last().map_or(hash, Header::block_hash);
        if header.prev_blockhash != before {
            return Err(HeadersError::Reorganized { height });
        }
        headers.push(header);
    }
    Ok(NewHeaders { headers, is_all: last == tip })
}

/// Tells the chain of every header that it does not know, [`HEADERS_AT_ONCE`] at a time, and returns how many
/// there were. `send` has a block execute them before it returns: the next ones follow them.
///
/// # Errors
/// [`HeadersError`] as `E`, and what `send` returns.
pub fn tell_headers<E: From<HeadersError>>(
    node: &dyn ChainNode,
    bitcoin: &(impl ChainSource + ?Sized),
    mut send: impl FnMut(&[Header]) -> Result<(), E>,
) -> Result<usize, E> {
    let (mut count, mut first) = (0_usize, None);
    loop {
        let NewHeaders { headers, is_all } = new_headers(node, bitcoin, HEADERS_AT_ONCE)?;
        let Some(begin) = headers.first().map(Header::block_hash) else { return Ok(count) };
        if first == Some(begin) {
            return Err(HeadersError::NotTaken { count }.into());
        }
        first = Some(begin);
        send(&headers)?;
        count = count.saturating_add(headers.len());
        if is_all {
            return Ok(count);
        }
    }
}
