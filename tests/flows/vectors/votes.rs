//! Finality votes on Babylon Genesis and on consumer chains, and the evidence in two of them.

use eots::{SecretKey, SecretRandomness};
use finality::{
    ConsumerHeight, Evidence, FinalityVote, Operation, RandomnessCommitment, RandomnessProof, SigningContext,
    VoteMessage,
};
use serde::Deserialize;

use super::{Bytes, Hex, InContext, YCoordinate, cases};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vote {
    secret_key: Bytes<32>,
    public_key: Bytes<32>,
    chain_id: String,
    height: u64,
    block_hash: Bytes<32>,
    public_randomness: Bytes<32>,
    message: Hex,
    signature: Bytes<32>,
    commitment: Option<Commitment>,
}

/// What a vote is checked against.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Commitment {
    start_height: u64,
    count: u64,
    root: Bytes<32>,
    proof: Hex,
}

#[test]
fn votes_of_the_reference() {
    let (mut consumers, mut committed) = (0, 0);
    for (number, item) in cases::<InContext<Vote>>("votes", 300) {
        let context = item.context(Operation::FinalityVote);
        let vote = &item.case;
        let (height, hash) = (ConsumerHeight(vote.height), vote.block_hash.0);
        let other = SigningContext::consumer(Operation::RandomnessCommitment, "", "");
        let message = |context| VoteMessage::new(context, height, hash);
        check_vote(number, vote, message(context));
        refused(vote, message(other));
        if !context.is_genesis() {
            refused(vote, message(SigningContext::GENESIS));
        }
        consumers += usize::from(!context.is_genesis());
        committed += usize::from(vote.commitment.is_some());
    }
    assert_eq!((consumers, committed), (100, 100));
}

fn check_vote(number: usize, vote: &Vote, message: VoteMessage) {
    let key = vote.secret_key.secret_key();
    assert_eq!(*key.public_key(), vote.public_key.public_key(), "case {number}");
    assert_eq!(message.to_bytes(), vote.message.0, "case {number}");
    let randomness = || SecretRandomness::derive(&key, vote.chain_id.as_bytes(), vote.height);
    let public_randomness = vote.public_randomness.public_randomness();
    assert_eq!(*randomness().public_randomness(), public_randomness, "case {number}");
    let signature = vote.signature.signature();
    assert_eq!(eots::sign(&key, randomness(), &message.to_bytes()).unwrap(), signature, "case {number}");
    eots::verify(key.public_key(), &public_randomness, &message.to_bytes(), &signature).unwrap();

    if let Some(Commitment { start_height, count, root, proof }) = &vote.commitment {
        let commitment =
            RandomnessCommitment { start_height: ConsumerHeight(*start_height), count: *count, root: root.0 };
        let proof = RandomnessProof::from_protobuf(&proof.0).unwrap();
        let given = FinalityVote {
            public_key: *key.public_key(),
            message,
            public_randomness,
            proof: proof.clone(),
            signature,
        };
        given.verify(&commitment).unwrap();
        assert_eq!(FinalityVote::sign(&key, randomness(), message, proof).unwrap(), given, "case {number}");
    }
}

/// The vote's signature is none over this message.
fn refused(vote: &Vote, message: VoteMessage) {
    let (key, randomness) = (vote.public_key.public_key(), vote.public_randomness.public_randomness());
    eots::verify(&key, &randomness, &message.to_bytes(), &vote.signature.signature()).unwrap_err();
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Equivocation {
    secret_key: Bytes<32>,
    public_key: Bytes<32>,
    height: u64,
    public_randomness: Bytes<32>,
    canonical_block_hash: Bytes<32>,
    fork_block_hash: Bytes<32>,
    canonical_signature: Bytes<32>,
    fork_signature: Bytes<32>,
    extracted_key: Bytes<32>,
    /// The bytes of the chain's message, which our library has no need for.
    protobuf: Option<Hex>,
}

#[test]
fn evidence_of_the_reference() {
    let mut consumers = 0;
    for (number, item) in cases::<InContext<Equivocation>>("evidence", 72) {
        let context = item.context(Operation::FinalityVote);
        let case = &item.case;
        assert_eq!(case.protobuf.is_some(), context.is_genesis(), "case {number}");
        let height = ConsumerHeight(case.height);
        check_evidence(number, case, |hash| VoteMessage::new(context, height, hash));
        consumers += usize::from(!context.is_genesis());
    }
    assert_eq!(consumers, 24);
}

fn check_evidence(number: usize, case: &Equivocation, message: impl Fn([u8; 32]) -> VoteMessage) {
    let evidence = Evidence {
        public_key: case.public_key.public_key(),
        public_randomness: case.public_randomness.public_randomness(),
        canonical: message(case.canonical_block_hash.0),
        canonical_signature: case.canonical_signature.signature(),
        fork: message(case.fork_block_hash.0),
        fork_signature: case.fork_signature.signature(),
    };
    evidence.verify().unwrap();
    let key: SecretKey = evidence.extract().unwrap();
    assert_eq!(*key.to_bytes(), case.extracted_key.0, "case {number}");
    let signer = case.secret_key.secret_key();
    assert_eq!(signer.with_parity(YCoordinate::Even.into()).to_bytes(), key.to_bytes(), "case {number}");

    // The same from two votes as they are broadcast.
    let vote = |message, signature| FinalityVote {
        public_key: evidence.public_key,
        message,
        public_randomness: evidence.public_randomness,
        proof: RandomnessProof { total: 1, index: 0, leaf_hash: [0; 32], aunts: vec![] },
        signature,
    };
    let votes = (
        vote(evidence.canonical, evidence.canonical_signature),
        vote(evidence.fork, evidence.fork_signature),
    );
    assert_eq!(Evidence::from_votes(&votes.0, &votes.1).unwrap(), evidence, "case {number}");
}
