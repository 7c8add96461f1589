//! Where delegations and evidence come from: files that grow, and the secured chain.

mod files;
mod secured_chain;

pub use self::files::{FileRecord, FollowedFiles};
#[cfg(test)]
pub(crate) use self::files::{MOST_BYTES, MOST_RECORDS};
pub use self::secured_chain::{Heard, SecuredChain};
