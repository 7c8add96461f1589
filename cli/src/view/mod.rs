//! What commands print: shapes that several share, and where they are printed.

pub(crate) mod delegation;
pub(crate) mod output;
pub(crate) mod parameters;
pub(crate) mod taproot;
pub(crate) mod text;
pub(crate) mod transaction;
pub(crate) mod verdict;
pub(crate) mod violation;
