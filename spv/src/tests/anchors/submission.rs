//! Checkpoints in Bitcoin's blocks: transactions, blocks, ancestry and depth.

use bitcoin::block::Header;
use bitcoin::params::Params;
use bitcoin::{Block, Transaction, TxOut};

use super::paying;
use crate::anchors::{
    Checkpoint, CheckpointError, CheckpointTag, Forgotten, PartProof, RecordError, Submission,
    SubmissionError, TimestampDepths, TimestampStatus, Timestamps, VerifiedSubmission, checkpoint_payload,
};
use crate::testing::{blocks, transaction};
use crate::{Anchor, HeaderChain, HeadersError, InclusionProof, TrustedHeader};

const TAG: CheckpointTag = CheckpointTag::LOCAL;
/// The development network's: k = 2, w = 4.
const DEPTHS: TimestampDepths = TimestampDepths { confirmed: 2, finalized: 4 };

fn checkpoint(epoch: u64) -> Checkpoint {
    let byte = u8::try_from(epoch).unwrap();
    Checkpoint {
        epoch,
        block_hash: [byte; 32],
        bitmap: [1; 13],
        submitter: [7; 20],
        bls_multi_signature: [9; 48],
    }
}

/// The transactions of an epoch's parts.
fn parts(epoch: u64, seed: u32) -> [Transaction; 2] {
    let mut seeds = seed..;
    checkpoint(epoch).script_pubkeys(TAG).map(|script_pubkey| {
        let mut transaction = transaction(seeds.next().unwrap(), vec![0x51; 34]);
        transaction.output.push(TxOut { value: bitcoin::Amount::ZERO, script_pubkey });
        transaction
    })
}

fn chain(blocks: &[Block]) -> HeaderChain {
    let headers = blocks.iter().map(|block| block.header).collect();
    HeaderChain::new(headers, Anchor::NONE, &Params::REGTEST).unwrap()
}

/// The proof that one of the blocks has a transaction.
fn proof(blocks: &[Block], transaction: &Transaction) -> PartProof {
    let block = blocks.iter().find(|block| block.txdata.contains(transaction)).unwrap();
    let inclusion = InclusionProof::from_block(block, transaction.compute_txid()).unwrap();
    PartProof { transaction: transaction.clone(), block: block.block_hash(), inclusion }
}

fn submission(blocks: &[Block], parts: &[Transaction; 2]) -> Submission {
    let proofs = parts.each_ref().map(|part| proof(blocks, part));
    Submission::verify(TAG, &proofs, &chain(blocks), &Params::REGTEST).unwrap()
}

fn verified(blocks: &[Block], epoch: u64, parts: &[Transaction; 2]) -> VerifiedSubmission {
    submission(blocks, parts).compare_with(&checkpoint(epoch)).unwrap()
}

#[test]
fn a_submission_has_both_parts_in_blocks_of_the_chain() {
    let [first, second] = parts(3, 10);
    let blocks =
        blocks(None, [vec![first.clone()], vec![transaction(1, vec![0x51]), second.clone()], vec![]]);
    let found = submission(&blocks, &[first.clone(), second.clone()]);
    assert_eq!(found.checkpoint(), &checkpoint(3));
    let places = found.places().map(|place| (place.block, place.position));
    assert_eq!(places, [(blocks[0].block_hash(), 1), (blocks[1].block_hash(), 2)]);

    let (one, other) = (proof(&blocks, &first), proof(&blocks, &second));
    let verify = |one: &PartProof, other: &PartProof, headers: &[Block]| {
        Submission::verify(TAG, &[one.clone(), other.clone()], &chain(headers), &Params::REGTEST)
    };
    // In another order; of another network; a block that the chain does not have.
    let length = CheckpointError::Length { part: 0, found: 63, expected: 78 };
    assert_eq!(verify(&other, &one, &blocks), Err(SubmissionError::Checkpoint(length)));
    let refused = Submission::verify(
        CheckpointTag::MAINNET,
        &[one.clone(), other.clone()],
        &chain(&blocks),
        &Params::REGTEST,
    );
    assert_eq!(refused, Err(SubmissionError::Checkpoint(CheckpointError::Tag { part: 0 })));
    let gone = SubmissionError::NotInChain { part: 1, block: other.block };
    assert_eq!(verify(&one, &other, &blocks[..1]), Err(gone));
    // A proof of another transaction, or block.
    for (part, one, other) in [
        (0, PartProof { inclusion: other.inclusion.clone(), ..one.clone() }, other.clone()),
        (1, one.clone(), PartProof { block: blocks[2].block_hash(), ..other.clone() }),
    ] {
        let refused = verify(&one, &other, &blocks).unwrap_err();
        assert!(matches!(refused, SubmissionError::Inclusion { part: at, .. } if at == part), "{refused:?}");
    }
    // Of another epoch's first part.
    let alien = parts(4, 10);
    let blocks = crate::testing::blocks(None, [vec![alien[0].clone(), second.clone()]]);
    let refused = verify(&proof(&blocks, &alien[0]), &proof(&blocks, &second), &blocks);
    assert_eq!(refused, Err(SubmissionError::Checkpoint(CheckpointError::NotAPair)));
}

