//! `btcstake covenant`.

mod check;
mod mutations;
mod sign;
