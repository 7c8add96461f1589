//! Commitments.

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::{CommitmentError, PublicRandomness, RandomnessTree};

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
    for count in 0..70 {
        let leaves = leaves(count);
        let tree = RandomnessTree::new(1000, &leaves);
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
        let tree = RandomnessTree::new(7, &leaves);
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
