//! Bitcoin block headers and Merkle proofs: whether a transaction is in a block, and how deep that block is.
//!
//! [`InclusionProof`] is the Merkle path from a transaction to the root in a block header;
//! [`inclusion_depth`] counts the blocks on top of a header and checks the work of each. Together they are
//! the SPV proof that the chain which keeps the stakes asks for. The crate reads no files and talks to no
//! node.

mod headers;
mod inclusion;
#[cfg(any(test, feature = "test-utils"))]
pub mod testing;

pub use bitcoin;

pub use self::headers::{HeadersError, inclusion_depth};
pub use self::inclusion::{InclusionError, InclusionProof};

#[cfg(test)]
mod tests;
