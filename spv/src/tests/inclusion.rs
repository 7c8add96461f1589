//! Proofs that a transaction is in a block.

use bitcoin::absolute::LockTime;
use bitcoin::base64::Engine as _;
use bitcoin::base64::engine::general_purpose::STANDARD;
use bitcoin::block::Header;
use bitcoin::consensus::encode;
use bitcoin::hashes::Hash;
use bitcoin::params::Params;
use bitcoin::{Amount, Block, CompactTarget, MerkleBlock, Transaction, Txid};
use proptest::prelude::*;

use crate::testing::{block, block_of, coinbase, mine, transaction};
use crate::{HeadersError, InclusionError as Error, InclusionProof};

const REGTEST: &Params = &Params::REGTEST;

pub(super) fn proof(block: &Block, place: usize) -> InclusionProof {
    InclusionProof::from_block(block, block.txdata[place].compute_txid()).unwrap()
}

/// The proof with these siblings, 32 bytes each, and this position.
fn stated(siblings: &[u8], position: u32, transaction: &Transaction, header: &Header) -> Result<(), Error> {
    InclusionProof::from_bytes(siblings, position)?.verify(transaction, header, REGTEST)
}

/// Changes each bit of the siblings, and the position to each other one.
fn assert_no_other_proof(block: &Block, place: usize) {
    let proof = proof(block, place);
    let (transaction, header, bytes) = (&block.txdata[place], &block.header, proof.sibling_bytes());
    assert_eq!(stated(&bytes, proof.position(), transaction, header), Ok(()));
    for bit in 0..8 * bytes.len() {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(stated(&flipped, proof.position(), transaction, header).is_err(), "bit {bit} of {place}");
    }
    // Up to the double of what the tree has, and each single bit beyond.
    let all = (0..2 << (bytes.len() / 32)).chain((0..32).map(|bit| proof.position() ^ (1 << bit)));
    for position in all.filter(|position| *position != proof.position()) {
        assert!(stated(&bytes, position, transaction, header).is_err(), "position {position} of {place}");
    }
    // One level less, one more.
    let less = bytes.len().saturating_sub(32);
    assert!(stated(&bytes[..less], proof.position() >> 1, transaction, header).is_err());
    for more in [[0; 32], proof_root(header)] {
        assert!(stated(&[&bytes[..], &more].concat(), proof.position(), transaction, header).is_err());
    }
}

fn proof_root(header: &Header) -> [u8; 32] {
    header.merkle_root.to_byte_array()
}

/// As a node of Babylon Genesis prints it (base64), and as hex.
#[test]
fn inclusion_is_read_from_base64_and_from_hex() {
    let block = block_of(9);
    for place in 1..block.txdata.len() {
        let proof = proof(&block, place);
        let bytes = proof.sibling_bytes();
        for text in [STANDARD.encode(&bytes), hex::encode(&bytes), hex::encode_upper(&bytes)] {
            assert_eq!(InclusionProof::from_text(&text, proof.position()).unwrap(), proof, "{text}");
        }
    }
    assert_eq!(InclusionProof::from_text("", 0), InclusionProof::from_bytes(&[], 0));
    // The sample of a node: one sibling.
    let sample = "0nRHy0FiNNhnQkznU/TC0/qbo/bWacMYyK6MGH0xvJ0=";
    let read = InclusionProof::from_text(sample, 1).unwrap();
    assert_eq!(
        hex::encode(read.sibling_bytes()),
        "d27447cb416234d867424ce753f4c2d3fa9ba3f6d669c318c8ae8c187d31bc9d"
    );
    for neither in ["?", "0g", sample.trim_end_matches('='), &format!("{sample} ")] {
        assert_eq!(InclusionProof::from_text(neither, 1), Err(Error::SiblingText), "{neither}");
    }
    assert_eq!(InclusionProof::from_text("00", 1), Err(Error::SiblingBytes(1)));
    assert_eq!(InclusionProof::from_text(&STANDARD.encode([0; 31]), 1), Err(Error::SiblingBytes(31)));
}

