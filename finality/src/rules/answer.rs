//! Is it final: the answer by height, and what it is made of.

use secp256k1::XOnlyPublicKey;

use super::active::ActiveSet;
use crate::height::ConsumerHeight;

/// What a final or a non-final height means for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FinalityOrder {
    /// A height becomes final after all before it, but for those where nobody votes, which are passed over
    /// and never final. One that is not final holds up all after it. At most so many heights are looked at in
    /// one block.
    Sequential {
        /// The heights in one block.
        heights_per_block: u64,
    },
    /// Each height is final by itself.
    Alone,
    /// A final height makes all before it final, as its block names them as its ancestors.
    WithAncestors,
    /// Every height is called final, whoever votes.
    Unchecked,
}

/// The answer to *is this height final?*
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Finality {
    /// Enough power has voted for its block.
    Final,
    /// It may still become final.
    NotYet,
    /// Nobody voted there: it was passed over, and later heights are final.
    NeverFinal,
    /// It is below the activation height.
    BeforeActivation,
    /// The rule set counts no votes.
    NotCounted,
    /// The gadget's contract is not enabled, so the gadget calls every block final, without a vote.
    NotEnabled,
}

impl Finality {
    /// Returns whether votes made the height final.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Final)
    }

    /// Returns the gadget's yes or no: yes also while its contract is not enabled.
    pub const fn gadget_answer(self) -> bool {
        matches!(self, Self::Final | Self::NotEnabled)
    }
}

/// What the caller has stored of each height, as the tally needs it.
pub trait Votes {
    /// Returns the active set of a height, as it was written when the height began; `None` where none was.
    fn active_set(&self, height: ConsumerHeight) -> Option<&ActiveSet>;

    /// Returns the providers whose vote for the chain's block at this height was taken.
    fn voters(&self, height: ConsumerHeight) -> Vec<XOnlyPublicKey>;
}

/// A set of heights as ranges, ascending, none touching the next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct HeightRanges(Vec<(ConsumerHeight, ConsumerHeight)>);

impl HeightRanges {
    /// Returns no heights.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds the heights from `first` to `last`.
    pub fn insert(&mut self, first: ConsumerHeight, last: ConsumerHeight) {
        if last < first {
            return;
        }
        // Those that end just before the new range begins, or later, and begin just after it ends, or
        // earlier.
        let from = self.0.partition_point(|(_, end)| end.saturating_add(1) < first);
        let to = self.0.partition_point(|(start, _)| *start <= last.saturating_add(1)).max(from);
        let touched = self.0.get(from..to).unwrap_or_default();
        let first = touched.first().map_or(first, |(start, _)| first.min(*start));
        let last = touched.last().map_or(last, |(_, end)| last.max(*end));
        self.0.splice(from..to, [(first, last)]);
    }

    /// Returns whether a height is in the set.
    pub fn contains(&self, height: ConsumerHeight) -> bool {
        let at = self.0.partition_point(|(_, end)| *end < height);
        self.0.get(at).is_some_and(|(start, _)| *start <= height)
    }

    /// Returns the last height.
    pub fn last(&self) -> Option<ConsumerHeight> {
        self.0.last().map(|(_, end)| *end)
    }

    /// Returns the last height of the range that has this height.
    pub fn end_of(&self, height: ConsumerHeight) -> Option<ConsumerHeight> {
        let at = self.0.partition_point(|(_, end)| *end < height);
        self.0.get(at).filter(|(start, _)| *start <= height).map(|(_, end)| *end)
    }

    /// Removes all above a height, and returns the ranges removed.
    pub fn remove_above(&mut self, height: ConsumerHeight) -> Vec<(ConsumerHeight, ConsumerHeight)> {
        let at = self.0.partition_point(|(_, end)| *end <= height);
        let mut removed = self.0.split_off(at);
        if let Some((start, _)) = removed.first_mut()
            && *start <= height
        {
            self.0.push((*start, height));
            *start = height.saturating_add(1);
        }
        removed
    }

    /// Returns the ranges, each by its first and last height.
    pub fn ranges(&self) -> &[(ConsumerHeight, ConsumerHeight)] {
        &self.0
    }
}
