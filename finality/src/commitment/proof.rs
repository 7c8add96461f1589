//! Proofs that a public randomness is committed.

use eots::PublicRandomness;
use prost::Message;

use super::{inner_hash, leaf_hash};

/// The most siblings that a proof may have: more than any tree of 64-bit size needs.
const MAX_AUNTS: usize = 100;

/// More than the longest proof takes: two numbers, and 34 bytes for the leaf and every sibling.
const MAX_BYTES: usize = 4096;

/// The proof that a public randomness is in a commitment: the path from its leaf to the root
/// (`tendermint.crypto.Proof`).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RandomnessProof {
    /// The number of leaves of the tree.
    pub total: u64,
    /// The place of the leaf, counted from 0.
    pub index: u64,
    /// The leaf's hash.
    #[cfg_attr(feature = "serde", serde(with = "hex::serde"))]
    pub leaf_hash: [u8; 32],
    /// The sibling hashes, from the leaf up to the root.
    #[cfg_attr(feature = "serde", serde(with = "hashes"))]
    pub aunts: Vec<[u8; 32]>,
}

/// A reason why bytes are not a randomness proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidProof {
    /// The bytes are not the protobuf of a proof.
    #[error("not the protobuf of a tendermint.crypto.Proof")]
    Protobuf(#[source] prost::DecodeError),
    /// A number is negative.
    #[error("the proof's `{field}` is {value}; must not be negative")]
    Negative {
        /// Which number.
        field: &'static str,
        /// Its value.
        value: i64,
    },
    /// A hash is not 32 bytes long.
    #[error("a hash of the proof has {0} bytes; must have 32")]
    HashLength(usize),
    /// The bytes are more than the longest proof has.
    #[error("the proof has {0} bytes; must have at most 4096")]
    TooLong(usize),
    /// There are more siblings than any tree needs.
    #[error("the proof has {0} siblings; must have at most 100")]
    TooManyAunts(usize),
}

/// The protobuf message `tendermint.crypto.Proof`.
#[derive(Clone, PartialEq, prost::Message)]
struct ProofMessage {
    #[prost(int64, tag = "1")]
    total: i64,
    #[prost(int64, tag = "2")]
    index: i64,
    #[prost(bytes = "vec", tag = "3")]
    leaf_hash: Vec<u8>,
    #[prost(bytes = "vec", repeated, tag = "4")]
    aunts: Vec<Vec<u8>>,
}

fn hash(bytes: &[u8]) -> Result<[u8; 32], InvalidProof> {
    bytes.try_into().map_err(|_| InvalidProof::HashLength(bytes.len()))
}

fn not_negative(field: &'static str, value: i64) -> Result<u64, InvalidProof> {
    u64::try_from(value).map_err(|_| InvalidProof::Negative { field, value })
}

impl RandomnessProof {
    /// Returns whether the proof is for this public randomness, of whatever commitment.
    pub fn is_for(&self, public_randomness: &PublicRandomness) -> bool {
        self.leaf_hash == leaf_hash(public_randomness)
    }

    /// Returns the root that the path leads to; `None` when it has the wrong length for its tree.
    pub(super) fn root(&self) -> Option<[u8; 32]> {
        // A proof that cannot be written as protobuf proves nothing either: its numbers are signed there.
        if self.aunts.len() > MAX_AUNTS || self.index >= self.total || i64::try_from(self.total).is_err() {
            return None;
        }
        let mut aunts = self.aunts.iter();
        let (mut hash, mut position, mut last) = (self.leaf_hash, self.index, self.total.checked_sub(1)?);
        while last > 0 {
            if position % 2 == 1 {
                hash = inner_hash(aunts.next()?, &hash);
            } else if position < last {
                hash = inner_hash(&hash, aunts.next()?);
            }
            position >>= 1;
            last >>= 1;
        }
        // A path that is longer than its tree is high proves nothing.
        aunts.next().is_none().then_some(hash)
    }

    /// Returns the protobuf bytes of a `tendermint.crypto.Proof`.
    pub fn to_protobuf(&self) -> Vec<u8> {
        // A tree never has as many leaves as would not fit, and a proof that says so is never valid.
        let number = |value| i64::try_from(value).unwrap_or(i64::MAX);
        let message = ProofMessage {
            total: number(self.total),
            index: number(self.index),
            leaf_hash: self.leaf_hash.to_vec(),
            aunts: self.aunts.iter().map(|aunt| aunt.to_vec()).collect(),
        };
        message.encode_to_vec()
    }

    /// Reads the protobuf bytes of a `tendermint.crypto.Proof`.
    ///
    /// # Errors
    /// [`InvalidProof`] names what is wrong with the bytes. Whether the proof is valid,
    /// [`RandomnessCommitment::verify`](super::RandomnessCommitment::verify) tells.
    pub fn from_protobuf(bytes: &[u8]) -> Result<Self, InvalidProof> {
        // Before anything is decoded: two bytes of an empty sibling would take twenty in memory.
        if bytes.len() > MAX_BYTES {
            return Err(InvalidProof::TooLong(bytes.len()));
        }
        let message = ProofMessage::decode(bytes).map_err(InvalidProof::Protobuf)?;
        if message.aunts.len() > MAX_AUNTS {
            return Err(InvalidProof::TooManyAunts(message.aunts.len()));
        }
        Ok(Self {
            total: not_negative("total", message.total)?,
            index: not_negative("index", message.index)?,
            leaf_hash: hash(&message.leaf_hash)?,
            aunts: message.aunts.iter().map(|aunt| hash(aunt)).collect::<Result<_, _>>()?,
        })
    }
}

/// Lists of 32-byte hashes, each as hex.
#[cfg(feature = "serde")]
mod hashes {
    use hex::FromHex;
    use serde::ser::SerializeSeq;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(hashes: &[[u8; 32]], serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(hashes.len()))?;
        hashes.iter().try_for_each(|hash| list.serialize_element(&hex::encode(hash)))?;
        list.end()
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<[u8; 32]>, D::Error> {
        let list = Vec::<String>::deserialize(deserializer)?;
        list.iter().map(|text| FromHex::from_hex(text).map_err(de::Error::custom)).collect()
    }
}
