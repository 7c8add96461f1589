//! `btcstake stake`.

mod add;
mod check;
mod include;
mod phase1;
mod psbts;
mod register;
mod sign;
pub(crate) mod undelegate;
