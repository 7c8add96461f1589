//! Publications of keystones, and how final these make them.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::{Amount, BlockHash, OutPoint, ScriptBuf, TxOut, Txid};
use proptest::collection::vec;
use proptest::prelude::proptest;

use crate::anchors::{
    Keystone, KeystoneConfirmations, KeystoneFinality, KeystoneHash, PublicationError,
    PublicationTransaction, SUPER_FINALITY,
};

fn block(height: u32) -> BlockHash {
    BlockHash::from_byte_array([u8::try_from(height % 251).unwrap(); 32])
}

/// A keystone after the one with this EP hash.
fn keystone(number: u32, previous: [u8; 12]) -> Keystone {
    let mut ep_hash = [0; 12];
    ep_hash[..4].copy_from_slice(&number.to_be_bytes());
    Keystone {
        l1_block_number: 1,
        l2_block_number: number * Keystone::INTERVAL,
        parent_ep_hash: [1; 11],
        previous_keystone_ep_hash: previous,
        state_root: [3; 32],
        ep_hash,
    }
}

/// A chain of keystones, the first with number 1.
fn chain(record: &mut KeystoneFinality, length: u32) -> Vec<KeystoneHash> {
    let mut previous = [0; 12];
    let add = |number| {
        let keystone = keystone(number, previous);
        previous = keystone.ep_hash;
        record.add(keystone)
    };
    (1..=length).map(add).collect()
}

fn confirmed(depth: u32, height: u32, hash: KeystoneHash) -> Option<KeystoneConfirmations> {
    let publication = Some((height, block(height), hash));
    Some(KeystoneConfirmations {
        effective_confirmations: depth,
        super_finality: depth >= SUPER_FINALITY,
        publication,
    })
}

const UNPUBLISHED: Option<KeystoneConfirmations> =
    Some(KeystoneConfirmations { effective_confirmations: 0, super_finality: false, publication: None });

#[test]
fn confirmations_are_inherited_from_descendants() {
    let mut record = KeystoneFinality::new();
    let hashes = chain(&mut record, 4);
    assert_eq!(record.confirmations(hashes[0], 100), UNPUBLISHED);
    // The third is published at 90: the ones before it have its confirmations, the one after it none.
    record.publish(hashes[2], 90, block(90));
    for hash in &hashes[..3] {
        assert_eq!(record.confirmations(*hash, 90), confirmed(0, 90, hashes[2]));
        assert_eq!(record.confirmations(*hash, 99), confirmed(9, 90, hashes[2]));
        assert!(!record.confirmations(*hash, 99).unwrap().super_finality);
        assert!(record.confirmations(*hash, 100).unwrap().super_finality);
    }
    assert_eq!(record.confirmations(hashes[3], 100), UNPUBLISHED);
    // Its own publication is deeper, and later ones of the same keystone are not the first.
    record.publish(hashes[0], 85, block(85));
    record.publish(hashes[0], 95, block(95));
    assert_eq!(record.confirmations(hashes[0], 100), confirmed(15, 85, hashes[0]));
    assert_eq!(record.confirmations(hashes[1], 100), confirmed(10, 90, hashes[2]));
    // The blocks above 85 leave the chain, and then it too.
    record.disconnect_above(85);
    assert_eq!(record.confirmations(hashes[0], 85), confirmed(0, 85, hashes[0]));
    assert_eq!(record.confirmations(hashes[1], 85), UNPUBLISHED);
    record.disconnect_above(84);
    assert_eq!(record.confirmations(hashes[0], 84), UNPUBLISHED);
    // A publication above the best block does not count, and an unknown keystone is no keystone.
    record.publish(hashes[0], 101, block(101));
    assert_eq!(record.confirmations(hashes[0], 100), UNPUBLISHED);
    assert_eq!(record.confirmations(KeystoneHash([7; 32]), 100), None);
}

#[test]
fn the_search_stops_where_a_publication_is_deep_enough() {
    let mut record = KeystoneFinality::new();
    let hashes = chain(&mut record, 3);
    record.publish(hashes[1], 80, block(80));
    record.publish(hashes[2], 70, block(70));
    assert_eq!(record.confirmations(hashes[0], 99), confirmed(29, 70, hashes[2]));
    assert_eq!(record.confirmations(hashes[0], 100), confirmed(20, 80, hashes[1]));
}

