//! Randomness proofs, commitments, votes and evidence.

use bitcoin::secp256k1::schnorr;
use eots::PublicRandomness;
use finality::{
    ConsumerHeight, Evidence, FinalityVote, Operation, RandomnessCommitment, RandomnessProof, SigningContext,
    VoteError, VoteMessage,
};
use serde::Deserialize;

use super::eots::signature;
use super::{ACCEPT, Refusal, Rule, check, name, public_key, sized};
use crate::vectors::{Hex, InContext};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    root: Hex,
    leaf: Hex,
    total: i64,
    index: i64,
    leaf_hash: Hex,
    aunts: Vec<Hex>,
    protobuf: Hex,
}

const PROOF: &[Rule] = &[
    ("aunt_bit", &[("WrongRoot", 3)]),
    ("aunt_empty", &[("HashLength", 1)]),
    ("aunt_extra", &[("WrongRoot", 2)]),
    ("aunt_missing", &[("WrongRoot", 2)]),
    ("aunt_too_long", &[("HashLength", 1)]),
    ("aunt_too_short", &[("HashLength", 1)]),
    ("aunts_missing", &[("WrongRoot", 1)]),
    ("aunts_reversed", &[("WrongRoot", 1)]),
    ("index_equals_total", &[("HeightNotCommitted", 2)]),
    ("index_mirrored", &[("WrongRoot", 1)]),
    ("index_negative", &[("Negative", 2)]),
    ("index_next", &[("WrongRoot", 2)]),
    ("index_previous", &[("WrongRoot", 1)]),
    ("index_too_large", &[("HeightNotCommitted", 1)]),
    ("leaf_bit", &[("WrongPublicRandomness", 1)]),
    ("leaf_hash_bit", &[("WrongPublicRandomness", 1)]),
    ("leaf_hash_missing", &[("HashLength", 1)]),
    ("leaf_hash_too_short", &[("HashLength", 1)]),
    ("leaf_hash_without_prefix", &[("WrongPublicRandomness", 1)]),
    ("leaf_is_an_inner_node", &[("Length", 1)]),
    ("leaf_of_another_index", &[("WrongPublicRandomness", 1)]),
    ("root_bit", &[("WrongRoot", 1)]),
    ("root_of_another", &[("WrongRoot", 1)]),
    ("root_of_the_empty_tree", &[("WrongRoot", 1)]),
    ("root_too_short", &[("Length", 1)]),
    ("too_many_aunts", &[("TooManyAunts", 1)]),
    ("total_larger", &[("WrongRoot", 1)]),
    ("total_negative", &[("Negative", 1)]),
    ("total_same_shape", &[(ACCEPT, 2)]),
    ("total_smaller", &[("WrongRoot", 1)]),
    ("total_too_large", &[("WrongRoot", 1)]),
    ("total_zero", &[("Empty", 1)]),
];

