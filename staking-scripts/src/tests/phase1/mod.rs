//! Phase-1 stakes.

mod parse;
mod scan;
