//! Evidence, as each implementation makes it.

use eots::{SecretKey, SecretRandomness};

use super::all;
use crate::rules::{Canonical, EvidenceState, equivocation, evidence_of};
use crate::{
    ConsumerHeight, FinalityVote, NoEvidence, RandomnessSchedule, RandomnessTree, SigningContext, VoteMessage,
};

const CHAIN: &[u8] = b"chain";
const KEPT: [u8; 32] = [1; 32];

fn vote_at(height: u64, block: u8) -> FinalityVote {
    let key = SecretKey::from_bytes(&[7; 32]).unwrap();
    let schedule = RandomnessSchedule::new(ConsumerHeight(10), 5, 1).unwrap();
    let tree = RandomnessTree::new(ConsumerHeight(10), &schedule.public_randomness(&key, CHAIN)).unwrap();
    let randomness = SecretRandomness::derive(&key, CHAIN, height);
    let message = VoteMessage::new(SigningContext::GENESIS, ConsumerHeight(height), [block; 32]);
    FinalityVote::sign(&key, randomness, message, tree.prove(ConsumerHeight(height)).unwrap()).unwrap()
}

/// The votes are for the chain's block 1, or for forks 2 and 3, in the order in which they come: what stands
/// as the canonical and as the fork's block, 0 where no vote for it came.
fn blocks(canonical: Canonical, votes: &[u8]) -> Option<(u8, u8)> {
    let votes: Vec<_> = votes.iter().map(|block| vote_at(11, *block)).collect();
    match evidence_of(canonical, &votes, Some(&KEPT)).unwrap() {
        EvidenceState::None => None,
        EvidenceState::ForkOnly(fork) => Some((0, fork.message.block_hash()[0])),
        EvidenceState::Complete(evidence) => {
            let key = evidence.extract().unwrap();
            assert_eq!(*key.public_key(), evidence.public_key, "complete evidence reveals the key");
            Some((evidence.canonical.block_hash()[0], evidence.fork.block_hash()[0]))
        }
    }
}

#[test]
fn each_chain_makes_its_own_evidence() {
    use Canonical::{FirstSeen, NoEvidence, OfTheChain};
    // (votes, the chains, the rollup)
    let cases: [(&[u8], _, _); 9] = [
        (&[], None, None),
        (&[1], None, None),
        (&[1, 1], None, None),
        (&[1, 2], Some((1, 2)), Some((1, 2))),
        // The fork first: stored alone, then complete, with the chain's own block canonical.
        (&[2], Some((0, 2)), None),
        (&[2, 1], Some((1, 2)), Some((2, 1))),
        // Two forks do not slash on the chains, which keep the last one.
        (&[2, 3], Some((0, 3)), Some((2, 3))),
        (&[2, 3, 1], Some((1, 3)), Some((2, 3))),
        (&[1, 2, 3], Some((1, 2)), Some((1, 2))),
    ];
    for (votes, chains, rollup) in cases {
        assert_eq!(blocks(OfTheChain, votes), chains, "{votes:?}");
        assert_eq!(blocks(FirstSeen, votes), rollup, "{votes:?}");
        assert_eq!(blocks(NoEvidence, votes), None);
        let named = equivocation(&votes.iter().map(|block| vote_at(11, *block)).collect::<Vec<_>>()).unwrap();
        assert_eq!(named.is_some(), rollup.is_some(), "an equivocator is named at once: {votes:?}");
    }
    let made: Vec<_> = all().iter().map(|rules| rules.rules().canonical()).collect();
    assert_eq!(made, [OfTheChain, OfTheChain, FirstSeen, NoEvidence]);
    let fork = [vote_at(11, 2)];
    assert_eq!(evidence_of(OfTheChain, &fork, None), Ok(EvidenceState::None), "no block, no vote taken");
}

#[test]
fn votes_that_are_no_pair_are_refused() {
    let two = [vote_at(11, 1), vote_at(12, 2)];
    let heights = NoEvidence::DifferentHeights(ConsumerHeight(11), ConsumerHeight(12));
    assert_eq!(evidence_of(Canonical::OfTheChain, &two, Some(&KEPT)), Err(heights));
    assert_eq!(equivocation(&two), Err(heights));
    let mut forged = [vote_at(11, 1), vote_at(11, 2)];
    forged[1].signature = forged[0].signature;
    assert!(matches!(evidence_of(Canonical::FirstSeen, &forged, None), Err(NoEvidence::Invalid(_))));
}

/// A commitment whose heights are five apart: leaf i is for start + 5 i, and read with another interval for
/// nothing.
#[test]
fn rollup_votes_prove_their_interval() {
    use std::num::NonZeroU64;

    let key = SecretKey::from_bytes(&[7; 32]).unwrap();
    let schedule = RandomnessSchedule::new(ConsumerHeight(101), 4, 5).unwrap();
    let leaves = schedule.public_randomness(&key, CHAIN);
    let tree = RandomnessTree::new(ConsumerHeight(101), &leaves).unwrap();
    let five = NonZeroU64::new(5).unwrap();
    for index in 0..4 {
        let height = ConsumerHeight(101 + 5 * index);
        let randomness = SecretRandomness::derive(&key, CHAIN, height.to_u64());
        let message = VoteMessage::new(SigningContext::GENESIS, height, KEPT);
        // The tree itself counts by ones.
        let proof = tree.prove(ConsumerHeight(101 + index)).unwrap();
        let vote = FinalityVote::sign(&key, randomness, message, proof).unwrap();
        vote.verify_with_interval(&tree.commitment(), five).unwrap();
        assert_eq!(vote.verify(&tree.commitment()).is_ok(), index == 0, "the first height is the same");
        let elsewhere = VoteMessage::new(SigningContext::GENESIS, ConsumerHeight(102 + 5 * index), KEPT);
        let moved = FinalityVote { message: elsewhere, ..vote };
        assert!(moved.verify_with_interval(&tree.commitment(), five).is_err());
    }
}
