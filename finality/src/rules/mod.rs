//! When is a block final, who may vote, who is jailed: four rule sets behind one trait.
//!
//! | rule set | of | source |
//! |---|---|---|
//! | [`GenesisRules`] | Babylon Genesis | babylon v4.3.1, `x/finality` |
//! | [`CosmosRules`] | the contracts for Cosmos chains | cosmos-bsn-contracts at 5b93a161 |
//! | [`RollupRules`] | the contract for rollups | rollup-bsn-contracts at e8eb40a |
//! | [`GadgetRules`] | the gadget that op-nodes ask | finality-gadget at 6b67aa5 |
//!
//! Where they differ is a table in `docs/finality-rules.md`; a test holds it and this code together.
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use finality::power::{CommitmentRecords, PowerTable, Provider, RecordedCommitment, TimestampMark};
//! use finality::rules::{
//!     ActiveSet, ChainState, Finality, GenesisRules, Moment, RuleSet, UnixTime, Votes,
//! };
//! use finality::{ConsumerHeight, RandomnessCommitment};
//! # use finality::eots::SecretKey;
//!
//! // What the caller stores: the active set of each height, and who voted for the chain's block.
//! #[derive(Default)]
//! struct Stored {
//!     sets: BTreeMap<ConsumerHeight, ActiveSet>,
//!     voters: BTreeMap<ConsumerHeight, Vec<finality::eots::secp256k1::XOnlyPublicKey>>,
//! }
//! impl Votes for Stored {
//!     fn active_set(&self, height: ConsumerHeight) -> Option<&ActiveSet> {
//!         self.sets.get(&height)
//!     }
//!     fn voters(&self, height: ConsumerHeight) -> Vec<finality::eots::secp256k1::XOnlyPublicKey> {
//!         self.voters.get(&height).cloned().unwrap_or_default()
//!     }
//! }
//!
//! # let alice = *SecretKey::from_bytes(&[1; 32])?.public_key();
//! let chosen = RuleSet::BabylonGenesis(GenesisRules::mainnet());
//! let (rules, mut state, mut stored) = (chosen.rules(), ChainState::default(), Stored::default());
//! let alone = Provider { public_key: alice, active_sat: 5_000_000, slashed: false, operator: None };
//! let table = PowerTable::new([alone])?;
//! let mut commitments = CommitmentRecords::new();
//! commitments.record(alice, RecordedCommitment {
//!     commitment: RandomnessCommitment { start_height: ConsumerHeight(27_600), count: 8192, root: [0; 32] },
//!     interval: 1.try_into()?,
//!     recorded: TimestampMark(76),
//! })?;
//!
//! let height = ConsumerHeight(27_600);
//! let candidates = state.candidates(rules, height, &table.ranked(), &commitments, TimestampMark(76));
//! let (set, changes) = state.begin_block(rules, height, &candidates);
//! stored.sets.insert(height, set);
//! state.apply_all(&changes);
//! assert_eq!(state.finality(rules, height), Finality::NotYet);
//! // Her vote was verified, and taken by `take_vote`.
//! stored.voters.insert(height, vec![alice]);
//! let changes = state.end_block(rules, &stored, Moment { height, time: UnixTime(1_744_000_000) });
//! state.apply_all(&changes);
//! assert_eq!(state.finality(rules, height), Finality::Final);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Nothing here does I/O or reads a clock. A [`ChainState`] is plain data: each step returns [`Change`]s,
//! which the caller stores and [`apply`](ChainState::apply)s. What the caller keeps by itself are the votes,
//! by height and provider, and the [`ActiveSet`] of each height; a [`Votes`] shows them to the tally.

mod active;
mod answer;
mod cosmos;
mod evidence;
mod gadget;
mod genesis;
mod liveness;
mod quorum;
mod resume;
mod rollup;
mod state;
mod steps;
mod voter;

pub use self::active::{ActiveSet, Candidate};
pub use self::answer::{Finality, FinalityOrder, HeightRanges, Votes};
pub use self::cosmos::CosmosRules;
pub use self::evidence::{Canonical, EvidenceState, equivocation, evidence_of};
pub use self::gadget::GadgetRules;
pub use self::genesis::GenesisRules;
pub use self::liveness::{
    InvalidShare, Liveness, SignedShare, SigningRecord, SigningWindow, UnjailRefusal, Unjailer,
};
pub use self::quorum::Quorum;
pub use self::resume::{Halt, ResumeProposal, ResumeRefusal};
pub use self::rollup::{RateBucket, RateLimit, RollupRules};
pub use self::state::{ChainState, Change, Moment};
pub use self::voter::{CommitmentFacts, CommitmentRefusal, VoteFacts, VoteRefusal, VoteTiming};

use crate::height::ConsumerHeight;
pub use crate::height::UnixTime;
use crate::power::{RecordedCommitment, TimestampMark};

/// The rules of a chain: what [`ChainState`] asks of each of the four.
pub trait FinalityRules {
    /// Returns the machine name.
    fn name(&self) -> &'static str;

    /// Returns the first height that is voted on.
    fn activation_height(&self) -> ConsumerHeight;

    /// Returns how many of a height's power it takes; `None` where nobody counts.
    fn quorum(&self) -> Option<Quorum>;

    /// Returns what a final or a non-final height means for the others.
    fn order(&self) -> FinalityOrder;

    /// Returns whether a height is voted on at all.
    fn is_voted_on(&self, height: ConsumerHeight) -> bool {
        height >= self.activation_height()
    }

    /// Returns which of two contradicting votes evidence calls canonical.
    fn canonical(&self) -> Canonical;

    /// Returns how providers that do not vote are jailed.
    fn liveness(&self) -> Liveness;

    /// Returns how many messages a provider may send, where that is limited.
    fn rate_limit(&self) -> Option<RateLimit> {
        None
    }

    /// Returns whether a governance proposal can end a halt.
    fn can_resume(&self) -> bool {
        false
    }

    /// Returns the providers that vote at a height, with their power. The order of the candidates does not
    /// matter.
    fn select(&self, candidates: &[Candidate]) -> ActiveSet;

    /// Returns whether a commitment may be used, when the past up to `finalized` is timestamped.
    fn is_usable(&self, recorded: &RecordedCommitment, finalized: TimestampMark) -> bool;

    /// Checks whether a vote is taken, before its signature is looked at.
    ///
    /// # Errors
    /// [`VoteRefusal`] names the first rule that is broken, in the implementation's order.
    fn check_vote(&self, facts: &VoteFacts) -> Result<(), VoteRefusal>;

    /// Checks whether a commitment is taken, before its signature is looked at.
    ///
    /// # Errors
    /// [`CommitmentRefusal`] names the first rule that is broken.
    fn check_commitment(&self, facts: &CommitmentFacts) -> Result<(), CommitmentRefusal>;
}

/// One of the four rule sets, as a configuration names it. There is no default.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(tag = "rules", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum RuleSet {
    /// Babylon Genesis.
    BabylonGenesis(GenesisRules),
    /// The Cosmos contract.
    CosmosContract(CosmosRules),
    /// The rollup contract.
    RollupContract(RollupRules),
    /// The gadget.
    Gadget(GadgetRules),
}

impl RuleSet {
    /// Returns the rules.
    pub fn rules(&self) -> &dyn FinalityRules {
        match self {
            Self::BabylonGenesis(rules) => rules,
            Self::CosmosContract(rules) => rules,
            Self::RollupContract(rules) => rules,
            Self::Gadget(rules) => rules,
        }
    }
}
