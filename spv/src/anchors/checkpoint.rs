//! Checkpoints of Babylon Genesis: an epoch's last block, signed by its validators, in the OP_RETURN outputs
//! of two transactions.

use bitcoin::ScriptBuf;
use bitcoin::hashes::{Hash as _, sha256};
use bitcoin::script::PushBytes;

/// The bytes of the first part, and of the second.
const FIRST: usize = 78;
const SECOND: usize = 63;
/// The header of a part: tag, and part and version in one byte.
const HEADER: usize = 5;
/// How much of the first part's hash the second part has.
const LINK: usize = 10;

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

fn link(first: &[u8]) -> [u8; LINK] {
    let hash = sha256::Hash::hash(first.get(HEADER..).unwrap_or_default()).to_byte_array();
    let mut link = [0; LINK];
    link.iter_mut().zip(hash).for_each(|(place, byte)| *place = byte);
    link
}

impl Checkpoint {
    /// Returns the payloads of the two OP_RETURN outputs, in the order of the parts.
    pub fn payloads(&self, tag: CheckpointTag) -> [Vec<u8>; 2] {
        let header = |part| [&tag.0[..], &[part_byte(part)]].concat();
        let Self { epoch, block_hash, bitmap, submitter, bls_multi_signature } = self;
        let epoch = epoch.to_be_bytes();
        let first =
            [&header(0)[..], &epoch, block_hash.as_slice(), bitmap.as_slice(), submitter.as_slice()].concat();
        let second = [&header(1)[..], bls_multi_signature.as_slice(), &link(&first)].concat();
        [first, second]
    }

    /// Returns the scripts of the two OP_RETURN outputs, in the order of the parts.
    pub fn script_pubkeys(&self, tag: CheckpointTag) -> [ScriptBuf; 2] {
        self.payloads(tag).map(|payload| {
            <&PushBytes>::try_from(payload.as_slice()).map(ScriptBuf::new_op_return).unwrap_or_default()
        })
    }

    /// Reads the payloads of two OP_RETURN outputs, in the order of the parts.
    ///
    /// # Errors
    /// [`CheckpointError`] names what is wrong.
    pub fn from_payloads(tag: CheckpointTag, first: &[u8], second: &[u8]) -> Result<Self, CheckpointError> {
        check(tag, 0, first, FIRST)?;
        check(tag, 1, second, SECOND)?;
        let rest = first.get(HEADER..).unwrap_or_default();
        let (epoch, rest) = cut(rest, 0)?;
        let (block_hash, rest) = cut(rest, 0)?;
        let (bitmap, rest) = cut(rest, 0)?;
        let (submitter, _) = cut(rest, 0)?;
        let (bls_multi_signature, rest) = cut(second.get(HEADER..).unwrap_or_default(), 1)?;
        if rest != link(first) {
            return Err(CheckpointError::NotAPair);
        }
        let epoch = u64::from_be_bytes(epoch);
        Ok(Self { epoch, block_hash, bitmap, submitter, bls_multi_signature })
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

/// Cuts off the bytes of a field. The length was checked.
fn cut<const N: usize>(bytes: &[u8], part: u8) -> Result<([u8; N], &[u8]), CheckpointError> {
    let length = CheckpointError::Length { part, found: bytes.len(), expected: N };
    let (field, rest) = bytes.split_first_chunk::<N>().ok_or(length)?;
    Ok((*field, rest))
}
