//! The signer that records nothing, behind the trait.

use core::num::NonZeroUsize;

use eots::{SecretKey, SecretRandomness};

use crate::{
    ConsumerHeight, Evidence, FinalityVote, InvalidCommitment, PossessionMessage, RandomnessSchedule,
    RandomnessTree, Signer, SignerChain, SignerError as _, SigningContext, UnprotectedSigner,
    UnprotectedSignerError, VoteMessage,
};

fn key() -> SecretKey {
    SecretKey::from_bytes(&[1; 32]).unwrap()
}

fn chains() -> [SignerChain; 2] {
    [SignerChain::genesis("bbn-1"), SignerChain::consumer("rollup-1", "bbn-1", "bbn1contract")]
}

fn range(count: u32, interval: u64) -> RandomnessSchedule {
    RandomnessSchedule::new(ConsumerHeight(10), count, interval).unwrap()
}

/// What a provider's daemon does, with nothing but the trait.
fn vote(signer: &impl Signer, message: VoteMessage) -> FinalityVote {
    let leaves = signer.public_randomness(range(5, 1)).unwrap();
    let tree = RandomnessTree::new(ConsumerHeight(10), &leaves).unwrap();
    let signed = signer.vote(&message).unwrap();
    let vote = FinalityVote {
        public_key: signer.public_key(),
        message,
        public_randomness: signed.public_randomness,
        proof: tree.prove(message.height()).unwrap(),
        signature: signed.signature,
    };
    let outside = VoteMessage::new(*message.context(), ConsumerHeight(15), [1; 32]);
    let [proven, outside] = signer.prove_votes(range(5, 1), &[message, outside]).unwrap().try_into().unwrap();
    assert_eq!(proven.unwrap(), vote);
    assert!(outside.unwrap_err().is_refusal());
    vote
}

#[test]
fn signer_commits_and_votes() {
    for chain in chains() {
        let signer = UnprotectedSigner::new(key(), chain.clone());
        assert_eq!(signer.public_key(), *key().public_key());
        let signed = signer.commit(range(5, 1)).unwrap();
        signed.verify(&signer.public_key(), &chain.commitment_context).unwrap();
        let message = VoteMessage::new(chain.vote_context, ConsumerHeight(12), [1; 32]);
        let first = vote(&signer, message);
        first.verify(&signed.commitment).unwrap();
        // The same as without the trait: the same randomness, the same bytes.
        let chain_id = chain.chain_id.as_bytes();
        let tree = RandomnessTree::derive(&key(), chain_id, range(5, 1), NonZeroUsize::MIN, |_| {}).unwrap();
        let randomness = SecretRandomness::derive(&key(), chain_id, 12);
        let proof = tree.prove(ConsumerHeight(12)).unwrap();
        assert_eq!(FinalityVote::sign(&key(), randomness, message, proof).unwrap(), first);
        // Nothing keeps this signer from a second vote.
        let second = vote(&signer, VoteMessage::new(chain.vote_context, ConsumerHeight(12), [2; 32]));
        let evidence = Evidence::from_votes(&first, &second).unwrap();
        assert_eq!(evidence.extract().unwrap().public_key(), key().public_key());
    }
}

#[test]
fn signer_refuses_votes_of_another_chain() {
    let [genesis, consumer] = chains();
    for (chain, other) in [(&genesis, &consumer), (&consumer, &genesis)] {
        let signer = UnprotectedSigner::new(key(), chain.clone());
        let message = VoteMessage::new(other.vote_context, ConsumerHeight(12), [1; 32]);
        let refused =
            UnprotectedSignerError::OtherContext { found: other.vote_context, expected: chain.vote_context };
        assert_eq!(signer.vote(&message), Err(refused));
    }
    // A context for commitments is not valid for votes.
    let signer = UnprotectedSigner::new(key(), consumer.clone());
    let message = VoteMessage::new(consumer.commitment_context, ConsumerHeight(12), [1; 32]);
    assert!(matches!(signer.vote(&message), Err(UnprotectedSignerError::OtherContext { .. })));
}

#[test]
fn signer_refuses_ranges_that_cannot_be_committed() {
    let signer = UnprotectedSigner::new(key(), SignerChain::genesis("bbn-1"));
    let refused = |range| signer.commit(range).unwrap_err();
    assert_eq!(refused(range(0, 1)), InvalidCommitment::Empty.into());
    assert_eq!(refused(range(5, 2)), InvalidCommitment::Sparse { interval: 2 }.into());
    assert_eq!(signer.public_randomness(range(5, 2)).unwrap().len(), 5, "a list may have gaps");
}

#[test]
fn signer_proves_possession() {
    let signer = UnprotectedSigner::new(key(), SignerChain::genesis("bbn-1"));
    let address = "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm".parse().unwrap();
    let message = PossessionMessage::new(SigningContext::GENESIS, address).unwrap();
    let signature = signer.prove_possession(&message).unwrap();
    assert!(message.verify_bip340(&signer.public_key(), &signature));
}

#[test]
fn signer_does_not_show_its_key() {
    let secret: [u8; 32] = core::array::from_fn(|i| 0x91 ^ u8::try_from(i).unwrap().wrapping_mul(57));
    let signer =
        UnprotectedSigner::new(SecretKey::from_bytes(&secret).unwrap(), SignerChain::genesis("bbn-1"));
    let shown = format!("{signer:?} {signer:#?} {signer:x?}").to_lowercase();
    assert!(secret.chunks(4).all(|chunk| !shown.contains(&hex::encode(chunk))), "{shown}");
    let decimal: Vec<String> = secret.iter().map(u8::to_string).collect();
    let squeezed: String = shown.chars().filter(|c| !c.is_whitespace()).collect();
    assert!(decimal.chunks(4).all(|chunk| !squeezed.contains(&chunk.join(","))), "{shown}");
}
