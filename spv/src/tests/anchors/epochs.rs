//! A real checkpoint's transactions, and what is timestamped after any reorg, by looking at everything.

use std::collections::BTreeMap;

use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::params::Params;
use bitcoin::{Block, Transaction, TxOut};
use proptest::collection::vec;
use proptest::prelude::proptest;

use crate::anchors::{
    Checkpoint, CheckpointTag, Forgotten, PartProof, Submission, TimestampDepths, TimestampStatus,
    Timestamps, VerifiedSubmission,
};
use crate::testing::{blocks, transaction};
use crate::{Anchor, HeaderChain, InclusionProof};

const TAG: CheckpointTag = CheckpointTag(*b"bbt0");
const DEPTHS: TimestampDepths = TimestampDepths { confirmed: 2, finalized: 4 };

fn chain(blocks: &[Block]) -> HeaderChain {
    let headers = blocks.iter().map(|block| block.header).collect();
    HeaderChain::new(headers, Anchor::NONE, &Params::REGTEST).unwrap()
}

fn proof(block: &Block, transaction: &Transaction) -> PartProof {
    let inclusion = InclusionProof::from_block(block, transaction.compute_txid()).unwrap();
    PartProof { transaction: transaction.clone(), block: block.block_hash(), inclusion }
}

#[test]
fn a_real_checkpoint_is_read_from_its_transactions() {
    let lines = include_str!("../data/checkpoint_transactions.txt").lines();
    let parts: Vec<Transaction> = lines.map(|line| deserialize_hex(line).unwrap()).collect();
    let txids: Vec<_> = parts.iter().map(|part| part.compute_txid().to_string()).collect();
    let expected = [
        "c2097d8a1caecc8bd6a696000b53390295c35bd84b7e27df72c00810b0d04896",
        "de2b6691b0d76fcd8c2b3c20b9e7661838612213a68e858f166ec22172801c55",
    ];
    assert_eq!(txids, expected);
    let blocks = blocks(None, [parts.clone()]);
    let proofs = [proof(&blocks[0], &parts[0]), proof(&blocks[0], &parts[1])];
    let found = Submission::verify(TAG, &proofs, &chain(&blocks), &Params::REGTEST).unwrap();
    let checkpoint = found.checkpoint();
    assert_eq!(checkpoint.epoch, 0);
    assert_eq!(
        hex::encode(checkpoint.block_hash),
        "92ee5480cf702c2fdf156788c6a6131e363e44a86f230659a3392b00330bb6bb"
    );
    assert_eq!((0..104).filter(|place| checkpoint.has_signed(*place)).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(hex::encode(checkpoint.submitter), "66adeb1607db6365171c28f93ec20b0505debfe1");
    assert_eq!(found.places().map(|place| place.txid.to_string()), expected);
}

/// Submissions: of an epoch from 1 to 4, with the blocks of its parts.
type Layout = Vec<(u64, usize, usize)>;

/// Blocks that have these submissions, on a parent, and the submissions with their proofs.
fn made(
    parent: &[Block],
    layout: &Layout,
    length: usize,
    salt: u32,
) -> (Vec<Block>, Vec<VerifiedSubmission>) {
    let mut transactions = vec![vec![transaction(salt, vec![0x51])]; length];
    let mut parts = Vec::new();
    for (seed, (epoch, first, second)) in (salt..).step_by(2).zip(layout) {
        let checkpoint = Checkpoint {
            epoch: *epoch,
            block_hash: [9; 32],
            bitmap: [1; 13],
            submitter: [7; 20],
            bls_multi_signature: [9; 48],
        };
        let scripts = checkpoint.script_pubkeys(TAG).into_iter().zip([first, second]).zip(seed + 1..);
        let made = scripts.map(|((script_pubkey, block), seed)| {
            let mut transaction = transaction(seed, vec![0x51; 34]);
            transaction.output.push(TxOut { value: bitcoin::Amount::ZERO, script_pubkey });
            transactions[block % length].push(transaction.clone());
            (block % length, transaction)
        });
        parts.push((checkpoint, made.collect::<Vec<_>>()));
    }
    let more = blocks(parent.last().map(Block::block_hash), transactions);
    let all = [parent, &more].concat();
    let submissions = parts.into_iter().map(|(checkpoint, parts)| {
        let [first, second] = [0, 1].map(|part: usize| proof(&more[parts[part].0], &parts[part].1));
        let found = Submission::verify(TAG, &[first, second], &chain(&all), &Params::REGTEST).unwrap();
        found.compare_with(&checkpoint).unwrap()
    });
    let submissions = submissions.collect();
    (all, submissions)
}

/// The best submission that is left of an epoch: the place of its younger block.
fn left(epoch: u64, recorded: &BTreeMap<u64, Vec<VerifiedSubmission>>, chain: &HeaderChain) -> Option<u32> {
    let places = |one: &VerifiedSubmission| {
        let [first, second] = one.submission().places().map(|place| chain.place(&place.block));
        Some((first?.min(second?), first?.max(second?)))
    };
    let before = if epoch > 1 { Some(left(epoch - 1, recorded, chain)?) } else { None };
    let spans = recorded.get(&epoch)?.iter().filter_map(places);
    spans
        .filter(|(oldest, _)| before.is_none_or(|before| before < *oldest))
        .map(|(_, youngest)| youngest)
        .min()
}

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]
    #[test]
    fn what_is_timestamped_follows_from_the_chain(
        trunk in vec((1..5_u64, 0..6_usize, 0..6_usize), 0..10),
        branches in vec(vec((1..5_u64, 0..8_usize, 0..8_usize), 0..8), 1..3),
        cut in 1..7_usize,
    ) {
        let (trunk, mut submissions) = made(&[], &trunk, 6, 1000);
        let mut record = Timestamps::from_epoch(1);
        let mut recorded = BTreeMap::<u64, Vec<VerifiedSubmission>>::new();
        let mut tip = trunk.clone();
        for (salt, branch) in (1..).zip(&branches) {
            let chain = chain(&tip);
            // In the order of the epochs, as whoever reports them would.
            submissions.sort_by_key(|one| one.submission().checkpoint().epoch);
            for one in submissions.drain(..) {
                let epoch = one.submission().checkpoint().epoch;
                // It counts where it would as the only one of its epoch.
                let mut alone = recorded.clone();
                alone.insert(epoch, vec![one.clone()]);
                let counts = left(epoch, &alone, &chain).is_some();
                assert_eq!(record.record(one.clone(), &chain).is_ok(), counts);
                if counts {
                    recorded.entry(epoch).or_default().push(one);
                }
            }
            check(&record, &recorded, &chain);
            let (next, more) = made(&trunk[..cut.min(trunk.len())], branch, 8, 2000 * salt);
            (tip, submissions) = (next, more);
            check(&record, &recorded, &self::chain(&tip));
        }
    }
}

