//! Randomness commitments: trees, proofs and the provider's signature.

use std::num::NonZeroUsize;

use bitcoin::hashes::{Hash, sha256};
use bitcoin::secp256k1::schnorr;
use eots::SecretKey;
use finality::{
    CommitmentError, ConsumerHeight, Operation, RandomnessCommitment, RandomnessProof, RandomnessSchedule,
    RandomnessTree, SigningContext,
};
use serde::Deserialize;

use super::{Bytes, Hex, InContext, cases};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    secret_key: Bytes<32>,
    public_key: Bytes<32>,
    chain_id: String,
    start_height: u64,
    leaves: Vec<Bytes<32>>,
    root: Bytes<32>,
    proofs: Vec<Proof>,
    message: Hex,
    signature: Bytes<64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    total: u64,
    index: u64,
    leaf_hash: Bytes<32>,
    aunts: Vec<Bytes<32>>,
    protobuf: Hex,
}

#[test]
fn commitments_of_the_reference() {
    let (mut consumers, mut proofs, mut largest) = (0, 0, 0);
    for (number, item) in cases::<InContext<Case>>("commit", 300) {
        let context = item.context(Operation::RandomnessCommitment);
        let case = &item.case;
        let key = case.secret_key.secret_key();
        assert_eq!(*key.public_key(), case.public_key.public_key(), "case {number}");
        let commitment = tree(number, case, &key);
        signed(number, case, &commitment, &key, &context);
        refused_with_another_context(case, &commitment, context);
        consumers += usize::from(!context.is_genesis());
        proofs += case.proofs.len();
        largest = largest.max(case.leaves.len());
    }
    assert_eq!((consumers, proofs, largest), (100, 336, 130));
}

/// Our tree over the reference's leaves, and over those that we derive; and every proof.
fn tree(number: usize, case: &Case, key: &SecretKey) -> RandomnessCommitment {
    let start_height = ConsumerHeight(case.start_height);
    let leaves: Vec<_> = case.leaves.iter().map(Bytes::public_randomness).collect();
    let tree = RandomnessTree::new(start_height, &leaves).unwrap();
    let commitment = tree.commitment();
    let count = u64::try_from(leaves.len()).unwrap();
    assert_eq!(commitment, RandomnessCommitment { start_height, count, root: case.root.0 }, "case {number}");
    let schedule = RandomnessSchedule::new(start_height, u32::try_from(count).unwrap(), 1).unwrap();
    let one = NonZeroUsize::MIN;
    let derived = RandomnessTree::derive(key, case.chain_id.as_bytes(), schedule, one, |_| {}).unwrap();
    assert_eq!(derived.commitment(), commitment, "case {number}");

    for given in &case.proofs {
        let proof = RandomnessProof {
            total: given.total,
            index: given.index,
            leaf_hash: given.leaf_hash.0,
            aunts: given.aunts.iter().map(|aunt| aunt.0).collect(),
        };
        let height = start_height.checked_add(given.index).unwrap();
        assert_eq!(tree.prove(height).as_ref(), Some(&proof), "case {number}");
        assert_eq!(proof.to_protobuf(), given.protobuf.0, "case {number}");
        assert_eq!(RandomnessProof::from_protobuf(&given.protobuf.0).unwrap(), proof, "case {number}");
        let leaf = leaves[usize::try_from(given.index).unwrap()];
        commitment.verify(height, &leaf, &proof).unwrap();
    }
    // The leaves without a proof in the file: ours lead to the reference's root.
    for ((index, leaf), proof) in (0..count).zip(&leaves).zip(tree.prove_all()) {
        commitment.verify(start_height.checked_add(index).unwrap(), leaf, &proof).unwrap();
    }
    commitment
}

fn signed(
    number: usize,
    case: &Case,
    commitment: &RandomnessCommitment,
    key: &SecretKey,
    context: &SigningContext,
) {
    let digest = sha256::Hash::hash(&case.message.0).to_byte_array();
    assert_eq!(*commitment.digest(context).as_ref(), digest, "case {number}");
    let signature = schnorr::Signature::from_slice(&case.signature.0).unwrap();
    commitment.verify_signature(key.public_key(), context, &signature).unwrap();
    assert_eq!(commitment.sign(key, context).unwrap(), signature, "case {number}");
}

fn refused_with_another_context(case: &Case, commitment: &RandomnessCommitment, context: SigningContext) {
    let key = case.public_key.public_key();
    let signature = schnorr::Signature::from_slice(&case.signature.0).unwrap();
    let other = if context.is_genesis() {
        SigningContext::consumer(Operation::RandomnessCommitment, &case.chain_id, "")
    } else {
        SigningContext::GENESIS
    };
    let refused = commitment.verify_signature(&key, &other, &signature);
    assert_eq!(refused, Err(CommitmentError::InvalidSignature(key)));
}
