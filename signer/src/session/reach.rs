//! Which heights are voted at: those committed to, and not far above the highest one.

use std::sync::{Mutex, PoisonError};

use finality::ConsumerHeight;

use super::SessionError;
use crate::protection::{HeightRange, LaneState};

/// How far above the highest height votes are signed, unless the rules say otherwise: about two days of
/// blocks of ten seconds.
const MOST_ABOVE: u64 = 20_000;

/// The rules of votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoteRules {
    /// Whether a height must be in a range that was committed to, here or elsewhere.
    pub committed_only: bool,
    /// How far a height may be above the highest one that was signed, or above the first committed one. Each
    /// vote raises the highest.
    pub most_above: u64,
}

impl Default for VoteRules {
    fn default() -> Self {
        Self { committed_only: true, most_above: MOST_ABOVE }
    }
}

/// What was read of a lane, so that a vote within it needs no other look at the store. It lags behind where
/// another signer shares the store, and then refuses at most: whoever is refused looks again.
#[derive(Debug, Default)]
pub(super) struct Reach(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    committed: Vec<HeightRange>,
    highest: Option<ConsumerHeight>,
}

impl Reach {
    /// Notes what the store says.
    pub(super) fn update(&self, state: LaneState) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.committed = state.committed;
        known.highest = known.highest.max(state.highest);
    }

    /// Notes that a height was signed.
    pub(super) fn signed(&self, height: ConsumerHeight) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.highest = known.highest.max(Some(height));
    }

    /// Checks a height.
    pub(super) fn check(&self, rules: VoteRules, height: ConsumerHeight) -> Result<(), SessionError> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let VoteRules { committed_only, most_above } = rules;
        if committed_only && !known.committed.iter().any(|range| range.contains(height)) {
            return Err(SessionError::NotCommitted { height });
        }
        // What is signed first, in a lane where nothing was, is a committed height.
        let highest = known.highest.or(known.committed.first().map(|range| range.first));
        if let Some(highest) = highest
            && height.blocks_after(highest).is_some_and(|above| above > most_above)
        {
            return Err(SessionError::TooFarAbove { height, highest, most_above });
        }
        Ok(())
    }
}
