//! A provider that votes: its randomness, its votes and its equivocation.

use std::num::NonZeroUsize;

use babylon::Message;
use babylon::node::ChainNode as _;
use babylon::query;
use eots::{SecretKey, SecretRandomness};
use finality::{
    ConsumerHeight, Evidence, FinalityVote, RandomnessSchedule, RandomnessTree, SignedCommitment,
    SigningContext, VoteMessage,
};

use crate::devnet::Devnet;
use crate::network::CHAIN_ID;

/// The randomness of the next heights, and the message that commits to it.
pub(crate) fn commit(devnet: &Devnet, key: &SecretKey) -> (RandomnessTree, Message) {
    let start = devnet.network.rpc.status().unwrap().height.saturating_add(5);
    let schedule = RandomnessSchedule::new(start, 2_000, 1).unwrap();
    let tree = RandomnessTree::derive(key, CHAIN_ID.as_bytes(), schedule, NonZeroUsize::MIN, |_| {}).unwrap();
    let signature = tree.commitment().sign(key, &SigningContext::GENESIS).unwrap();
    let commitment = SignedCommitment { commitment: tree.commitment(), signature };
    let address = devnet.account().address().clone();
    let message = Message::commit_randomness(&address, key.public_key(), &commitment);
    (tree, message)
}

/// A provider of which the chain has a timestamped commitment.
pub(crate) struct Voter<'a> {
    devnet: &'a Devnet,
    key: SecretKey,
    tree: RandomnessTree,
    /// The first height at which it has power.
    pub(crate) first: ConsumerHeight,
}

impl<'a> Voter<'a> {
    /// Commits to the randomness of the next heights, and timestamps that by own checkpoints. The provider's
    /// stake is active already.
    pub(crate) fn begin(devnet: &'a Devnet, key: SecretKey) -> Self {
        let (tree, message) = commit(devnet, &key);
        devnet.send(&[message]);
        Self::timestamp(devnet, key, tree)
    }

    /// Timestamps a commitment that the chain has.
    pub(crate) fn timestamp(devnet: &'a Devnet, key: SecretKey, tree: RandomnessTree) -> Self {
        let node = &devnet.network.rpc;
        let found = query::commitments(node, key.public_key()).unwrap();
        assert_eq!(found[0].commitment, tree.commitment());
        assert_eq!(query::activated_height(node).unwrap(), None);
        devnet.finalize_epochs(found[0].epoch);
        devnet.network.wait("the provider has power", || query::activated_height(node).unwrap().is_some());
        let first = query::activated_height(node).unwrap().unwrap();
        Self { devnet, key, tree, first }
    }

    /// A vote for this hash, whatever the block of the height is.
    pub(crate) fn vote(&self, height: ConsumerHeight, hash: [u8; 32]) -> Message {
        let randomness = SecretRandomness::derive(&self.key, CHAIN_ID.as_bytes(), height.to_u64());
        let message = VoteMessage::new(SigningContext::GENESIS, height, hash);
        let proof = self.tree.prove(height).unwrap();
        let vote = FinalityVote::sign(&self.key, randomness, message, proof).unwrap();
        Message::vote(self.devnet.account().address(), &vote).unwrap()
    }

    /// Votes for the AppHashes of so many blocks from the first on, which makes them final: nobody else has
    /// power. Returns the votes, and the last height.
    pub(crate) fn finalize(&self, blocks: u64) -> (Vec<Message>, ConsumerHeight) {
        let node = &self.devnet.network.rpc;
        let last = self.first.saturating_add(blocks.saturating_sub(1));
        self.devnet.network.wait("there are blocks to vote on", || node.status().unwrap().height > last);
        let vote = |height| {
            let height = ConsumerHeight(height);
            let header = node.header(height).unwrap().unwrap();
            assert_eq!(self.devnet.network.gateway.header(height).unwrap().unwrap(), header);
            let known = query::finality_block(node, height).unwrap().unwrap();
            assert_eq!(known.app_hash, header.app_hash);
            self.vote(height, header.app_hash)
        };
        let votes: Vec<_> = (self.first.to_u64()..=last.to_u64()).map(vote).collect();
        self.devnet.send(&votes);
        let is_final = || query::finality_block(node, last).unwrap().unwrap().is_final;
        self.devnet.network.wait("they are final", is_final);
        (votes, last)
    }

    /// Votes for another block of a height that it has voted at, and returns the chain's evidence.
    pub(crate) fn equivocate(&self, height: ConsumerHeight) -> Evidence {
        let (node, provider) = (&self.devnet.network.rpc, self.key.public_key());
        assert_eq!(query::evidence(node, provider).unwrap(), None);
        self.devnet.send(&[self.vote(height, [0xee; 32])]);
        let evidence = query::evidence(node, provider).unwrap().unwrap();
        assert_eq!(evidence, query::evidence(&self.devnet.network.gateway, provider).unwrap().unwrap());
        assert_eq!(query::evidences(node, ConsumerHeight(0)).unwrap(), [evidence]);
        assert!(query::finality_provider(node, provider).unwrap().unwrap().is_slashed);
        evidence
    }
}
