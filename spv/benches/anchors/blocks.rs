//! Blocks to scan, as bytes.

use bitcoin::absolute::LockTime;
use bitcoin::block::{Header, Version};
use bitcoin::consensus::encode;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::{
    Amount, Block, BlockHash, CompactTarget, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxMerkleNode,
    TxOut, Txid, Witness, transaction,
};
use spv::anchors::Keystone;

/// A block of common shape: 3000 transactions of 1 to 3 inputs, with witnesses of P2WPKH and of the Taproot
/// key path, and 2 outputs; `keystones` of them publish a keystone.
pub(crate) fn common(keystones: u32) -> Vec<u8> {
    block((0..3000).map(|number| {
        let input = |index| {
            let witness = match (number + index) % 3 {
                0 => Witness::from_slice(&[&[1; 64]]),
                _ => Witness::from_slice(&[&[1; 71][..], &[2; 33]]),
            };
            TxIn { witness, ..input(number, index) }
        };
        let hash = hash(number);
        let second = match number < keystones {
            true => keystone(number),
            false => ScriptBuf::from_bytes([&[0x00, 0x14], &hash[..20]].concat()),
        };
        let first = ScriptBuf::from_bytes([&[0x51, 0x20], &hash[..]].concat());
        spending((0..1 + number % 3).map(input), [first, second])
    }))
}

/// A block of the shape of the densest real one, Bitcoin's testnet3 block 3802508: of 3600 transactions of an
/// input of P2PKH, a change and a second output, 3448 publish one of 316 keystones.
pub(crate) fn dense() -> Vec<u8> {
    block((0..3600).map(|number| {
        let script_sig = ScriptBuf::from_bytes([&[71][..], &[1; 71], &[33], &[2; 33]].concat());
        let input = TxIn { script_sig, ..input(number, 0) };
        let change = |hash: [u8; 32]| {
            ScriptBuf::from_bytes([&[0x76, 0xa9, 0x14], &hash[..20], &[0x88, 0xac]].concat())
        };
        let second = if number < 3448 { keystone(number % 316) } else { change(hash(number + 1)) };
        spending([input], [change(hash(number)), second])
    }))
}

fn hash(number: u32) -> [u8; 32] {
    sha256::Hash::hash(&number.to_be_bytes()).to_byte_array()
}

fn keystone(number: u32) -> ScriptBuf {
    let hash = hash(number);
    let keystone = Keystone {
        l1_block_number: 7_000_000 + number,
        l2_block_number: 25 * number,
        parent_ep_hash: hash[..11].try_into().expect("11 bytes"),
        previous_keystone_ep_hash: hash[11..23].try_into().expect("12 bytes"),
        state_root: hash,
        ep_hash: hash[20..].try_into().expect("12 bytes"),
    };
    keystone.script_pubkey()
}

fn input(number: u32, index: u32) -> TxIn {
    TxIn {
        previous_output: OutPoint::new(Txid::from_byte_array(hash(number)), index),
        script_sig: ScriptBuf::new(),
        sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
        witness: Witness::new(),
    }
}

fn spending(input: impl IntoIterator<Item = TxIn>, scripts: [ScriptBuf; 2]) -> Transaction {
    let outputs = scripts.map(|script_pubkey| TxOut { value: Amount::ONE_BTC, script_pubkey });
    Transaction {
        version: transaction::Version::TWO,
        lock_time: LockTime::ZERO,
        input: input.into_iter().collect(),
        output: outputs.to_vec(),
    }
}

fn block(transactions: impl Iterator<Item = Transaction>) -> Vec<u8> {
    let header = Header {
        version: Version::TWO,
        prev_blockhash: BlockHash::all_zeros(),
        merkle_root: TxMerkleNode::all_zeros(),
        time: 0,
        bits: CompactTarget::from_consensus(0),
        nonce: 0,
    };
    encode::serialize(&Block { header, txdata: transactions.collect() })
}
