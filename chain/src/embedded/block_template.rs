//! Blocks to mine, and blocks to ask the engine about a transaction with.

use bitcoin::absolute::LockTime;
use bitcoin::block::{Header, Version as BlockVersion};
use bitcoin::hashes::Hash as _;
use bitcoin::script::Builder;
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, Block, BlockHash, CompactTarget, OutPoint, Script, ScriptBuf, Sequence, Transaction, TxIn,
    TxMerkleNode, TxOut, Witness,
};

use crate::{BlockHeight, NodeError};

/// The time of regtest's genesis block, in seconds since 1970.
const GENESIS_TIME: u32 = 1_296_688_602;
/// Seconds between two blocks. A block's time follows from its height alone.
const BLOCK_SPACING: u32 = 60;
/// Regtest's difficulty, which never changes: every second hash will do.
const REGTEST_BITS: u32 = 0x207f_ffff;
/// Blocks between two halvings of the subsidy on regtest.
const HALVING_BLOCKS: u32 = 150;
/// The subsidy before the first halving.
const FIRST_SUBSIDY_SAT: u64 = 50 * 100_000_000;
/// The witness reserved value, which BIP-141 leaves free.
const WITNESS_RESERVED_VALUE: [u8; 32] = [0; 32];
/// OP_RETURN, a push of 36 bytes, and the four bytes by which BIP-141 finds the commitment.
const WITNESS_COMMITMENT_PREFIX: [u8; 6] = [0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed];
/// Fills the coinbase's script up to the two bytes that consensus asks for at low heights.
const COINBASE_FILLER: [u8; 1] = [0];

/// The output of a coinbase.
pub(super) struct Reward<'a> {
    pub(super) amount: Amount,
    pub(super) script_pubkey: &'a Script,
    /// More bytes for the coinbase's input, so that two otherwise equal blocks differ.
    pub(super) extra: Option<[u8; 8]>,
}

/// Returns the subsidy of the block at `height`.
pub(super) fn subsidy(height: BlockHeight) -> Amount {
    let halvings = height.to_u32().checked_div(HALVING_BLOCKS).unwrap_or(0);
    Amount::from_sat(FIRST_SUBSIDY_SAT.checked_shr(halvings).unwrap_or(0))
}

/// Returns a block with proof of work: the coinbase, then `transactions` in their order.
pub(super) fn build(
    previous: BlockHash,
    height: BlockHeight,
    reward: &Reward<'_>,
    transactions: &[&Transaction],
) -> Result<Block, NodeError> {
    let mut txdata = Vec::with_capacity(transactions.len().saturating_add(1));
    txdata.push(coinbase(height, reward));
    txdata.extend(transactions.iter().map(|&transaction| transaction.clone()));
    let mut block = Block {
        header: Header {
            version: BlockVersion::NO_SOFT_FORK_SIGNALLING,
            prev_blockhash: previous,
            merkle_root: TxMerkleNode::all_zeros(),
            time: GENESIS_TIME.saturating_add(height.to_u32().saturating_mul(BLOCK_SPACING)),
            bits: CompactTarget::from_consensus(REGTEST_BITS),
            nonce: 0,
        },
        txdata,
    };
    // The commitment covers every transaction but the coinbase that holds it.
    let witness_root = block
        .witness_root()
        .ok_or_else(|| NodeError::engine("a block without transactions has no witness root"))?;
    let commitment = Block::compute_witness_commitment(&witness_root, &WITNESS_RESERVED_VALUE);
    if let Some(coinbase) = block.txdata.first_mut() {
        let mut script = WITNESS_COMMITMENT_PREFIX.to_vec();
        script.extend_from_slice(commitment.as_byte_array());
        coinbase.output.push(TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::from_bytes(script) });
    }
    block.header.merkle_root = block
        .compute_merkle_root()
        .ok_or_else(|| NodeError::engine("a block without transactions has no merkle root"))?;
    mine_header(&mut block.header)?;
    Ok(block)
}

fn coinbase(height: BlockHeight, reward: &Reward<'_>) -> Transaction {
    let mut script = Builder::new().push_int(i64::from(height.to_u32())).push_slice(COINBASE_FILLER);
    if let Some(extra) = reward.extra {
        script = script.push_slice(extra);
    }
    Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn {
            previous_output: OutPoint::null(),
            script_sig: script.into_script(),
            sequence: Sequence::MAX,
            witness: Witness::from_slice(&[WITNESS_RESERVED_VALUE]),
        }],
        output: vec![TxOut { value: reward.amount, script_pubkey: reward.script_pubkey.to_owned() }],
    }
}

fn mine_header(header: &mut Header) -> Result<(), NodeError> {
    let target = header.target();
    for nonce in 0..=u32::MAX {
        header.nonce = nonce;
        if target.is_met_by(header.block_hash()) {
            return Ok(());
        }
    }
    Err(NodeError::engine("no nonce gives the header enough proof of work"))
}
