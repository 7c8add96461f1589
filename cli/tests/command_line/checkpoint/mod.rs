//! `btcstake checkpoint`.

mod headers;
mod show;
mod submit;
