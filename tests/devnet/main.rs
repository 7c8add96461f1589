//! The toolkit on a real node of the secured chain, which `BABYLOND_EXE` names (`make babylond` builds one):
//! everything goes through our own client, and the chain judges.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod catch_up;
mod checking;
mod contract;
mod covenant;
mod devnet;
mod expiry;
mod extension;
mod footprint;
mod history;
mod included;
mod journal;
mod lifecycle;
mod near_misses;
mod network;
mod page;
mod parameters;
mod play;
mod possessions;
mod processes;
mod provider;
mod selective;
mod staking;
mod unbonding;
mod voting;
