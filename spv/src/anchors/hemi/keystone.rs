//! A keystone: one of every 25 blocks of Hemi's chain, in 76 bytes.

use std::collections::HashSet;

use bitcoin::ScriptBuf;
use bitcoin::hashes::{Hash as _, sha256d};

use crate::anchors::data::{Fields, op_return};
use crate::anchors::scan::FoundMark;

const MAGIC: [u8; 4] = *b"HEMI";
const VERSION: u8 = 1;
/// The length of a keystone with the magic, and of one in the first form without.
const PAYLOAD: usize = 80;
const OLD_SIZE: usize = 73;

/// The double SHA-256 of a keystone's bytes, without the magic, in the order in which it is computed. Hemi's
/// interfaces name a keystone by it, and show it reversed, as Bitcoin's ids are; so does `Display`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeystoneHash(pub [u8; 32]);

impl std::fmt::Display for KeystoneHash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        sha256d::Hash::from_byte_array(self.0).fmt(formatter)
    }
}

impl KeystoneHash {
    fn of(bytes: &[u8]) -> Self {
        Self(sha256d::Hash::hash(bytes).to_byte_array())
    }
}

/// A keystone of the form that is in use (heminetwork 7e74ba9a, `L2KeystoneAbrev`). All hashes but the state
/// root are cut: the parent's to 11 bytes, the others to 12. An *EP hash* is the hash of a block of Hemi's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Keystone {
    /// The block of Ethereum that the keystone's block names.
    pub l1_block_number: u32,
    /// The height of the keystone's block on Hemi.
    pub l2_block_number: u32,
    /// The hash of its parent.
    pub parent_ep_hash: [u8; 11],
    /// The hash of the keystone before it.
    pub previous_keystone_ep_hash: [u8; 12],
    /// The state after it.
    pub state_root: [u8; 32],
    /// Its hash.
    pub ep_hash: [u8; 12],
}

impl Keystone {
    /// Every so many blocks of Hemi's one is a keystone.
    pub const INTERVAL: u32 = 25;

    /// Returns the 76 bytes that are hashed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { l1_block_number, l2_block_number, parent_ep_hash, .. } = self;
        [
            &[VERSION][..],
            &l1_block_number.to_be_bytes(),
            &l2_block_number.to_be_bytes(),
            parent_ep_hash,
            &self.previous_keystone_ep_hash,
            &self.state_root,
            &self.ep_hash,
        ]
        .concat()
    }

    /// Returns the keystone's hash.
    pub fn hash(&self) -> KeystoneHash {
        KeystoneHash::of(&self.to_bytes())
    }

    /// Returns the data of the OP_RETURN output: `HEMI` and the 76 bytes.
    pub fn payload(&self) -> Vec<u8> {
        [&MAGIC[..], &self.to_bytes()].concat()
    }

    /// Returns the script of the output, 83 bytes.
    pub fn script_pubkey(&self) -> ScriptBuf {
        op_return(&self.payload())
    }

    /// Reads the data of an OP_RETURN output; `None` for another length, magic or version.
    pub fn from_payload(payload: &[u8]) -> Option<Self> {
        let mut fields = Fields(payload);
        fields.magic(&MAGIC)?;
        fields.magic(&[VERSION])?;
        let keystone = Self {
            l1_block_number: fields.be32()?,
            l2_block_number: fields.be32()?,
            parent_ep_hash: fields.array()?,
            previous_keystone_ep_hash: fields.array()?,
            state_root: fields.array()?,
            ep_hash: fields.array()?,
        };
        fields.end()?;
        Some(keystone)
    }

    /// Returns whether [`from_payload`](Self::from_payload) reads these data.
    #[inline]
    pub fn is_payload(payload: &[u8]) -> bool {
        payload.len() == PAYLOAD && payload.starts_with(&[b'H', b'E', b'M', b'I', VERSION])
    }
}

/// A keystone of the form that was used before (heminetwork 7e74ba9a, `Header`), of 73 bytes. Hemi does not
/// count it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OldKeystone {
    /// The height of the keystone's block on Hemi.
    pub block_number: u32,
    /// The hash of its parent, cut.
    pub parent_ep_hash: [u8; 12],
    /// The hash of the keystone before it, cut.
    pub previous_keystone_ep_hash: [u8; 12],
    /// The state after it.
    pub state_root: [u8; 32],
    /// Its hash, cut.
    pub ep_hash: [u8; 12],
}

impl OldKeystone {
    /// Returns the 73 bytes that are hashed.
    pub fn to_bytes(&self) -> Vec<u8> {
        [
            &[VERSION][..],
            &self.block_number.to_be_bytes(),
            &self.parent_ep_hash,
            &self.previous_keystone_ep_hash,
            &self.state_root,
            &self.ep_hash,
        ]
        .concat()
    }

    /// Returns the keystone's hash.
    pub fn hash(&self) -> KeystoneHash {
        KeystoneHash::of(&self.to_bytes())
    }

    /// Returns the data of the OP_RETURN output: `HEMI` and the 73 bytes.
    pub fn payload(&self) -> Vec<u8> {
        [&MAGIC[..], &self.to_bytes()].concat()
    }

    /// Reads the data of an OP_RETURN output; `None` for another length, magic or version.
    pub fn from_payload(payload: &[u8]) -> Option<Self> {
        let mut fields = Fields(payload);
        fields.magic(&MAGIC)?;
        if fields.rest().len() != OLD_SIZE {
            return None;
        }
        fields.magic(&[VERSION])?;
        Some(Self {
            block_number: fields.be32()?,
            parent_ep_hash: fields.array()?,
            previous_keystone_ep_hash: fields.array()?,
            state_root: fields.array()?,
            ep_hash: fields.array()?,
        })
    }
}

/// The first publication of a keystone in a block.
#[derive(Debug, Clone, Copy)]
pub struct KeystonePublication<'a> {
    /// The keystone's hash.
    pub hash: KeystoneHash,
    /// The keystone.
    pub keystone: Keystone,
    /// Where it was found: its transaction is the one that counts as the first.
    pub found: FoundMark<'a>,
}

/// Returns the first publication of each keystone among the marks of one block, in the block's order. As in
/// heminetwork, every output of every transaction but the coinbase counts, and keystones are the same where
/// all their bytes are. Each that differs is hashed once.
pub fn first_publications<'a>(marks: &[FoundMark<'a>]) -> Vec<KeystonePublication<'a>> {
    let keystones = marks.iter().filter(|mark| mark.place.is_other_output());
    let mut seen = HashSet::new();
    keystones
        .filter(|mark| Keystone::is_payload(mark.data) && seen.insert(mark.data))
        .filter_map(|mark| {
            let keystone = Keystone::from_payload(mark.data)?;
            let hash = KeystoneHash::of(mark.data.get(MAGIC.len()..)?);
            Some(KeystonePublication { hash, keystone, found: *mark })
        })
        .collect()
}
