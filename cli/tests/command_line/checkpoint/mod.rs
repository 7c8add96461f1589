//! `btcstake checkpoint`.

mod headers;
mod show;
mod status;
mod submit;
mod verify;
