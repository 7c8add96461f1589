//! A small consumer chain: its providers commit to randomness and vote at every height, and it finds evidence
//! when one equivocates.

use anyhow::{Context, bail, ensure};
use eots::XOnlyPublicKey;
use finality::{
    ConsumerHeight, Evidence, FinalityVote, RandomnessCommitment, RandomnessSchedule, RandomnessTree, Signer,
    SignerChain, SigningContext, Tally, VoteMessage, VoteOutcome, VoteSignature, Voter, VotingPower,
};
use sha2::{Digest, Sha256};

/// The chain's id, from which the randomness is derived.
pub(crate) const CHAIN_ID: &str = "btcstake-demo-1";
/// The first height, and how many heights the providers commit randomness for.
pub(crate) const FIRST_HEIGHT: ConsumerHeight = ConsumerHeight(1);
const COMMITTED: u32 = 16;
/// Every provider's voting power, in satoshis.
const POWER: u64 = 1_000_000;

/// A finality provider of the chain: its signer, and what it has committed to.
struct Provider<S> {
    signer: S,
    tree: RandomnessTree,
    commitment: RandomnessCommitment,
}

/// The chain: its blocks, and its providers with their signers.
pub(crate) struct ConsumerChain<S> {
    providers: Vec<Provider<S>>,
    blocks: Vec<[u8; 32]>,
}

/// Returns the chain as signers know it. Its signing contexts are empty, as on Babylon Genesis.
pub(crate) fn signer_chain() -> SignerChain {
    SignerChain::genesis(CHAIN_ID)
}

impl<S: Signer> ConsumerChain<S> {
    /// Returns a chain whose providers, with these signers, have committed to their randomness.
    pub(crate) fn new(signers: impl IntoIterator<Item = S>) -> anyhow::Result<Self> {
        let providers = signers.into_iter().map(Provider::new);
        Ok(Self { providers: providers.collect::<anyhow::Result<_>>()?, blocks: Vec::new() })
    }

    /// Returns how many providers there are.
    pub(crate) const fn providers(&self) -> usize {
        self.providers.len()
    }

    /// Returns how many heights the commitments cover.
    pub(crate) const fn committed(&self) -> u32 {
        COMMITTED
    }

    /// Makes the next block, on which every provider votes, and counts the votes; the block must then be
    /// final.
    pub(crate) fn next_block(&mut self) -> anyhow::Result<Tally> {
        let height = FIRST_HEIGHT.saturating_add(u64::try_from(self.blocks.len())?);
        let parent = self.blocks.last().copied().unwrap_or_default();
        let block_hash: [u8; 32] = Sha256::new().chain_update("block").chain_update(parent).finalize().into();
        self.blocks.push(block_hash);
        let voters = self.providers.iter().map(|provider| Voter {
            public_key: provider.signer.public_key(),
            power_sat: POWER,
            commitment: provider.commitment,
        });
        let mut tally = Tally::new(SigningContext::GENESIS, height, VotingPower::new(voters)?);
        for provider in &self.providers {
            tally.add(provider.vote(&provider.signer, height, block_hash)?)?;
        }
        ensure!(tally.final_blocks() == [block_hash], "all voted, but the block is not final");
        Ok(tally)
    }

    /// Returns a provider's vote for the newest block, as its signer signs it.
    #[cfg(feature = "signer")]
    pub(crate) fn vote(&self, voter: &XOnlyPublicKey) -> anyhow::Result<FinalityVote> {
        let block_hash = self.blocks.last().context("the chain has no block")?;
        let provider = self.provider(voter)?;
        provider.vote(&provider.signer, self.height()?, *block_hash)
    }

    /// Returns a provider's vote for a fork of the newest block, as its signer signs it.
    pub(crate) fn vote_for_fork(&self, voter: &XOnlyPublicKey) -> anyhow::Result<FinalityVote> {
        self.vote_for_fork_with(&self.provider(voter)?.signer)
    }

    /// Returns the vote of this signer's provider for a fork of the newest block.
    pub(crate) fn vote_for_fork_with(&self, signer: &impl Signer) -> anyhow::Result<FinalityVote> {
        let fork = Sha256::digest("a fork of the newest block").into();
        self.provider(&signer.public_key())?.vote(signer, self.height()?, fork)
    }

    fn provider(&self, public_key: &XOnlyPublicKey) -> anyhow::Result<&Provider<S>> {
        let found = self.providers.iter().find(|provider| provider.signer.public_key() == *public_key);
        found.context("the voter is not a provider of this chain")
    }

    /// Returns the height of the newest block.
    fn height(&self) -> anyhow::Result<ConsumerHeight> {
        Ok(ConsumerHeight(u64::try_from(self.blocks.len())?))
    }
}

/// Counts a second vote at one height, and returns the evidence that it must be.
pub(crate) fn second_vote(mut tally: Tally, vote: FinalityVote) -> anyhow::Result<Evidence> {
    match tally.add(vote)? {
        VoteOutcome::Equivocation(evidence) => Ok(*evidence),
        other => bail!("the second vote is not evidence: {other:?}"),
    }
}

impl<S: Signer> Provider<S> {
    /// Returns the provider with this signer, which has committed to its randomness.
    fn new(signer: S) -> anyhow::Result<Self> {
        let schedule = RandomnessSchedule::new(FIRST_HEIGHT, COMMITTED, 1)?;
        let signed = signer.commit(schedule)?;
        signed.verify(&signer.public_key(), &SigningContext::GENESIS)?;
        let tree = RandomnessTree::new(FIRST_HEIGHT, &signer.public_randomness(schedule)?)?;
        ensure!(tree.commitment() == signed.commitment, "the signer commits to other randomness");
        Ok(Self { signer, tree, commitment: signed.commitment })
    }

    /// Returns the vote for a block, which a signer of the provider's key signs with the randomness of the
    /// height.
    fn vote(
        &self,
        signer: &impl Signer,
        height: ConsumerHeight,
        block_hash: [u8; 32],
    ) -> anyhow::Result<FinalityVote> {
        let proof = self.tree.prove(height).context("no randomness is committed for this height")?;
        let message = VoteMessage::new(SigningContext::GENESIS, height, block_hash);
        let VoteSignature { public_randomness, signature } = signer.vote(&message)?;
        let public_key = signer.public_key();
        Ok(FinalityVote { public_key, message, public_randomness, proof, signature })
    }
}