fn check(record: &Timestamps, recorded: &BTreeMap<u64, Vec<VerifiedSubmission>>, chain: &HeaderChain) {
    let epochs = record.evaluate(chain, DEPTHS);
    let mut last_finalized = None;
    for epoch in 0..6 {
        let found = epochs.get(epoch).map(|timestamp| timestamp.status);
        let Some(submissions) = recorded.get(&epoch) else {
            assert_eq!(found, None);
            continue;
        };
        let Some(place) = left(epoch, recorded, chain) else {
            let Some(TimestampStatus::Forgotten(because)) = found else { panic!("{epoch}: {found:?}") };
            let gone = |one: &VerifiedSubmission| {
                let mut places = one.submission().places().iter();
                places.any(|place| chain.place(&place.block).is_none())
            };
            match because {
                Forgotten::BlockLeft(block) => assert_eq!(chain.place(&block), None),
                Forgotten::PredecessorLeft => assert!(!submissions.iter().all(gone)),
            }
            continue;
        };
        let mut tip = submissions.iter().flat_map(|one| one.submission().places());
        let tip =
            tip.find_map(|place| Some(chain.place(&place.block)? + chain.depth(&place.block)?)).unwrap();
        let expected = match tip - place {
            ..2 => TimestampStatus::Submitted,
            2..4 => TimestampStatus::Confirmed,
            4.. => TimestampStatus::Finalized,
        };
        assert_eq!(found, Some(expected), "epoch {epoch}");
        assert_eq!(epochs.get(epoch).unwrap().best.unwrap().1, tip - place);
        if expected == TimestampStatus::Finalized {
            last_finalized = Some(epoch);
        }
    }
    assert_eq!(epochs.last_finalized(), last_finalized);
}
