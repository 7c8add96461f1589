//! Babylon's: stakes of phase 1, and the two parts of checkpoints. On mainnet all three begin with one tag,
//! and a stake and a first part with the same five bytes: the length tells them apart.

use crate::anchors::checkpoint::{CheckpointTag, FirstPart, SecondPart};
use crate::anchors::data::Fields;
use crate::anchors::mark::{Conclusions, Field, MarkFormat, Place};

/// The tags that networks had (babylon v4.3.1; `bbt0` and `bbt3` are older test networks').
pub(crate) const KNOWN_TAGS: [CheckpointTag; 5] = [
    CheckpointTag::MAINNET,
    CheckpointTag::TESTNET,
    CheckpointTag::LOCAL,
    CheckpointTag(*b"bbt0"),
    CheckpointTag(*b"bbt3"),
];

/// What an OP_RETURN output says of a phase-1 stake. Whether it is one, and whether the keys are on the
/// curve, the output with the stake decides: `staking_scripts::parse_phase1_stake`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phase1Data {
    /// The network's tag.
    pub tag: CheckpointTag,
    /// The x coordinate of the staker's key.
    pub staker: [u8; 32],
    /// The x coordinate of the finality provider's key.
    pub finality_provider: [u8; 32],
    /// How many blocks it is locked for, at least 1.
    pub staking_blocks: u16,
}

impl Phase1Data {
    /// Returns the data: tag, version 0, both keys and the staking time, big-endian, 71 bytes.
    pub fn to_bytes(self) -> Vec<u8> {
        let Self { tag, staker, finality_provider, staking_blocks } = self;
        [&tag.0[..], &[0], &staker, &finality_provider, &staking_blocks.to_be_bytes()].concat()
    }

    /// Reads data; `None` for another length or version, and where the stake is locked for no block.
    pub fn from_bytes(data: &[u8]) -> Option<Self> {
        let mut fields = Fields(data);
        let tag = CheckpointTag(fields.array()?);
        fields.magic(&[0])?;
        let (staker, finality_provider) = (fields.array()?, fields.array()?);
        let staking_blocks = fields.be16().filter(|blocks| *blocks > 0)?;
        fields.end()?;
        Some(Self { tag, staker, finality_provider, staking_blocks })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Phase1,
    FirstPart,
    SecondPart,
}

/// One of Babylon's formats, with the tags of networks.
#[derive(Debug, Clone)]
pub struct BabylonFormat {
    kind: Kind,
    tags: Vec<CheckpointTag>,
}

/// Returns the three formats with these tags: of phase-1 stakes, and of the two parts of checkpoints. A
/// registry knows the tags of the networks that there were; one's own network may have another.
pub fn formats(tags: &[CheckpointTag]) -> [BabylonFormat; 3] {
    [Kind::Phase1, Kind::FirstPart, Kind::SecondPart].map(|kind| BabylonFormat { kind, tags: tags.to_vec() })
}

impl MarkFormat for BabylonFormat {
    fn name(&self) -> &'static str {
        match self.kind {
            Kind::Phase1 => "babylon_phase1_stake",
            Kind::FirstPart => "babylon_checkpoint_first_part",
            Kind::SecondPart => "babylon_checkpoint_second_part",
        }
    }

    fn title(&self) -> &'static str {
        match self.kind {
            Kind::Phase1 => "phase-1 stake of Babylon",
            Kind::FirstPart => "first part of a checkpoint of Babylon Genesis",
            Kind::SecondPart => "second part of a checkpoint of Babylon Genesis",
        }
    }

    fn conclusions(&self) -> Conclusions {
        let (may, may_not) = match self.kind {
            Kind::Phase1 => (
                "what the writer says of a stake: both keys and the staking time",
                "that there is a stake: the staking output decides; the keys may be off the curve",
            ),
            Kind::FirstPart => (
                "which epoch and block somebody says a checkpoint to be of",
                "that validators signed it: second part, both proofs and the signature must be verified",
            ),
            Kind::SecondPart => (
                "which first part it is of: that with this checksum",
                "that validators signed it: first part, both proofs and the signature must be verified",
            ),
        };
        Conclusions { may, may_not }
    }

    fn first_bytes(&self) -> Vec<u8> {
        self.tags.iter().map(|tag| tag.0[0]).collect()
    }

    fn recognises(&self, data: &[u8], place: Place) -> bool {
        let tag = match self.kind {
            Kind::Phase1 => Phase1Data::from_bytes(data).map(|data| data.tag),
            Kind::FirstPart => FirstPart::from_bytes(data).map(|part| part.tag),
            Kind::SecondPart => SecondPart::from_bytes(data).map(|part| part.tag),
        };
        place.is_other_output() && tag.is_some_and(|tag| self.tags.contains(&tag))
    }

    fn fields(&self, data: &[u8]) -> Vec<Field> {
        let fields = match self.kind {
            Kind::Phase1 => Phase1Data::from_bytes(data).map(|data| {
                vec![
                    Field::bytes("tag", data.tag.0),
                    Field::bytes("staker", data.staker),
                    Field::bytes("finality_provider", data.finality_provider),
                    Field::number("staking_time_blocks", data.staking_blocks),
                ]
            }),
            Kind::FirstPart => FirstPart::from_bytes(data).map(|part| {
                vec![
                    Field::bytes("tag", part.tag.0),
                    Field::number("epoch", part.epoch),
                    Field::bytes("block_hash", part.block_hash),
                    Field::bytes("bitmap", part.bitmap),
                    Field::bytes("submitter", part.submitter),
                ]
            }),
            Kind::SecondPart => SecondPart::from_bytes(data).map(|part| {
                vec![
                    Field::bytes("tag", part.tag.0),
                    Field::bytes("bls_multi_signature", part.bls_multi_signature),
                    Field::bytes("first_part_checksum", part.checksum),
                ]
            }),
        };
        fields.unwrap_or_default()
    }
}
