//! Commitments.

use proptest::prelude::*;
use secp256k1::{Message, SECP256K1};
use sha2::{Digest, Sha256};

use crate::{
    CommitmentError, Consumer, Genesis, InclusionProof, InvalidCommitment, InvalidProof, Operation,
    PublicRandomness, RandomnessCommitment, RandomnessSchedule, RandomnessTree, Runway, RunwayError,
    SecretKey, SigningContext,
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
fn every_leaf_of_every_small_tree_is_proven() {
    for count in 1..70 {
        let leaves = leaves(count);
        let tree = RandomnessTree::new(1000, &leaves).unwrap();
        let commitment = tree.commitment();
        assert_eq!(commitment.root, merkle_tree_hash(&leaves), "{count} leaves");
        assert_eq!((commitment.start_height, commitment.count), (1000, count as u64));
        for (leaf, height) in leaves.iter().zip(1000..) {
            commitment.verify(height, leaf, &tree.prove(height).unwrap()).unwrap();
        }
        assert_eq!(tree.prove(999), None);
        assert_eq!(tree.prove(1000 + count as u64), None);
    }
}

proptest! {
    #[test]
    fn a_proof_proves_one_thing(count in 1usize..40, at in any::<prop::sample::Index>(), bit in 0usize..256, aunt in any::<prop::sample::Index>()) {
        let leaves = leaves(count);
        let tree = RandomnessTree::new(7, &leaves).unwrap();
        let commitment = tree.commitment();
        let index = at.index(count);
        let (height, leaf) = (7 + index as u64, leaves[index]);
        let proof = tree.prove(height).unwrap();
        commitment.verify(height, &leaf, &proof).unwrap();

        prop_assert!(commitment.verify(height + 1, &leaf, &proof).is_err());
        let not_committed = matches!(commitment.verify(6, &leaf, &proof), Err(CommitmentError::HeightNotCommitted { .. }));
        prop_assert!(not_committed);
        let mut other = leaf.to_bytes();
        other[bit / 8] ^= 1 << (bit % 8);
        let other = PublicRandomness::from_bytes(other);
        prop_assert_eq!(commitment.verify(height, &other, &proof), Err(CommitmentError::WrongPublicRandomness(other)));
        let mut longer = proof.clone();
        longer.aunts.push([0; 32]);
        prop_assert_eq!(commitment.verify(height, &leaf, &longer), Err(CommitmentError::WrongRoot));
        let mut total = proof.clone();
        total.total += 1;
        let wrong_leaf = matches!(commitment.verify(height, &leaf, &total), Err(CommitmentError::WrongLeaf { .. }));
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
        let schedule = RandomnessSchedule::new(100, count, interval).unwrap();
        let one_by_one = RandomnessTree::new(100, &schedule.public_randomness(&key, b"chain")).unwrap();
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
            proofs.iter().zip(100..).all(|(proof, height)| one_by_one.prove(height).as_ref() == Some(proof))
        );
    }
}

/// The verifier counts heights by ones: randomness of every fifth height in the leaves would be asked for at
/// two heights.
#[test]
fn sparse_heights_are_not_committed_to() {
    let key = SecretKey::from_bytes(&[3; 32]).unwrap();
    let schedule = RandomnessSchedule::new(100, 10, 5).unwrap();
    let one = std::num::NonZeroUsize::MIN;
    let error = RandomnessTree::derive(&key, b"chain", schedule, one, |_| {}).unwrap_err();
    assert_eq!(error, InvalidCommitment::Sparse { interval: 5 });
    let none = RandomnessSchedule::new(100, 0, 1).unwrap();
    assert_eq!(RandomnessTree::derive(&key, b"c", none, one, |_| {}).unwrap_err(), InvalidCommitment::Empty);
}

/// What is too long for a proof is not decoded.
#[test]
fn a_proof_of_empty_siblings_is_refused_at_once() {
    let bytes = [0x22, 0].repeat(1 << 20);
    assert_eq!(InclusionProof::from_protobuf(&bytes), Err(InvalidProof::TooLong(2 << 20)));
    // The longest there is: 100 siblings, numbers of full size.
    let longest = InclusionProof {
        total: i64::MAX.unsigned_abs(),
        index: i64::MAX.unsigned_abs() - 1,
        leaf_hash: [1; 32],
        aunts: vec![[2; 32]; 100],
    };
    assert_eq!(InclusionProof::from_protobuf(&longest.to_protobuf()).unwrap(), longest);
}

