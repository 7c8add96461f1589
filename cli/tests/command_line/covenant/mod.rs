//! `btcstake covenant`.

mod check;
mod included;
mod mutations;
mod run;
mod sign;
