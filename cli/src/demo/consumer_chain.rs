//! A small consumer chain: its providers commit to randomness and vote at every height, and it finds evidence
//! when one equivocates.

use std::num::NonZeroUsize;

use anyhow::{Context, bail, ensure};
use eots::{SecretKey, SecretRandomness, XOnlyPublicKey};
use finality::{
    ConsumerHeight, Evidence, FinalityVote, RandomnessCommitment, RandomnessSchedule, RandomnessTree,
    SigningContext, Tally, VoteMessage, VoteOutcome,
};
use sha2::{Digest, Sha256};

/// The chain's id, which enters the randomness.
const CHAIN_ID: &[u8] = b"btcstake-demo-1";
/// The first height, and how many heights the providers commit randomness for.
const FIRST_HEIGHT: ConsumerHeight = ConsumerHeight(1);
const COMMITTED: u32 = 16;
/// Every provider's voting power, in satoshis.
const POWER: u64 = 1_000_000;

/// A finality provider of the chain.
struct Provider {
    key: SecretKey,
    tree: RandomnessTree,
    commitment: RandomnessCommitment,
}

/// The chain, with its nodes' state and (for the demo) the providers' keys.
pub(crate) struct ConsumerChain {
    providers: Vec<Provider>,
    blocks: Vec<[u8; 32]>,
}

impl ConsumerChain {
    /// Returns a chain whose providers have committed to their randomness.
    pub(crate) fn new(providers: &[SecretKey]) -> anyhow::Result<Self> {
        let schedule = RandomnessSchedule::new(FIRST_HEIGHT, COMMITTED, 1)?;
        let providers = providers.iter().map(|key| {
            let tree = RandomnessTree::derive(key, CHAIN_ID, schedule, NonZeroUsize::MIN, |_| {})?;
            let commitment = tree.commitment();
            let signature = commitment.sign(key, &SigningContext::GENESIS)?;
            commitment.verify_signature(key.public_key(), &SigningContext::GENESIS, &signature)?;
            Ok(Provider { key: key.clone(), tree, commitment })
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
        let power = self.providers.iter().map(|provider| (*provider.key.public_key(), POWER)).collect();
        let mut tally = Tally::new(SigningContext::GENESIS, height, power);
        for provider in &self.providers {
            tally.add(provider.vote(height, block_hash)?, &provider.commitment)?;
        }
        ensure!(tally.final_blocks() == [block_hash], "all voted, but the block is not final");
        Ok(tally)
    }

    /// Makes the offender vote for a fork of the last block too, and returns the evidence.
    pub(crate) fn equivocate(&mut self, offender: &XOnlyPublicKey) -> anyhow::Result<Evidence> {
        let mut tally = self.next_block()?;
        let height = ConsumerHeight(u64::try_from(self.blocks.len())?);
        let fork = Sha256::digest("a fork of the newest block").into();
        let offender = self.providers.iter().find(|provider| provider.key.public_key() == offender);
        let offender = offender.context("the offender is not a provider of this chain")?;
        match tally.add(offender.vote(height, fork)?, &offender.commitment)? {
            VoteOutcome::Equivocation(evidence) => Ok(*evidence),
            other => bail!("the second vote is not evidence: {other:?}"),
        }
    }
}

impl Provider {
    /// Votes, with the randomness of the height: a second time too, since there is no signing record.
    fn vote(&self, height: ConsumerHeight, block_hash: [u8; 32]) -> anyhow::Result<FinalityVote> {
        let randomness = SecretRandomness::derive(&self.key, CHAIN_ID, height.to_u64());
        let proof = self.tree.prove(height).context("no randomness is committed for this height")?;
        Ok(FinalityVote::sign(
            &self.key,
            randomness,
            VoteMessage::new(SigningContext::GENESIS, height, block_hash),
            proof,
        )?)
    }
}
