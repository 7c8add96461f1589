//! What commands print: parts of outputs that several share, and the one place of printing.

#[cfg(feature = "babylon")]
pub(crate) mod checkpoint;
pub(crate) mod delegation;
pub(crate) mod fee;
pub(crate) mod marks;
pub(crate) mod output;
pub(crate) mod page;
pub(crate) mod parameters;
pub(crate) mod payment;
pub(crate) mod psbt;
pub(crate) mod risk;
#[cfg(feature = "babylon")]
pub(crate) mod sent;
pub(crate) mod signatures;
pub(crate) mod taproot;
pub(crate) mod text;
pub(crate) mod transaction;
pub(crate) mod verdict;
pub(crate) mod violation;
