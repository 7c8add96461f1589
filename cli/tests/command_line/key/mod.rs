//! `btcstake key`.

mod new;
mod show;
