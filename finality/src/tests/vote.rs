//! Votes, evidence and tallies, on Babylon Genesis and on consumer chains.

use eots::{SecretKey, SecretRandomness};
use proptest::prelude::*;
use secp256k1::{Parity, XOnlyPublicKey};

use super::any_key;
use crate::{
    CommitmentError, ConsumerHeight, DuplicateVoter, Evidence, FinalityVote, NoEvidence, Operation,
    RandomnessCommitment, RandomnessSchedule, RandomnessTree, SigningContext, Tally, TallyError, VoteError,
    VoteMessage, VoteOutcome, VoteSigningError, Voter, VotingPower,
};

const CHAIN: &[u8] = b"chain";

fn key(n: u8) -> SecretKey {
    SecretKey::from_bytes(&[n; 32]).unwrap()
}

fn tree(key: &SecretKey) -> RandomnessTree {
    let schedule = RandomnessSchedule::new(ConsumerHeight(10), 5, 1).unwrap();
    RandomnessTree::new(ConsumerHeight(10), &schedule.public_randomness(key, CHAIN)).unwrap()
}

fn commitment(key: &SecretKey) -> RandomnessCommitment {
    tree(key).commitment()
}

fn vote(key: &SecretKey, message: VoteMessage) -> FinalityVote {
    let randomness = SecretRandomness::derive(key, CHAIN, message.height().to_u64());
    let proof = tree(key).prove(message.height()).unwrap();
    FinalityVote::sign(key, randomness, message, proof).unwrap()
}

fn genesis(key: &SecretKey, height: u64, block: u8) -> FinalityVote {
    vote(key, message(height, [block; 32]))
}

fn message(height: u64, block_hash: [u8; 32]) -> VoteMessage {
    VoteMessage::new(SigningContext::GENESIS, ConsumerHeight(height), block_hash)
}

fn consumer_message(context: SigningContext, height: u64, block_hash: [u8; 32]) -> VoteMessage {
    VoteMessage::new(context, ConsumerHeight(height), block_hash)
}

fn context(chain_id: &str) -> SigningContext {
    SigningContext::consumer(Operation::FinalityVote, chain_id, "cosmos1contract")
}

fn voter(key: &SecretKey, power_sat: u64) -> Voter {
    Voter { public_key: *key.public_key(), power_sat, commitment: commitment(key) }
}

fn power<'a>(powers: impl IntoIterator<Item = (&'a SecretKey, u64)>) -> VotingPower {
    VotingPower::new(powers.into_iter().map(|(key, power)| voter(key, power))).unwrap()
}

#[test]
fn messages_are_context_height_and_block() {
    let plain = message(258, [7; 32]);
    let bytes = [&[0, 0, 0, 0, 0, 0, 1, 2], [7u8; 32].as_slice()].concat();
    assert_eq!(plain.to_bytes(), bytes);
    let consumer = consumer_message(context("c"), 258, [7; 32]);
    assert_eq!(consumer.to_bytes(), [context("c").to_string().as_bytes(), &bytes].concat());
}

#[test]
fn votes_with_one_context_are_not_valid_with_another() {
    let (alice, c) = (key(1), context("c"));
    let plain = genesis(&alice, 11, 1);
    let consumer = vote(&alice, consumer_message(c, 11, [1; 32]));
    plain.verify(&commitment(&alice)).unwrap();
    consumer.verify(&commitment(&alice)).unwrap();
    let crossed = FinalityVote { signature: plain.signature, ..consumer.clone() };
    assert!(matches!(
        crossed.verify(&commitment(&alice)),
        Err(VoteError::Signature { height: ConsumerHeight(11), .. })
    ));
    let other = FinalityVote { message: consumer_message(context("d"), 11, [1; 32]), ..consumer };
    assert!(other.verify(&commitment(&alice)).is_err());
}

