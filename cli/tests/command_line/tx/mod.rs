//! `btcstake tx`.

mod bump;
mod explain;
mod extend;
mod slash;
mod stake;
mod unbond;
mod withdraw;
mod withdraw_phase1;
