//! Chains of headers, and how deep a block is.

use bitcoin::block::Header;
use bitcoin::consensus::encode;
use bitcoin::constants::genesis_block;
use bitcoin::params::Params;
use bitcoin::{BlockHash, CompactTarget, Network};
use proptest::prelude::*;

use super::inclusion::proof;
use crate::testing::{block_of, mine};
use crate::{HeadersError as Error, InclusionError, inclusion_depth};

const REGTEST: &Params = &Params::REGTEST;

/// A chain of headers that have work for these targets, from `first` on.
fn chain(first: Header, bits: &[u32]) -> Vec<Header> {
    let mut headers = vec![first];
    for bits in bits {
        let before = headers[headers.len() - 1];
        let bits = CompactTarget::from_consensus(*bits);
        let mut header = Header { prev_blockhash: before.block_hash(), bits, nonce: 0, ..before };
        mine(&mut header, true);
        headers.push(header);
    }
    headers
}

fn first(bits: u32) -> Header {
    let mut header = block_of(3).header;
    header.bits = CompactTarget::from_consensus(bits);
    mine(&mut header, true);
    header
}

/// A network that adjusts its target every four blocks, and allows no blocks of least work between.
fn adjusting() -> Params {
    let mut params = REGTEST.clone();
    (params.allow_min_difficulty_blocks, params.no_pow_retargeting) = (false, false);
    params.miner_confirmation_window = 4;
    params
}

/// Mainnet's first three blocks.
#[test]
fn inclusion_depth_of_mainnets_first_blocks() {
    let read = |text: &str| encode::deserialize::<Header>(&hex::decode(text).unwrap()).unwrap();
    let one = "010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000982051fd1e4ba744bbbe680e1fee14677ba1a3c3\
               540bf7b1cdb606e857233e0e61bc6649ffff001d01e36299";
    let two = "010000004860eb18bf1b1620e37e9490fc8a427514416fd75159ab86688e9a8300000000d5fdcc541e25de1c7a5addedf24858b8bb665c9f\
               36ef744ee42c316022c90f9bb0bc6649ffff001d08d2bd61";
    let headers = [genesis_block(Network::Bitcoin).header, read(one), read(two)];
    let hash =
        "000000006a625f06636b8bb6ac7b960a8d03705d1ace08b1a19da3fdcc99ddbd".parse::<BlockHash>().unwrap();
    assert_eq!(headers[2].block_hash(), hash);
    assert_eq!(inclusion_depth(&headers, &Params::BITCOIN), Ok(2));
    assert_eq!(inclusion_depth(&headers[2..], &Params::BITCOIN), Ok(0));
    let (found, expected) = (headers[1].block_hash(), headers[0].block_hash());
    let error = Error::NotLinked { block: hash, found, expected };
    assert_eq!(inclusion_depth(&[headers[0], headers[2]], &Params::BITCOIN), Err(error));
}

#[test]
fn inclusion_depth_refuses_a_chain_without_headers() {
    assert_eq!(inclusion_depth(&[], REGTEST), Err(Error::Empty));
    let block = block_of(3);
    let verdict = proof(&block, 1).verify_deep(&block.txdata[1], &[], 0, REGTEST);
    assert_eq!(verdict, Err(Error::Empty.into()));
}

/// A compact target whose bits overflow is refused.
#[test]
fn inclusion_depth_refuses_compact_targets_of_another_form() {
    let first = block_of(2).header;
    assert_eq!(inclusion_depth(&[first], REGTEST), Ok(0));
    for bits in [0x407f_ffff_u32, 0x607f_ffff, 0xe07f_ffff, 0x2080_ffff, 0x2100_7fff] {
        let header = Header { bits: CompactTarget::from_consensus(bits), ..first };
        let found = inclusion_depth(&[header], REGTEST);
        assert_eq!(found, Err(Error::TargetForm { block: header.block_hash(), bits }), "{bits:08x}");
    }
}

#[test]
fn inclusion_depth_of_a_transaction_is_that_of_its_block() {
    let block = block_of(5);
    let (proof, transaction, headers) =
        (proof(&block, 2), &block.txdata[2], chain(block.header, &[0x207f_ffff; 12]));
    let verify = |headers: &[Header]| proof.verify_deep(transaction, headers, 10, REGTEST);
    let shallow = |depth| Err(Error::TooShallow { block: block.block_hash(), depth, least: 10 }.into());
    assert_eq!(verify(&headers), Ok(12));
    assert_eq!(verify(&headers[..11]), Ok(10));
    assert_eq!(verify(&headers[..10]), shallow(9));
    assert_eq!(verify(&headers[..1]), shallow(0));
    // Of another block, however deep that is.
    let other = chain(block_of(6).header, &[0x207f_ffff; 12]);
    assert!(matches!(verify(&other), Err(InclusionError::OtherRoot { .. })));
    // A deeper chain of which the block is not the first.
    assert!(matches!(verify(&[&[other[0]], &headers[..]].concat()), Err(InclusionError::OtherRoot { .. })));
}

