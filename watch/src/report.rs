//! What the secured chain is to be told of.

use bitcoin::{BlockHash, Transaction, Txid, XOnlyPublicKey};
use eots::SecretKey;
use spv::InclusionProof;

/// Something that the secured chain is to be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Report {
    /// The staking transaction of a VERIFIED stake is as deep as it must be.
    Inclusion {
        /// The stake.
        stake: Txid,
        /// The height of the block with its staking transaction.
        height: u32,
    },
    /// The staking output of a stake that gives power, or could, is spent.
    Undelegation {
        /// The stake.
        stake: Txid,
        /// The transaction that spends it.
        by: Txid,
        /// The height of that transaction's block.
        height: u32,
    },
    /// A slashing transaction on Bitcoin shows a provider's key without an equivocation. **The report
    /// publishes that key.**
    SelectiveSlashing {
        /// The provider.
        provider: XOnlyPublicKey,
    },
}

impl Report {
    /// Returns the kind's name, for logs and keys.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Inclusion { .. } => "inclusion",
            Self::Undelegation { .. } => "undelegation",
            Self::SelectiveSlashing { .. } => "selective_slashing",
        }
    }

    /// Returns what it is about, in display order: the stake's id or the provider's key.
    pub fn about(&self) -> String {
        match self {
            Self::Inclusion { stake, .. } | Self::Undelegation { stake, .. } => stake.to_string(),
            Self::SelectiveSlashing { provider } => provider.to_string(),
        }
    }
}

/// A report with everything that the secured chain's message has. Each proof was checked against the block.
///
/// Its `Debug` shows no secret.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ReadyReport {
    /// Of [`Report::Inclusion`].
    Inclusion {
        /// The stake.
        stake: Txid,
        /// The block with its staking transaction.
        block: BlockHash,
        /// That block's height.
        height: u32,
        /// The proof that the block has it.
        proof: InclusionProof,
    },
    /// Of [`Report::Undelegation`].
    Undelegation {
        /// The stake.
        stake: Txid,
        /// The transaction that spends its staking output, with its witnesses.
        spending: Box<Transaction>,
        /// The block with that transaction.
        block: BlockHash,
        /// That block's height.
        height: u32,
        /// The proof that the block has it.
        proof: InclusionProof,
        /// The transactions whose outputs it spends, in the order of its inputs, each once. The staking
        /// transaction is as the delegation has it, which may lack its witnesses.
        funding: Vec<Transaction>,
    },
    /// Of [`Report::SelectiveSlashing`].
    SelectiveSlashing {
        /// The provider.
        provider: XOnlyPublicKey,
        /// Its secret key, **which the report publishes**.
        key: SecretKey,
    },
}

impl ReadyReport {
    /// Returns a name for it, of letters that a file's name may have: a report that is handed over again has
    /// the same.
    pub fn name(&self) -> String {
        match self {
            Self::Inclusion { stake, .. } => format!("inclusion-{stake}"),
            Self::Undelegation { stake, .. } => format!("undelegation-{stake}"),
            Self::SelectiveSlashing { provider, .. } => format!("selective-slashing-{provider}"),
        }
    }
}

/// Why a report was not taken, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PostError(pub String);

/// Whoever takes reports to the secured chain.
pub trait Post {
    /// Takes a report. It may be handed over again later, where the chain has not done what follows from it.
    ///
    /// # Errors
    /// [`PostError`]: it is handed over again with the next block or minute, and then ever less often.
    fn post(&self, report: &ReadyReport) -> Result<(), PostError>;
}