#[test]
fn votes_need_the_committed_randomness() {
    let (alice, bob) = (key(1), key(2));
    let good = genesis(&alice, 11, 1);
    let refused = |vote: &FinalityVote, commitment| match vote.verify(&commitment) {
        Err(VoteError::Commitment { source, .. }) => source,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&good, commitment(&bob)), CommitmentError::WrongRoot);
    let elsewhere = FinalityVote { message: message(12, [1; 32]), ..good.clone() };
    assert!(matches!(refused(&elsewhere, commitment(&alice)), CommitmentError::WrongLeaf { .. }));
    let after = FinalityVote { message: message(15, [1; 32]), ..good.clone() };
    assert!(matches!(refused(&after, commitment(&alice)), CommitmentError::HeightNotCommitted { .. }));
    let other = SecretRandomness::derive(&alice, CHAIN, 12);
    let public = *other.public_randomness();
    let error = FinalityVote::sign(&alice, other, good.message, good.proof.clone()).unwrap_err();
    assert_eq!(error, VoteSigningError::OtherRandomness(public));
    let other = FinalityVote { public_randomness: public, ..good };
    assert!(matches!(refused(&other, commitment(&alice)), CommitmentError::WrongPublicRandomness(_)));
}

proptest! {
    #[test]
    fn evidence_reveals_the_key(alice in any_key(), height in 10u64..15, a: [u8; 32], b: [u8; 32]) {
        prop_assume!(a != b);
        let first = vote(&alice, message(height, a));
        let second = vote(&alice, message(height, b));
        let evidence = Evidence::from_votes(&first, &second).unwrap();
        evidence.verify().unwrap();
        let extracted = evidence.extract().unwrap();
        prop_assert_eq!(extracted.with_parity(alice.parity()).to_bytes(), alice.to_bytes());

        let c = context("c");
        let first = vote(&alice, consumer_message(c, height, a));
        let second = vote(&alice, consumer_message(c, height, b));
        let evidence = Evidence::from_votes(&second, &first).unwrap();
        prop_assert_eq!(evidence.extract().unwrap().to_bytes(), alice.with_parity(Parity::Even).to_bytes());
    }

    /// Final when more than two thirds voted for it: judged by exact arithmetic on the side.
    #[test]
    fn tally_is_final_above_two_thirds(
        powers in prop::collection::vec(prop_oneof![1u64..1000, Just(u64::MAX)], 1..8),
        votes in prop::collection::vec(0u8..3, 8),
    ) {
        let keys: Vec<_> = (1..=powers.len() as u8).map(key).collect();
        let power = power(keys.iter().zip(powers.iter().copied()));
        let mut tally = Tally::new(SigningContext::GENESIS, ConsumerHeight(12), power);
        let mut sums = [0u128; 3];
        for ((key, block), power) in keys.iter().zip(&votes).zip(&powers) {
            prop_assert_eq!(tally.add(genesis(key, 12, *block)), Ok(VoteOutcome::New));
            prop_assert_eq!(tally.add(genesis(key, 12, *block)), Ok(VoteOutcome::Again));
            sums[usize::from(*block)] += u128::from(*power);
        }
        let total: u128 = powers.iter().map(|power| u128::from(*power)).sum();
        let is_final = |block: &u8| 3 * sums[usize::from(*block)] > 2 * total;
        let expected: Vec<_> = (0u8..3).filter(is_final).map(|block| [block; 32]).collect();
        prop_assert!(expected.len() <= 1);
        prop_assert_eq!(tally.final_blocks(), expected);
    }

    /// The verdict is that of the votes, whatever their order, also with equivocators among the voters.
    #[test]
    fn tally_does_not_depend_on_the_order_of_votes(
        powers in prop::collection::vec(1u64..4, 1..6),
        votes in prop::collection::vec((any::<prop::sample::Index>(), 0u8..3), 0..12),
        seed: u64,
    ) {
        let keys: Vec<_> = (1..=powers.len() as u8).map(key).collect();
        let power = power(keys.iter().zip(powers.iter().copied()));
        let tally = |votes: &[(prop::sample::Index, u8)]| {
            let mut tally = Tally::new(SigningContext::GENESIS, ConsumerHeight(12), power.clone());
            for (provider, block) in votes {
                let key = &keys[provider.index(keys.len())];
                tally.add(genesis(key, 12, *block)).unwrap();
            }
            let offenders: Vec<_> = tally.evidence().map(|evidence| evidence.public_key).collect();
            let powers = [[0; 32], [1; 32], [2; 32]].map(|block| tally.power_for(&block));
            (tally.final_blocks(), powers, offenders)
        };
        let mut shuffled = votes.clone();
        shuffled.sort_by_key(|(provider, block)| {
            seed.wrapping_mul(provider.index(1000) as u64 + 7).rotate_left(u32::from(*block))
        });
        prop_assert_eq!(tally(&votes), tally(&shuffled));
        let backwards: Vec<_> = votes.iter().rev().copied().collect();
        prop_assert_eq!(tally(&votes), tally(&backwards));
    }
}

