//! The announced stakes in the bytes of a block, found without reading its transactions: all but the scripts
//! of outputs is stepped over by its length. `benches/scan.rs` measures it beside reading them.

use bitcoin::Script;
use bitcoin::opcodes::all::OP_RETURN;

use crate::outputs::op_return::{OpReturnData, SCRIPT_SIZE};

/// How long a block's header is.
const HEADER: usize = 80;

/// The longest that a block can be: each byte weighs 1 at least, and a block 4 000 000 at most (BIP-141).
const MAX_BLOCK: usize = 4_000_000;

/// A transaction of a block that announces a stake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundPhase1Stake<'a> {
    /// Where it stands in the block, from 0.
    pub position: u32,
    /// The transaction, as the block has it: with its witnesses.
    pub transaction: &'a [u8],
    /// What it says.
    pub announcement: OpReturnData,
}

/// The bytes are no block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockBytesError {
    /// The bytes are more than any block has.
    #[error("the block has {0} bytes; must have at most {MAX_BLOCK}")]
    TooLong(usize),
    /// The bytes end within the block.
    #[error("the block ends at byte {offset}; must have {needed} more bytes")]
    Truncated {
        /// Where what is cut off begins.
        offset: usize,
        /// How long it says it is.
        needed: u64,
    },
    /// A number is written longer than it must be.
    #[error("the number {number} before byte {offset} is written too long; must be in the shortest form")]
    NotShortest {
        /// Where it ends.
        offset: usize,
        /// The number.
        number: u64,
    },
    /// What stands where witnesses are announced does not (BIP-144).
    #[error("the transaction at position {position} has the flag {flag}; must be 1")]
    UnknownFlag {
        /// The transaction.
        position: u32,
        /// The flag.
        flag: u8,
    },
    /// Witnesses are announced, and all are empty (BIP-144).
    #[error("the transaction at position {0} announces witnesses and has none; must have one")]
    NoWitness(u32),
    /// Bytes follow the last transaction.
    #[error("{0} bytes follow the last transaction; none must")]
    Trailing(usize),
}

/// The transactions of a block that announce a stake to the network of this tag, in the block's order.
/// `block` is the block as nodes serialize it, witnesses included.
///
/// The answer is that of [`OpReturnData::of`] for every transaction: one with several announcements is not
/// listed, nor one whose keys or staking time cannot be. Whether the others are stakes,
/// [`parse_phase1_stake`](super::parse_phase1_stake) says. Neither the header nor that the transactions
/// belong to it is checked.
///
/// # Errors
/// [`BlockBytesError`] when the bytes are not the form of a block.
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
            && let Ok(announcement) = OpReturnData::among(outputs)
            && announcement.tag == tag
        {
            let length = start.len().saturating_sub(bytes.rest.len());
            let transaction = start.get(..length).unwrap_or(start);
            found.push(FoundPhase1Stake { position, transaction, announcement });
        }
        position = position.saturating_add(1);
    }
    if bytes.rest.is_empty() { Ok(found) } else { Err(BlockBytesError::Trailing(bytes.rest.len())) }
}

/// What is left of a block.
#[derive(Clone, Copy)]
struct Bytes<'a> {
    /// How many bytes the block has.
    all: usize,
    rest: &'a [u8],
}

/// The scripts of outputs that were stepped over before.
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
    /// Steps over a transaction (BIP-144). Returns the scripts of its outputs when one of them may announce a
    /// stake to `tag`.
    fn transaction(&mut self, position: u32, tag: [u8; 4]) -> Result<Option<Scripts<'a>>, BlockBytesError> {
        self.take(4)?;
        let mut inputs = self.number()?;
        // No inputs: the mark of a transaction with witnesses.
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
        let (outputs, mut may_announce) = (*self, false);
        for _ in 0..left {
            may_announce |= is_for(tag, self.output()?);
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
        Ok(may_announce.then_some(Scripts { left, outputs }))
    }

    /// An output: steps over its value, and returns its script.
    fn output(&mut self) -> Result<&'a [u8], BlockBytesError> {
        self.take(8)?;
        self.prefixed()
    }

    /// A number in the form that Bitcoin calls compact size, which must be the shortest.
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

    /// Bytes behind their number.
    fn prefixed(&mut self) -> Result<&'a [u8], BlockBytesError> {
        let needed = self.number()?;
        // A number beyond what the machine can address is beyond the end, too.
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

/// Whether a script has the form of an announcement to `tag`, at a glance.
fn is_for(tag: [u8; 4], script: &[u8]) -> bool {
    script.len() == SCRIPT_SIZE
        && script.first() == Some(&OP_RETURN.to_u8())
        && script.get(2..6) == Some(tag.as_slice())
}
