//! `btcstake psbt`.

mod check;
mod combine;
mod finalize;
mod formats;
mod sign;
