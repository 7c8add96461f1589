//! What can go wrong between this crate and a node.

use std::error::Error;
use std::path::PathBuf;

use bitcoin::{BlockHash, Network, OutPoint, Txid};

#[cfg(any(feature = "rpc", feature = "embedded", test))]
use crate::rejection::reason_and_detail;
use crate::{BlockHeight, RejectionClass};

/// The cause of an error, which can be downcast.
pub(crate) type Cause = Box<dyn Error + Send + Sync + 'static>;

/// A reason why a call to a node failed or was refused.
///
/// An error prints its own text, and its cause is its source. No variant carries a password or a cookie, so
/// every error may be logged and shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The transaction breaks a consensus rule or the node's relay policy.
    /// [`rejection_class`](Self::rejection_class) says whether it may be accepted later: when the mempool has
    /// moved, when a timelock has run out, when an input has appeared.
    #[error("transaction {txid} was rejected: {reason}{}", in_brackets(.detail))]
    Rejected {
        /// The transaction.
        txid: Txid,
        /// The node's reject reason, e.g. `bad-txns-nonfinal` or
        /// `block-script-verify-flag-failed (Invalid Schnorr signature)`.
        reason: String,
        /// The node's details beyond the reason, for people; often empty.
        detail: String,
    },

    /// The best chain has no block at this height yet.
    #[error("no block at height {height}; the tip is at height {tip}")]
    NoSuchBlock {
        /// The height that was asked for.
        height: BlockHeight,
        /// The height of the tip.
        tip: BlockHeight,
    },

    /// The node knows no block with this hash. After a crash a node does not know the blocks that it
    /// connected last until it has downloaded them again.
    #[error("block {hash} is unknown to the node")]
    UnknownBlock {
        /// The hash that was asked for.
        hash: BlockHash,
    },

    /// The block is older than those that the node keeps (`-prune`).
    #[error("block {hash} is pruned; a node without -prune has it")]
    BlockPruned {
        /// The hash that was asked for.
        hash: BlockHash,
    },

    /// The node has the block's header, but not the block yet.
    #[error("block {hash} is not downloaded yet; the node has only its header")]
    BlockNotDownloaded {
        /// The hash that was asked for.
        hash: BlockHash,
    },

    /// The node is not on regtest, so it does not mine on request.
    #[error("the node's network is {network}; must be regtest to mine blocks on request")]
    NotRegtest {
        /// The node's network.
        network: Network,
    },

    /// The node's network is not supported (testnet3, for one).
    #[error("the node's network is {name:?}; must be main, testnet4, signet or regtest")]
    UnsupportedNetwork {
        /// The network's name as the node prints it.
        name: String,
    },

    /// The node's first block is not that of the network that it names: it follows another currency's chain.
    #[error("the node's first block is {found}; must be {expected}, that of the network {network}")]
    WrongGenesis {
        /// The network that the node names.
        network: Network,
        /// The node's block at height 0.
        found: BlockHash,
        /// The network's genesis block.
        expected: BlockHash,
    },

    /// The node is older than the oldest supported version.
    #[error("the node's version is {found}; must be at least {required}")]
    VersionTooOld {
        /// The node's version as Bitcoin Core numbers it: 280100 is 28.1.
        found: u64,
        /// The oldest supported version.
        required: u64,
    },

    /// The node cannot be reached: the connection was refused, broke, or timed out.
    #[error("the node at {address} cannot be reached")]
    Unreachable {
        /// Host and port.
        address: String,
        /// What went wrong with the connection, mostly a [`std::io::Error`].
        source: Cause,
    },

    /// The calls together took longer than their [`Deadline`](crate::Deadline) allows.
    #[error("the node at {address} needs longer than {seconds} s; must answer all calls within that time")]
    DeadlineExceeded {
        /// Host and port.
        address: String,
        /// The limit for all calls together, in seconds.
        seconds: u64,
    },

    /// The node is still starting (RPC error -28).
    #[error("the node at {address} is starting: {message}")]
    Starting {
        /// Host and port.
        address: String,
        /// What the node is doing.
        message: String,
    },

    /// The node is busy with a call of the same kind, or its work queue is full.
    #[error("the node is busy; call {method} again later: {message}")]
    Busy {
        /// The method that was called.
        method: String,
        /// What the node said.
        message: String,
    },

    /// The node took the transaction, and does not have it: with `-privatebroadcast=1` it only passes it on.
    /// Whether others accept it shows when it comes back; broadcast again until then.
    #[error(
        "the node took the transaction {txid}, but does not have it in its mempool (-privatebroadcast=1 does this); broadcast it again until it does, or ask another node"
    )]
    NotInMempool {
        /// The transaction.
        txid: Txid,
    },

    /// The node refused the credentials (HTTP 401 or 403).
    #[error("the node at {address} refused the credentials (HTTP {status})")]
    Unauthorized {
        /// Host and port.
        address: String,
        /// The HTTP status.
        status: i32,
    },

    /// A call returned an error that no other variant covers.
    #[error("{method} failed with error {code}: {message}")]
    Rpc {
        /// The method that was called.
        method: String,
        /// Bitcoin Core's error code.
        code: i32,
        /// Bitcoin Core's error text.
        message: String,
    },

    /// The node's result is not one that Bitcoin Core returns.
    #[error("the result of {method} cannot be used")]
    MalformedAnswer {
        /// The method that was called.
        method: String,
        /// What is wrong with the result.
        source: Cause,
    },

    /// The transaction was not found in the blocks that were searched, and the chain has more. It may be
    /// confirmed all the same.
    #[error(
        "transaction {txid} is not in the newest {scanned_blocks} blocks; run the node with -txindex=1 to search the whole chain"
    )]
    NotIndexed {
        /// The transaction.
        txid: Txid,
        /// How many blocks were searched, from the tip down.
        scanned_blocks: u32,
    },

    /// The spender of an output was not found in the blocks that were searched; earlier ones may have it.
    #[error(
        "{outpoint} is spent, but not in the newest {scanned_blocks} blocks; search more blocks for the spender"
    )]
    SpenderNotFound {
        /// The output.
        outpoint: OutPoint,
        /// How many blocks were searched, from the tip down.
        scanned_blocks: u32,
    },

    /// The output is neither unspent nor spent in the blocks from its own on: its transaction has left the
    /// chain, or is in an earlier block.
    #[error(
        "the output {outpoint} is neither unspent nor spent from height {since} on; the chain was reorganized, or has no such output"
    )]
    NoSuchOutput {
        /// The output.
        outpoint: OutPoint,
        /// The height of its block, as the caller knows it.
        since: BlockHeight,
    },

    /// The node's URL cannot be used. The URL is not repeated here, because it may have a password.
    #[error("the node's URL cannot be used: {reason}")]
    InvalidUrl {
        /// What is wrong with it.
        reason: String,
    },

    /// The cookie file cannot be read.
    #[error("the cookie file {} cannot be read", path.display())]
    CookieFile {
        /// The path of the file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },

    /// The embedded engine failed; nothing follows about a transaction.
    #[error("bitcoin core's engine failed: {reason}")]
    Engine {
        /// What failed, or the engine's message.
        reason: String,
        /// Why it failed, where the reason does not say so.
        source: Option<Cause>,
    },

    /// A directory for the node's data cannot be used.
    #[error("the directory {} cannot be used", path.display())]
    Storage {
        /// The directory.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },

    /// A daemon that was started for a test or a demo did not start.
    #[error("the daemon {} did not start", exe.display())]
    Daemon {
        /// The program that was started.
        exe: PathBuf,
        /// What happened.
        source: Cause,
    },
}

impl NodeError {
    /// Returns whether the same call may succeed later without a change.
    ///
    /// True while the node cannot be reached, is starting (it has not written its cookie file yet, for one),
    /// is busy, has not downloaded the block yet, or has lost an output to a reorg; also for a transaction
    /// that the mempool as it is now does not admit ([`RejectionClass::Mempool`]). False for every other
    /// verdict: such a transaction stays rejected at least until the next block.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Starting { .. }
            | Self::Busy { .. }
            | Self::NoSuchOutput { .. }
            | Self::NotInMempool { .. }
            | Self::BlockNotDownloaded { .. } => true,
            Self::Rejected { .. } => self.rejection_class() == Some(RejectionClass::Mempool),
            Self::CookieFile { source, .. } => source.kind() == std::io::ErrorKind::NotFound,
            _ => false,
        }
    }

    /// Returns the class of a rejection: what its reason means for a later attempt. `None` for every other
    /// error.
    pub fn rejection_class(&self) -> Option<RejectionClass> {
        match self {
            Self::Rejected { reason, detail, .. } => Some(RejectionClass::of(reason, detail)),
            _ => None,
        }
    }

    /// Returns the rejection with Bitcoin Core's usual text, `reason, detail`.
    #[cfg(any(feature = "rpc", feature = "embedded", test))]
    pub(crate) fn rejected(txid: Txid, text: &str) -> Self {
        let (reason, detail) = reason_and_detail(text);
        Self::Rejected { txid, reason: reason.to_owned(), detail: detail.to_owned() }
    }

    /// Returns the engine's failure with its message.
    #[cfg(feature = "embedded")]
    pub(crate) fn engine(reason: impl Into<String>) -> Self {
        Self::Engine { reason: reason.into(), source: None }
    }

    /// Returns the engine's failure to do something, with the cause.
    #[cfg(feature = "embedded")]
    pub(crate) fn engine_by(reason: impl Into<String>, cause: impl Into<Cause>) -> Self {
        Self::Engine { reason: reason.into(), source: Some(cause.into()) }
    }
}

fn in_brackets(detail: &str) -> String {
    if detail.is_empty() { String::new() } else { format!(" ({detail})") }
}

#[cfg(test)]
mod tests {
    use super::NodeError;

    #[test]
    fn errors_can_be_sent_and_read() {
        fn check<T: Send + Sync + std::error::Error + 'static>(_: &T) {}
        let txid = bitcoin::hashes::Hash::all_zeros();
        let error = NodeError::rejected(txid, "bad-txns-nonfinal, too early");
        check(&error);
        assert_eq!(
            error.to_string(),
            format!("transaction {txid} was rejected: bad-txns-nonfinal (too early)")
        );
        assert!(!error.is_retryable());
        let error = NodeError::rejected(txid, "bad-txns-vin-empty");
        assert_eq!(error.to_string(), format!("transaction {txid} was rejected: bad-txns-vin-empty"));
    }
}
