//! Phase 1.

mod parse;
mod scan;