/// Mainnet's block 170, with the first payment there ever was.
#[test]
fn inclusion_proves_a_transaction_of_mainnet() {
    let header = "0100000055bd840a78798ad0da853f68974f3d183e2bd1db6a842c1feecf222a00000000ff104ccb05421ab93e63f8c3ce5c2c2e9d\
                  bb37de2764b3a3175c8166562cac7d51b96a49ffff001d283e9e70";
    let header: Header = encode::deserialize(&hex::decode(header).unwrap()).unwrap();
    let transaction = "0100000001c997a5e56e104102fa209c6a852dd90660a20b2d9c352423edce25857fcd3704000000004847304402204e45e16932b8\
                       af514961a1d3a1a25fdf3f4f7732e9d624c6c61548ab5fb8cd410220181522ec8eca07de4860a4acdd12909d831cc56cbbac462208\
                       2221a8768d1d0901ffffffff0200ca9a3b00000000434104ae1a62fe09c5f51b13905f07f06b99a2f7159b2225f374cd378d71302f\
                       a28414e7aab37397f554a7df5f142c21c1b7303b8a0626f1baded5c72a704f7e6cd84cac00286bee0000000043410411db93e1dcdb\
                       8a016b49840f8c53bc1eb68a382e97b1482ecad7b148a6909a5cb2e0eaddfb84ccf9744464f82e160bfa9b8b64f9d4c03f999b8643\
                       f656b412a3ac00000000";
    let transaction: Transaction = encode::deserialize(&hex::decode(transaction).unwrap()).unwrap();
    let coinbase: Txid = "b1fea52486ce0c62bb442b530a3f0132b826c74e473d1f2c220bfa78111c5082".parse().unwrap();
    let proof = InclusionProof::from_bytes(&coinbase.to_byte_array(), 1).unwrap();
    assert_eq!(proof.verify(&transaction, &header, &Params::BITCOIN), Ok(()));
}

#[test]
fn inclusion_proves_nothing_else() {
    for count in 2..=9 {
        let block = block_of(count);
        (1..block.txdata.len()).for_each(|place| assert_no_other_proof(&block, place));
    }
}

#[test]
fn inclusion_proof_is_of_one_transaction_and_one_header() {
    let (block, other) = (block_of(6), block_of(7));
    let proof = proof(&block, 3);
    let verify = |transaction: &Transaction, header: &Header| proof.verify(transaction, header, REGTEST);
    assert_eq!(verify(&block.txdata[3], &block.header), Ok(()));
    assert!(matches!(verify(&block.txdata[4], &block.header), Err(Error::OtherRoot { .. })));
    let expected = other.header.merkle_root;
    let error = Error::OtherRoot { block: other.block_hash(), found: block.header.merkle_root, expected };
    assert_eq!(verify(&block.txdata[3], &other.header), Err(error));
    // Witnesses are no part of what is proven.
    let mut signed = block.txdata[3].clone();
    signed.input[0].witness = bitcoin::Witness::from_slice(&[[7; 64]]);
    assert_eq!(verify(&signed, &block.header), Ok(()));
}

#[test]
fn inclusion_refuses_a_header_without_work() {
    let mut block = block_of(5);
    let proof = proof(&block, 2);
    mine(&mut block.header, false);
    let (hash, target) = (block.block_hash(), block.header.target());
    let verify = |header: &Header, params: &Params| proof.verify(&block.txdata[2], header, params);
    assert_eq!(verify(&block.header, REGTEST), Err(HeadersError::NoWork { block: hash, target }.into()));
    // Work enough for regtest, and not for the others.
    let mut header = block.header;
    mine(&mut header, true);
    assert_eq!(verify(&header, REGTEST), Ok(()));
    for params in [&Params::BITCOIN, &Params::TESTNET3, &Params::TESTNET4, &Params::SIGNET] {
        let (block, limit) = (header.block_hash(), params.max_attainable_target);
        let error = HeadersError::TargetTooHigh { block, target, limit };
        assert_eq!(verify(&header, params), Err(error.into()));
    }
    // Just above regtest's own limit; and targets that are none: negative, or 0.
    header.bits = CompactTarget::from_consensus(0x2100_8000);
    assert!(matches!(verify(&header, REGTEST), Err(Error::Headers(HeadersError::TargetTooHigh { .. }))));
    for bits in [0, 0x2080_0000, 0x20ff_ffff, 0xff7f_ffff, u32::MAX] {
        header.bits = CompactTarget::from_consensus(bits);
        assert!(verify(&header, REGTEST).is_err(), "{bits:08x}");
    }
}

