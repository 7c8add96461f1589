//! Merged mining of Namecoin and others (*AuxPoW*): the root of a tree of their blocks, in the script of a
//! coinbase's input.

use crate::anchors::data::Fields;
use crate::anchors::mark::{Conclusions, Field, MarkFormat, Place};

const MAGIC: [u8; 4] = [0xfa, 0xbe, b'm', b'm'];

/// What a coinbase says of the blocks of other chains that it proves the work of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuxPowTag {
    /// The root of the tree of the blocks, or the hash of the only one.
    pub root: [u8; 32],
    /// How many leaves the tree has.
    pub size: u32,
    /// The number that each chain's place in the tree is computed with.
    pub nonce: u32,
}

impl AuxPowTag {
    /// Returns the 44 bytes.
    pub fn to_bytes(self) -> Vec<u8> {
        [&MAGIC[..], &self.root, &self.size.to_le_bytes(), &self.nonce.to_le_bytes()].concat()
    }

    /// Finds the first in the script of a coinbase's input.
    pub fn find(script: &[u8]) -> Option<Self> {
        let place = script.windows(MAGIC.len()).position(|window| window == MAGIC)?;
        let mut fields = Fields(script.get(place..)?);
        fields.magic(&MAGIC)?;
        Some(Self { root: fields.array()?, size: fields.le32()?, nonce: fields.le32()? })
    }
}

/// The format.
pub(crate) struct AuxiliaryProofs;

impl MarkFormat for AuxiliaryProofs {
    fn name(&self) -> &'static str {
        "aux_pow"
    }

    fn title(&self) -> &'static str {
        "merged mining of Namecoin and others (AuxPoW)"
    }

    fn conclusions(&self) -> Conclusions {
        Conclusions {
            may: "that the block's work proves a tree of other chains' blocks too, which has this root",
            may_not: "of which chains, or that they took it",
        }
    }

    fn first_bytes(&self) -> Vec<u8> {
        Vec::new()
    }

    fn in_coinbase_script(&self) -> bool {
        true
    }

    fn recognises(&self, data: &[u8], place: Place) -> bool {
        place == Place::CoinbaseScript && AuxPowTag::find(data).is_some()
    }

    fn fields(&self, data: &[u8]) -> Vec<Field> {
        let Some(tag) = AuxPowTag::find(data) else { return Vec::new() };
        vec![
            Field::bytes("root", tag.root),
            Field::number("size", tag.size),
            Field::number("nonce", tag.nonce),
        ]
    }
}
