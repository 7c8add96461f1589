//! `btcstake covenant`.

mod check;
mod sign;