#[test]
fn inclusion_refuses_a_coinbase() {
    for count in [1, 2, 5] {
        let block = block_of(count);
        let txid = block.txdata[0].compute_txid();
        assert_eq!(InclusionProof::from_block(&block, txid), Err(Error::Coinbase(txid)));
        // Built by hand, it would lead to the root.
        let mut siblings = Vec::new();
        if count > 1 {
            siblings = proof(&block, 1).sibling_bytes();
            siblings[..32].copy_from_slice(&block.txdata[1].compute_txid().to_byte_array());
        }
        assert_eq!(stated(&siblings, 0, &block.txdata[0], &block.header), Err(Error::Coinbase(txid)));
    }
    // Nor a second one, nor what stands in its place.
    let second = Transaction { lock_time: LockTime::from_consensus(1), ..coinbase() };
    let txid = second.compute_txid();
    let block = block([second.clone()]);
    assert_eq!(InclusionProof::from_block(&block, txid), Err(Error::Coinbase(txid)));
    let siblings = block.txdata[0].compute_txid().to_byte_array();
    assert_eq!(stated(&siblings, 1, &second, &block.header), Err(Error::Coinbase(txid)));
    let mut block = block_of(1);
    block.txdata[0] = transaction(1, vec![0x51; 34]);
    block.header.merkle_root = block.compute_merkle_root().unwrap();
    mine(&mut block.header, true);
    let txid = block.txdata[0].compute_txid();
    assert_eq!(stated(&[], 0, &block.txdata[0], &block.header), Err(Error::Coinbase(txid)));
}

#[test]
fn inclusion_refuses_a_transaction_of_64_bytes() {
    for (length, size) in [(3, 63), (4, 64), (5, 65)] {
        let short = transaction(1, vec![0x51; length]);
        assert_eq!(short.base_size(), size);
        let (block, txid) = (block([short.clone()]), short.compute_txid());
        let expected = if size == 64 { Err(Error::LikeInnerNode(txid)) } else { Ok(()) };
        assert_eq!(InclusionProof::from_block(&block, txid).map(drop), expected);
        let siblings = block.txdata[0].compute_txid().to_byte_array();
        assert_eq!(stated(&siblings, 1, &short, &block.header), expected);
        // Its witnesses change nothing.
        let mut signed = short;
        signed.input[0].witness = bitcoin::Witness::from_slice(&[[7; 64]]);
        assert_eq!(stated(&siblings, 1, &signed, &block.header), expected);
    }
}

/// A transaction of 64 bytes is in the block. Its first half is the id of another one, which is not, and
/// which the siblings would prove all the same: the way of CVE-2017-12842 that no look at the transaction
/// proven discovers.
#[test]
fn inclusion_refuses_a_transaction_posing_as_an_inner_node() {
    // The fifth byte of the id must be the number of inputs.
    let absent = (1..).map(|seed| transaction(seed, vec![0x51; 34]));
    let absent = absent.into_iter().find(|absent| absent.compute_txid().to_byte_array()[4] == 1).unwrap();
    // The end of the outpoint, an empty script, the sequence; one output with its value and a script of 4
    // bytes; nLockTime 0.
    let second_half = |value: u64| {
        let (outpoint, value) = ([9; 9], value.to_le_bytes());
        let half = [&outpoint[..], &[0], &[0xff; 4], &[1], &value, &[4], &[0x51; 4], &[0; 4]].concat();
        <[u8; 32]>::try_from(half).unwrap()
    };
    let posing = |half: [u8; 32]| [absent.compute_txid().to_byte_array(), half].concat();
    let check = |half: [u8; 32]| {
        let posing: Transaction = encode::deserialize(&posing(half)).unwrap();
        assert_eq!(posing.base_size(), 64);
        let block = block([posing]);
        let siblings = [half, block.txdata[0].compute_txid().to_byte_array()].concat();
        let node = block.txdata[1].compute_txid();
        (stated(&siblings, 2, &absent, &block.header), Error::InnerTransaction { level: 1, txid: node })
    };
    let (verdict, refused) = check(second_half(1000));
    assert_eq!(verdict, Err(refused));
    let all = Amount::MAX_MONEY.to_sat();
    let (verdict, refused) = check(second_half(all));
    assert_eq!(verdict, Err(refused));
    // No block can have a transaction that pays more than there is, or nothing: what reads as one is an inner
    // node.
    assert_eq!(check(second_half(all + 1)).0, Ok(()));
    let no_output = [&[9; 9][..], &[13], &[0x51; 13], &[0xff; 4], &[0], &[0; 4]].concat();
    assert_eq!(check(no_output.try_into().unwrap()).0, Ok(()));
}

