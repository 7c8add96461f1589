//! The covenant member's signing record.

use std::collections::BTreeMap;
use std::convert::Infallible;

use bitcoin::{OutPoint, Txid};

/// What a covenant member signs for a staking output. While the committee stays the same, an output does not
/// tell under which parameters it was made, so that the record is what keeps two unbonding transactions of
/// one stake from being signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedStake {
    /// The staking output that the transactions spend.
    pub staking_output: OutPoint,
    /// The unbonding transaction.
    pub unbonding: Txid,
    /// The slashing transaction of the staking output.
    pub slashing: Txid,
    /// The slashing transaction of the unbonding output.
    pub unbonding_slashing: Txid,
}

/// What a record says of a stake that is about to be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordVerdict {
    /// Nothing was signed for this output; now it is recorded.
    New,
    /// The same was signed for this output before.
    Again,
    /// Something else was signed for this output, which must not be signed for.
    Conflict(SignedStake),
}

/// A covenant member's record of what it has signed, keyed by the output that is spent. Signing demands it.
pub trait CovenantRecord {
    /// Why the record cannot be read or written.
    type Error;

    /// Checks and records in one exclusive step that this stake is about to be signed. When it returns, the
    /// record is durable.
    ///
    /// # Errors
    /// When it cannot be known what was signed before, or what is to be signed cannot be made durable.
    fn check_and_record(&mut self, stake: &SignedStake) -> Result<RecordVerdict, Self::Error>;
}

/// A record in memory, for tests and demos: it forgets everything with the process.
#[derive(Debug, Clone, Default)]
pub struct MemoryCovenantRecord(BTreeMap<OutPoint, SignedStake>);

impl CovenantRecord for MemoryCovenantRecord {
    type Error = Infallible;

    fn check_and_record(&mut self, stake: &SignedStake) -> Result<RecordVerdict, Infallible> {
        Ok(match self.0.get(&stake.staking_output) {
            None => {
                self.0.insert(stake.staking_output, *stake);
                RecordVerdict::New
            }
            Some(earlier) if earlier == stake => RecordVerdict::Again,
            Some(earlier) => RecordVerdict::Conflict(*earlier),
        })
    }
}