#[test]
fn a_part_is_in_the_only_standard_op_return() {
    let [script, second] = checkpoint(3).script_pubkeys(TAG).map(bitcoin::ScriptBuf::into_bytes);
    let payload = |scripts: &[Vec<u8>]| checkpoint_payload(&paying(scripts)).map(<[u8]>::len);
    assert_eq!(payload(&[vec![0x51], script.clone()]), Ok(78));
    assert_eq!(payload(&[vec![0x51]]), Err(0));
    assert_eq!(payload(&[script.clone(), second.clone()]), Err(2));
    // OP_RETURN alone is standard; with two pushes, or more than 80 bytes, it is not.
    assert_eq!(payload(&[script.clone(), vec![0x6a], second]), Err(3));
    assert_eq!(payload(&[vec![0x6a, 1, 1, 1, 1], script.clone()]), Ok(78));
    assert_eq!(payload(&[[&[0x6a, 0x4c, 81][..], &[0; 81]].concat(), script.clone()]), Ok(78));
    assert_eq!(payload(&[[&script[..], &[0]].concat()]), Err(0));
}

#[test]
fn a_checkpoint_is_the_one_that_a_node_has() {
    let parts = parts(3, 10);
    let blocks = blocks(None, [parts.to_vec()]);
    let found = submission(&blocks, &parts);
    let same = Checkpoint { submitter: [0; 20], ..checkpoint(3) };
    assert_eq!(found.clone().compare_with(&same).unwrap().submission(), &found);
    for other in [
        Checkpoint { epoch: 4, ..same },
        Checkpoint { block_hash: [0; 32], ..same },
        Checkpoint { bitmap: [0; 13], ..same },
        Checkpoint { bls_multi_signature: [0; 48], ..same },
    ] {
        let refused = found.clone().compare_with(&other).unwrap_err();
        assert_eq!((refused.found, refused.expected), (3, other.epoch));
    }
}

#[test]
fn depth_is_that_of_the_younger_block() {
    let [first, second] = parts(1, 10);
    let mut layout = vec![vec![first.clone()], vec![second.clone()]];
    for (depth, status) in [
        (0, TimestampStatus::Submitted),
        (1, TimestampStatus::Submitted),
        (2, TimestampStatus::Confirmed),
        (3, TimestampStatus::Confirmed),
        (4, TimestampStatus::Finalized),
    ] {
        let blocks = blocks(None, layout.clone());
        let chain = chain(&blocks);
        let mut record = Timestamps::default();
        record.record(verified(&blocks, 1, &[first.clone(), second.clone()]), &chain).unwrap();
        let epochs = record.evaluate(&chain, DEPTHS);
        let timestamp = epochs.get(1).unwrap();
        assert_eq!((timestamp.status, timestamp.best.unwrap().1), (status, depth));
        assert_eq!(timestamp.block_hash, [1; 32]);
        let is_final = status == TimestampStatus::Finalized;
        assert_eq!(epochs.last_finalized(), is_final.then_some(1));
        assert_eq!(
            [0, 1, 2].map(|epoch| epochs.timestamps_randomness_of(epoch)),
            [is_final, is_final, false]
        );
        layout.push(vec![]);
    }
}

