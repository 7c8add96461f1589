//! The marks of a whole block, found without parsing its transactions.

use bitcoin::Transaction;
use bitcoin::consensus::encode;

use super::data::ReturnedData;
use super::mark::{Mark, MarkFormat, Place, marks};
use super::registry::Registry;
use crate::block::{BlockBytesError, BlockVisitor, walk_block};

const RETURN: u8 = bitcoin::opcodes::all::OP_RETURN.to_u8();

/// A mark in a block. Nothing of it is copied, and nothing is hashed before it is asked for.
#[derive(Clone, Copy)]
pub struct FoundMark<'a> {
    /// The position of its transaction in the block, from 0.
    pub position: u32,
    /// Where it stands in the transaction.
    pub place: Place,
    /// The data: the push of an output, or the whole script of a coinbase's input.
    pub data: &'a [u8],
    /// How many bytes of the script stand after the push.
    pub trailing: usize,
    /// The bytes of the transaction, with its witnesses.
    pub transaction: &'a [u8],
    format: &'a dyn MarkFormat,
}

impl std::fmt::Debug for FoundMark<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { position, place, data, trailing, .. } = self;
        let mut shown = formatter.debug_struct("FoundMark");
        shown.field("format", &self.format()).field("position", position).field("place", place);
        shown.field("data", data).field("trailing", trailing).finish_non_exhaustive()
    }
}

impl FoundMark<'_> {
    /// Returns the name of the mark's format.
    pub fn format(&self) -> &'static str {
        self.format.name()
    }
}

/// Tells of marks that were found in one block, in their order, and compares each with its transaction. Only
/// now are these parsed, each once.
pub fn explain_marks(found: &[FoundMark<'_>]) -> Vec<Mark> {
    let of_transactions = found.chunk_by(|one, next| one.position == next.position);
    of_transactions
        .flat_map(|found| {
            let bytes = found.first().map(|mark| mark.transaction).unwrap_or_default();
            let transaction = encode::deserialize::<Transaction>(bytes).ok();
            let recognised: Vec<_> = found.iter().map(|mark| (mark.format, mark.data)).collect();
            marks(&recognised, transaction.as_ref())
        })
        .collect()
}

/// Finds the marks of a block, in the order of its transactions and outputs. `block` is the block as nodes
/// serialize it, witnesses included. Data that no format of the registry recognises are left out;
/// [`Registry::explain`] tells of the same outputs.
///
/// # Errors
/// [`BlockBytesError`] when the bytes are not a block.
pub fn scan_block<'a>(
    block: &'a [u8],
    registry: &'a Registry,
) -> Result<Vec<FoundMark<'a>>, BlockBytesError> {
    let mut visitor = Marks { registry, found: Vec::new(), first: 0 };
    walk_block(block, &mut visitor)?;
    Ok(visitor.found)
}

struct Marks<'a> {
    registry: &'a Registry,
    found: Vec<FoundMark<'a>>,
    /// How many were found in the transactions before.
    first: usize,
}

impl<'a> Marks<'a> {
    fn look(&mut self, data: &'a [u8], trailing: usize, place: Place) {
        if let Some(format) = self.registry.recognise(data, place) {
            // Position and bytes of the transaction are known at its end.
            self.found.push(FoundMark { position: 0, place, data, trailing, transaction: &[], format });
        }
    }
}

impl<'a> BlockVisitor<'a> for Marks<'a> {
    fn coinbase(&mut self, script_sig: &'a [u8]) {
        self.look(script_sig, 0, Place::CoinbaseScript);
    }

    #[inline]
    fn output(&mut self, index: u32, script_pubkey: &'a [u8], is_coinbase: bool) {
        if script_pubkey.first() == Some(&RETURN)
            && let Some(read) = ReturnedData::read(script_pubkey)
        {
            self.look(read.data, read.trailing.len(), Place::Output { index, is_coinbase });
        }
    }

    #[inline]
    fn transaction(&mut self, position: u32, bytes: &'a [u8]) {
        if self.found.len() > self.first {
            for found in self.found.get_mut(self.first..).unwrap_or_default() {
                (found.position, found.transaction) = (position, bytes);
            }
            self.first = self.found.len();
        }
    }
}
