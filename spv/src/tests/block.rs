//! Walks over blocks agree with reading them, whatever the bytes.

use bitcoin::absolute::LockTime;
use bitcoin::consensus::encode;
use bitcoin::hashes::Hash;
use bitcoin::{
    Amount, Block, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness, transaction,
};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};

use crate::testing::{block, block_of};
use crate::{BlockBytesError, BlockVisitor, walk_block};

/// What a visitor is told.
#[derive(Debug, Default, PartialEq)]
struct Told {
    coinbases: Vec<Vec<u8>>,
    outputs: Vec<(u32, Vec<u8>, bool)>,
    transactions: Vec<(u32, Vec<u8>)>,
}

impl<'a> BlockVisitor<'a> for Told {
    fn coinbase(&mut self, script_sig: &'a [u8]) {
        self.coinbases.push(script_sig.to_vec());
    }

    fn output(&mut self, index: u32, script_pubkey: &'a [u8], is_coinbase: bool) {
        self.outputs.push((index, script_pubkey.to_vec(), is_coinbase));
    }

    fn transaction(&mut self, position: u32, bytes: &'a [u8]) {
        self.transactions.push((position, bytes.to_vec()));
    }
}

/// What it should be told of a block that is read.
fn expected(block: &Block) -> Told {
    let mut told = Told::default();
    for (position, transaction) in (0..).zip(&block.txdata) {
        if transaction.is_coinbase() {
            told.coinbases.push(transaction.input[0].script_sig.to_bytes());
        }
        for (index, output) in (0..).zip(&transaction.output) {
            told.outputs.push((index, output.script_pubkey.to_bytes(), transaction.is_coinbase()));
        }
        told.transactions.push((position, encode::serialize(transaction)));
    }
    told
}

/// Walks over bytes, and compares with reading them.
fn compare(bytes: &[u8]) -> Result<(), BlockBytesError> {
    let mut told = Told::default();
    let walked = walk_block(bytes, &mut told);
    let read = encode::deserialize::<Block>(bytes);
    assert_eq!(walked.is_ok(), read.is_ok(), "{walked:?}, {read:?}");
    if let Ok(block) = read {
        assert_eq!(told, expected(&block));
    }
    walked
}

fn transactions() -> impl Strategy<Value = Transaction> {
    let bytes = || vec(any::<u8>(), 0..300);
    let any_outpoint =
        (any::<[u8; 32]>(), 0..3_u32).prop_map(|(id, index)| OutPoint::new(Txid::from_byte_array(id), index));
    let outpoint = prop_oneof![
        4 => any_outpoint,
        1 => Just(OutPoint::null()),
        1 => Just(OutPoint { vout: 0, ..OutPoint::null() }),
    ];
    let input = (outpoint, bytes(), vec(bytes(), 0..3)).prop_map(|(previous_output, script, witness)| TxIn {
        previous_output,
        script_sig: ScriptBuf::from_bytes(script),
        sequence: Sequence::MAX,
        witness: Witness::from_slice(&witness),
    });
    let output = bytes().prop_map(|script| TxOut { value: Amount::ONE_BTC, script_pubkey: script.into() });
    (vec(input, 1..4), vec(output, 0..4)).prop_map(|(input, output)| Transaction {
        version: transaction::Version::TWO,
        lock_time: LockTime::ZERO,
        input,
        output,
    })
}

proptest! {
    #[test]
    fn a_walk_tells_what_a_block_has(transactions in vec(transactions(), 0..8)) {
        assert_eq!(compare(&encode::serialize(&block(transactions))), Ok(()));
    }

    #[test]
    fn a_walk_refuses_what_is_no_block(
        transactions in vec(transactions(), 0..5),
        changes in vec((any::<u16>(), any::<u8>()), 0..4),
        ending in 0..400_usize,
        more in vec(any::<u8>(), 0..3),
    ) {
        let mut bytes = encode::serialize(&block(transactions));
        for (position, bits) in changes {
            // What decides stands after the header, and most of it in front.
            let length = bytes.len() - 80;
            bytes[80 + usize::from(position) % length] ^= bits;
        }
        let _ = compare(&bytes);
        let _ = compare(&bytes[..bytes.len().saturating_sub(ending)]);
        bytes.extend(more);
        let _ = compare(&bytes);
    }

    #[test]
    fn a_walk_takes_any_bytes(
        bytes in vec(prop_oneof![Just(0_u8), Just(1), Just(0xfd), any::<u8>()], 0..300),
    ) {
        let header = [0; 80];
        let _ = compare(&[&header[..], &bytes].concat());
    }
}

#[test]
fn each_way_not_to_be_a_block_is_named() {
    let bytes = encode::serialize(&block_of(2));
    assert_eq!(compare(&bytes), Ok(()));
    assert_eq!(compare(&[&bytes[..], &[0, 0]].concat()), Err(BlockBytesError::Trailing(2)));
    assert_eq!(compare(&bytes[..79]), Err(BlockBytesError::Truncated { offset: 0, needed: 80 }));
    let cut = BlockBytesError::Truncated { offset: bytes.len() - 4, needed: 4 };
    assert_eq!(compare(&bytes[..bytes.len() - 1]), Err(cut));
    let mut visitor = Told::default();
    let long = walk_block(&vec![0; 4_000_001], &mut visitor);
    assert_eq!((long, visitor), (Err(BlockBytesError::TooLong(4_000_001)), Told::default()));
    // The number of transactions as three bytes.
    let header = &bytes[..80];
    let written = [header, &[0xfd, 2, 0], &bytes[81..]].concat();
    assert_eq!(compare(&written), Err(BlockBytesError::NotShortest { offset: 83, number: 2 }));
    // Version, no inputs, and the flag.
    let flagged = |rest: &[u8]| [header, &[1, 2, 0, 0, 0, 0], rest].concat();
    assert_eq!(compare(&flagged(&[2])), Err(BlockBytesError::UnknownFlag { position: 0, flag: 2 }));
    let input = [&[1, 1][..], &[7; 36], &[0], &[0xff; 4], &[0]].concat();
    let empty = [&input[..], &[0], &[0; 4]].concat();
    assert_eq!(compare(&flagged(&empty)), Err(BlockBytesError::NoWitness(0)));
    let full = [&input[..], &[1, 0], &[0; 4]].concat();
    assert_eq!(compare(&flagged(&full)), Ok(()));
    // A length that no machine has.
    let far = [&[1, 1][..], &[7; 36], &[0xff], &[0xff; 8]].concat();
    let beyond = compare(&flagged(&far));
    assert!(matches!(beyond, Err(BlockBytesError::Truncated { needed: u64::MAX, .. })), "{beyond:?}");
}
