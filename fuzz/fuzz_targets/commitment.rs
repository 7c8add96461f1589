//! Randomness commitments: the parser of randomness proofs, proofs that are changed, votes and evidence with
//! them, and how far commitments reach.
#![no_main]

use std::sync::LazyLock;

use btcstake_fuzz::{Changes, change};
use eots::{PublicRandomness, SecretKey, SecretRandomness};
use finality::{
    ConsumerHeight, Evidence, FinalityVote, RandomnessCommitment, RandomnessCoverage, RandomnessProof,
    RandomnessTree, SigningContext, VoteMessage,
};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use staking_scripts::testing::key;

#[derive(Arbitrary, Debug)]
struct Input {
    start_height: u64,
    count: u8,
    picked: u8,
    block_hashes: [[u8; 32]; 2],
    replaced: Option<Proof>,
    changes: Changes,
    tip_height: u64,
    delay_blocks: u64,
    ranges: Vec<(u64, u64)>,
    protobuf: Vec<u8>,
}

#[derive(Arbitrary, Debug)]
struct Proof {
    total: u64,
    index: u64,
    leaf_hash: [u8; 32],
    aunts: Vec<[u8; 32]>,
}

const CHAIN_ID: &[u8] = b"bbn-1";
/// Derived at the heights 0 to 255, and put elsewhere by each input.
static LEAVES: LazyLock<Vec<PublicRandomness>> =
    LazyLock::new(|| (0..256).map(|height| *randomness(height).public_randomness()).collect());
static KEY: LazyLock<SecretKey> = LazyLock::new(|| key("provider", 0));

fn randomness(height: u64) -> SecretRandomness {
    SecretRandomness::derive(&KEY, CHAIN_ID, height)
}

fuzz_target!(|input: Input| {
    let stranger = parse(&input.protobuf);
    coverage(&input);

    let count = usize::from(input.count) + 1;
    let tree = RandomnessTree::new(ConsumerHeight(input.start_height), &LEAVES[..count]);
    let fits = input.start_height.checked_add(count.try_into().unwrap()).is_some();
    assert_eq!(tree.is_ok(), fits);
    let Ok(tree) = tree else { return };
    let commitment = tree.commitment();
    commitment.check().unwrap();
    let picked = usize::from(input.picked) % count;
    let height = ConsumerHeight(input.start_height + u64::try_from(picked).unwrap());
    let proof = tree.prove(height).unwrap();
    let leaf = &LEAVES[picked];
    commitment.verify(height, leaf, &proof).unwrap();
    // No other path leads to the root, from this height or another.
    let mut bytes = proof.to_protobuf();
    change(&mut bytes, &input.changes);
    let changed = parse(&bytes);
    let replaced = input.replaced.map(|Proof { total, index, leaf_hash, aunts }| RandomnessProof {
        total,
        index,
        leaf_hash,
        aunts,
    });
    for other in [stranger, changed, replaced].into_iter().flatten() {
        assert_eq!(commitment.verify(height, leaf, &other).is_ok(), other == proof);
        assert!(commitment.verify(ConsumerHeight(height.to_u64().wrapping_add(1)), leaf, &other).is_err());
        assert!(commitment.verify(height, &LEAVES[(picked + 1) % 256], &other).is_err());
    }

    let [canonical, fork] = input.block_hashes.map(|hash| {
        let message = VoteMessage::new(SigningContext::GENESIS, height, hash);
        FinalityVote::sign(&KEY, randomness(picked.try_into().unwrap()), message, proof.clone()).unwrap()
    });
    canonical.verify(&commitment).unwrap();
    let evidence = Evidence::from_votes(&canonical, &fork);
    assert_eq!(evidence.is_ok(), canonical.message != fork.message);
    if let Ok(evidence) = evidence {
        assert_eq!(evidence.extract().unwrap().public_key(), KEY.public_key());
    }
});

/// What parses is the same proof when it is written and read again.
fn parse(bytes: &[u8]) -> Option<RandomnessProof> {
    let parsed = RandomnessProof::from_protobuf(bytes).ok()?;
    assert_eq!(RandomnessProof::from_protobuf(&parsed.to_protobuf()), Ok(parsed.clone()));
    Some(parsed)
}

/// The coverage beside a plain account of the same commitments.
fn coverage(input: &Input) {
    let mut coverage = RandomnessCoverage::new(input.delay_blocks);
    let mut taken: Vec<(u64, u64)> = vec![];
    for (start_height, count) in &input.ranges {
        let last = count.checked_sub(1).and_then(|more| start_height.checked_add(more));
        let fits = last
            .filter(|last| *last < u64::MAX)
            .filter(|last| taken.iter().all(|(from, to)| last < from || start_height > to));
        let added = coverage.add(&RandomnessCommitment {
            start_height: ConsumerHeight(*start_height),
            count: *count,
            root: [0; 32],
        });
        assert_eq!(added.is_ok(), fits.is_some());
        taken.extend(fits.map(|last| (*start_height, last)));
    }
    let tip_height = ConsumerHeight(input.tip_height);
    let mut covered = input.tip_height;
    while let Some(next) = covered.checked_add(1) {
        let Some((_, last)) = taken.iter().find(|(from, to)| (from..=to).contains(&&next)) else { break };
        covered = *last;
    }
    assert_eq!(coverage.remaining(tip_height), covered - input.tip_height);
    assert_eq!(coverage.is_due(tip_height), covered - input.tip_height <= input.delay_blocks);
    let start_height = coverage.next_start_height(tip_height);
    if start_height < ConsumerHeight::MAX {
        assert!(start_height > tip_height);
        coverage.add(&RandomnessCommitment { start_height, count: 1, root: [0; 32] }).unwrap();
    }
}
