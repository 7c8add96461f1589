//! `btcstake stake`.

mod add;
mod check;
mod include;
mod psbts;
mod sign;
