//! Where delegations and evidence come from: files that grow, and the secured chain.

mod files;
mod secured_chain;

pub use self::files::{FileRecord, FollowedFiles};
pub use self::secured_chain::{Heard, SecuredChain};
