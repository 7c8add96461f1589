//! Merged mining of Rootstock (RSK): the hash of its block, in a coinbase. Since RSKIP-110 the hash's last 12
//! bytes say where on its chain the block is.

use bitcoin::Transaction;
use bitcoin::consensus::encode;

use crate::anchors::data::Fields;
use crate::anchors::mark::{Comparison, Conclusions, Field, MarkFormat, Place};

const MAGIC: [u8; 9] = *b"RSKBLOCK:";
const HASH: usize = 32;

/// The most bytes that may follow the hash in the coinbase transaction without its witness.
const MOST_AFTER: usize = 128;

/// The mark of a block of Rootstock's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RskTag {
    /// The first bytes of the hash for merged mining.
    pub hash_prefix: [u8; 20],
    /// The *commit-to-parents vector*: a byte of each of seven ancestors' hashes.
    pub parents: [u8; 7],
    /// How many uncles there were in the last 32 blocks, at most 255.
    pub uncles: u8,
    /// The height of the block on Rootstock.
    pub block_number: u32,
}

impl RskTag {
    /// Returns the data of the OP_RETURN output, 41 bytes.
    pub fn to_bytes(self) -> Vec<u8> {
        let Self { hash_prefix, parents, uncles, block_number } = self;
        [&MAGIC[..], &hash_prefix, &parents, &[uncles], &block_number.to_be_bytes()].concat()
    }

    /// Reads data; `None` for another length or magic.
    pub fn from_bytes(data: &[u8]) -> Option<Self> {
        let mut fields = Fields(data);
        fields.magic(&MAGIC)?;
        let tag = Self {
            hash_prefix: fields.array()?,
            parents: fields.array()?,
            uncles: fields.byte()?,
            block_number: fields.be32()?,
        };
        fields.end()?;
        Some(tag)
    }
}

/// The format.
pub(crate) struct MergedMining;

impl MarkFormat for MergedMining {
    fn name(&self) -> &'static str {
        "rsk_merged_mining"
    }

    fn title(&self) -> &'static str {
        "merged mining of Rootstock (RSK)"
    }

    fn conclusions(&self) -> Conclusions {
        Conclusions {
            may: "which block of Rootstock's the miner worked on",
            may_not: "that this block is on Rootstock's chain",
        }
    }

    fn first_bytes(&self) -> Vec<u8> {
        vec![b'R']
    }

    fn recognises(&self, data: &[u8], place: Place) -> bool {
        place.is_coinbase_output() && RskTag::from_bytes(data).is_some()
    }

    fn fields(&self, data: &[u8]) -> Vec<Field> {
        let Some(tag) = RskTag::from_bytes(data) else { return Vec::new() };
        vec![
            Field::bytes("hash_prefix", tag.hash_prefix),
            Field::bytes("commit_to_parents_vector", tag.parents),
            Field::number("uncles", tag.uncles),
            Field::number("block_number", tag.block_number),
        ]
    }

    fn compare(&self, marks: &[&[u8]], transaction: &Transaction) -> Vec<Comparison> {
        let without_witness = Transaction {
            input: transaction
                .input
                .iter()
                .map(|input| bitcoin::TxIn { witness: bitcoin::Witness::new(), ..input.clone() })
                .collect(),
            ..transaction.clone()
        };
        let bytes = encode::serialize(&without_witness);
        let places = bytes.windows(MAGIC.len()).enumerate().filter(|(_, window)| *window == MAGIC);
        let places: Vec<usize> = places.map(|(place, _)| place).collect();
        let mut notes = Vec::new();
        if places.len() > 1 {
            notes.push(format!("the coinbase has {} tags of Rootstock; only the last counts", places.len()));
        }
        let end = places.last().map(|last| last.saturating_add(MAGIC.len()).saturating_add(HASH));
        let after = end.map_or(0, |end| bytes.len().saturating_sub(end));
        if after > MOST_AFTER {
            notes.push(format!("{after} bytes follow the hash; Rootstock accepts at most {MOST_AFTER}"));
        }
        vec![Comparison { fields: Vec::new(), notes }; marks.len()]
    }
}
