//! `btcstake covenant`.

mod check;
mod included;
mod mutations;
mod sign;