#[test]
fn an_epoch_comes_after_the_one_before_it() {
    let [one, two, three] = [1, 2, 3].map(|epoch| parts(epoch, 10 * u32::try_from(epoch).unwrap()));
    let blocks = blocks(None, [one.to_vec(), [&two[..], &three[..]].concat(), vec![]]);
    let chain = chain(&blocks);
    let mut record = Timestamps::default();
    let no_predecessor = |epoch: u64, oldest: usize| RecordError::NoPredecessor {
        epoch,
        before: epoch - 1,
        oldest: blocks[oldest].block_hash(),
    };
    // Without any of the epoch before; then in the same block.
    assert_eq!(record.record(verified(&blocks, 2, &two), &chain), Err(no_predecessor(2, 1)));
    record.record(verified(&blocks, 1, &one), &chain).unwrap();
    record.record(verified(&blocks, 2, &two), &chain).unwrap();
    assert_eq!(record.record(verified(&blocks, 3, &three), &chain), Err(no_predecessor(3, 1)));
    // Where the epoch before is trusted, it may be any.
    let mut later = Timestamps::from_epoch(3);
    later.record(verified(&blocks, 3, &three), &chain).unwrap();
    let early = later.record(verified(&blocks, 2, &two), &chain);
    assert_eq!(early, Err(RecordError::TooEarly { epoch: 2, first: 3 }));
    // Epoch 1 has none before it, and is recorded once.
    record.record(verified(&blocks, 1, &one), &chain).unwrap();
    assert_eq!(record.evaluate(&chain, DEPTHS).iter().count(), 2);
    record.prune(2);
    assert_eq!(record.evaluate(&chain, DEPTHS).iter().map(|(epoch, _)| epoch).collect::<Vec<_>>(), [2]);
}

#[test]
fn a_second_block_of_an_epoch_is_a_conflict() {
    let one = parts(1, 10);
    let other = Checkpoint { block_hash: [0xee; 32], ..checkpoint(1) };
    let scripts = other.script_pubkeys(TAG);
    let forks = scripts.map(|script| paying(&[script.into_bytes()]));
    let blocks = blocks(None, [one.to_vec(), forks.to_vec()]);
    let chain = chain(&blocks);
    let mut record = Timestamps::default();
    record.record(verified(&blocks, 1, &one), &chain).unwrap();
    let fork = submission(&blocks, &forks).compare_with(&other).unwrap();
    let conflict = RecordError::Conflicting { epoch: 1, recorded: [1; 32], found: [0xee; 32] };
    assert_eq!(record.record(fork, &chain), Err(conflict));
}

#[test]
fn the_best_submission_is_the_deepest_and_then_the_first() {
    let [early, late, again] = [10, 20, 30].map(|seed| parts(1, seed));
    // The parts of the early one are far apart: its younger block counts.
    let layout = [vec![early[0].clone()], [&late[..], &again[..]].concat(), vec![early[1].clone()], vec![]];
    let blocks = blocks(None, layout);
    let chain = chain(&blocks);
    let mut record = Timestamps::default();
    for parts in [&early, &again, &late] {
        record.record(verified(&blocks, 1, parts), &chain).unwrap();
    }
    let epochs = record.evaluate(&chain, DEPTHS);
    let (places, depth) = epochs.get(1).unwrap().best.unwrap();
    assert_eq!((places[0].txid, depth), (late[0].compute_txid(), 2));
    // In one block the lower of both positions counts: 1 and 4 come before 2 and 3.
    let [one, other] = [parts(1, 10), parts(1, 20)];
    let order = [&one[0], &other[0], &other[1], &one[1]].map(Clone::clone);
    let blocks = crate::testing::blocks(None, [order.to_vec()]);
    let chain = self::chain(&blocks);
    let mut record = Timestamps::default();
    for parts in [&other, &one] {
        record.record(verified(&blocks, 1, parts), &chain).unwrap();
    }
    let (places, _) = record.evaluate(&chain, DEPTHS).get(1).unwrap().best.unwrap();
    assert_eq!(places.map(|place| place.position), [1, 4]);
}

