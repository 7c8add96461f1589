//! What a chain's rules remember, and the changes of it that a caller stores.

use std::collections::{BTreeMap, BTreeSet};

use secp256k1::XOnlyPublicKey;

use super::answer::HeightRanges;
use super::liveness::SigningRecord;
use super::rollup::RateBucket;
use crate::height::{ConsumerHeight, UnixTime};

/// A block of the chain, as far as its rules look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Its height.
    pub height: ConsumerHeight,
    /// Its time.
    pub time: UnixTime,
}

/// What the rules of one chain remember: plain data, to be stored by whoever runs them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
pub struct ChainState {
    /// The heights that are final.
    pub final_heights: HeightRanges,
    /// The heights that were passed over, as nobody voted there.
    pub passed_over: HeightRanges,
    /// The providers of the last active set.
    pub active: BTreeSet<XOnlyPublicKey>,
    /// Of each provider, how it votes, and whether it is jailed.
    pub signing: BTreeMap<XOnlyPublicKey, SigningRecord>,
    /// Who is slashed, and at which height its evidence is.
    pub slashed: BTreeMap<XOnlyPublicKey, ConsumerHeight>,
    /// How many messages each provider sent, where that is limited.
    pub buckets: BTreeMap<XOnlyPublicKey, RateBucket>,
}

/// One change of a [`ChainState`]. Applied in order to the state they were made from, the changes of a step
/// give the state after it; applied twice, they change nothing more.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(tag = "change", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Change {
    /// These heights became final.
    Final {
        /// The first.
        first: ConsumerHeight,
        /// The last.
        last: ConsumerHeight,
    },
    /// These heights were passed over: nobody voted there.
    PassedOver {
        /// The first.
        first: ConsumerHeight,
        /// The last.
        last: ConsumerHeight,
    },
    /// The small chain was reorganized: everything above this height is gone.
    Disconnected {
        /// The last height that stayed.
        to: ConsumerHeight,
    },
    /// A provider came into the active set.
    Entered {
        /// Who.
        provider: XOnlyPublicKey,
        /// From when on it is looked at; as before when absent.
        start_height: Option<ConsumerHeight>,
    },
    /// A provider left the active set.
    Left {
        /// Who.
        provider: XOnlyPublicKey,
    },
    /// A place in a provider's window was missed, or is missed no more.
    Missed {
        /// Who.
        provider: XOnlyPublicKey,
        /// The place.
        index: u64,
        /// Whether it was missed.
        missed: bool,
    },
    /// A provider's vote was taken.
    Voted {
        /// Whose.
        provider: XOnlyPublicKey,
        /// At which height.
        height: ConsumerHeight,
    },
    /// A provider's message was counted.
    Counted {
        /// Whose.
        provider: XOnlyPublicKey,
        /// The messages it sent.
        bucket: RateBucket,
    },
    /// A provider is jailed. What it missed is forgotten, so that it is not jailed again at once.
    Jailed {
        /// Who.
        provider: XOnlyPublicKey,
        /// Until when at least.
        until: UnixTime,
    },
    /// A provider is unjailed.
    Unjailed {
        /// Who.
        provider: XOnlyPublicKey,
        /// Whether its start and its last vote are forgotten.
        forgets: bool,
    },
    /// A provider is slashed, for good.
    Slashed {
        /// Who.
        provider: XOnlyPublicKey,
        /// At which height it equivocated.
        height: ConsumerHeight,
    },
    /// Providers have no power at these heights any more: the caller changes the active sets that it stored,
    /// by
    /// [`ActiveSet::without_power_of`](super::ActiveSet::without_power_of).
    PowerTaken {
        /// Who.
        providers: BTreeSet<XOnlyPublicKey>,
        /// The first height.
        first: ConsumerHeight,
        /// The last.
        last: ConsumerHeight,
    },
}

impl ChainState {
    /// Applies a change.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Final { first, last } => self.final_heights.insert(*first, *last),
            Change::PassedOver { first, last } => self.passed_over.insert(*first, *last),
            Change::Disconnected { to } => {
                self.final_heights.remove_above(*to);
                self.passed_over.remove_above(*to);
            }
            Change::Entered { provider, start_height } => {
                self.active.insert(*provider);
                let record = self.signing.entry(*provider).or_default();
                record.start_height = start_height.or(record.start_height);
            }
            Change::Left { provider } => {
                self.active.remove(provider);
            }
            Change::Missed { provider, index, missed } => {
                let record = self.signing.entry(*provider).or_default();
                if *missed {
                    record.missed.insert(*index);
                } else {
                    record.missed.remove(index);
                }
            }
            Change::Voted { provider, height } => {
                self.signing.entry(*provider).or_default().last_voted_height = Some(*height);
            }
            Change::Counted { provider, bucket } => {
                self.buckets.insert(*provider, *bucket);
            }
            Change::Jailed { provider, until } => {
                let record = self.signing.entry(*provider).or_default();
                record.jailed_until = Some(*until);
                record.missed.clear();
            }
            Change::Unjailed { provider, forgets } => {
                let record = self.signing.entry(*provider).or_default();
                record.jailed_until = None;
                if *forgets {
                    (record.start_height, record.last_voted_height) = (None, None);
                }
            }
            Change::Slashed { provider, height } => {
                self.slashed.entry(*provider).or_insert(*height);
            }
            Change::PowerTaken { .. } => {}
        }
    }

    /// Applies changes in order.
    pub fn apply_all<'a>(&mut self, changes: impl IntoIterator<Item = &'a Change>) {
        for change in changes {
            self.apply(change);
        }
    }

    /// Returns whether a provider is jailed.
    pub fn is_jailed(&self, provider: &XOnlyPublicKey) -> bool {
        self.signing.get(provider).is_some_and(|record| record.jailed_until.is_some())
    }

    /// Returns whether a provider is slashed.
    pub fn is_slashed(&self, provider: &XOnlyPublicKey) -> bool {
        self.slashed.contains_key(provider)
    }

    /// Returns the last height that is final.
    pub fn last_final_height(&self) -> Option<ConsumerHeight> {
        self.final_heights.last()
    }
}
