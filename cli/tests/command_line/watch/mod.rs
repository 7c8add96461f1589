//! `btcstake watch`.

mod config;
mod notify;
mod run;
mod tower;
