//! Counting the votes of one height.

use std::collections::BTreeMap;

use secp256k1::XOnlyPublicKey;

use super::{Evidence, FinalityVote, NoEvidence, VoteError};
use crate::commitment::RandomnessCommitment;
use crate::context::Dialect;

/// The voting power of the finality providers at a height: the satoshis actively delegated to each one that
/// has a timestamped commitment, is not jailed and not slashed.
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
///
/// A vote counts for the block it is for, also when its provider votes for another block as well. So the
/// verdict depends on the votes alone and not on their order, and a final block stays final; two blocks are
/// final only if providers with more than a third of the power equivocated, and there is evidence against
/// each. Every valid vote is kept, and one who equivocated can make as many as it likes: whoever takes votes
/// from strangers drops those of a provider against whom it has evidence.
#[derive(Debug, Clone)]
pub struct Tally<D: Dialect> {
    context: D::Context,
    height: u64,
    power: VotingPower,
    /// By block and provider.
    votes: BTreeMap<([u8; 32], XOnlyPublicKey), FinalityVote<D>>,
    /// The first vote of each provider is for this block.
    first: BTreeMap<XOnlyPublicKey, [u8; 32]>,
    evidence: BTreeMap<XOnlyPublicKey, Evidence<D>>,
}

/// What became of a vote.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Counted<D: Dialect> {
    /// It is the provider's first vote at this height.
    New,
    /// The provider voted for the same block before: nothing changes.
    Again,
    /// The provider voted for another block before: its secret key is out. The vote counts all the same.
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
    /// Counts the votes at `height` on the chain of `context` (`()` on genesis), with this table of voting
    /// power.
    pub const fn new(context: D::Context, height: u64, power: VotingPower) -> Self {
        Self {
            context,
            height,
            power,
            votes: BTreeMap::new(),
            first: BTreeMap::new(),
            evidence: BTreeMap::new(),
        }
    }

    /// Verifies a vote against the provider's commitment, and counts it. The second vote of a provider, for
    /// another block, is evidence.
    ///
    /// # Errors
    /// [`TallyError`] names why the vote is not counted; nothing has changed then.
    pub fn add(
        &mut self,
        vote: FinalityVote<D>,
        commitment: &RandomnessCommitment,
    ) -> Result<Counted<D>, TallyError> {
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
        let (provider, block) = (vote.public_key, *vote.message.block_hash());
        if self.votes.contains_key(&(block, provider)) {
            return Ok(Counted::Again);
        }
        let counted = match self.first.get(&provider).and_then(|first| self.votes.get(&(*first, provider))) {
            None => Counted::New,
            Some(first) => {
                let evidence = Evidence::from_votes(first, &vote)?;
                // The first evidence is as good as any later one.
                self.evidence.entry(provider).or_insert(evidence);
                Counted::Equivocation(Box::new(evidence))
            }
        };
        self.first.entry(provider).or_insert(block);
        self.votes.insert((block, provider), vote);
        Ok(counted)
    }

    /// The power that voted for a block.
    pub fn power_for(&self, block_hash: &[u8; 32]) -> u128 {
        let voters = self.votes.keys().filter(|(block, _)| block == block_hash);
        voters.fold(0, |sum, (_, provider)| sum.saturating_add(u128::from(self.power.of(provider))))
    }

    /// The blocks that more than two thirds of the voting power has voted for, ascending: none yet, or one.
    /// More than one is the failure of the chain that [`evidence`](Self::evidence) is for.
    pub fn final_blocks(&self) -> Vec<[u8; 32]> {
        let needed = self.power.total().saturating_mul(2);
        let mut power: BTreeMap<[u8; 32], u128> = BTreeMap::new();
        for (block, provider) in self.votes.keys() {
            let sum = power.entry(*block).or_default();
            *sum = sum.saturating_add(u128::from(self.power.of(provider)));
        }
        power.into_iter().filter(|(_, sum)| sum.saturating_mul(3) > needed).map(|(block, _)| block).collect()
    }

    /// The votes, by block and provider.
    pub fn votes(&self) -> impl Iterator<Item = &FinalityVote<D>> {
        self.votes.values()
    }

    /// The evidence against each provider that equivocated at this height.
    pub fn evidence(&self) -> impl Iterator<Item = &Evidence<D>> {
        self.evidence.values()
    }
}
