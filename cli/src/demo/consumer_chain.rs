//! A small secured chain: its providers commit randomness and vote at every height, and it notices when one votes twice.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use eots::{
    InclusionProof, PublicRandomness, RandomnessCommitment, RandomnessSchedule, RandomnessTree, SecretKey,
    SecretRandomness, Signature, XOnlyPublicKey,
};
use sha2::{Digest, Sha256};

/// The chain's id, which enters the randomness.
const CHAIN_ID: &[u8] = b"btcstake-demo-1";
/// The first height, and how many heights the providers commit randomness for.
const FIRST_HEIGHT: u64 = 1;
const COMMITTED: u32 = 16;

/// A provider's vote for a block.
#[derive(Debug, Clone)]
pub(crate) struct Vote {
    pub(crate) public_key: XOnlyPublicKey,
    pub(crate) height: u64,
    pub(crate) block_hash: [u8; 32],
    pub(crate) public_randomness: PublicRandomness,
    pub(crate) proof: InclusionProof,
    pub(crate) signature: Signature,
}

/// Two votes of one provider at one height.
#[derive(Debug, Clone)]
pub(crate) struct Equivocation {
    pub(crate) canonical: Vote,
    pub(crate) fork: Vote,
}

/// A provider as it takes part in the chain.
struct Provider {
    key: SecretKey,
    tree: RandomnessTree,
    commitment: RandomnessCommitment,
}

/// The chain, with what its nodes know and (for the play) the providers' keys.
pub(crate) struct ConsumerChain {
    providers: Vec<Provider>,
    blocks: Vec<[u8; 32]>,
    votes: BTreeMap<(u64, [u8; 32]), Vote>,
}

/// What a vote signs on the genesis chain: `BE64(height) ‖ block hash`.
fn message(height: u64, block_hash: &[u8; 32]) -> Vec<u8> {
    [height.to_be_bytes().as_slice(), block_hash].concat()
}

impl ConsumerChain {
    /// A chain whose providers have committed their randomness.
    pub(crate) fn new(providers: &[SecretKey]) -> anyhow::Result<Self> {
        let schedule = RandomnessSchedule::new(FIRST_HEIGHT, COMMITTED, 1)?;
        let providers = providers
            .iter()
            .map(|key| {
                let tree = RandomnessTree::new(FIRST_HEIGHT, &schedule.public_randomness(key, CHAIN_ID));
                Provider { key: key.clone(), commitment: tree.commitment(), tree }
            })
            .collect();
        Ok(Self { providers, blocks: Vec::new(), votes: BTreeMap::new() })
    }

    /// How many heights the commitments cover.
    pub(crate) const fn committed(&self) -> u32 {
        COMMITTED
    }

    /// Makes the next block, on which every provider votes; returns its height and how many votes it has. It is final, as all voted.
    pub(crate) fn next_block(&mut self) -> anyhow::Result<(u64, usize)> {
        let height = u64::try_from(self.blocks.len())?.saturating_add(FIRST_HEIGHT);
        let parent = self.blocks.last().copied().unwrap_or_default();
        let block_hash = Sha256::new().chain_update("block").chain_update(parent).finalize().into();
        self.blocks.push(block_hash);
        let votes = self.providers.iter().map(|provider| provider.vote(height, block_hash));
        let votes = votes.collect::<anyhow::Result<Vec<_>>>()?;
        let count = votes.len();
        for vote in votes {
            ensure!(self.receive(vote)?.is_none(), "an honest vote was taken for an equivocation");
        }
        Ok((height, count))
    }

    /// The provider signs a fork of the newest block too, and the chain notices.
    pub(crate) fn equivocate(&mut self, offender: &XOnlyPublicKey) -> anyhow::Result<Equivocation> {
        let (height, _) = self.next_block()?;
        let fork = Sha256::digest("a fork of the newest block").into();
        let offender = self.providers.iter().find(|provider| provider.key.public_key() == offender);
        let vote = offender.context("the offender is no provider of this chain")?.vote(height, fork)?;
        self.receive(vote)?.context("the second vote was not noticed")
    }

    /// Checks a vote as a node of the chain does, without any secret; a second vote for another block is an equivocation.
    fn receive(&mut self, vote: Vote) -> anyhow::Result<Option<Equivocation>> {
        let provider = self.providers.iter().find(|provider| *provider.key.public_key() == vote.public_key);
        let commitment = provider.context("a vote from nobody")?.commitment;
        commitment.verify(vote.height, &vote.public_randomness, &vote.proof)?;
        let message = message(vote.height, &vote.block_hash);
        eots::verify(&vote.public_key, &vote.public_randomness, &message, &vote.signature)?;
        let place = (vote.height, vote.public_key.serialize());
        match self.votes.get(&place) {
            Some(canonical) if canonical.block_hash != vote.block_hash => {
                Ok(Some(Equivocation { canonical: canonical.clone(), fork: vote }))
            }
            Some(_) => Ok(None),
            None => {
                self.votes.insert(place, vote);
                Ok(None)
            }
        }
    }
}

impl Provider {
    /// Votes, with the randomness of the height: a second time too, since nothing here records the first.
    fn vote(&self, height: u64, block_hash: [u8; 32]) -> anyhow::Result<Vote> {
        let randomness = SecretRandomness::derive(&self.key, CHAIN_ID, height);
        let public_randomness = *randomness.public_randomness();
        let proof = self.tree.prove(height).context("no randomness is committed for this height")?;
        let signature = eots::sign(&self.key, randomness, &message(height, &block_hash))?;
        Ok(Vote { public_key: *self.key.public_key(), height, block_hash, public_randomness, proof, signature })
    }
}

impl Equivocation {
    /// What anyone can compute from the two votes: the offender's secret key.
    pub(crate) fn extract(&self) -> anyhow::Result<SecretKey> {
        let (a, b) = (&self.canonical, &self.fork);
        let (first, second) = (message(a.height, &a.block_hash), message(b.height, &b.block_hash));
        Ok(eots::extract(&a.public_key, &a.public_randomness, (&first, &a.signature), (&second, &b.signature))?)
    }
}
