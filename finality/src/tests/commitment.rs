//! Commitments.

use eots::{PublicRandomness, SecretKey};
use proptest::prelude::*;
use secp256k1::{Message, SECP256K1};
use sha2::{Digest, Sha256};

use crate::{
    CommitmentError, ConsumerHeight, InvalidCommitment, InvalidProof, Operation, RandomnessCommitment,
    RandomnessProof, RandomnessSchedule, RandomnessTree, SigningContext,
};

/// RFC 6962, section 2.1, written down as it stands there: the judge of the tree built level by level.
fn merkle_tree_hash(leaves: &[PublicRandomness]) -> [u8; 32] {
    match leaves {
        [] => Sha256::digest(b"").into(),
        [leaf] => Sha256::digest([&[0], leaf.to_bytes().as_slice()].concat()).into(),
        _ => {
            let k = leaves.len().next_power_of_two() / 2;
            let (left, right) = (merkle_tree_hash(&leaves[..k]), merkle_tree_hash(&leaves[k..]));
            Sha256::digest([&[1], left.as_slice(), &right].concat()).into()
        }
    }
}

fn leaves(count: usize) -> Vec<PublicRandomness> {
    (0..count).map(|i| PublicRandomness::from_bytes(Sha256::digest(i.to_be_bytes()).into())).collect()
}

#[test]
fn commitment_proves_each_leaf_of_each_small_tree() {
    for count in 1..70 {
        let leaves = leaves(count);
        let tree = RandomnessTree::new(ConsumerHeight(1000), &leaves).unwrap();
        let commitment = tree.commitment();
        assert_eq!(commitment.root, merkle_tree_hash(&leaves), "{count} leaves");
        assert_eq!((commitment.start_height, commitment.count), (ConsumerHeight(1000), count as u64));
        for (leaf, height) in leaves.iter().zip((1000..).map(ConsumerHeight)) {
            commitment.verify(height, leaf, &tree.prove(height).unwrap()).unwrap();
        }
        assert_eq!(tree.prove(ConsumerHeight(999)), None);
        assert_eq!(tree.prove(ConsumerHeight(1000 + count as u64)), None);
    }
}