#[test]
fn keystones_that_name_each_other_are_no_circle() {
    let mut record = KeystoneFinality::new();
    let one = record.add(keystone(1, keystone(2, [0; 12]).ep_hash));
    let two = record.add(keystone(2, keystone(1, [0; 12]).ep_hash));
    record.publish(two, 5, block(5));
    record.publish(one, 1, block(1));
    assert_eq!(record.confirmations(one, 10), confirmed(9, 1, one));
    assert_eq!(record.confirmations(two, 10), confirmed(5, 5, two));
    // One that has its own EP hash as that of the one before it.
    let own = record.add(keystone(3, keystone(3, [0; 12]).ep_hash));
    assert_eq!(record.confirmations(own, 10), UNPUBLISHED);
}

#[test]
fn twins_have_their_descendants_once() {
    let mut record = KeystoneFinality::new();
    let (mut previous, mut first) = ([0; 12], None);
    // Two keystones with the same EP hash at each of 60 heights.
    for number in 1..=60 {
        let one = keystone(number, previous);
        let twin = Keystone { state_root: [4; 32], ..one };
        let hash = record.add(one);
        first.get_or_insert(hash);
        record.add(twin);
        previous = one.ep_hash;
    }
    let last = record.add(keystone(61, previous));
    record.publish(last, 5, block(5));
    assert_eq!(record.confirmations(first.unwrap(), 7), confirmed(2, 5, last));
}

#[test]
fn a_publication_pays_its_fee_and_change() {
    let keystone = keystone(4, [2; 12]);
    let coin = (
        OutPoint::new(Txid::from_byte_array([7; 32]), 3),
        TxOut { value: Amount::from_sat(10_000), script_pubkey: ScriptBuf::new() },
    );
    let change = ScriptBuf::from_bytes([&[0x00, 0x14][..], &[9; 20]].concat());
    let new =
        |fee| PublicationTransaction::new(&keystone, coin.clone(), change.clone(), Amount::from_sat(fee));
    let unsigned = new(300).unwrap().unsigned_transaction();
    assert_eq!((unsigned.version.0, unsigned.lock_time), (2, LockTime::ZERO));
    assert_eq!((unsigned.input.len(), unsigned.input[0].previous_output), (1, coin.0));
    let outputs: Vec<_> = unsigned.output.iter().map(|output| output.value.to_sat()).collect();
    assert_eq!(outputs, [9700, 0]);
    assert_eq!(unsigned.output[0].script_pubkey, change);
    let payload = [&[0x6a, 0x4c, 0x50][..], &keystone.payload()].concat();
    assert_eq!(unsigned.output[1].script_pubkey.as_bytes(), payload);
    let sat = Amount::from_sat;
    assert!(new(10_000 - 294).is_ok());
    assert_eq!(new(10_000 - 293), Err(PublicationError::Dust { change: sat(293), least: sat(294) }));
    assert_eq!(new(10_001), Err(PublicationError::CoinTooSmall { coin: sat(10_000), fee: sat(10_001) }));
}

proptest! {
    /// The deepest publication of a keystone and its descendants, found by looking at all.
    #[test]
    fn the_deepest_publication_counts(
        parents in vec(0..12_u32, 1..12),
        published in vec((0..12_usize, 90..110_u32), 0..12),
        best in 95..105_u32,
    ) {
        let mut record = KeystoneFinality::new();
        let parent = |number: u32| parents[usize::try_from(number).unwrap() - 1] % number;
        let ep_hash = |number: u32| keystone(number, [0; 12]).ep_hash;
        let count = u32::try_from(parents.len()).unwrap();
        let hashes: Vec<_> =
            (1..=count).map(|number| record.add(keystone(number, ep_hash(parent(number))))).collect();
        let mut heights = vec![u32::MAX; hashes.len()];
        for (which, height) in published {
            let which = which % hashes.len();
            record.publish(hashes[which], height, block(height));
            heights[which] = heights[which].min(height);
        }
        for (number, hash) in (1..=count).zip(&hashes) {
            let descends = |mut other: u32| loop {
                if other == number {
                    break true;
                }
                if other == 0 {
                    break false;
                }
                other = parent(other);
            };
            let depths = (1..=count).zip(&heights).filter(|(other, _)| descends(*other));
            let depth = depths.filter_map(|(_, height)| best.checked_sub(*height)).max();
            let found = record.confirmations(*hash, best).unwrap();
            assert_eq!(found.effective_confirmations, depth.unwrap_or(0));
            assert_eq!(found.publication.is_some(), depth.is_some());
        }
    }
}
