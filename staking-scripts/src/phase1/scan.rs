//! Finding of phase-1 stakes in the bytes of a block without parsing its transactions: all but the scripts of
//! outputs is skipped by its length. `benches/scan.rs` compares it with parsing them.

use bitcoin::consensus::encode;
use bitcoin::opcodes::all::OP_RETURN;
use bitcoin::{Script, Transaction};
use spv::{BlockBytesError, BlockVisitor, walk_block};

use super::error::Phase1Error;
use super::parse::Phase1Stake;
use super::rules::Phase1Rules;
use crate::outputs::op_return::{OpReturnData, SCRIPT_SIZE};

/// A transaction of a block with the OP_RETURN output of a phase-1 stake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundPhase1Stake<'a> {
    /// The position in the block, from 0.
    pub position: u32,
    /// The serialized transaction with its witnesses.
    pub transaction: &'a [u8],
    /// The data of the OP_RETURN output.
    pub op_return: OpReturnData,
}

impl FoundPhase1Stake<'_> {
    /// Returns the stake, with the rules that it breaks. This costs what building its output does, and little
    /// more: only what the scan has found is parsed.
    ///
    /// # Errors
    /// [`Phase1Error`] as for [`Phase1Stake::find`].
    pub fn stake<'a>(&self, rules: impl Into<Phase1Rules<'a>>) -> Result<Phase1Stake, Phase1Error> {
        let read = encode::deserialize::<Transaction>(self.transaction);
        let transaction = read.map_err(|error| Phase1Error::Bytes(error.to_string()))?;
        Phase1Stake::of_data(&transaction, &self.op_return, &rules.into())
    }
}

/// Finds the transactions of a block with the OP_RETURN output of a phase-1 stake of this tag, in the block's
/// order. `block` is the block as nodes serialize it, witnesses included.
///
/// The result is that of [`OpReturnData::of`] for every transaction: one with several such outputs is not
/// listed, nor one with invalid keys or staking time. Data alone are no stake: [`FoundPhase1Stake::stake`]
/// checks whether the others are stakes, by every rule. Neither the header nor its Merkle root is checked.
///
/// # Errors
/// [`BlockBytesError`] when the bytes are not a block.
pub fn scan_phase1_stakes(block: &[u8], tag: [u8; 4]) -> Result<Vec<FoundPhase1Stake<'_>>, BlockBytesError> {
    let mut stakes = Stakes { tag, scripts: Vec::new(), has_tag: false, found: Vec::new() };
    walk_block(block, &mut stakes)?;
    Ok(stakes.found)
}

/// What a walk over a block has found so far.
struct Stakes<'a> {
    tag: [u8; 4],
    /// The scripts of the transaction's outputs that may be the OP_RETURN of a stake, of any tag.
    scripts: Vec<&'a Script>,
    /// Whether one of them has the tag.
    has_tag: bool,
    found: Vec<FoundPhase1Stake<'a>>,
}

impl<'a> BlockVisitor<'a> for Stakes<'a> {
    #[inline]
    fn output(&mut self, _: u32, script: &'a [u8], _: bool) {
        if script.len() == SCRIPT_SIZE && script.first() == Some(&OP_RETURN.to_u8()) {
            self.has_tag |= script.get(2..6) == Some(self.tag.as_slice());
            self.scripts.push(Script::from_bytes(script));
        }
    }

    #[inline]
    fn transaction(&mut self, position: u32, transaction: &'a [u8]) {
        if self.scripts.is_empty() {
            return;
        }
        let scripts = self.scripts.drain(..);
        if std::mem::take(&mut self.has_tag)
            && let Ok(op_return) = OpReturnData::among(scripts)
            && op_return.tag == self.tag
        {
            self.found.push(FoundPhase1Stake { position, transaction, op_return });
        }
    }
}