proptest! {
    #[test]
    fn proof_is_of_one_leaf_at_one_height(
        count in 1usize..40,
        at in any::<prop::sample::Index>(),
        bit in 0usize..256,
        aunt in any::<prop::sample::Index>(),
    ) {
        let leaves = leaves(count);
        let tree = RandomnessTree::new(ConsumerHeight(7), &leaves).unwrap();
        let commitment = tree.commitment();
        let index = at.index(count);
        let (height, leaf) = (ConsumerHeight(7 + index as u64), leaves[index]);
        let proof = tree.prove(height).unwrap();
        commitment.verify(height, &leaf, &proof).unwrap();

        prop_assert!(commitment.verify(height.saturating_add(1), &leaf, &proof).is_err());
        let refused = commitment.verify(ConsumerHeight(6), &leaf, &proof);
        let not_committed = matches!(refused, Err(CommitmentError::HeightNotCommitted { .. }));
        prop_assert!(not_committed);
        let mut other = leaf.to_bytes();
        other[bit / 8] ^= 1 << (bit % 8);
        let other = PublicRandomness::from_bytes(other);
        prop_assert_eq!(
            commitment.verify(height, &other, &proof),
            Err(CommitmentError::WrongPublicRandomness(other))
        );
        let mut longer = proof.clone();
        longer.aunts.push([0; 32]);
        prop_assert_eq!(commitment.verify(height, &leaf, &longer), Err(CommitmentError::WrongRoot));
        let mut total = proof.clone();
        total.total += 1;
        let refused = commitment.verify(height, &leaf, &total);
        let wrong_leaf = matches!(refused, Err(CommitmentError::WrongLeaf { .. }));
        prop_assert!(wrong_leaf);
        if !proof.aunts.is_empty() {
            let mut changed = proof.clone();
            changed.aunts[aunt.index(proof.aunts.len())][bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(commitment.verify(height, &leaf, &changed), Err(CommitmentError::WrongRoot));
            let mut shorter = proof.clone();
            shorter.aunts.pop();
            prop_assert_eq!(commitment.verify(height, &leaf, &shorter), Err(CommitmentError::WrongRoot));
        }
        let mut root = commitment;
        root.root[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(root.verify(height, &leaf, &proof), Err(CommitmentError::WrongRoot));
    }
}

#[test]
fn deriving_in_parallel_gives_the_same_tree() {
    let key = SecretKey::from_bytes(&[3; 32]).unwrap();
    for (count, interval) in [(1, 1), (1, 5), (7, 1), (2500, 1)] {
        let schedule = RandomnessSchedule::new(ConsumerHeight(100), count, interval).unwrap();
        let one_by_one =
            RandomnessTree::new(ConsumerHeight(100), &schedule.public_randomness(&key, b"chain")).unwrap();
        for threads in [1, 2, 5, usize::MAX] {
            let most = std::sync::atomic::AtomicU64::new(0);
            let report = |done| {
                most.fetch_max(done, std::sync::atomic::Ordering::Relaxed);
            };
            let tree = RandomnessTree::derive(&key, b"chain", schedule, threads.try_into().unwrap(), report)
                .unwrap();
            assert_eq!(tree.commitment(), one_by_one.commitment());
            assert_eq!(most.into_inner(), u64::from(count), "the last report says that all is done");
        }
        let proofs: Vec<_> = one_by_one.prove_all().collect();
        assert_eq!(proofs.len(), count as usize);
        assert!(
            proofs
                .iter()
                .zip((100..).map(ConsumerHeight))
                .all(|(proof, height)| one_by_one.prove(height).as_ref() == Some(proof))
        );
    }
}

/// The verifier counts heights by ones: randomness of every fifth height in the leaves would be asked for at
/// two heights.
#[test]
fn sparse_heights_are_not_committed_to() {
    let key = SecretKey::from_bytes(&[3; 32]).unwrap();
    let schedule = RandomnessSchedule::new(ConsumerHeight(100), 10, 5).unwrap();
    let one = std::num::NonZeroUsize::MIN;
    let error = RandomnessTree::derive(&key, b"chain", schedule, one, |_| {}).unwrap_err();
    assert_eq!(error, InvalidCommitment::Sparse { interval: 5 });
    let none = RandomnessSchedule::new(ConsumerHeight(100), 0, 1).unwrap();
    assert_eq!(RandomnessTree::derive(&key, b"c", none, one, |_| {}).unwrap_err(), InvalidCommitment::Empty);
}

/// What is too long for a proof is not decoded.
#[test]
fn proof_of_empty_siblings_is_refused_at_once() {
    let bytes = [0x22, 0].repeat(1 << 20);
    assert_eq!(RandomnessProof::from_protobuf(&bytes), Err(InvalidProof::TooLong(2 << 20)));
    // The longest there is: 100 siblings, numbers of full size.
    let longest = RandomnessProof {
        total: i64::MAX.unsigned_abs(),
        index: i64::MAX.unsigned_abs() - 1,
        leaf_hash: [1; 32],
        aunts: vec![[2; 32]; 100],
    };
    assert_eq!(RandomnessProof::from_protobuf(&longest.to_protobuf()).unwrap(), longest);
}

#[test]
fn commitments_are_signed_with_a_context() {
    let key = SecretKey::from_bytes(&[3; 32]).unwrap();
    let commitment = RandomnessCommitment { start_height: ConsumerHeight(5), count: 9, root: [7; 32] };
    let message = [5u64.to_be_bytes().as_slice(), &9u64.to_be_bytes(), &[7; 32]].concat();
    let context = SigningContext::consumer(Operation::RandomnessCommitment, "c", "a");
    let prefixed = [context.to_string().as_bytes(), &message].concat();
    let genesis = commitment.sign(&key, &SigningContext::GENESIS).unwrap();
    let consumer = commitment.sign(&key, &context).unwrap();
    for (signature, bytes) in [(&genesis, message), (&consumer, prefixed)] {
        let digest = Message::from_digest(Sha256::digest(bytes).into());
        SECP256K1.verify_schnorr(signature, &digest, key.public_key()).unwrap();
    }
    commitment.verify_signature(key.public_key(), &SigningContext::GENESIS, &genesis).unwrap();
    commitment.verify_signature(key.public_key(), &context, &consumer).unwrap();
    let crossed = commitment.verify_signature(key.public_key(), &SigningContext::GENESIS, &consumer);
    assert_eq!(crossed, Err(CommitmentError::InvalidSignature(*key.public_key())));
    let none = RandomnessCommitment { count: 0, ..commitment };
    assert_eq!(none.check(), Err(InvalidCommitment::Empty));
    let wraps = RandomnessCommitment { start_height: ConsumerHeight::MAX, count: 1, ..commitment };
    let past_the_end = InvalidCommitment::PastTheEnd { start_height: ConsumerHeight::MAX, count: 1 };
    assert_eq!(wraps.check(), Err(past_the_end));
    assert_eq!(wraps.sign(&key, &SigningContext::GENESIS), Err(CommitmentError::Invalid(past_the_end)));
    assert_eq!(RandomnessTree::new(ConsumerHeight::MAX, &leaves(1)).unwrap_err(), past_the_end);
    assert_eq!(RandomnessTree::new(ConsumerHeight(0), &[]).unwrap_err(), InvalidCommitment::Empty);
    assert_eq!(
        RandomnessCommitment { start_height: ConsumerHeight(u64::MAX - 1), count: 1, ..commitment }.check(),
        Ok(())
    );
    let other = RandomnessCommitment { count: 10, ..commitment };
    assert!(other.verify_signature(key.public_key(), &SigningContext::GENESIS, &genesis).is_err());
}

proptest! {
    #[test]
    fn proofs_travel_as_protobuf(count in 1usize..40, at in any::<prop::sample::Index>()) {
        let tree = RandomnessTree::new(ConsumerHeight(0), &leaves(count)).unwrap();
        let proof = tree.prove(ConsumerHeight(at.index(count) as u64)).unwrap();
        prop_assert_eq!(RandomnessProof::from_protobuf(&proof.to_protobuf()).unwrap(), proof);
    }

    #[test]
    fn proof_of_any_bytes_never_panics(bytes: Vec<u8>) {
        if let Ok(proof) = RandomnessProof::from_protobuf(&bytes) {
            let (start_height, count) = (ConsumerHeight(0), proof.total);
            let commitment = RandomnessCommitment { start_height, count, root: [0; 32] };
            let zeros = PublicRandomness::from_bytes([0; 32]);
            prop_assert!(commitment.verify(ConsumerHeight(proof.index), &zeros, &proof).is_err());
        }
    }
}

#[test]
fn protobuf_that_is_no_proof_is_refused() {
    let read = |bytes: &[u8]| RandomnessProof::from_protobuf(bytes).unwrap_err();
    assert!(matches!(read(&[0xff]), InvalidProof::Protobuf(_)));
    // total = -1; a leaf hash of one byte; an aunt of one byte; 101 aunts.
    let leaf = [&[0x1a, 32], [0u8; 32].as_slice()].concat();
    let negative = [&[0x08], [0xff; 9].as_slice(), &[0x01], &leaf].concat();
    assert_eq!(read(&negative), InvalidProof::Negative { field: "total", value: -1 });
    assert_eq!(read(&[0x1a, 1, 0]), InvalidProof::HashLength(1));
    assert_eq!(read(&[]), InvalidProof::HashLength(0));
    assert_eq!(read(&[leaf.as_slice(), &[0x22, 1, 0]].concat()), InvalidProof::HashLength(1));
    let aunt = [&[0x22, 32], [0u8; 32].as_slice()].concat();
    assert_eq!(read(&[leaf, aunt.repeat(101)].concat()), InvalidProof::TooManyAunts(101));
}
