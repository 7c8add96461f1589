//! Finding of phase-1 stakes in the bytes of a block without parsing its transactions: all but the scripts of
//! outputs is skipped by its length. `benches/scan.rs` compares it with parsing them.

use bitcoin::consensus::encode;
use bitcoin::opcodes::all::OP_RETURN;
use bitcoin::{Script, Transaction};

use super::error::Phase1Error;
use super::parse::Phase1Stake;
use super::rules::Phase1Rules;
use crate::outputs::op_return::{OpReturnData, SCRIPT_SIZE};

/// The length of a block's header in bytes.
const HEADER: usize = 80;

/// The largest size of a block in bytes: each byte weighs at least 1, and a block at most 4 000 000
/// (BIP-141).
const MAX_BLOCK: usize = 4_000_000;

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

/// The bytes are not a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockBytesError {
    /// There are more bytes than any block has.
    #[error("the block has {0} bytes; must have at most {MAX_BLOCK}")]
    TooLong(usize),
    /// The bytes end within the block.
    #[error("the block ends at byte {offset}; must have {needed} more bytes")]
    Truncated {
        /// The offset in bytes of the field that is cut off.
        offset: usize,
        /// The length of the field in bytes.
        needed: u64,
    },
    /// A compact size is not in its shortest form.
    #[error("the number {number} before byte {offset} is written too long; must be in the shortest form")]
    NotShortest {
        /// The offset in bytes of its end.
        offset: usize,
        /// The number.
        number: u64,
    },
    /// The flag of a transaction with witnesses is not 1 (BIP-144).
    #[error("the transaction at position {position} has the flag {flag}; must be 1")]
    UnknownFlag {
        /// The position of the transaction.
        position: u32,
        /// The flag.
        flag: u8,
    },
    /// A transaction has the flag of witnesses, and all of them are empty (BIP-144).
    #[error("the transaction at position {0} announces witnesses and has none; must have one")]
    NoWitness(u32),
    /// Bytes follow the last transaction.
    #[error("{0} bytes follow the last transaction; none must")]
    Trailing(usize),
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
    if block.len() > MAX_BLOCK {
        return Err(BlockBytesError::TooLong(block.len()));
    }
    let mut bytes = Bytes { all: block.len(), rest: block };
    bytes.take(HEADER)?;
    let (mut found, mut position) = (Vec::new(), 0_u32);
    for _ in 0..bytes.number()? {
        let start = bytes.rest;
        let outputs = bytes.transaction(position, tag)?;
        if let Some(outputs) = outputs
            && let Ok(op_return) = OpReturnData::among(outputs)
            && op_return.tag == tag
        {
            let length = start.len().saturating_sub(bytes.rest.len());
            let transaction = start.get(..length).unwrap_or(start);
            found.push(FoundPhase1Stake { position, transaction, op_return });
        }
        position = position.saturating_add(1);
    }
    if bytes.rest.is_empty() { Ok(found) } else { Err(BlockBytesError::Trailing(bytes.rest.len())) }
}

/// The bytes of a block that are not read yet.
#[derive(Clone, Copy)]
struct Bytes<'a> {
    /// The size of the block in bytes.
    all: usize,
    rest: &'a [u8],
}

/// The scripts of a transaction's outputs, which were skipped before.
struct Scripts<'a> {
    left: u64,
    outputs: Bytes<'a>,
}

impl<'a> Iterator for Scripts<'a> {
    type Item = &'a Script;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        self.outputs.output().ok().map(Script::from_bytes)
    }
}

impl<'a> Bytes<'a> {
    /// Skips a transaction (BIP-144). Returns the scripts of its outputs when one of them may be the
    /// OP_RETURN of a stake with `tag`.
    fn transaction(&mut self, position: u32, tag: [u8; 4]) -> Result<Option<Scripts<'a>>, BlockBytesError> {
        self.take(4)?;
        let mut inputs = self.number()?;
        // No inputs: the marker of a transaction with witnesses.
        let has_witnesses = inputs == 0;
        if has_witnesses {
            let [flag] = self.array()?;
            if flag != 1 {
                return Err(BlockBytesError::UnknownFlag { position, flag });
            }
            inputs = self.number()?;
        }
        for _ in 0..inputs {
            self.take(36)?;
            self.prefixed()?;
            self.take(4)?;
        }
        let left = self.number()?;
        let (outputs, mut may_be_stake) = (*self, false);
        for _ in 0..left {
            may_be_stake |= is_for(tag, self.output()?);
        }
        if has_witnesses {
            let mut elements = 0_u64;
            for _ in 0..inputs {
                let count = self.number()?;
                elements = elements.saturating_add(count);
                for _ in 0..count {
                    self.prefixed()?;
                }
            }
            if elements == 0 && inputs > 0 {
                return Err(BlockBytesError::NoWitness(position));
            }
        }
        self.take(4)?;
        Ok(may_be_stake.then_some(Scripts { left, outputs }))
    }

    /// Skips an output's value, and returns its script.
    fn output(&mut self) -> Result<&'a [u8], BlockBytesError> {
        self.take(8)?;
        self.prefixed()
    }

    /// Reads a compact size, which must be in its shortest form.
    fn number(&mut self) -> Result<u64, BlockBytesError> {
        let [first] = self.array()?;
        let (number, least) = match first {
            0xfd => (u16::from_le_bytes(self.array()?).into(), 0xfd),
            0xfe => (u32::from_le_bytes(self.array()?).into(), 0x1_0000),
            0xff => (u64::from_le_bytes(self.array()?), 0x1_0000_0000),
            short => return Ok(short.into()),
        };
        if number < least {
            return Err(BlockBytesError::NotShortest { offset: self.offset(), number });
        }
        Ok(number)
    }

    /// Reads bytes after their length.
    fn prefixed(&mut self) -> Result<&'a [u8], BlockBytesError> {
        let needed = self.number()?;
        // A length above what the machine can address is beyond the end, too.
        match usize::try_from(needed) {
            Ok(length) => self.take(length),
            Err(_) => Err(BlockBytesError::Truncated { offset: self.offset(), needed }),
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], BlockBytesError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(|| self.truncated(length))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BlockBytesError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or_else(|| self.truncated(N))?;
        self.rest = rest;
        Ok(*taken)
    }

    fn offset(&self) -> usize {
        self.all.saturating_sub(self.rest.len())
    }

    fn truncated(&self, needed: usize) -> BlockBytesError {
        BlockBytesError::Truncated {
            offset: self.offset(),
            needed: u64::try_from(needed).unwrap_or(u64::MAX),
        }
    }
}

/// Returns whether a script may be the OP_RETURN of a stake with `tag`, by its length, first byte and tag.
fn is_for(tag: [u8; 4], script: &[u8]) -> bool {
    script.len() == SCRIPT_SIZE
        && script.first() == Some(&OP_RETURN.to_u8())
        && script.get(2..6) == Some(tag.as_slice())
}
