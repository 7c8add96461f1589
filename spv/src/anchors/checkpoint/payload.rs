//! The data of a checkpoint's two parts.

use bitcoin::ScriptBuf;
use bitcoin::hashes::{Hash as _, sha256};

use crate::anchors::data::{Fields, op_return};

/// The bytes of the first part, and of the second.
const FIRST: usize = 78;
const SECOND: usize = 63;
/// The header of a part: tag, and part and version in one byte.
const HEADER: usize = 5;
/// How much of the first part's hash the second part has.
const CHECKSUM: usize = 10;

/// The four bytes that a network's checkpoints begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckpointTag(pub [u8; 4]);

impl CheckpointTag {
    /// Mainnet's, `bbn1`.
    pub const MAINNET: Self = Self(*b"bbn1");
    /// The test networks', `bbt4`.
    pub const TESTNET: Self = Self(*b"bbt4");
    /// The default of networks of one's own.
    pub const LOCAL: Self = Self([1, 2, 3, 4]);
}

/// A checkpoint of an epoch. No signature in it is verified here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// The epoch.
    pub epoch: u64,
    /// The hash of the epoch's last block.
    pub block_hash: [u8; 32],
    /// Which of the epoch's validators have signed: bit `i % 8` of byte `i / 8`, the least first.
    pub bitmap: [u8; 13],
    /// Who sent it to Bitcoin: an account's bytes. Nothing depends on them.
    pub submitter: [u8; 20],
    /// The BLS multi-signature over the epoch, big-endian, and the block's hash.
    pub bls_multi_signature: [u8; 48],
}

/// Two payloads are no checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// A payload has another length.
    #[error("part {part} of the checkpoint has {found} bytes; must have {expected}")]
    Length {
        /// The part, 0 or 1.
        part: u8,
        /// Its length.
        found: usize,
        /// The length it must have.
        expected: usize,
    },
    /// A payload begins with another tag.
    #[error("part {part} of the checkpoint begins with another tag")]
    Tag {
        /// The part, 0 or 1.
        part: u8,
    },
    /// A payload is of another part or version.
    #[error("part {part} of the checkpoint has the byte {found:#04x} after its tag; must be {expected:#04x}")]
    Part {
        /// The part, 0 or 1.
        part: u8,
        /// Part and version, as found.
        found: u8,
        /// Part and version, as they must be.
        expected: u8,
    },
    /// The second part is of another first part.
    #[error("the parts of the checkpoint are not of one another")]
    NotAPair,
}

/// The byte after the tag: the part in the high half, version 0 in the low one.
const fn part_byte(part: u8) -> u8 {
    part << 4
}

/// The first part of a checkpoint, by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstPart {
    /// The network's tag.
    pub tag: CheckpointTag,
    /// The epoch.
    pub epoch: u64,
    /// The hash of the epoch's last block.
    pub block_hash: [u8; 32],
    /// Which of the epoch's validators have signed.
    pub bitmap: [u8; 13],
    /// Who sent it to Bitcoin.
    pub submitter: [u8; 20],
}

/// The second part of a checkpoint, by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecondPart {
    /// The network's tag.
    pub tag: CheckpointTag,
    /// The BLS multi-signature.
    pub bls_multi_signature: [u8; 48],
    /// The first ten bytes of the SHA-256 of the first part without tag, part and version.
    pub checksum: [u8; CHECKSUM],
}

impl FirstPart {
    /// Returns the data of the OP_RETURN output, 78 bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { tag, epoch, block_hash, bitmap, submitter } = self;
        [&tag.0[..], &[part_byte(0)], &epoch.to_be_bytes(), block_hash, bitmap, submitter].concat()
    }

    /// Reads data; `None` for another length, part or version.
    pub fn from_bytes(data: &[u8]) -> Option<Self> {
        let mut fields = Fields(data);
        let tag = CheckpointTag(fields.array()?);
        fields.magic(&[part_byte(0)])?;
        let epoch = u64::from_be_bytes(fields.array()?);
        let (block_hash, bitmap, submitter) = (fields.array()?, fields.array()?, fields.array()?);
        fields.end()?;
        Some(Self { tag, epoch, block_hash, bitmap, submitter })
    }

    /// Returns what the second part has of this one.
    pub fn checksum(&self) -> [u8; CHECKSUM] {
        let bytes = self.to_bytes();
        let hash = sha256::Hash::hash(bytes.get(HEADER..).unwrap_or_default()).to_byte_array();
        hash.first_chunk().copied().unwrap_or_default()
    }
}

