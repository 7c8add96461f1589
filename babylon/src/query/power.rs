//! Who has power at a height.

use ::finality::ConsumerHeight;
use eots::XOnlyPublicKey;
use prost::Message;
use serde::Deserialize;

use super::answers::PageResponse;
use super::{PAGE, PageRequest, ask, page_parameters, pages};
use crate::node::{ChainNode, NodeError, json};

/// A finality provider that has power at a height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActiveProvider {
    /// Its key.
    pub public_key: XOnlyPublicKey,
    /// Its power there, in satoshis.
    pub power_sat: u64,
    /// Whether it is jailed now, which was not so there.
    pub is_jailed: bool,
    /// Whether it is slashed now.
    pub is_slashed: bool,
}

#[derive(Clone, PartialEq, Message)]
struct HeightRequest {
    #[prost(uint64, tag = "1")]
    height: u64,
    #[prost(message, optional, tag = "2")]
    pagination: Option<PageRequest>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
struct ActiveResponse {
    #[prost(message, repeated, tag = "1")]
    finality_providers: Vec<Active>,
    #[prost(message, optional, tag = "2")]
    pagination: Option<PageResponse>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
struct Active {
    /// Hex in JSON, and the 32 bytes in protobuf.
    #[prost(bytes = "vec", tag = "1")]
    #[serde(deserialize_with = "json::hex")]
    btc_pk_hex: Vec<u8>,
    #[prost(uint64, tag = "2")]
    #[serde(deserialize_with = "json::number")]
    height: u64,
    #[prost(uint64, tag = "3")]
    #[serde(deserialize_with = "json::number")]
    voting_power: u64,
    #[prost(uint64, tag = "4")]
    #[serde(deserialize_with = "json::number")]
    slashed_babylon_height: u64,
    #[prost(uint32, tag = "5")]
    slashed_btc_height: u32,
    #[prost(bool, tag = "6")]
    jailed: bool,
}

/// Returns every provider that has power at a height.
///
/// # Errors
/// [`NodeError`]: also of a provider at another height.
pub fn active_providers(
    node: &dyn ChainNode,
    height: ConsumerHeight,
) -> Result<Vec<ActiveProvider>, NodeError> {
    let asked = height.to_u64();
    pages(node, |node, key| {
        let path = format!("/babylon/finality/v1/finality_providers/{asked}?{}", page_parameters(&key));
        let pagination = Some(PageRequest { key, limit: PAGE });
        let method = "/babylon.finality.v1.Query/ActiveFinalityProvidersAtHeight";
        let answer: ActiveResponse = ask(node, method, &HeightRequest { height: asked, pagination }, path)?;
        let read: Result<Vec<_>, _> =
            answer.finality_providers.into_iter().map(|found| read(found, asked)).collect();
        Ok((read?, answer.pagination))
    })
}

fn read(found: Active, asked: u64) -> Result<ActiveProvider, NodeError> {
    if found.height != asked {
        return Err(NodeError::answer(format!("power at height {}; was asked for {asked}", found.height)));
    }
    Ok(ActiveProvider {
        public_key: XOnlyPublicKey::from_slice(&found.btc_pk_hex)
            .map_err(|_| NodeError::answer("btc_pk_hex is not a public key"))?,
        power_sat: found.voting_power,
        is_jailed: found.jailed,
        is_slashed: found.slashed_babylon_height > 0 || found.slashed_btc_height > 0,
    })
}
