//! The coins that fund a stake: their kinds, selection, signing and verification.

pub(crate) mod coin;
pub(crate) mod key_path;
pub(crate) mod selection;
pub(crate) mod witness;

pub use self::coin::{CoinError, FundingCoin};
pub use self::key_path::{key_path_script, sign_key_path};