impl SecondPart {
    /// Returns the data of the OP_RETURN output, 63 bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { tag, bls_multi_signature, checksum } = self;
        [&tag.0[..], &[part_byte(1)], bls_multi_signature, checksum].concat()
    }

    /// Reads data; `None` for another length, part or version.
    pub fn from_bytes(data: &[u8]) -> Option<Self> {
        let mut fields = Fields(data);
        let tag = CheckpointTag(fields.array()?);
        fields.magic(&[part_byte(1)])?;
        let (bls_multi_signature, checksum) = (fields.array()?, fields.array()?);
        fields.end()?;
        Some(Self { tag, bls_multi_signature, checksum })
    }
}

impl Checkpoint {
    /// Returns the two parts.
    pub fn parts(&self, tag: CheckpointTag) -> (FirstPart, SecondPart) {
        let &Self { epoch, block_hash, bitmap, submitter, bls_multi_signature } = self;
        let first = FirstPart { tag, epoch, block_hash, bitmap, submitter };
        (first, SecondPart { tag, bls_multi_signature, checksum: first.checksum() })
    }

    /// Returns the payloads of the two OP_RETURN outputs, in the order of the parts.
    pub fn payloads(&self, tag: CheckpointTag) -> [Vec<u8>; 2] {
        let (first, second) = self.parts(tag);
        [first.to_bytes(), second.to_bytes()]
    }

    /// Returns the scripts of the two OP_RETURN outputs, in the order of the parts. The first is pushed with
    /// OP_PUSHDATA1, as 78 bytes are too many for an opcode that is their length.
    pub fn script_pubkeys(&self, tag: CheckpointTag) -> [ScriptBuf; 2] {
        self.payloads(tag).map(|payload| op_return(&payload))
    }

    /// Returns the checkpoint of two parts.
    ///
    /// # Errors
    /// [`CheckpointError::NotAPair`] when the second is of another first part, or network.
    pub fn pair(first: &FirstPart, second: &SecondPart) -> Result<Self, CheckpointError> {
        if second.checksum != first.checksum() || second.tag != first.tag {
            return Err(CheckpointError::NotAPair);
        }
        let &FirstPart { epoch, block_hash, bitmap, submitter, .. } = first;
        let bls_multi_signature = second.bls_multi_signature;
        Ok(Self { epoch, block_hash, bitmap, submitter, bls_multi_signature })
    }

    /// Reads the payloads of two OP_RETURN outputs, in the order of the parts.
    ///
    /// # Errors
    /// [`CheckpointError`] names what is wrong.
    pub fn from_payloads(tag: CheckpointTag, first: &[u8], second: &[u8]) -> Result<Self, CheckpointError> {
        check(tag, 0, first, FIRST)?;
        check(tag, 1, second, SECOND)?;
        let length = |part, found: &[u8], expected| {
            let found = found.len();
            move || CheckpointError::Length { part, found, expected }
        };
        let one = FirstPart::from_bytes(first).ok_or_else(length(0, first, FIRST))?;
        let other = SecondPart::from_bytes(second).ok_or_else(length(1, second, SECOND))?;
        Self::pair(&one, &other)
    }

    /// Returns what the validators sign: the epoch, big-endian, and the block's hash. No chain id is in it.
    pub fn signed_message(&self) -> [u8; 40] {
        let mut message = [0; 40];
        let bytes = self.epoch.to_be_bytes().into_iter().chain(self.block_hash);
        message.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
        message
    }

    /// Returns whether the bitmap has the validator at this place of the epoch's set. It has places for 104.
    pub fn has_signed(&self, validator: usize) -> bool {
        let byte = self.bitmap.get(validator / 8).copied().unwrap_or_default();
        byte & (1 << (validator % 8)) != 0
    }
}

fn check(tag: CheckpointTag, part: u8, payload: &[u8], expected: usize) -> Result<(), CheckpointError> {
    if payload.len() != expected {
        return Err(CheckpointError::Length { part, found: payload.len(), expected });
    }
    if !payload.starts_with(&tag.0) {
        return Err(CheckpointError::Tag { part });
    }
    match payload.get(4) {
        Some(&found) if found != part_byte(part) => {
            Err(CheckpointError::Part { part, found, expected: part_byte(part) })
        }
        _ => Ok(()),
    }
}