/// The last of three transactions is its own sibling. As the fourth, it would lead to the same root.
#[test]
fn inclusion_refuses_the_place_of_a_copy() {
    let three = block_of(3);
    let siblings = proof(&three, 2).sibling_bytes();
    assert_eq!(siblings[..32], three.txdata[2].compute_txid().to_byte_array());
    assert_eq!(stated(&siblings, 2, &three.txdata[2], &three.header), Ok(()));
    let copy = stated(&siblings, 3, &three.txdata[2], &three.header);
    assert_eq!(copy, Err(Error::Copy { position: 3, level: 0 }));
    // Of five, the last is copied twice: as a leaf, and as part of a pair.
    let five = block_of(5);
    let siblings = proof(&five, 4).sibling_bytes();
    for (position, level) in [(5, 0), (6, 1), (7, 0)] {
        let copy = stated(&siblings, position, &five.txdata[4], &five.header);
        assert_eq!(copy, Err(Error::Copy { position, level }));
    }
}

#[test]
fn inclusion_proof_from_bytes_refuses_what_is_no_path() {
    for length in [1, 31, 33, 63, 1023] {
        assert_eq!(InclusionProof::from_bytes(&vec![0; length], 0), Err(Error::SiblingBytes(length)));
    }
    assert_eq!(InclusionProof::from_bytes(&[0; 33 * 32], 0), Err(Error::TooManyLevels(33)));
    for position in [0, 1, u32::MAX] {
        let proof = InclusionProof::from_bytes(&[0; 32 * 32], position).unwrap();
        assert_eq!((proof.position(), proof.sibling_bytes()), (position, vec![0; 32 * 32]));
    }
    for levels in 0..32_u32 {
        let siblings = vec![0; 32 * levels as usize];
        let last = ((1_u64 << levels) - 1) as u32;
        assert!(InclusionProof::from_bytes(&siblings, last).is_ok());
        let error = Error::NoSuchPosition { position: last + 1, levels: levels as usize };
        assert_eq!(InclusionProof::from_bytes(&siblings, last + 1), Err(error));
    }
}

#[test]
fn inclusion_proof_from_block_is_of_its_own_transactions() {
    let mut block = block_of(4);
    let absent = transaction(77, vec![0x51; 34]).compute_txid();
    let error = Error::NotInBlock { txid: absent, block: block.block_hash() };
    assert_eq!(InclusionProof::from_block(&block, absent), Err(error));
    let txid = block.txdata[2].compute_txid();
    block.txdata.pop();
    let found = block.compute_merkle_root().unwrap();
    let error = Error::OtherRoot { block: block.block_hash(), found, expected: block.header.merkle_root };
    assert_eq!(InclusionProof::from_block(&block, txid), Err(error));
    block.txdata.clear();
    assert!(matches!(InclusionProof::from_block(&block, txid), Err(Error::NotInBlock { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn inclusion_proves_each_transaction(
        scripts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 5..60), 0..40),
        chosen: proptest::sample::Index,
    ) {
        let block = block((1..).zip(scripts).map(|(seed, script)| transaction(seed, script)));
        for (place, transaction) in block.txdata.iter().enumerate().skip(1) {
            let proof = proof(&block, place);
            prop_assert_eq!(proof.position() as usize, place);
            prop_assert_eq!(proof.verify(transaction, &block.header, REGTEST), Ok(()));
            let bytes = proof.sibling_bytes();
            prop_assert_eq!(bytes.len() / 32, block.txdata.len().next_power_of_two().ilog2() as usize);
            prop_assert_eq!(InclusionProof::from_bytes(&bytes, proof.position()), Ok(proof));
            // The library's own proof, of another form, says the same.
            let txid = transaction.compute_txid();
            let (mut found, mut positions) = (Vec::new(), Vec::new());
            let proof = MerkleBlock::from_block_with_predicate(&block, |id| *id == txid);
            prop_assert_eq!(proof.extract_matches(&mut found, &mut positions), Ok(()));
            prop_assert_eq!((found, positions), (vec![txid], vec![place as u32]));
        }
        if block.txdata.len() > 1 {
            assert_no_other_proof(&block, 1 + chosen.index(block.txdata.len() - 1));
        }
    }

    #[test]
    fn inclusion_of_any_bytes_is_refused(
        siblings in proptest::collection::vec(any::<[u8; 32]>(), 0..33),
        position: u32,
    ) {
        let block = block_of(3);
        let bytes = siblings.concat();
        let mask = 1_u64.checked_shl(siblings.len() as u32).unwrap() - 1;
        for position in [position, position & mask as u32] {
            prop_assert!(stated(&bytes, position, &block.txdata[1], &block.header).is_err());
        }
    }
}
