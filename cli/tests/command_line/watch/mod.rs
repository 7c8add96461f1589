//! `btcstake watch`.

mod config;
mod notify;
mod run;
mod shared;
mod tower;
