//! Blocks for tests, mined on regtest's target.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::missing_panics_doc
)]

#[cfg(feature = "checkpoints")]
mod checkpoints;

#[cfg(feature = "checkpoints")]
pub use self::checkpoints::{TestValidators, checkpoint_transactions};

use bitcoin::absolute::LockTime;
use bitcoin::block::{Header, Version};
use bitcoin::hashes::{Hash, sha256};
use bitcoin::{
    Amount, Block, BlockHash, CompactTarget, OutPoint, ScriptBuf, Transaction, TxIn, TxMerkleNode, TxOut,
    Txid,
};

/// Regtest's target as nBits: every second hash meets it.
pub const EASY: u32 = 0x207f_ffff;

/// Returns a transaction of 60 bytes and `script`, which differs with the seed.
pub fn transaction(seed: u32, script: Vec<u8>) -> Transaction {
    let txid = Txid::from_byte_array(sha256::Hash::hash(&seed.to_be_bytes()).to_byte_array());
    let input = TxIn { previous_output: OutPoint::new(txid, 0), ..TxIn::default() };
    let output = TxOut { value: Amount::from_sat(1000), script_pubkey: ScriptBuf::from_bytes(script) };
    let version = bitcoin::transaction::Version::TWO;
    Transaction { version, lock_time: LockTime::ZERO, input: vec![input], output: vec![output] }
}

/// Returns a coinbase transaction.
pub fn coinbase() -> Transaction {
    Transaction { input: vec![TxIn::default()], ..transaction(0, vec![0x51; 34]) }
}

/// Returns the block of a coinbase and these transactions, mined on regtest.
pub fn block(transactions: impl IntoIterator<Item = Transaction>) -> Block {
    let txdata = [coinbase()].into_iter().chain(transactions).collect();
    let header = Header {
        version: Version::TWO,
        prev_blockhash: BlockHash::all_zeros(),
        merkle_root: TxMerkleNode::all_zeros(),
        time: 1_700_000_000,
        bits: CompactTarget::from_consensus(EASY),
        nonce: 0,
    };
    let mut block = Block { header, txdata };
    block.header.merkle_root = block.compute_merkle_root().unwrap();
    mine(&mut block.header, true);
    block
}

/// Increments the nonce until the header's hash meets its target, or, without `work`, does not.
pub fn mine(header: &mut Header, work: bool) {
    while header.validate_pow(header.target()).is_ok() != work {
        header.nonce += 1;
    }
}

/// Returns a block of this many transactions, the coinbase among them.
pub fn block_of(count: u32) -> Block {
    block((1..count).map(|seed| transaction(seed, vec![0x51; 34])))
}

/// Returns a block with this transaction after the coinbase.
pub fn block_with(transaction: Transaction) -> Block {
    block([transaction])
}

/// Returns blocks on top of one another, each of a coinbase and these transactions, mined on regtest. The
/// first is on `parent`, or on none.
pub fn blocks(
    parent: Option<BlockHash>,
    transactions: impl IntoIterator<Item = Vec<Transaction>>,
) -> Vec<Block> {
    let mut parent = parent.unwrap_or_else(BlockHash::all_zeros);
    let on_top = transactions.into_iter().map(|transactions| {
        let mut block = block(transactions);
        block.header.prev_blockhash = parent;
        mine(&mut block.header, true);
        parent = block.block_hash();
        block
    });
    on_top.collect()
}
