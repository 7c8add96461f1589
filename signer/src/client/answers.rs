//! What comes back from a signer.

use eots::{PublicRandomness, XOnlyPublicKey};
use finality::{ConsumerHeight, RandomnessProof};

use super::error::{InvalidAnswer, RemoteError};
use crate::protection::{HeightRange, Lane, LaneState, Watermarks};
use crate::wire::own as wire;

/// What a signer says of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteKey {
    /// Its name there.
    pub name: String,
    /// The public key.
    pub public_key: XOnlyPublicKey,
    /// Whether it signs.
    pub unlocked: bool,
    /// What is known of it on each chain.
    pub lanes: Vec<RemoteLane>,
}

/// What a signer says of a key on a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteLane {
    /// The lane.
    pub lane: Lane,
    /// Whether the signing database knows it.
    pub registered: bool,
    /// What it knows.
    pub state: LaneState,
}

pub(super) fn bytes_32(what: &'static str, bytes: &[u8]) -> Result<[u8; 32], InvalidAnswer> {
    bytes.try_into().map_err(|_| InvalidAnswer::Length { what, found: bytes.len(), expected: 32 })
}

pub(super) fn public_randomness(bytes: &[u8], count: u32) -> Result<Vec<PublicRandomness>, RemoteError> {
    let expected = usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(32);
    if bytes.len() != expected {
        return Err(InvalidAnswer::Length { what: "public randomness", found: bytes.len(), expected }.into());
    }
    let one = |bytes: &[u8]| {
        Ok::<_, InvalidAnswer>(PublicRandomness::from_bytes(bytes_32("public randomness", bytes)?))
    };
    Ok(bytes.chunks(32).map(one).collect::<Result<_, _>>()?)
}

pub(super) fn randomness_proof(proof: wire::RandomnessProof) -> Result<RandomnessProof, InvalidAnswer> {
    let wire::RandomnessProof { total, index, leaf_hash, aunts } = proof;
    let aunts = aunts.iter().map(|aunt| bytes_32("aunt of a proof", aunt));
    let leaf_hash = bytes_32("leaf hash", &leaf_hash)?;
    Ok(RandomnessProof { total, index, leaf_hash, aunts: aunts.collect::<Result<_, _>>()? })
}

pub(super) fn remote_key(key: wire::KeyStatus) -> Result<RemoteKey, RemoteError> {
    let public_key = XOnlyPublicKey::from_slice(&key.public_key).map_err(|_| InvalidAnswer::PublicKey)?;
    let height = |height: Option<u64>| height.map(ConsumerHeight);
    let range = |range: wire::HeightRange| HeightRange {
        first: ConsumerHeight(range.first),
        last: ConsumerHeight(range.last),
    };
    let lane = |chain: wire::ChainStatus| RemoteLane {
        lane: Lane { public_key, chain_id: chain.chain_id },
        registered: chain.registered,
        state: LaneState {
            watermarks: Watermarks { low: height(chain.low_watermark), high: height(chain.high_watermark) },
            highest: height(chain.highest_height),
            committed: chain.committed.into_iter().map(range).collect(),
        },
    };
    let lanes = key.chains.into_iter().map(lane).collect();
    Ok(RemoteKey { name: key.name, public_key, unlocked: key.unlocked, lanes })
}