#[test]
fn proof() {
    check("proof", 40, PROOF, |case: &Proof| {
        let proof = parsed(&case.protobuf)?;
        // What was read is what the case says.
        assert_eq!(
            (i64::try_from(proof.total), i64::try_from(proof.index)),
            (Ok(case.total), Ok(case.index))
        );
        assert_eq!(proof.leaf_hash, *case.leaf_hash.0);
        assert!(proof.aunts.iter().map(<[u8; 32]>::as_slice).eq(case.aunts.iter().map(|aunt| &*aunt.0)));
        leads_to_the_root(&proof, &case.root, &case.leaf)
    });
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofBytes {
    root: Hex,
    leaf: Hex,
    protobuf: Hex,
}

const PROOF_BYTES: &[Rule] = &[
    ("empty", &[("HashLength", 1)]),
    ("field_number_zero", &[("Protobuf", 1)]),
    ("length_beyond_the_end", &[("Protobuf", 1)]),
    ("trailing_byte", &[("Protobuf", 1)]),
    ("truncated", &[("HashLength", 1), ("Protobuf", 1)]),
    ("wire_type", &[("Protobuf", 1)]),
];

#[test]
fn proof_bytes() {
    check("proof_bytes", 7, PROOF_BYTES, |case: &ProofBytes| {
        leads_to_the_root(&parsed(&case.protobuf)?, &case.root, &case.leaf)
    });
}

fn parsed(protobuf: &Hex) -> Result<RandomnessProof, Refusal> {
    RandomnessProof::from_protobuf(&protobuf.0).map_err(name)
}

/// What a proof alone can show: its own total is believed.
fn leads_to_the_root(proof: &RandomnessProof, root: &Hex, leaf: &Hex) -> Result<(), Refusal> {
    let commitment =
        RandomnessCommitment { start_height: ConsumerHeight(0), count: proof.total, root: sized(&root.0)? };
    let leaf = PublicRandomness::from_bytes(sized(&leaf.0)?);
    commitment.verify(ConsumerHeight(proof.index), &leaf, proof).map_err(name)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Commitment {
    public_key: Hex,
    start_height: u64,
    count: u64,
    root: Hex,
    signature: Hex,
}

const COMMITMENT: &[Rule] = &[
    ("context_as_bytes", &[("InvalidSignature", 1)]),
    ("context_missing", &[("InvalidSignature", 1)]),
    ("context_of_another_chain", &[("InvalidSignature", 1)]),
    ("context_of_another_operation", &[("InvalidSignature", 1)]),
    ("context_unexpected", &[("InvalidSignature", 1)]),
    ("count_differs", &[("InvalidSignature", 1)]),
    ("count_zero", &[("Empty", 1)]),
    ("heights_wrap", &[("PastTheEnd", 1)]),
    ("key_not_on_curve", &[("key: InvalidPublicKey", 1)]),
    ("key_of_another", &[("InvalidSignature", 1)]),
    ("little_endian", &[("InvalidSignature", 1)]),
    ("message_hashed_twice", &[("InvalidSignature", 1)]),
    ("root_bit", &[("InvalidSignature", 2)]),
    ("root_too_short", &[("Length", 1)]),
    ("s_equals_n", &[("InvalidSignature", 1)]),
    ("signature_bit", &[("InvalidSignature", 3)]),
    ("signature_too_short", &[("InvalidSignature", 1)]),
    ("start_height_differs", &[("InvalidSignature", 1)]),
];

#[test]
fn commitment() {
    check("commitment", 21, COMMITMENT, |item: &InContext<Commitment>| {
        let case = &item.case;
        let key = public_key(&case.public_key.0)?;
        let (start_height, count) = (ConsumerHeight(case.start_height), case.count);
        let commitment = RandomnessCommitment { start_height, count, root: sized(&case.root.0)? };
        let signature = schnorr::Signature::from_slice(&case.signature.0).map_err(name)?;
        let context = item.context(Operation::RandomnessCommitment);
        commitment.verify_signature(&key, &context, &signature).map_err(name)
    });
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vote {
    public_key: Hex,
    height: u64,
    block_hash: Hex,
    public_randomness: Hex,
    signature: Hex,
    commitment: VoteCommitment,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VoteCommitment {
    start_height: u64,
    count: u64,
    root: Hex,
    proof: Hex,
}

const VOTE: &[Rule] = &[
    ("block_hash_bit", &[("VerifyError", 1)]),
    ("block_hash_too_long", &[("Length", 1)]),
    ("block_hash_too_short", &[("Length", 1)]),
    ("context_unexpected", &[("VerifyError", 1)]),
    ("count_differs", &[("WrongLeaf", 1)]),
    ("height_is_not_of_the_index", &[("WrongLeaf", 1)]),
    ("heights_wrap", &[("PastTheEnd", 1)]),
    ("key_of_another", &[("VerifyError", 1)]),
    ("little_endian_height", &[("VerifyError", 1)]),
    ("proof_bit", &[("WrongRoot", 1)]),
    ("proof_of_another_leaf", &[("WrongLeaf", 1)]),
    ("randomness_not_committed", &[("WrongPublicRandomness", 1)]),
    ("randomness_of_another_height", &[("WrongLeaf", 1)]),
    ("root_bit", &[("WrongRoot", 1)]),
    ("signature_bit", &[("VerifyError", 1)]),
    ("signature_of_another_height", &[("VerifyError", 1)]),
    ("start_height_differs", &[("WrongLeaf", 1)]),
    ("total_same_shape", &[("WrongLeaf", 1)]),
];

#[test]
fn vote() {
    check("vote", 18, VOTE, |case: &Vote| {
        let VoteCommitment { start_height, count, root, proof } = &case.commitment;
        let commitment = RandomnessCommitment {
            start_height: ConsumerHeight(*start_height),
            count: *count,
            root: sized(&root.0)?,
        };
        let vote = FinalityVote {
            public_key: public_key(&case.public_key.0)?,
            message: genesis_vote(case.height, sized(&case.block_hash.0)?),
            public_randomness: PublicRandomness::from_bytes(sized(&case.public_randomness.0)?),
            proof: parsed(proof)?,
            signature: signature(&case.signature)?,
        };
        vote.verify(&commitment).map_err(|error| match error {
            VoteError::Commitment { source, .. } => name(source),
            VoteError::Signature { source, .. } => name(source),
            other => name(other),
        })
    });
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Equivocation {
    public_key: Hex,
    height: u64,
    public_randomness: Hex,
    canonical_block_hash: Hex,
    fork_block_hash: Hex,
    canonical_signature: Hex,
    fork_signature: Hex,
}

const EVIDENCE: &[Rule] = &[
    ("block_hash_too_long", &[("Length", 1)]),
    ("block_hash_too_short", &[("Length", 1)]),
    ("block_hashes_swapped", &[("Invalid", 1)]),
    ("context_unexpected", &[("Invalid", 1)]),
    ("height_differs", &[("Invalid", 1)]),
    ("key_not_on_curve", &[("key: InvalidPublicKey", 1)]),
    ("key_of_another", &[("Invalid", 1)]),
    ("keys_differ", &[("Invalid", 1)]),
    ("randomness_differs", &[("Invalid", 1)]),
    ("same_block", &[("SameBlock", 2)]),
    ("signature_bit", &[("Invalid", 1)]),
    ("signature_too_short", &[("Length", 1)]),
    ("signatures_swapped", &[("Invalid", 1)]),
    ("votes_at_two_heights", &[("Invalid", 1)]),
];

#[test]
fn evidence() {
    check("evidence", 15, EVIDENCE, |case: &Equivocation| {
        let evidence = Evidence {
            public_key: public_key(&case.public_key.0)?,
            public_randomness: PublicRandomness::from_bytes(sized(&case.public_randomness.0)?),
            canonical: genesis_vote(case.height, sized(&case.canonical_block_hash.0)?),
            canonical_signature: signature(&case.canonical_signature)?,
            fork: genesis_vote(case.height, sized(&case.fork_block_hash.0)?),
            fork_signature: signature(&case.fork_signature)?,
        };
        // Nor does it give a key away.
        evidence.extract().unwrap_err();
        evidence.verify().map_err(name)
    });
}

fn genesis_vote(height: u64, block_hash: [u8; 32]) -> VoteMessage {
    VoteMessage::new(SigningContext::GENESIS, ConsumerHeight(height), block_hash)
}