#[test]
fn commitments_are_signed_in_both_dialects() {
    let key = SecretKey::from_bytes(&[3; 32]).unwrap();
    let commitment = RandomnessCommitment { start_height: 5, count: 9, root: [7; 32] };
    let message = [5u64.to_be_bytes().as_slice(), &9u64.to_be_bytes(), &[7; 32]].concat();
    let context = SigningContext::new(Operation::RandomnessCommitment, "c", "a");
    let prefixed = [context.to_string().as_bytes(), &message].concat();
    let genesis = commitment.sign::<Genesis>(&key, &()).unwrap();
    let consumer = commitment.sign::<Consumer>(&key, &context).unwrap();
    for (signature, bytes) in [(&genesis, message), (&consumer, prefixed)] {
        let digest = Message::from_digest(Sha256::digest(bytes).into());
        SECP256K1.verify_schnorr(signature, &digest, key.public_key()).unwrap();
    }
    commitment.verify_signature::<Genesis>(key.public_key(), &(), &genesis).unwrap();
    commitment.verify_signature::<Consumer>(key.public_key(), &context, &consumer).unwrap();
    let crossed = commitment.verify_signature::<Genesis>(key.public_key(), &(), &consumer);
    assert_eq!(crossed, Err(CommitmentError::InvalidSignature(*key.public_key())));
    let none = RandomnessCommitment { count: 0, ..commitment };
    assert_eq!(none.check(), Err(InvalidCommitment::Empty));
    let wraps = RandomnessCommitment { start_height: u64::MAX, count: 1, ..commitment };
    let past_the_end = InvalidCommitment::PastTheEnd { start_height: u64::MAX, count: 1 };
    assert_eq!(wraps.check(), Err(past_the_end));
    assert_eq!(wraps.sign::<Genesis>(&key, &()), Err(past_the_end));
    assert_eq!(RandomnessTree::new(u64::MAX, &leaves(1)).unwrap_err(), past_the_end);
    assert_eq!(RandomnessTree::new(0, &[]).unwrap_err(), InvalidCommitment::Empty);
    assert_eq!(RandomnessCommitment { start_height: u64::MAX - 1, count: 1, ..commitment }.check(), Ok(()));
    let other = RandomnessCommitment { count: 10, ..commitment };
    assert!(other.verify_signature::<Genesis>(key.public_key(), &(), &genesis).is_err());
}

proptest! {
    #[test]
    fn proofs_travel_as_protobuf(count in 1usize..40, at in any::<prop::sample::Index>()) {
        let proof = RandomnessTree::new(0, &leaves(count)).unwrap().prove(at.index(count) as u64).unwrap();
        prop_assert_eq!(InclusionProof::from_protobuf(&proof.to_protobuf()).unwrap(), proof);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
        if let Ok(proof) = InclusionProof::from_protobuf(&bytes) {
            let commitment = RandomnessCommitment { start_height: 0, count: proof.total, root: [0; 32] };
            prop_assert!(commitment.verify(proof.index, &PublicRandomness::from_bytes([0; 32]), &proof).is_err());
        }
    }
}

#[test]
fn protobuf_that_is_no_proof() {
    let read = |bytes: &[u8]| InclusionProof::from_protobuf(bytes).unwrap_err();
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

#[test]
fn runways() {
    let commitment = |start_height, count| RandomnessCommitment { start_height, count, root: [0; 32] };
    let mut runway = Runway::new(10);
    assert_eq!((runway.remaining(0), runway.next_start_height(0), runway.is_due(0)), (0, 11, true));
    runway.add(&commitment(11, 100)).unwrap();
    runway.add(&commitment(111, 100)).unwrap();
    runway.add(&commitment(300, 10)).unwrap();
    assert_eq!(runway.remaining(9), 0, "height 10 is not covered");
    assert_eq!(runway.remaining(10), 200);
    assert_eq!(runway.remaining(205), 5);
    assert_eq!(runway.remaining(250), 0);
    assert_eq!(runway.remaining(305), 4);
    assert_eq!(runway.next_start_height(250), 310, "after all that is committed");
    assert_eq!(runway.next_start_height(400), 411, "not before it can serve");
    assert!(!runway.is_due(199) && runway.is_due(200));
    let overlap = |start_height, last_height, other_start_height, other_last_height| RunwayError::Overlap {
        start_height,
        last_height,
        other_start_height,
        other_last_height,
    };
    assert_eq!(runway.add(&commitment(5, 7)), Err(overlap(5, 11, 11, 110)));
    assert_eq!(runway.add(&commitment(110, 1)), Err(overlap(110, 110, 11, 110)));
    assert_eq!(runway.add(&commitment(0, 1000)), Err(overlap(0, 999, 300, 309)));
    assert_eq!(runway.add(&commitment(50, 1)), Err(overlap(50, 50, 11, 110)));
    assert_eq!(runway.add(&commitment(7, 0)), Err(RunwayError::Invalid(InvalidCommitment::Empty)));
    let past_the_end = InvalidCommitment::PastTheEnd { start_height: u64::MAX, count: 1 };
    assert_eq!(runway.add(&commitment(u64::MAX, 1)), Err(RunwayError::Invalid(past_the_end)));
    runway.add(&commitment(u64::MAX - 1, 1)).unwrap();
    assert_eq!(runway.next_start_height(0), u64::MAX, "nothing can be committed there");
}
