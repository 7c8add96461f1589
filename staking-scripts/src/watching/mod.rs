//! What is seen on the chain: stakes that announce themselves, transactions explained, proofs that they are
//! in blocks, where a stake stands.

pub(crate) mod announcement;
pub(crate) mod explain;
pub(crate) mod scan;
pub(crate) mod selective;
pub(crate) mod status;