#[test]
fn evidence_refuses_votes_that_prove_nothing() {
    let (alice, bob, c, d) = (key(1), key(2), context("c"), context("d"));
    let evidence = |a: &FinalityVote, b: &FinalityVote| Evidence::from_votes(a, b).unwrap_err();
    let (a, b) = (genesis(&alice, 11, 1), genesis(&alice, 11, 2));
    assert_eq!(evidence(&a, &a), NoEvidence::SameBlock);
    assert_eq!(
        evidence(&a, &genesis(&alice, 12, 2)),
        NoEvidence::DifferentHeights(ConsumerHeight(11), ConsumerHeight(12))
    );
    assert!(matches!(evidence(&a, &genesis(&bob, 11, 2)), NoEvidence::DifferentKeys(..)));
    let mut other = b.clone();
    other.public_randomness = *SecretRandomness::derive(&alice, CHAIN, 12).public_randomness();
    assert!(matches!(evidence(&a, &other), NoEvidence::DifferentRandomness(..)));
    let mut forged = b.clone();
    forged.signature = a.signature;
    assert!(matches!(evidence(&a, &forged), NoEvidence::Invalid(_)));
    assert!(matches!(evidence(&forged, &a), NoEvidence::Invalid(_)));
    let consumer = |context, block| vote(&alice, consumer_message(context, 11, [block; 32]));
    let error = Evidence::from_votes(&consumer(c, 1), &consumer(d, 2)).unwrap_err();
    assert_eq!(error, NoEvidence::DifferentContexts(c, d));
    // A stranger's evidence is checked in the same way.
    let mut evidence = Evidence::from_votes(&a, &b).unwrap();
    evidence.fork_signature = a.signature;
    assert!(evidence.verify().is_err() && evidence.extract().is_err());
}

#[test]
fn tally_names_who_equivocated() {
    let (alice, bob, carol, mallory) = (key(1), key(2), key(3), key(4));
    let power = power([(&alice, 10), (&bob, 10), (&carol, 10)]);
    let mut tally = Tally::new(SigningContext::GENESIS, ConsumerHeight(12), power);
    let mut add = |key: &SecretKey, height, block| tally.add(genesis(key, height, block));
    assert_eq!(add(&alice, 12, 1), Ok(VoteOutcome::New));
    assert_eq!(add(&bob, 12, 1), Ok(VoteOutcome::New));
    let Ok(VoteOutcome::Equivocation(evidence)) = add(&bob, 12, 2) else { panic!("not noticed") };
    assert_eq!(evidence.extract().unwrap().public_key(), bob.public_key());
    assert_eq!(
        add(&carol, 13, 1),
        Err(TallyError::OtherHeight { vote: ConsumerHeight(13), tally: ConsumerHeight(12) })
    );
    assert_eq!(add(&mallory, 12, 1), Err(TallyError::NoPower(*mallory.public_key())));
    let copied = FinalityVote { public_key: *carol.public_key(), ..genesis(&alice, 12, 1) };
    assert!(matches!(tally.add(copied), Err(TallyError::Invalid(_))));
    assert_eq!(tally.final_blocks(), [[0; 32]; 0], "two thirds are not more than two thirds");
    assert_eq!(tally.add(genesis(&carol, 12, 1)), Ok(VoteOutcome::New));
    assert_eq!(tally.final_blocks(), [[1; 32]]);
    assert_eq!(
        (tally.power_for(&[1; 32]), tally.power_for(&[2; 32])),
        (30, 10),
        "a vote counts for its block"
    );
    let offenders: Vec<&XOnlyPublicKey> = tally.evidence().map(|evidence| &evidence.public_key).collect();
    assert_eq!(offenders, [bob.public_key()]);
    assert_eq!(tally.votes().count(), 4);
    // A third of the power or more on both sides makes two final blocks, and evidence against each of those
    // who did it.
    for key in [&alice, &carol] {
        let added = tally.add(genesis(key, 12, 2));
        assert!(matches!(added, Ok(VoteOutcome::Equivocation(_))));
    }
    assert_eq!(tally.final_blocks(), [[1; 32], [2; 32]]);
    assert_eq!(tally.evidence().count(), 3);
}

