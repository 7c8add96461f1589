//! Phase-1 stakes: made before Babylon Genesis was launched, and identified by an OP_RETURN output.

mod parse;
mod scan;

pub use self::parse::{Phase1Error, Phase1Stake, parse_phase1_stake};
pub use self::scan::{BlockBytesError, FoundPhase1Stake, scan_phase1_stakes};
