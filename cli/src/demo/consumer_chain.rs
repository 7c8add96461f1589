//! A small consumer chain: its providers commit to randomness and vote at every height, and it finds evidence
//! when one equivocates.

use anyhow::{Context, bail, ensure};
use eots::{SecretKey, XOnlyPublicKey};
use finality::{
    ConsumerHeight, Evidence, FinalityVote, RandomnessCommitment, RandomnessSchedule, RandomnessTree, Signer,
    SignerChain, SigningContext, Tally, UnprotectedSigner, VoteMessage, VoteOutcome, VoteSignature, Voter,
    VotingPower,
};
use sha2::{Digest, Sha256};

/// The chain's id, from which the randomness is derived.
const CHAIN_ID: &str = "btcstake-demo-1";
/// The first height, and how many heights the providers commit randomness for.
const FIRST_HEIGHT: ConsumerHeight = ConsumerHeight(1);
const COMMITTED: u32 = 16;
/// Every provider's voting power, in satoshis.
const POWER: u64 = 1_000_000;

/// A finality provider of the chain: its signer, which alone has the key, and what it has committed to.
struct Provider {
    /// Without a signing record, so that the provider can equivocate.
    signer: UnprotectedSigner,
    tree: RandomnessTree,
    commitment: RandomnessCommitment,
}

/// The chain: its blocks, and its providers with their signers.
pub(crate) struct ConsumerChain {
    providers: Vec<Provider>,
    blocks: Vec<[u8; 32]>,
}

impl ConsumerChain {
    /// Returns a chain whose providers, with these keys, have committed to their randomness.
    pub(crate) fn new(providers: &[SecretKey]) -> anyhow::Result<Self> {
        let providers = providers.iter().map(|key| {
            // The signing contexts are empty, as on Babylon Genesis.
            let chain = SignerChain::genesis(CHAIN_ID);
            Provider::new(UnprotectedSigner::new(key.clone(), chain))
        });
        Ok(Self { providers: providers.collect::<anyhow::Result<_>>()?, blocks: Vec::new() })
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
            tally.add(provider.vote(height, block_hash)?)?;
        }
        ensure!(tally.final_blocks() == [block_hash], "all voted, but the block is not final");
        Ok(tally)
    }

    /// Makes the offender vote for the next block and for a fork of it, and returns the evidence.
    pub(crate) fn equivocate(&mut self, offender: &XOnlyPublicKey) -> anyhow::Result<Evidence> {
        let mut tally = self.next_block()?;
        let height = ConsumerHeight(u64::try_from(self.blocks.len())?);
        let fork = Sha256::digest("a fork of the newest block").into();
        let offender = self.providers.iter().find(|provider| provider.signer.public_key() == *offender);
        let offender = offender.context("the offender is not a provider of this chain")?;
        // A signer with a signing record would refuse: the record has the first vote at this height.
        match tally.add(offender.vote(height, fork)?)? {
            VoteOutcome::Equivocation(evidence) => Ok(*evidence),
            other => bail!("the second vote is not evidence: {other:?}"),
        }
    }
}

impl Provider {
    /// Returns the provider with this signer, which has committed to its randomness.
    fn new(signer: UnprotectedSigner) -> anyhow::Result<Self> {
        let schedule = RandomnessSchedule::new(FIRST_HEIGHT, COMMITTED, 1)?;
        let signed = signer.commit(schedule)?;
        signed.verify(&signer.public_key(), &SigningContext::GENESIS)?;
        let tree = RandomnessTree::new(FIRST_HEIGHT, &signer.public_randomness(schedule)?)?;
        ensure!(tree.commitment() == signed.commitment, "the signer commits to other randomness");
        Ok(Self { signer, tree, commitment: signed.commitment })
    }

    /// Returns the vote for a block, which the signer signs with the randomness of the height.
    fn vote(&self, height: ConsumerHeight, block_hash: [u8; 32]) -> anyhow::Result<FinalityVote> {
        let proof = self.tree.prove(height).context("no randomness is committed for this height")?;
        let message = VoteMessage::new(SigningContext::GENESIS, height, block_hash);
        let VoteSignature { public_randomness, signature } = self.signer.vote(&message)?;
        let public_key = self.signer.public_key();
        Ok(FinalityVote { public_key, message, public_randomness, proof, signature })
    }
}
