//! Hemi's proof of proof: keystones of its chain, published on Bitcoin by whoever pays for it.

mod finality;
mod keystone;
mod publish;

pub use self::finality::{KeystoneConfirmations, KeystoneFinality, SUPER_FINALITY};
pub use self::keystone::{Keystone, KeystoneHash, KeystonePublication, OldKeystone, first_publications};
pub use self::publish::{PublicationError, PublicationTransaction};
