//! The tally of the votes at one height.

use std::collections::BTreeMap;

use secp256k1::XOnlyPublicKey;

use super::{Evidence, FinalityVote, NoEvidence, VoteError};
use crate::commitment::RandomnessCommitment;
use crate::context::SigningContext;
use crate::height::ConsumerHeight;

/// A finality provider that may vote at a height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Voter {
    /// The provider's key.
    pub public_key: XOnlyPublicKey,
    /// The satoshis actively delegated to it.
    pub power_sat: u64,
    /// The timestamped commitment that covers the height. Its votes must use this one's randomness, so that
    /// no two of them can differ without being evidence.
    pub commitment: RandomnessCommitment,
}

/// The voting power of the finality providers at a height: of each one that has a timestamped commitment, is
/// not jailed and not slashed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VotingPower(BTreeMap<XOnlyPublicKey, Voter>);

/// Two voters have one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the finality provider {0} is listed twice; must be listed once")]
pub struct DuplicateVoter(pub XOnlyPublicKey);

impl VotingPower {
    /// Returns the table of these voters.
    ///
    /// # Errors
    /// [`DuplicateVoter`] when two have one key: which power, and which commitment, would be a guess.
    pub fn new(voters: impl IntoIterator<Item = Voter>) -> Result<Self, DuplicateVoter> {
        let mut table = BTreeMap::new();
        for voter in voters {
            if table.insert(voter.public_key, voter).is_some() {
                return Err(DuplicateVoter(voter.public_key));
            }
        }
        Ok(Self(table))
    }

    /// Returns the power of a provider, in satoshis; 0 when it has none.
    pub fn of(&self, public_key: &XOnlyPublicKey) -> u64 {
        self.0.get(public_key).map_or(0, |voter| voter.power_sat)
    }

    /// Returns the power of all providers, in satoshis.
    pub fn total(&self) -> u128 {
        self.0.values().fold(0, |sum, voter| sum.saturating_add(u128::from(voter.power_sat)))
    }
}

/// A tally of the votes at one height of one chain: which block is final, who equivocated, and the evidence.
///
/// A vote counts for its block, also when its provider votes for another block as well. So the result depends
/// on the votes and the commitments of the [`Voter`]s, not on any order, and a final block stays final; two
/// blocks are final only if providers with more than a third of the power equivocated, and there is evidence
/// against each. Every valid vote is kept, and an equivocating provider can make as many as it likes: whoever
/// takes votes from strangers should drop those of a provider against whom it has evidence.
#[derive(Debug, Clone)]
pub struct Tally {
    context: SigningContext,
    height: ConsumerHeight,
    power: VotingPower,
    /// By block and provider.
    votes: BTreeMap<([u8; 32], XOnlyPublicKey), FinalityVote>,
    /// The first vote of each provider is for this block.
    first: BTreeMap<XOnlyPublicKey, [u8; 32]>,
    evidence: BTreeMap<XOnlyPublicKey, Evidence>,
}

/// The outcome of a vote that is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum VoteOutcome {
    /// The vote is the provider's first one at this height.
    New,
    /// The provider voted for the same block before: nothing changes.
    Again,
    /// The provider voted for another block before, so its secret key can be extracted. The vote counts all
    /// the same.
    Equivocation(Box<Evidence>),
}

/// A reason why a vote is not counted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TallyError {
    /// The vote is for another height.
    #[error("the vote is at height {vote}; must be at {tally}")]
    OtherHeight {
        /// The vote's height.
        vote: ConsumerHeight,
        /// The height of the tally.
        tally: ConsumerHeight,
    },
    /// The vote has another signing context.
    #[error("the vote's signing context is {vote}; must be {tally}")]
    OtherContext {
        /// The vote's signing context.
        vote: SigningContext,
        /// The signing context of the tally.
        tally: SigningContext,
    },
    /// The provider has no voting power at this height.
    #[error("the finality provider {0} has voting power 0 at this height; must have some")]
    NoPower(XOnlyPublicKey),
    /// The vote does not verify.
    #[error(transparent)]
    Invalid(#[from] VoteError),
    /// The vote contradicts an earlier one in a way that proves nothing.
    #[error(transparent)]
    NoEvidence(#[from] NoEvidence),
}

impl Tally {
    /// Returns an empty tally, for votes at `height` with the signing context `context` and these voting
    /// powers.
    pub const fn new(context: SigningContext, height: ConsumerHeight, power: VotingPower) -> Self {
        Self {
            context,
            height,
            power,
            votes: BTreeMap::new(),
            first: BTreeMap::new(),
            evidence: BTreeMap::new(),
        }
    }

    /// Verifies a vote against its voter's commitment, and counts it. A provider's second vote, for another
    /// block, is evidence.
    ///
    /// # Errors
    /// [`TallyError`] names why the vote is not counted; nothing has changed then.
    pub fn add(&mut self, vote: FinalityVote) -> Result<VoteOutcome, TallyError> {
        if vote.message.height() != self.height {
            return Err(TallyError::OtherHeight { vote: vote.message.height(), tally: self.height });
        }
        if *vote.message.context() != self.context {
            return Err(TallyError::OtherContext { vote: *vote.message.context(), tally: self.context });
        }
        let voter = self.power.0.get(&vote.public_key).filter(|voter| voter.power_sat > 0);
        let voter = voter.ok_or(TallyError::NoPower(vote.public_key))?;
        vote.verify(&voter.commitment)?;
        let (provider, block) = (vote.public_key, *vote.message.block_hash());
        if self.votes.contains_key(&(block, provider)) {
            return Ok(VoteOutcome::Again);
        }
        let outcome = match self.first.get(&provider).and_then(|first| self.votes.get(&(*first, provider))) {
            None => VoteOutcome::New,
            Some(first) => {
                let evidence = Evidence::from_votes(first, &vote)?;
                // The first evidence is as good as any later one.
                self.evidence.entry(provider).or_insert(evidence);
                VoteOutcome::Equivocation(Box::new(evidence))
            }
        };
        self.first.entry(provider).or_insert(block);
        self.votes.insert((block, provider), vote);
        Ok(outcome)
    }

    /// Returns the power that voted for a block, in satoshis.
    pub fn power_for(&self, block_hash: &[u8; 32]) -> u128 {
        let voters = self.votes.keys().filter(|(block, _)| block == block_hash);
        voters.fold(0, |sum, (_, provider)| sum.saturating_add(u128::from(self.power.of(provider))))
    }

    /// Returns the blocks that more than two thirds of the voting power has voted for, ascending: none, or
    /// one. More than one is a failure of the chain, with [`evidence`](Self::evidence) against each provider
    /// that caused it.
    pub fn final_blocks(&self) -> Vec<[u8; 32]> {
        let needed = self.power.total().saturating_mul(2);
        let mut power: BTreeMap<[u8; 32], u128> = BTreeMap::new();
        for (block, provider) in self.votes.keys() {
            let sum = power.entry(*block).or_default();
            *sum = sum.saturating_add(u128::from(self.power.of(provider)));
        }
        power.into_iter().filter(|(_, sum)| sum.saturating_mul(3) > needed).map(|(block, _)| block).collect()
    }

    /// Returns the votes, by block and provider.
    pub fn votes(&self) -> impl Iterator<Item = &FinalityVote> {
        self.votes.values()
    }

    /// Returns the evidence against each provider that equivocated at this height.
    pub fn evidence(&self) -> impl Iterator<Item = &Evidence> {
        self.evidence.values()
    }
}
