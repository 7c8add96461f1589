//! Block commits of Stacks: a miner bids for a block (stacks-core 042c57a, `leader_block_commit.rs`).

use bitcoin::Transaction;

use crate::anchors::data::Fields;
use crate::anchors::mark::{Comparison, Conclusions, Field, MarkFormat, Place};

/// The magics of Stacks' networks: mainnet's and the test network's.
pub(crate) const NETWORKS: [[u8; 2]; 2] = [*b"X2", *b"T2"];

const OPCODE: u8 = b'[';

/// How many of the last byte's bits are the modulus.
const MODULUS: u8 = 0b111;

/// A bid for a block of Stacks. The output is the transaction's first; the two after it pay those whom Stacks
/// names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StacksBlockCommit {
    /// `X2` on mainnet, `T2` on the test network.
    pub network: [u8; 2],
    /// The hash of the block; since the Nakamoto upgrade the id of a tenure.
    pub block_hash: [u8; 32],
    /// The seed for the choice of the next miner.
    pub new_seed: [u8; 32],
    /// The Bitcoin height of the parent's commit.
    pub parent_block: u32,
    /// The position of the parent's commit in that block.
    pub parent_position: u16,
    /// The Bitcoin height at which the miner's key was registered.
    pub key_block: u32,
    /// The position of that registration.
    pub key_position: u16,
    /// Free, 5 bits.
    pub memo: u8,
    /// The height of the Bitcoin block before the one it was meant for, modulo 5, in 3 bits.
    pub parent_modulus: u8,
}

impl StacksBlockCommit {
    /// Returns the data of the OP_RETURN output, 80 bytes. Of the memo the low 5 bits are written, of the
    /// modulus the low 3.
    pub fn to_bytes(&self) -> Vec<u8> {
        [
            &self.network[..],
            &[OPCODE],
            &self.block_hash,
            &self.new_seed,
            &self.parent_block.to_be_bytes(),
            &self.parent_position.to_be_bytes(),
            &self.key_block.to_be_bytes(),
            &self.key_position.to_be_bytes(),
            &[(self.memo << 3) | (self.parent_modulus & MODULUS)],
        ]
        .concat()
    }

    /// Reads data; `None` for another length, network or opcode.
    pub fn from_bytes(data: &[u8]) -> Option<Self> {
        let mut fields = Fields(data);
        let network = fields.array().filter(|network| NETWORKS.contains(network))?;
        fields.magic(&[OPCODE])?;
        let (block_hash, new_seed) = (fields.array()?, fields.array()?);
        let (parent_block, parent_position) = (fields.be32()?, fields.be16()?);
        let (key_block, key_position) = (fields.be32()?, fields.be16()?);
        let last = fields.byte()?;
        fields.end()?;
        let (memo, parent_modulus) = (last >> 3, last & MODULUS);
        Some(Self {
            network,
            block_hash,
            new_seed,
            parent_block,
            parent_position,
            key_block,
            key_position,
            memo,
            parent_modulus,
        })
    }
}

/// The format.
pub(crate) struct BlockCommits;

impl MarkFormat for BlockCommits {
    fn name(&self) -> &'static str {
        "stacks_block_commit"
    }

    fn title(&self) -> &'static str {
        "block commit of Stacks"
    }

    fn conclusions(&self) -> Conclusions {
        Conclusions {
            may: "a miner's bid, with the block or tenure, its parent and the miner's key",
            may_not: "that the bid won",
        }
    }

    fn first_bytes(&self) -> Vec<u8> {
        NETWORKS.iter().map(|network| network[0]).collect()
    }

    fn recognises(&self, data: &[u8], place: Place) -> bool {
        place == Place::Output { index: 0, is_coinbase: false }
            && StacksBlockCommit::from_bytes(data).is_some()
    }

    fn fields(&self, data: &[u8]) -> Vec<Field> {
        let Some(commit) = StacksBlockCommit::from_bytes(data) else { return Vec::new() };
        vec![
            Field::text("magic", String::from_utf8_lossy(&commit.network)),
            Field::bytes("block_hash", commit.block_hash),
            Field::bytes("new_seed", commit.new_seed),
            Field::number("parent_block", commit.parent_block),
            Field::number("parent_position", commit.parent_position),
            Field::number("key_block", commit.key_block),
            Field::number("key_position", commit.key_position),
            Field::number("memo", commit.memo),
            Field::number("parent_modulus", commit.parent_modulus),
        ]
    }

    fn compare(&self, marks: &[&[u8]], transaction: &Transaction) -> Vec<Comparison> {
        let paid = transaction.output.len().saturating_sub(1);
        let note = (paid < 2).then(|| format!("{paid} outputs follow; a block commit has two for payments"));
        vec![Comparison { fields: Vec::new(), notes: note.into_iter().collect() }; marks.len()]
    }
}
