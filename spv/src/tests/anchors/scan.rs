//! Marks of whole blocks: the same as of their transactions, one by one.

use bitcoin::consensus::encode;
use bitcoin::{Block, Script, Transaction, TxOut};
use proptest::collection::vec;
use proptest::prelude::{any, proptest};

use super::marks::vectors;
use super::{COINBASE, paying, script};
use crate::anchors::{
    CoreRedeemScript, Keystone, Place, Registry, explain_marks, first_publications, scan_block,
};
use crate::testing::{block, transaction};

/// The marks of a block by reading it: transaction, place and format of each.
fn reading(block: &Block) -> Vec<(u32, Place, &'static str)> {
    let registry = Registry::new();
    let marks = (0..).zip(&block.txdata).flat_map(|(position, transaction)| {
        let told = registry.explain(transaction).into_iter();
        told.filter_map(move |told| Some((position, told.place, told.mark?.format)))
    });
    marks.collect()
}

fn scanned(block: &Block) -> Vec<(u32, Place, &'static str)> {
    let (bytes, registry) = (encode::serialize(block), Registry::new());
    let marks = scan_block(&bytes, &registry).unwrap();
    for (mark, explained) in marks.iter().zip(explain_marks(&marks)) {
        let transaction = &block.txdata[usize::try_from(mark.position).unwrap()];
        assert_eq!(mark.transaction, encode::serialize(transaction));
        let told = registry.explain(transaction).into_iter().find(|told| told.place == mark.place).unwrap();
        assert_eq!((mark.data, mark.trailing), (&told.data[..], told.trailing));
        assert_eq!(Some(explained), told.mark);
    }
    marks.iter().map(|mark| (mark.position, mark.place, mark.format())).collect()
}

#[test]
fn a_scan_finds_every_vector() {
    let others = vectors().into_iter().filter(|(_, place, _)| *place != COINBASE);
    let mut block = block(others.clone().map(|(hex, ..)| paying(&[script(hex), vec![0x51]])));
    let in_coinbase = vectors().into_iter().filter(|(_, place, _)| *place == COINBASE);
    for (hex, ..) in in_coinbase.clone() {
        let output = block.txdata[0].output[0].clone();
        block.txdata[0].output.push(TxOut { script_pubkey: script(hex).into(), ..output });
    }
    let formats: Vec<_> = scanned(&block).into_iter().map(|(_, _, format)| format).collect();
    let expected: Vec<_> = in_coinbase.chain(others).map(|(_, _, format)| format).collect();
    assert_eq!(formats, expected);
}

#[test]
fn the_first_publication_of_a_keystone_counts() {
    let keystone = |number: u32| Keystone {
        l1_block_number: 1,
        l2_block_number: number * Keystone::INTERVAL,
        parent_ep_hash: [1; 11],
        previous_keystone_ep_hash: [2; 12],
        state_root: [3; 32],
        ep_hash: [4; 12],
    };
    let output = |number| keystone(number).script_pubkey().into_bytes();
    let mut block = block([
        transaction(1, vec![0x51]),
        paying(&[output(2), output(1), output(2)]),
        paying(&[output(1), [output(3), vec![0x51]].concat()]),
    ]);
    // A coinbase's do not count.
    block.txdata[0].output[0].script_pubkey = output(3).into();
    let (bytes, registry) = (encode::serialize(&block), Registry::new());
    let marks = scan_block(&bytes, &registry).unwrap();
    assert_eq!(marks.len(), 5);
    let first = first_publications(&marks);
    let found: Vec<_> =
        first.iter().map(|found| (found.keystone, found.hash, found.found.position)).collect();
    let expected = [(2, 2), (1, 2), (3, 3)]
        .map(|(number, position)| (keystone(number), keystone(number).hash(), position));
    assert_eq!(found, expected);
    assert_eq!(first[2].found.trailing, 1);
}

#[test]
fn a_transaction_of_tens_of_thousands_of_marks_is_told_of_at_once() {
    use super::core::CORE_MAINNET;
    let redeem = CoreRedeemScript::from_script(Script::from_bytes(&script(CORE_MAINNET)[51..])).unwrap();
    let paid = redeem.script().to_p2wsh().into_bytes();
    let mut scripts = vec![script(CORE_MAINNET); 20_000];
    scripts.extend(vec![paid; 20_000]);
    let told = Registry::new().explain(&paying(&scripts));
    assert_eq!(told.len(), 20_000);
    let mark = told[19_999].mark.as_ref().unwrap();
    assert_eq!(mark.notes, ["19984 more outputs pay to the redeem script"]);
    assert_eq!(mark.fields.iter().filter(|field| field.name == "stake_output").count(), 16);
    // Of a coinbase, and by its block.
    let mut block = block([]);
    let output = block.txdata[0].output[0].clone();
    let tag = script(vectors()[5].0);
    block.txdata[0].output = vec![TxOut { script_pubkey: tag.into(), ..output }; 50_000];
    let (bytes, registry) = (encode::serialize(&block), Registry::new());
    let marks = explain_marks(&scan_block(&bytes, &registry).unwrap());
    assert_eq!(marks.len(), 50_000);
    assert_eq!(marks[0].notes[0], "the coinbase has 50000 tags of Rootstock; only the last counts");
}

fn near_vector((which, cut, more): (usize, usize, Vec<u8>)) -> Vec<u8> {
    let vector = script(vectors()[which % vectors().len()].0);
    let mut script = vector[..vector.len() - cut.min(vector.len())].to_vec();
    script.extend(more);
    script
}

proptest! {
    #[test]
    fn a_scan_tells_what_reading_does(
        scripts in vec(vec((0..10_usize, 0..3_usize, vec(any::<u8>(), 0..4)), 1..4), 1..6),
        in_coinbase in vec((0..10_usize, 0..2_usize, vec(any::<u8>(), 0..2)), 0..3),
        script_sig in vec(any::<u8>(), 0..4),
    ) {
        let transactions = scripts.into_iter().map(|scripts| {
            paying(&scripts.into_iter().map(near_vector).collect::<Vec<_>>())
        });
        let mut block = block(transactions);
        let coinbase: &mut Transaction = &mut block.txdata[0];
        let merged = crate::anchors::AuxPowTag { root: [1; 32], size: 1, nonce: 0 }.to_bytes();
        coinbase.input[0].script_sig = [&script_sig[..], &merged[script_sig.len() % 2..]].concat().into();
        for script in in_coinbase.into_iter().map(near_vector) {
            let output = coinbase.output[0].clone();
            coinbase.output.push(TxOut { script_pubkey: script.into(), ..output });
        }
        assert_eq!(scanned(&block), reading(&block));
    }
}