/// A provider that committed twice to one height has one randomness in a tally: votes with the other do not
/// count, whichever comes first, so both nodes that hold the same table come to the same verdict.
#[test]
fn provider_with_two_commitments_cannot_split_a_tally() {
    let (alice, bob, carol) = (key(1), key(2), key(3));
    let other_list = RandomnessSchedule::new(ConsumerHeight(10), 5, 1).unwrap();
    let other_list =
        RandomnessTree::new(ConsumerHeight(10), &other_list.public_randomness(&alice, b"other")).unwrap();
    let by_other_list = |block| {
        let randomness = SecretRandomness::derive(&alice, b"other", 12);
        let proof = other_list.prove(ConsumerHeight(12)).unwrap();
        FinalityVote::sign(&alice, randomness, message(12, [block; 32]), proof).unwrap()
    };
    by_other_list(2).verify(&other_list.commitment()).unwrap();
    let verdict = |alice_voter: Voter, votes: [FinalityVote; 4]| {
        let voters = [alice_voter, voter(&bob, 10), voter(&carol, 10)];
        let power = VotingPower::new(voters).unwrap();
        let mut tally = Tally::new(SigningContext::GENESIS, ConsumerHeight(12), power);
        let counted =
            votes.map(|vote| tally.add(vote).is_ok()).into_iter().filter(|counted| *counted).count();
        (counted, tally.final_blocks(), [1, 2].map(|block| tally.power_for(&[block; 32])))
    };
    let votes = || [genesis(&alice, 12, 1), by_other_list(2), genesis(&bob, 12, 1), genesis(&carol, 12, 1)];
    let turned = |by: usize| {
        let mut turned = votes();
        turned.rotate_left(by);
        turned
    };
    for by in 0..4 {
        assert_eq!(verdict(voter(&alice, 10), turned(by)), (3, vec![[1; 32]], [30, 0]), "{by}");
        let other = Voter { commitment: other_list.commitment(), ..voter(&alice, 10) };
        assert_eq!(verdict(other, turned(by)), (3, vec![], [20, 10]), "{by}");
    }
}

#[test]
fn voting_power_table_has_no_key_twice() {
    let (alice, bob) = (key(1), key(2));
    for twice in [[voter(&alice, 1), voter(&bob, 1), voter(&alice, 1)], [1, 2, 3].map(|n| voter(&alice, n))] {
        let error = VotingPower::new(twice).unwrap_err();
        assert_eq!(error, DuplicateVoter(*alice.public_key()));
        let key = alice.public_key();
        assert_eq!(
            error.to_string(),
            format!("the finality provider {key} is listed twice; must be listed once")
        );
    }
    assert_eq!(VotingPower::new([voter(&alice, 1), voter(&bob, 2)]).unwrap().total(), 3);
}