#[test]
fn what_leaves_the_chain_is_forgotten_with_all_after_it() {
    let [one, two] = [parts(1, 10), parts(2, 20)];
    let trunk = blocks(None, [vec![transaction(1, vec![0x51])]]);
    let on_trunk = |layout: Vec<Vec<Transaction>>| {
        let more = blocks(Some(trunk[0].block_hash()), layout);
        [trunk.clone(), more].concat()
    };
    let long = on_trunk(vec![one.to_vec(), two.to_vec(), vec![], vec![], vec![], vec![]]);
    let mut record = Timestamps::default();
    record.record(verified(&long, 1, &one), &chain(&long)).unwrap();
    record.record(verified(&long, 2, &two), &chain(&long)).unwrap();
    let before = record.evaluate(&chain(&long), DEPTHS);
    assert_eq!(before.last_finalized(), Some(2));
    // Both blocks leave.
    let other = on_trunk(vec![vec![]; 7]);
    let after = record.evaluate(&chain(&other), DEPTHS);
    let left = |at: usize| TimestampStatus::Forgotten(Forgotten::BlockLeft(long[at].block_hash()));
    assert_eq!([1, 2].map(|epoch| after.get(epoch).unwrap().status), [left(1), left(2)]);
    assert_eq!((after.last_finalized(), after.get(1).unwrap().best), (None, None));
    // The block of the second alone leaves.
    let shorter = [&long[..2], &blocks(Some(long[1].block_hash()), vec![vec![]; 6])].concat();
    let after = record.evaluate(&chain(&shorter), DEPTHS);
    assert_eq!([1, 2].map(|epoch| after.get(epoch).unwrap().status), [TimestampStatus::Finalized, left(2)]);
    assert_eq!(after.last_finalized(), Some(1));

    // The first is in the chain again, and after the second: the second's predecessor is gone.
    let swapped = on_trunk(vec![two.to_vec(), one.to_vec(), vec![], vec![]]);
    let mut record = Timestamps::default();
    let first = on_trunk(vec![one.to_vec(), two.to_vec()]);
    record.record(verified(&first, 1, &one), &chain(&first)).unwrap();
    record.record(verified(&first, 2, &two), &chain(&first)).unwrap();
    record.record(verified(&swapped, 1, &one), &chain(&swapped)).unwrap();
    let refused = record.record(verified(&swapped, 2, &two), &chain(&swapped));
    assert!(matches!(refused, Err(RecordError::NoPredecessor { epoch: 2, .. })), "{refused:?}");
    let after = record.evaluate(&chain(&swapped), DEPTHS);
    assert_eq!(after.get(1).unwrap().status, TimestampStatus::Confirmed);
    assert_eq!(
        after.get(2).unwrap().status,
        TimestampStatus::Forgotten(Forgotten::BlockLeft(first[2].block_hash()))
    );
}

#[test]
fn a_predecessor_that_leaves_takes_its_successor_along() {
    let [one, two] = [parts(1, 10), parts(2, 20)];
    // The first epoch is submitted twice, the second time after the second epoch.
    let again = parts(1, 30);
    let layout = vec![one.to_vec(), two.to_vec(), again.to_vec(), vec![]];
    let blocks = blocks(None, layout);
    let whole = chain(&blocks);
    let mut record = Timestamps::default();
    for (epoch, parts) in [(1, &one), (2, &two), (1, &again)] {
        record.record(verified(&blocks, epoch, parts), &whole).unwrap();
    }
    // Headers from the second block on, as by somebody who forgot the first.
    let rest = HeaderChain::new(
        blocks[1..].iter().map(|block| block.header).collect(),
        Anchor::NONE,
        &Params::REGTEST,
    );
    let after = record.evaluate(&rest.unwrap(), DEPTHS);
    assert_eq!(after.get(1).unwrap().status, TimestampStatus::Submitted);
    assert_eq!(after.get(2).unwrap().status, TimestampStatus::Forgotten(Forgotten::PredecessorLeft));
}

#[test]
fn a_chain_of_headers_knows_its_blocks() {
    let blocks = blocks(None, vec![vec![]; 3]);
    let headers: Vec<Header> = blocks.iter().map(|block| block.header).collect();
    let trusted = TrustedHeader { hash: blocks[1].block_hash(), height: Some(101) };
    let anchor = Anchor { min_work: None, header: Some(trusted) };
    let chain = HeaderChain::new(headers.clone(), anchor, &Params::REGTEST).unwrap();
    for (place, block) in (0..).zip(&blocks) {
        let hash = block.block_hash();
        assert_eq!((chain.place(&hash), chain.depth(&hash)), (Some(place), Some(2 - place)));
        assert_eq!((chain.height(&hash), chain.header(&hash)), (Some(100 + place), Some(&block.header)));
    }
    let other = crate::testing::blocks(None, [vec![transaction(1, vec![0x51])]])[0].block_hash();
    assert_eq!((chain.place(&other), chain.depth(&other), chain.header(&other)), (None, None, None));
    let unknown = HeaderChain::new(headers.clone(), Anchor::NONE, &Params::REGTEST).unwrap();
    assert_eq!(unknown.height(&blocks[0].block_hash()), None);
    let refused = HeaderChain::new(vec![headers[0], headers[2]], Anchor::NONE, &Params::REGTEST);
    assert!(matches!(refused, Err(HeadersError::NotLinked { .. })));
    let work =
        Anchor { min_work: Some(headers[0].work() + headers[1].work() + headers[2].work()), header: None };
    assert!(HeaderChain::new(headers.clone(), work, &Params::REGTEST).is_ok());
    assert!(HeaderChain::new(headers[..2].to_vec(), work, &Params::REGTEST).is_err());
}
