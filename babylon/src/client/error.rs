//! Why a transaction is not executed, as far as is known.

use finality::{AccountAddress, ConsumerHeight};

use super::MOST_GAS;
use crate::node::{NodeError, Refusal};

/// A transaction was not executed, or it is not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The node does not answer, is of another chain, or does not take the transaction.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The account was never paid: the chain does not know it.
    #[error("the chain does not know the account {0}; must be paid first")]
    UnknownAccount(AccountAddress),
    /// A message is another account's to sign.
    #[error("a message must be signed by {found}; the account is {own}")]
    OtherSigner {
        /// The account that the message names.
        found: AccountAddress,
        /// The account that sends.
        own: AccountAddress,
    },
    /// It is in a block, and had no effect but for its fee.
    #[error("the transaction {} at height {height} failed: {refusal}", hex::encode_upper(.hash))]
    Failed {
        /// Its hash.
        hash: [u8; 32],
        /// The height of the block.
        height: ConsumerHeight,
        /// Why.
        refusal: Refusal,
    },
    /// No block has it, and none will: its last height is past.
    #[error("no block up to height {last} has the transaction {}: it is executed no more", hex::encode_upper(.hash))]
    NotIncluded {
        /// Its hash.
        hash: [u8; 32],
        /// Its last height.
        last: ConsumerHeight,
    },
    /// No block has it yet: it may still be executed up to its last height.
    #[error(
        "it is not known whether the transaction {} is executed; it may be up to height {last}", hex::encode_upper(.hash)
    )]
    Unknown {
        /// Its hash.
        hash: [u8; 32],
        /// Its last height.
        last: ConsumerHeight,
        /// Why the node did not tell, where it did not.
        #[source]
        cause: Option<NodeError>,
    },
    /// A node says that it takes more gas than any block has.
    #[error(
        "the node says that the transaction takes {found} gas; must be at most {MOST_GAS}, which a block has"
    )]
    TooMuchGas {
        /// What it says.
        found: u64,
    },
}
