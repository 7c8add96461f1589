//! Why a node of the chain does not do what it is asked.

use std::fmt;

use endpoint::EndpointError;

/// The most characters of a node's text that are kept.
const MOST_SHOWN: usize = 512;

/// A node does not answer a question, or refuses a transaction.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// It does not answer, or not as was asked.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Its answer has another content than it must have.
    #[error("the answer of the chain's node is not understood: {what}")]
    Answer {
        /// What is wrong with it.
        what: String,
    },
    /// It cannot answer now, or does not know what it is asked: by gRPC's numbers for that.
    #[error("the node cannot answer: {said:?} (gRPC code {code})")]
    Away {
        /// The number of gRPC.
        code: u32,
        /// What it says, cut to a bounded length.
        said: String,
    },
    /// It is of another chain.
    #[error("the node is of the chain {found:?}; must be of {expected:?}")]
    OtherChain {
        /// Its chain.
        found: String,
        /// The chain it must be of.
        expected: String,
    },
    /// It refuses, by a rule of the chain.
    #[error("the chain refuses: {0}")]
    Refused(Refusal),
    /// None of several nodes answers; the cause is what the last one said.
    #[error("none of {count} nodes answers")]
    None {
        /// How many there are.
        count: usize,
        /// What the last one said.
        #[source]
        last: Box<NodeError>,
    },
    /// It keeps no index of transactions, so that nobody learns from it what becomes of one.
    #[error(
        "the node has no index of transactions, so it does not say what becomes of one; must have one (`indexer = \"kv\"` in its config.toml)"
    )]
    NoIndex,
    /// It has no way to ask for this, as a gateway has none for what happened in a block.
    #[error("the node does not tell {what}; must be asked over a node's RPC")]
    NotOffered {
        /// What it does not tell.
        what: &'static str,
    },
    /// There is none to ask.
    #[error("there is no node to ask; must be at least one")]
    Nobody,
}

impl NodeError {
    pub(crate) fn answer(what: impl Into<String>) -> Self {
        Self::Answer { what: cut(&what.into()) }
    }

    /// Returns that a node is of another chain than it must be.
    pub fn other_chain(found: &str, expected: &str) -> Self {
        Self::OtherChain { found: cut(found), expected: cut(expected) }
    }

    /// Returns whether another node may do better: this one does not answer, or not as it must.
    pub fn is_of_this_node(&self) -> bool {
        match self {
            Self::Endpoint(_)
            | Self::Answer { .. }
            | Self::Away { .. }
            | Self::OtherChain { .. }
            | Self::None { .. }
            | Self::NoIndex
            | Self::NotOffered { .. } => true,
            Self::Refused(_) | Self::Nobody => false,
        }
    }

    /// Returns the chain's refusal, where it is one.
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

/// A node's words may have any length.
fn cut(text: &str) -> String {
    text.chars().take(MOST_SHOWN).collect()
}

/// A refusal by the chain: of a transaction, or of a question. The module and the number tell it apart; the
/// text is for people, and may change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The module that refuses, such as `sdk` or `finality`; empty where the node does not say.
    pub codespace: String,
    /// Its number for the reason. A gateway has numbers of gRPC here where the codespace is empty.
    pub code: u32,
    /// What it says, cut to a bounded length.
    pub log: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { codespace, code, log } = self;
        write!(f, "{log:?} ({codespace}{}{code})", if codespace.is_empty() { "code " } else { " " })
    }
}

/// What a refusal is about, of those that a sender does something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalKind {
    /// The transaction is signed for another sequence than the account has.
    Sequence,
    /// The gas limit was too low.
    OutOfGas,
    /// The fee is below what the node asks for.
    InsufficientFee,
    /// The account cannot pay.
    InsufficientFunds,
    /// The very transaction waits in the mempool already.
    InMempool,
    /// The mempool has no room.
    MempoolFull,
    /// The transaction's last height is past.
    TimedOut,
    /// What was asked for is not there.
    NotFound,
    /// Any other rule.
    Other,
}

/// The numbers of gRPC that tell of the node, and not of what it is asked: cancelled, too late, exhausted,
/// unimplemented, unavailable.
const AWAY: [u32; 5] = [1, 4, 8, 12, 14];

impl NodeError {
    /// Returns what a gateway passes on, which has no codespace.
    pub(crate) fn of_gateway(code: u32, said: &str) -> Self {
        let refusal = Refusal::new("", code, said);
        if AWAY.contains(&code) { Self::Away { code, said: refusal.log } } else { Self::Refused(refusal) }
    }
}

impl Refusal {
    /// Returns a refusal, for a node of one's own.
    pub fn new(codespace: &str, code: u32, log: &str) -> Self {
        Self { codespace: cut(codespace), code, log: cut(log) }
    }

    /// Returns what it is about, by the numbers of the Cosmos SDK; of what a gateway passes on without a
    /// codespace, by gRPC's number and the text.
    pub fn kind(&self) -> RefusalKind {
        match (self.codespace.as_str(), self.code) {
            ("sdk", 3 | 32) => RefusalKind::Sequence,
            ("sdk", 5) => RefusalKind::InsufficientFunds,
            ("sdk", 11) => RefusalKind::OutOfGas,
            ("sdk", 13) => RefusalKind::InsufficientFee,
            ("sdk", 19) => RefusalKind::InMempool,
            ("sdk", 20) => RefusalKind::MempoolFull,
            ("sdk", 22) => RefusalKind::NotFound,
            ("sdk", 30) => RefusalKind::TimedOut,
            ("", 5) => RefusalKind::NotFound,
            _ if self.log.contains("account sequence mismatch") => RefusalKind::Sequence,
            _ if self.log.contains("tx already exists in cache") => RefusalKind::InMempool,
            _ if ["mempool is full", "considered as full"].iter().any(|text| self.log.contains(text)) => {
                RefusalKind::MempoolFull
            }
            _ if self.log.contains("not found") => RefusalKind::NotFound,
            _ => RefusalKind::Other,
        }
    }
}
