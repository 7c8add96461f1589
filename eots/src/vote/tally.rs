//! Counting the votes of one height.

use std::collections::BTreeMap;

use secp256k1::XOnlyPublicKey;

use super::{Evidence, FinalityVote, NoEvidence, VoteError};
use crate::commitment::RandomnessCommitment;
use crate::context::Dialect;

/// The voting power of the finality providers at a height: the satoshis actively delegated to each one that has a timestamped
/// commitment, is not jailed and not slashed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VotingPower(BTreeMap<XOnlyPublicKey, u64>);

impl VotingPower {
    /// The power of a provider; 0 when it has none.
    pub fn of(&self, public_key: &XOnlyPublicKey) -> u64 {
        self.0.get(public_key).copied().unwrap_or(0)
    }

    /// The power of all.
    pub fn total(&self) -> u128 {
        self.0.values().fold(0, |sum, power| sum.saturating_add(u128::from(*power)))
    }
}

impl FromIterator<(XOnlyPublicKey, u64)> for VotingPower {
    /// A key that comes twice has the power that came last.
    fn from_iter<I: IntoIterator<Item = (XOnlyPublicKey, u64)>>(powers: I) -> Self {
        Self(powers.into_iter().collect())
    }
}

/// The votes of one height on one chain: which block is final, who equivocated, and the evidence.
#[derive(Debug, Clone)]
pub struct Tally<D: Dialect> {
    context: D::Context,
    height: u64,
    power: VotingPower,
    votes: BTreeMap<XOnlyPublicKey, FinalityVote<D>>,
    evidence: BTreeMap<XOnlyPublicKey, Evidence<D>>,
}

/// What became of a vote.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Counted<D: Dialect> {
    /// It is the provider's first vote at this height, and counts.
    New,
    /// The provider voted for the same block before: nothing changes.
    Again,
    /// The provider voted for another block before: its secret key is out.
    Equivocation(Box<Evidence<D>>),
}

/// A vote that is not counted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TallyError {
    /// It is for another height.
    #[error("the vote is at height {vote}, and the votes of height {tally} are counted")]
    OtherHeight {
        /// The vote's height.
        vote: u64,
        /// The height that is counted.
        tally: u64,
    },
    /// It is for another chain.
    #[error("the vote is for another chain: its signing context differs")]
    OtherContext,
    /// The provider has no voting power at this height.
    #[error("the finality provider {0} has no voting power at this height")]
    NoPower(XOnlyPublicKey),
    /// It does not verify.
    #[error(transparent)]
    Invalid(#[from] VoteError),
    /// It contradicts an earlier vote in a way that proves nothing.
    #[error(transparent)]
    NoEvidence(#[from] NoEvidence),
}

impl<D: Dialect> Tally<D> {
    /// Counts the votes at `height` on the chain of `context` (`()` on genesis), with this table of voting power.
    pub const fn new(context: D::Context, height: u64, power: VotingPower) -> Self {
        Self { context, height, power, votes: BTreeMap::new(), evidence: BTreeMap::new() }
    }

    /// Verifies a vote against the provider's commitment, and counts it. A provider's first vote counts; a second one for another block is
    /// kept as evidence, and does not count.
    ///
    /// # Errors
    /// [`TallyError`] names why the vote is not counted; nothing has changed then.
    pub fn add(&mut self, vote: FinalityVote<D>, commitment: &RandomnessCommitment) -> Result<Counted<D>, TallyError> {
        if vote.message.height() != self.height {
            return Err(TallyError::OtherHeight { vote: vote.message.height(), tally: self.height });
        }
        if *vote.message.context() != self.context {
            return Err(TallyError::OtherContext);
        }
        if self.power.of(&vote.public_key) == 0 {
            return Err(TallyError::NoPower(vote.public_key));
        }
        vote.verify(commitment)?;
        match self.votes.get(&vote.public_key) {
            None => {
                self.votes.insert(vote.public_key, vote);
                Ok(Counted::New)
            }
            Some(first) if first.message.block_hash() == vote.message.block_hash() => Ok(Counted::Again),
            Some(first) => {
                let evidence = Evidence::from_votes(first, &vote)?;
                // The first evidence is as good as any later one.
                self.evidence.entry(vote.public_key).or_insert(evidence);
                Ok(Counted::Equivocation(Box::new(evidence)))
            }
        }
    }

    /// The power that voted for a block.
    pub fn power_for(&self, block_hash: &[u8; 32]) -> u128 {
        let voters = self.votes.values().filter(|vote| vote.message.block_hash() == block_hash);
        voters.fold(0, |sum, vote| sum.saturating_add(u128::from(self.power.of(&vote.public_key))))
    }

    /// The block that more than two thirds of the voting power has voted for; `None` while there is none.
    pub fn final_block(&self) -> Option<[u8; 32]> {
        let needed = self.power.total().saturating_mul(2);
        let blocks = self.votes.values().map(|vote| *vote.message.block_hash());
        blocks.into_iter().find(|block| self.power_for(block).saturating_mul(3) > needed)
    }

    /// The votes that count, by provider.
    pub fn votes(&self) -> impl Iterator<Item = &FinalityVote<D>> {
        self.votes.values()
    }

    /// The evidence against each provider that equivocated at this height.
    pub fn evidence(&self) -> impl Iterator<Item = &Evidence<D>> {
        self.evidence.values()
    }
}
