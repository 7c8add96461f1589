//! The slasher's decisions: which slashing transaction of a stake is handed to the node, and when.

use std::collections::BTreeMap;

use bitcoin::Transaction;
use chain::RejectionClass;
use staking_scripts::delegation::SlashedOutput;

use crate::complete::Candidates;
use crate::stake::{StakeId, StakeOutput, TrackedStake};

/// What is to be done about a stake of a slashed provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aim {
    /// Nothing yet: neither the chain nor the mempool has its staking transaction.
    Wait,
    /// This output's slashing transaction is to be in a block, deep enough.
    Slash(SlashedOutput),
    /// Nothing more: it is slashed, as deep as must be.
    Done,
    /// Nothing: it goes on in another stake.
    Extended,
    /// Nothing: the staker withdrew it.
    Escaped,
}

/// Returns what is to be done about a stake, by what the chain up to `tip` has; `is_seen` is whether its
/// staking transaction waits in the mempool, `depth` how deep a slashing transaction must be.
pub(crate) fn aim(stake: &TrackedStake, is_seen: bool, tip: u32, depth: u32) -> Aim {
    if let Some((output, spend)) = stake.slashing() {
        return match (tip.saturating_sub(spend.height) >= depth, output) {
            (true, _) => Aim::Done,
            // A reorg may undo it, and nobody tells: it is sent as long as that may be.
            (false, StakeOutput::Unbonding) => Aim::Slash(SlashedOutput::Unbonding),
            (false, _) => Aim::Slash(SlashedOutput::Staking),
        };
    }
    if stake.unbonding_output().is_some() {
        return match stake.spend(StakeOutput::Unbonding) {
            None => Aim::Slash(SlashedOutput::Unbonding),
            Some(_) => Aim::Escaped,
        };
    }
    match stake.spend(StakeOutput::Staking) {
        Some(_) if stake.extension().is_some() => Aim::Extended,
        Some(_) => Aim::Escaped,
        None if stake.included_height().is_some() || is_seen => Aim::Slash(SlashedOutput::Staking),
        None => Aim::Wait,
    }
}

/// The stakes of slashed providers, and their transactions. In memory alone: all of it follows from the
/// evidence and the delegations, which are stored.
#[derive(Debug, Default)]
pub(crate) struct Slasher {
    slashes: BTreeMap<StakeId, Slash>,
}

#[derive(Debug, Default)]
struct Slash {
    candidates: Option<Candidates>,
    /// Whether that of the unbonding output was tried in this round, as the node refused the other.
    is_other_tried: bool,
    /// In how many rounds in a row the node took neither.
    refused_rounds: u32,
    /// Whether it refused one in this round.
    is_refused: bool,
}

/// After how many rounds of refusals in a row somebody is told, where a refusal may end by itself: a node may
/// be a block behind, or ahead.
const PATIENCE: u32 = 3;

/// What follows from a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterRefusal {
    /// That of the unbonding output is tried now: what conflicts may be the unbonding.
    TryOther,
    /// It is tried again with the next block, or after a minute.
    Wait,
    /// That too, and somebody is told.
    Tell,
}

impl Slasher {
    /// Takes note that a stake is to be slashed. Returns whether its transactions are still to be made.
    pub(crate) fn want(&mut self, stake: StakeId) -> bool {
        self.slashes.entry(stake).or_default().candidates.is_none()
    }

    pub(crate) fn is_wanted(&self, stake: StakeId) -> bool {
        self.slashes.contains_key(&stake)
    }

    /// Takes the transactions of a stake. Those of a better delegation of it take the place of others.
    pub(crate) fn complete(&mut self, stake: StakeId, candidates: Candidates) {
        let slash = self.slashes.entry(stake).or_default();
        let kept = slash.candidates.take();
        let better =
            |new: Result<Transaction, String>, old: Option<Result<Transaction, String>>| match (new, old) {
                (Err(_), Some(Ok(old))) => Ok(old),
                (new, _) => new,
            };
        let (staking, unbonding) =
            kept.map_or((None, None), |kept| (Some(kept.staking), Some(kept.unbonding)));
        slash.candidates = Some(Candidates {
            staking: better(candidates.staking, staking),
            unbonding: better(candidates.unbonding, unbonding),
        });
    }

    /// Returns the stakes of which a transaction could not be completed.
    pub(crate) fn incomplete(&self) -> impl Iterator<Item = StakeId> {
        let lacks = |it: &Candidates| it.staking.is_err() || it.unbonding.is_err();
        let all = self.slashes.iter();
        all.filter(move |(_, slash)| slash.candidates.as_ref().is_some_and(lacks)).map(|(id, _)| *id)
    }

    /// Returns the stakes that are to be slashed.
    pub(crate) fn stakes(&self) -> impl Iterator<Item = StakeId> {
        self.slashes.keys().copied()
    }

    /// Returns the transaction of an output, or why there is none; `None` while it is still to be made.
    pub(crate) fn transaction(
        &self,
        stake: StakeId,
        output: SlashedOutput,
    ) -> Option<&Result<Transaction, String>> {
        Some(self.slashes.get(&stake)?.candidates.as_ref()?.get(output))
    }

    /// Begins a new round of sending: that of the staking output is tried first again.
    pub(crate) fn begin_round(&mut self) {
        for slash in self.slashes.values_mut() {
            slash.refused_rounds = if slash.is_refused { slash.refused_rounds.saturating_add(1) } else { 0 };
            (slash.is_other_tried, slash.is_refused) = (false, false);
        }
    }

    /// Takes note that the node has a transaction of a stake.
    pub(crate) fn taken(&mut self, stake: StakeId) {
        if let Some(slash) = self.slashes.get_mut(&stake) {
            (slash.is_refused, slash.refused_rounds) = (false, 0);
        }
    }

    /// Takes note of a refusal, and returns what follows. The transaction of the unbonding output is never
    /// sent first: waiting behind the unbonding, it would make that dearer to replace.
    pub(crate) fn refused(
        &mut self,
        stake: StakeId,
        output: SlashedOutput,
        class: RejectionClass,
    ) -> AfterRefusal {
        let may_end = matches!(
            class,
            RejectionClass::Mempool
                | RejectionClass::MissingInputs
                | RejectionClass::SpentByAnother
                | RejectionClass::TooEarly
        );
        let Some(slash) = self.slashes.get_mut(&stake) else { return AfterRefusal::Wait };
        slash.is_refused = true;
        if output == SlashedOutput::Staking && may_end && !slash.is_other_tried {
            slash.is_other_tried = true;
            return AfterRefusal::TryOther;
        }
        if may_end && slash.refused_rounds < PATIENCE { AfterRefusal::Wait } else { AfterRefusal::Tell }
    }
}
