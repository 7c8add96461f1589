//! Phase-1 stakes in the bytes of blocks, compared with parsing every transaction.

use bitcoin::absolute::LockTime;
use bitcoin::block::{Header, Version};
use bitcoin::consensus::encode;
use bitcoin::constants::genesis_block;
use bitcoin::hashes::Hash as _;
use bitcoin::{
    Amount, Block, BlockHash, CompactTarget, Network, ScriptBuf, Transaction, TxIn, TxMerkleNode, TxOut,
    Witness,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::outputs::{OpReturnData, Timelock};
use crate::phase1::{
    BlockBytesError as Error, FoundPhase1Stake, Phase1Error, Phase1Rules, Phase1Stake, scan_phase1_stakes,
};
use crate::testing::key;

const TAG: [u8; 4] = *b"bbn1";

/// The offset of the first transaction in a block of less than 253.
const FIRST: usize = 81;

fn op_return(tag: [u8; 4]) -> OpReturnData {
    let (staker, finality_provider) = (*key("staker", 0).public_key(), *key("provider", 0).public_key());
    OpReturnData { tag, staker, finality_provider, staking_time: Timelock::from_blocks(64000).unwrap() }
}

fn block(txdata: Vec<Transaction>) -> Vec<u8> {
    let header = Header {
        version: Version::TWO,
        prev_blockhash: BlockHash::all_zeros(),
        merkle_root: TxMerkleNode::all_zeros(),
        time: 0,
        bits: CompactTarget::from_consensus(0),
        nonce: 0,
    };
    encode::serialize(&Block { header, txdata })
}

fn transaction(input: Vec<TxIn>, scripts: Vec<ScriptBuf>) -> Transaction {
    let output = |script_pubkey| TxOut { value: Amount::from_sat(1000), script_pubkey };
    let version = bitcoin::transaction::Version::TWO;
    Transaction {
        version,
        lock_time: LockTime::ZERO,
        input,
        output: scripts.into_iter().map(output).collect(),
    }
}

fn stake() -> Transaction {
    transaction(vec![TxIn::default()], vec![op_return(TAG).script()])
}

fn with_witness(mut transaction: Transaction, elements: &[Vec<u8>]) -> Transaction {
    transaction.input[0].witness = Witness::from_slice(elements);
    transaction
}

type Found = Vec<(u32, Vec<u8>, OpReturnData)>;

fn fast(bytes: &[u8]) -> Option<Found> {
    let found = scan_phase1_stakes(bytes, TAG).ok()?;
    Some(
        found
            .into_iter()
            .map(|stake| (stake.position, stake.transaction.to_vec(), stake.op_return))
            .collect(),
    )
}

fn slow(bytes: &[u8]) -> Option<Found> {
    let block: Block = encode::deserialize(bytes).ok()?;
    let said = |(position, transaction): (u32, &Transaction)| {
        let said = OpReturnData::of(transaction).ok().filter(|said| said.tag == TAG)?;
        Some((position, encode::serialize(transaction), said))
    };
    Some((0..).zip(&block.txdata).filter_map(said).collect())
}

#[test]
fn scan_finds_stakes_with_their_places_and_bytes() {
    let other = transaction(vec![TxIn::default()], vec![op_return(*b"bbn2").script()]);
    let twice = transaction(vec![TxIn::default()], vec![op_return(TAG).script(), op_return(TAG).script()]);
    let signed = with_witness(stake(), &[vec![1; 64]]);
    let bytes = block(vec![other.clone(), stake(), twice, signed.clone(), other]);
    let found = scan_phase1_stakes(&bytes, TAG).unwrap();
    let expected = [(1, encode::serialize(&stake())), (3, encode::serialize(&signed))];
    assert_eq!(found.len(), expected.len());
    for (found, (position, transaction)) in found.iter().zip(expected) {
        assert_eq!((found.position, found.transaction), (position, &transaction[..]));
        assert_eq!(found.op_return, op_return(TAG));
    }
    // An OP_RETURN of another network, and one that is almost an OP_RETURN of this one.
    let mut no_key = op_return(TAG).script().into_bytes();
    no_key[7..39].fill(0xff);
    let scripts = vec![ScriptBuf::from_bytes(no_key), op_return(*b"bbn2").script()];
    let elsewhere = block(vec![transaction(vec![TxIn::default()], scripts)]);
    assert_eq!(scan_phase1_stakes(&elsewhere, TAG), Ok(vec![]));
    assert_eq!(scan_phase1_stakes(&elsewhere, *b"bbn2").unwrap().len(), 1);
    assert_eq!(scan_phase1_stakes(&bytes, *b"bbn2").unwrap().len(), 2);
    assert_eq!(scan_phase1_stakes(&bytes, *b"bbn3"), Ok(vec![]));
    let genesis = encode::serialize(&genesis_block(Network::Bitcoin));
    assert_eq!(scan_phase1_stakes(&genesis, TAG), Ok(vec![]));
}

/// What the scan has found is a stake where the output is there, by the same rules as a transaction that is
/// parsed; OP_RETURN data alone are none.
#[test]
fn found_transaction_is_a_stake_by_every_rule() {
    let good =
        with_witness(super::stating(&super::said(64000), &super::said(64000), 500_000), &[vec![1; 64]]);
    let small = super::stating(&super::said(64000), &super::said(64000), 499_999);
    let contradicted = super::stating(&super::said(64000), &super::said(63999), 500_000);
    let transactions = [good, small, contradicted, stake()];
    let bytes = block(transactions.to_vec());
    let found = scan_phase1_stakes(&bytes, TAG).unwrap();
    let (history, height) = (super::mainnet(), bitcoin::absolute::Height::from_consensus(875_088).unwrap());
    let rules = Phase1Rules::from(history.get(2).unwrap()).at(height);
    assert_eq!(found.len(), transactions.len());
    let mut names = Vec::new();
    for (found, transaction) in found.iter().zip(&transactions) {
        let stake = found.stake(rules);
        assert_eq!(stake, Phase1Stake::find(transaction, rules));
        names.push(match stake {
            Ok(stake) => stake.broken.iter().map(Phase1Error::rule).collect::<Vec<_>>(),
            Err(error) => vec![error.rule()],
        });
    }
    let above = "cap_height";
    let expected =
        [vec![above], vec!["staking_amount", above], vec!["staking_output"], vec!["staking_output"]];
    assert_eq!(names, expected);
    // Of bytes that are none, a caller's own.
    let cut = FoundPhase1Stake { transaction: &found[0].transaction[1..], ..found[0] };
    assert_eq!(cut.stake(rules).unwrap_err().rule(), "transaction");
}

/// Compact sizes of every length that a block can have: 1, 3 and 5 bytes.
#[test]
fn scan_steps_over_long_lists_and_scripts() {
    for length in [0, 252, 253, 65535, 65536, 100_000] {
        let script = ScriptBuf::from_bytes(vec![0x6a; length]);
        let input = TxIn { script_sig: script.clone(), ..TxIn::default() };
        let long = transaction(vec![input], vec![script.clone(), op_return(TAG).script(), script]);
        let signed = with_witness(long.clone(), &[vec![1; length], vec![]]);
        let bytes = block(vec![long, signed]);
        assert_eq!(fast(&bytes).unwrap().len(), 2);
        assert_eq!(fast(&bytes), slow(&bytes));
    }
    for count in [252, 253, 300] {
        let mut many = transaction(vec![TxIn::default(); count], vec![ScriptBuf::new(); count]);
        many.output.push(TxOut { value: Amount::ZERO, script_pubkey: op_return(TAG).script() });
        let transactions = [with_witness(many, &vec![vec![2]; count])].into_iter();
        let bytes = block(transactions.chain(vec![stake(); count - 1]).collect());
        assert_eq!(fast(&bytes).unwrap().len(), count);
        assert_eq!(fast(&bytes), slow(&bytes));
    }
}

#[test]
fn scan_refuses_bytes_that_are_no_block() {
    let bytes = block(vec![stake(), with_witness(stake(), &[vec![1; 64]])]);
    let scan = |bytes: &[u8]| scan_phase1_stakes(bytes, TAG).map(drop);
    assert_eq!(scan(&[]), Err(Error::Truncated { offset: 0, needed: 80 }));
    for length in 0..bytes.len() {
        assert!(matches!(scan(&bytes[..length]), Err(Error::Truncated { .. })), "{length} bytes");
    }
    assert_eq!(scan(&[&bytes[..], &[0; 3]].concat()), Err(Error::Trailing(3)));
    assert_eq!(scan(&vec![0; 4_000_001]), Err(Error::TooLong(4_000_001)));
    assert_eq!(scan(&vec![0; 4_000_000]), Err(Error::Trailing(4_000_000 - 81)));
    // The first transaction's input count; after a count of 0 is the flag.
    let with = |place: usize, new: &[u8]| [&bytes[..place], new, &bytes[place + 1..]].concat();
    let at = FIRST + 4;
    for (new, number) in [(&[0xfd, 1, 0][..], 1), (&[0xfe, 0xff, 0xff, 0, 0], 0xffff)] {
        assert_eq!(scan(&with(at, new)), Err(Error::NotShortest { offset: at + new.len(), number }));
    }
    let long = [&[0xff][..], &u32::MAX.to_le_bytes(), &[0; 4]].concat();
    assert_eq!(scan(&with(at, &long)), Err(Error::NotShortest { offset: at + 9, number: u32::MAX.into() }));
    assert_eq!(scan(&with(at, &[0, 2])), Err(Error::UnknownFlag { position: 0, flag: 2 }));
    // A script of the largest length that can be encoded.
    let endless = Err(Error::Truncated { offset: at + 1 + 36 + 9, needed: u64::MAX });
    assert_eq!(scan(&with(at + 1 + 36, &[0xff; 9])), endless);
    // A witness for each input, each empty.
    let plain = encode::serialize(&stake());
    let (start, end) = (&plain[4..plain.len() - 4], &plain[plain.len() - 4..]);
    let empty = [&bytes[..80], &[1], &plain[..4], &[0, 1], start, &[0], end].concat();
    assert_eq!(scan(&empty), Err(Error::NoWitness(0)));
    for bytes in [with(at, &[0, 2]), with(at, &long), empty] {
        assert_eq!((fast(&bytes), slow(&bytes)), (None, None));
    }
}

#[test]
fn scan_errors_tell_where() {
    let text = |error: Error| error.to_string();
    let expected = "the block ends at byte 80; must have 1 more bytes";
    assert_eq!(text(Error::Truncated { offset: 80, needed: 1 }), expected);
    let expected = "the number 1 before byte 88 is written too long; must be in the shortest form";
    assert_eq!(text(Error::NotShortest { offset: 88, number: 1 }), expected);
    let expected = "the transaction at position 7 has the flag 2; must be 1";
    assert_eq!(text(Error::UnknownFlag { position: 7, flag: 2 }), expected);
}

/// OP_RETURN scripts of a stake, almost such scripts, and others.
fn script() -> impl Strategy<Value = ScriptBuf> {
    let changed = (0..73_usize, any::<u8>()).prop_map(|(place, byte)| {
        let mut script = op_return(TAG).script().into_bytes();
        script[place] = byte;
        ScriptBuf::from_bytes(script)
    });
    prop_oneof![
        4 => vec(any::<u8>(), 0..300).prop_map(ScriptBuf::from_bytes),
        4 => Just(op_return(TAG).script()),
        1 => Just(op_return(*b"bbn2").script()),
        2 => changed,
    ]
}

fn any_transaction() -> impl Strategy<Value = Transaction> {
    let witness = vec(vec(any::<u8>(), 0..300), 0..4);
    let input =
        (vec(any::<u8>(), 0..300), prop_oneof![Just(vec![]), witness]).prop_map(|(script_sig, witness)| {
            TxIn {
                script_sig: ScriptBuf::from_bytes(script_sig),
                witness: Witness::from_slice(&witness),
                ..TxIn::default()
            }
        });
    (vec(input, 0..4), vec(script(), 0..4)).prop_map(|(input, scripts)| transaction(input, scripts))
}

proptest! {
    #[test]
    fn scan_agrees_with_reading_every_transaction(
        transactions in vec(any_transaction(), 0..8),
        changes in vec(
            (
                any::<prop::sample::Index>(),
                0..4_u8,
                prop_oneof![any::<u8>(), Just(0), Just(1), 0xfc..=0xff_u8],
            ),
            1..4,
        ),
    ) {
        let mut bytes = block(transactions);
        let found = slow(&bytes);
        prop_assert!(found.is_some());
        prop_assert_eq!(fast(&bytes), found);
        // For changed bytes both agree: on the stakes, or that they are not a block.
        for (place, kind, byte) in changes {
            let place = place.index(bytes.len());
            match kind {
                0 => bytes[place] ^= byte,
                1 => bytes[place] = byte,
                2 => bytes.insert(place, byte),
                _ => drop(bytes.drain(place..(place + usize::from(byte)).min(bytes.len()))),
            }
            prop_assert_eq!(fast(&bytes), slow(&bytes));
            if bytes.is_empty() {
                break;
            }
        }
    }

    #[test]
    fn scan_takes_any_bytes(bytes in vec(prop_oneof![any::<u8>(), Just(0), Just(1), Just(0xff)], 0..400)) {
        let bytes = [&[0; 80], &bytes[..]].concat();
        prop_assert_eq!(fast(&bytes), slow(&bytes));
    }
}
