//! The covenant member's signing record.

use std::collections::BTreeMap;
use std::convert::Infallible;

use bitcoin::{OutPoint, Txid};

/// The transactions that a covenant member signs for a staking output. While the committee stays the same, an
/// output does not show its parameters version, so only the record prevents the signing of two unbonding
/// transactions of one stake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedStake {
    /// The outpoint of the staking output.
    pub staking_output: OutPoint,
    /// The id of the unbonding transaction.
    pub unbonding: Txid,
    /// The id of the slashing transaction of the staking output.
    pub slashing: Txid,
    /// The id of the slashing transaction of the unbonding output.
    pub unbonding_slashing: Txid,
    /// The staking output of the running stake that it extends.
    pub extends: Option<OutPoint>,
}

impl SignedStake {
    /// Returns whether both cannot be signed: other transactions for one staking output, or two extensions of
    /// one stake.
    pub fn conflicts(&self, other: &Self) -> bool {
        let one_output = self.staking_output == other.staking_output;
        let one_extended = self.extends.is_some() && self.extends == other.extends;
        (one_output || one_extended) && self != other
    }
}

/// The verdict of a record on a stake to be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordVerdict {
    /// Nothing was signed for this output; now it is recorded.
    New,
    /// The same transactions were signed for this output before.
    Again,
    /// Other transactions were signed for this output, so these must not be signed.
    Conflict(SignedStake),
}

/// A covenant member's record of what it has signed, keyed by the output that is spent. Signing requires it.
pub trait CovenantRecord {
    /// The error of a record that cannot be read or written.
    type Error;

    /// Checks this stake against what was signed before and records it, in one exclusive step. When it
    /// returns, the record is durable.
    ///
    /// # Errors
    /// An error when the record cannot be read, or cannot be made durable.
    fn check_and_record(&mut self, stake: &SignedStake) -> Result<RecordVerdict, Self::Error>;
}

/// A record in memory, for tests and demos: it is lost when the process ends.
#[derive(Debug, Clone, Default)]
pub struct MemoryCovenantRecord(BTreeMap<OutPoint, SignedStake>);

impl CovenantRecord for MemoryCovenantRecord {
    type Error = Infallible;

    fn check_and_record(&mut self, stake: &SignedStake) -> Result<RecordVerdict, Infallible> {
        if let Some(earlier) = self.0.values().find(|earlier| earlier.conflicts(stake)) {
            return Ok(RecordVerdict::Conflict(*earlier));
        }
        Ok(match self.0.insert(stake.staking_output, *stake) {
            None => RecordVerdict::New,
            Some(_) => RecordVerdict::Again,
        })
    }
}
