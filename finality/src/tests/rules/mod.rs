//! The four rule sets: cases worked out by hand from the sources' rules, and where they must agree.

mod agree;
mod docs;
mod evidence;
mod finality;
mod liveness;
mod select;
mod voters;

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64};

use secp256k1::XOnlyPublicKey;

use super::sorted_keys;
use crate::ConsumerHeight;
use crate::rules::{
    ActiveSet, Candidate, CosmosRules, FinalityRules, GadgetRules, GenesisRules, Quorum, RateLimit,
    RollupRules, RuleSet, Votes,
};

fn genesis() -> GenesisRules {
    GenesisRules { activation_height: ConsumerHeight(1), ..GenesisRules::mainnet() }
}

fn rollup(interval: u64) -> RollupRules {
    RollupRules {
        min_pub_rand: NonZeroU64::MIN,
        rate_limit: RateLimit {
            interval_blocks: NonZeroU64::new(10).unwrap(),
            max_messages: NonZeroU32::new(3).unwrap(),
        },
        activation_height: ConsumerHeight(1),
        interval: NonZeroU64::new(interval).unwrap(),
        allowed: None,
        reader_quorum: Some(Quorum::MoreThanTwoThirds),
    }
}

fn gadget() -> GadgetRules {
    GadgetRules { enabled: true, activation_height: ConsumerHeight(1) }
}

/// All four, voted on at every height from 1 on.
fn all() -> Vec<RuleSet> {
    vec![
        RuleSet::BabylonGenesis(genesis()),
        RuleSet::CosmosContract(CosmosRules::default()),
        RuleSet::RollupContract(rollup(1)),
        RuleSet::Gadget(gadget()),
    ]
}

fn candidate(public_key: XOnlyPublicKey, power_sat: u64) -> Candidate {
    Candidate { public_key, power_sat, jailed: false, slashed: false, timestamped: true }
}

/// The first keys, ascending, with these powers.
fn candidates(powers: &[u64]) -> Vec<Candidate> {
    let keys = sorted_keys(powers.len());
    keys.into_iter().zip(powers).map(|(key, power)| candidate(key, *power)).collect()
}

fn set(powers: &[u64]) -> ActiveSet {
    gadget().select(&candidates(powers))
}

/// What a caller would have stored.
#[derive(Default)]
struct Stored {
    sets: BTreeMap<ConsumerHeight, ActiveSet>,
    voters: BTreeMap<ConsumerHeight, Vec<XOnlyPublicKey>>,
}

impl Votes for Stored {
    fn active_set(&self, height: ConsumerHeight) -> Option<&ActiveSet> {
        self.sets.get(&height)
    }

    fn voters(&self, height: ConsumerHeight) -> Vec<XOnlyPublicKey> {
        self.voters.get(&height).cloned().unwrap_or_default()
    }
}

impl Stored {
    /// The same powers at heights 1 to `tip`; those of these indexes voted at each.
    fn of(powers: &[u64], tip: u64, voted: impl Fn(u64) -> Vec<usize>) -> Self {
        let keys = sorted_keys(powers.len());
        let heights = || (1..=tip).map(ConsumerHeight);
        let voters = |height: ConsumerHeight| voted(height.0).into_iter().map(|index| keys[index]).collect();
        Self {
            sets: heights().map(|height| (height, set(powers))).collect(),
            voters: heights().map(|height| (height, voters(height))).collect(),
        }
    }
}
