//! Phase-1 stakes: made before Babylon Genesis was launched, and identified by an OP_RETURN output.

mod contradiction;
mod error;
mod parse;
mod rules;
mod scan;

pub use self::contradiction::{contradictions, contradictions_in};
pub use self::error::Phase1Error;
pub use self::parse::{Phase1Stake, parse_phase1_stake};
pub use self::rules::Phase1Rules;
pub use self::scan::{FoundPhase1Stake, scan_phase1_stakes};
pub use spv::BlockBytesError;