#[test]
fn tally_counts_one_chain() {
    let alice = key(1);
    let mut tally = Tally::new(context("c"), ConsumerHeight(12), power([(&alice, 1)]));
    let other = vote(&alice, consumer_message(context("d"), 12, [1; 32]));
    let refused = TallyError::OtherContext { vote: context("d"), tally: context("c") };
    assert_eq!(tally.add(other), Err(refused));
    let genesis = genesis(&alice, 12, 1);
    let refused = TallyError::OtherContext { vote: SigningContext::GENESIS, tally: context("c") };
    assert_eq!(tally.add(genesis.clone()), Err(refused));
    // Nor does Babylon Genesis count a consumer chain's vote.
    let mut tally = Tally::new(SigningContext::GENESIS, ConsumerHeight(12), power([(&alice, 1)]));
    let consumer = vote(&alice, consumer_message(context("c"), 12, [1; 32]));
    let refused = TallyError::OtherContext { vote: context("c"), tally: SigningContext::GENESIS };
    assert_eq!(tally.add(consumer), Err(refused));
    assert_eq!(tally.add(genesis), Ok(VoteOutcome::New));
}

/// The key leaks all the same when one signs at one height of Babylon Genesis and of a consumer chain that
/// has its chain id; but it did not vote for two blocks of one chain, so there is no evidence.
#[test]
fn votes_with_two_contexts_are_no_evidence() {
    let alice = key(1);
    let (plain, c) = (genesis(&alice, 11, 1), context("c"));
    let consumer = vote(&alice, consumer_message(c, 11, [2; 32]));
    let error = Evidence::from_votes(&plain, &consumer).unwrap_err();
    assert_eq!(error, NoEvidence::DifferentContexts(SigningContext::GENESIS, c));
    let error = Evidence::from_votes(&consumer, &plain).unwrap_err();
    assert_eq!(error, NoEvidence::DifferentContexts(c, SigningContext::GENESIS));
    let evidence = Evidence {
        public_key: *alice.public_key(),
        public_randomness: plain.public_randomness,
        canonical: plain.message,
        canonical_signature: plain.signature,
        fork: consumer.message,
        fork_signature: consumer.signature,
    };
    assert_eq!(evidence.verify(), Err(NoEvidence::DifferentContexts(SigningContext::GENESIS, c)));
    assert_eq!(evidence.extract().unwrap().public_key(), alice.public_key());
}

/// An error prints its cause or returns it as its source, not both.
#[test]
fn causes_of_vote_errors_are_their_sources() {
    use core::error::Error;
    let (alice, bob) = (key(1), key(2));
    let good = genesis(&alice, 11, 1);
    let uncommitted = good.verify(&commitment(&bob)).unwrap_err();
    let forged =
        FinalityVote { signature: genesis(&alice, 11, 2).signature, ..good }.verify(&commitment(&alice));
    for error in [uncommitted, forged.unwrap_err()] {
        let cause = error.source().unwrap().to_string();
        assert!(!error.to_string().contains(&cause), "{error}: {cause}");
    }
}

#[test]
fn a_message_is_read_back_from_its_bytes() {
    let consumer = SigningContext::consumer(Operation::FinalityVote, "test-1", "bbn1addr");
    for context in [SigningContext::GENESIS, consumer] {
        let message = VoteMessage::new(context, ConsumerHeight(u64::MAX), [7; 32]);
        let bytes = message.to_bytes();
        assert_eq!(VoteMessage::from_bytes(context, &bytes), Ok(message));
        let short = bytes.get(..bytes.len() - 1).unwrap();
        let long = [bytes.as_slice(), &[0]].concat();
        for wrong in [short, &long, &[], context.as_bytes()] {
            let error = VoteMessage::from_bytes(context, wrong).unwrap_err();
            assert_eq!(error.found, wrong.len());
        }
    }
    // A consumer chain's message is none of Babylon Genesis, nor the other way round.
    let genesis = VoteMessage::new(SigningContext::GENESIS, ConsumerHeight(1), [7; 32]).to_bytes();
    let other = VoteMessage::new(consumer, ConsumerHeight(1), [7; 32]).to_bytes();
    let text = VoteMessage::from_bytes(consumer, &genesis).unwrap_err().to_string();
    assert!(text.contains("40 bytes") && text.contains("signing context"), "{text}");
    let text = VoteMessage::from_bytes(SigningContext::GENESIS, &other).unwrap_err().to_string();
    assert!(text.contains("104 bytes") && !text.contains("signing context"), "{text}");
}
