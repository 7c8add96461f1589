//! `btcstake psbt`.

mod check;
mod combine;
mod finalize;
mod sign;
