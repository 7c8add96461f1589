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

/// What was signed, in memory: by itself a record for tests and demos, as it is lost when the process ends; a
/// record that lasts keeps its verdicts in one.
#[derive(Debug, Clone, Default)]
pub struct MemoryCovenantRecord {
    stakes: BTreeMap<OutPoint, SignedStake>,
    /// The staking output of the extension that was signed, by that of the stake extended.
    extensions: BTreeMap<OutPoint, OutPoint>,
}

impl MemoryCovenantRecord {
    /// Returns the verdict on a stake. Two extensions of one stake spend one output, and contradict each
    /// other as two sets of transactions for one output do. The time does not grow with what was signed.
    pub fn verdict(&self, stake: &SignedStake) -> RecordVerdict {
        let extension = stake.extends.and_then(|extended| self.extensions.get(&extended));
        let outputs = [Some(&stake.staking_output), extension];
        let mut signed = outputs.into_iter().flatten().filter_map(|output| self.stakes.get(output));
        match signed.clone().find(|earlier| *earlier != stake) {
            Some(earlier) => RecordVerdict::Conflict(*earlier),
            None => signed.next().map_or(RecordVerdict::New, |_| RecordVerdict::Again),
        }
    }
}

impl CovenantRecord for MemoryCovenantRecord {
    type Error = Infallible;

    fn check_and_record(&mut self, stake: &SignedStake) -> Result<RecordVerdict, Infallible> {
        let verdict = self.verdict(stake);
        if verdict == RecordVerdict::New {
            self.stakes.insert(stake.staking_output, *stake);
            self.extensions.extend(stake.extends.map(|extended| (extended, stake.staking_output)));
        }
        Ok(verdict)
    }
}
