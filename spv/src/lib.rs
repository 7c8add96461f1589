#![doc = include_str!("../README.md")]

pub mod anchors;
mod block;
mod chain;
mod headers;
mod inclusion;
#[cfg(any(test, feature = "test-utils"))]
pub mod testing;

pub use bitcoin;

pub use self::block::{BlockBytesError, BlockVisitor, walk_block};
pub use self::chain::HeaderChain;
pub use self::headers::{Anchor, HeadersError, TrustedHeader, inclusion_depth};
pub use self::inclusion::{InclusionError, InclusionProof};

#[cfg(test)]
mod tests;