#[test]
fn headers_each_have_work_and_follow_the_one_before() {
    let headers = chain(first(0x207f_ffff), &[0x207f_ffff; 4]);
    let depth = |change: &dyn Fn(&mut Vec<Header>)| {
        let mut headers = headers.clone();
        change(&mut headers);
        inclusion_depth(&headers, REGTEST)
    };
    assert_eq!(depth(&|_| {}), Ok(4));
    for place in 0..5 {
        let no_work = depth(&|headers| mine(&mut headers[place], false));
        assert!(matches!(no_work, Err(Error::NoWork { .. })), "{place}: {no_work:?}");
    }
    // The work done anew, and the one after it left: it follows another block.
    let other_time = depth(&|headers| {
        headers[2].time += 1;
        mine(&mut headers[2], true);
    });
    assert!(matches!(other_time, Err(Error::NotLinked { block, .. }) if block == headers[3].block_hash()));
    for place in 1..4 {
        let removed = depth(&|headers| {
            headers.remove(place);
        });
        assert!(matches!(removed, Err(Error::NotLinked { .. })));
    }
    for change in [<[Header]>::reverse, |headers: &mut [Header]| headers.swap(1, 2)] {
        assert!(matches!(depth(&|headers| change(headers)), Err(Error::NotLinked { .. })));
    }
    let twice = depth(&|headers| headers.insert(1, headers[1]));
    assert!(matches!(twice, Err(Error::NotLinked { .. })));
}

#[test]
fn target_rises_by_four_times_at_most() {
    let depth = |bits: &[u32], params: &Params| inclusion_depth(&chain(first(bits[0]), &bits[1..]), params);
    assert_eq!(depth(&[0x1f10_0000, 0x1f40_0000, 0x1f40_0000], &adjusting()), Ok(2));
    let leap = depth(&[0x1f10_0000, 0x1f40_0001], &adjusting());
    let target = |bits: u32| bitcoin::Target::from_compact(CompactTarget::from_consensus(bits));
    let (low, high) = (target(0x1f40_0000), target(0x1f40_0001));
    assert!(
        matches!(leap, Err(Error::TargetLeaps { target, highest, .. }) if target == high && highest == low)
    );
    // Harder is no attack.
    assert_eq!(depth(&[0x207f_ffff, 0x1f7f_ffff], &adjusting()), Ok(1));
    // Where any block may be of the least work, nothing is a leap.
    assert_eq!(depth(&[0x1f10_0000, 0x207f_ffff, 0x1f10_0000, 0x207f_ffff], REGTEST), Ok(3));
}

#[test]
fn target_holds_for_a_period() {
    let depth = |bits: &[u32]| inclusion_depth(&chain(first(bits[0]), &bits[1..]), &adjusting());
    let (low, middle, high) = (0x2008_0000, 0x2010_0000, 0x2020_0000);
    assert_eq!(depth(&[low, middle, middle, middle, middle, high]), Ok(5));
    for (blocks, bits) in [
        (3, &[low, middle, middle, middle, high][..]),
        (1, &[low, low, low, low, low, middle, high]),
        (2, &[low, middle, middle, low]),
        (3, &[low, middle, middle, middle, middle, high, high, high, middle]),
    ] {
        let verdict = depth(bits);
        assert!(
            matches!(verdict, Err(Error::TargetChanges { blocks: found, period: 4, .. }) if found == blocks),
            "{verdict:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever bit of a chain is changed: it is none, or only its last header is another one.
    #[test]
    fn headers_with_a_flipped_bit_are_refused(length in 1..12_usize, bit in any::<prop::sample::Index>()) {
        let headers = chain(first(0x207f_ffff), &vec![0x207f_ffff; length]);
        let mut bytes: Vec<u8> = headers.iter().flat_map(encode::serialize).collect();
        let bit = bit.index(8 * bytes.len());
        bytes[bit / 8] ^= 1 << (bit % 8);
        let changed = bytes.chunks(80).map(|header| encode::deserialize(header).unwrap());
        let changed: Vec<Header> = changed.collect();
        let verdict = inclusion_depth(&changed, REGTEST);
        if bit / 640 < length {
            prop_assert!(verdict.is_err());
        } else {
            prop_assert!(verdict == Ok(length as u32) || verdict.is_err());
        }
    }
}
