//! The transactions that create or spend the outputs.

mod child;
mod extension;
mod finalized;
mod funded;
mod leaf_transaction;
mod slashing;
mod slashing_rate;
mod spend;
mod staking;
mod unbonding;
mod withdrawal;
