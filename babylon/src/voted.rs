//! What a finality vote is for, read of a block as its chain prints it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use finality::ConsumerHeight;
use serde::Deserialize;
use serde_json::Value;

use crate::node::BlockHeader;

/// What is voted for at a height. A vote for another hash counts as the vote all the same, so it is read of
/// the block, and of nothing that only looks like a hash.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VotedBlock {
    /// The chain's id, where the block says it.
    pub chain_id: Option<String>,
    /// The height.
    pub height: ConsumerHeight,
    /// The AppHash on chains of CometBFT, the hash of the block on rollups.
    pub hash: [u8; 32],
    /// Whether it is the AppHash.
    pub is_app_hash: bool,
}

/// The JSON is no block whose votes are known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidBlock {
    /// It is not JSON.
    #[error("it is not JSON")]
    Json(#[source] serde_json::Error),
    /// Its parts are no objects, or one of them is there twice.
    #[error("it is no block, or has a part twice")]
    Parts(#[source] serde_json::Error),
    /// It has none of the known forms.
    #[error(
        "it is no block; must have `block` or `header` with `height` and `app_hash` (Babylon Genesis, CometBFT), or `number` and `hash` (Ethereum's RPC)"
    )]
    Form,
    /// It has what votes are over on either kind of chain.
    #[error("it is a block of CometBFT and of Ethereum's RPC at once; must be one of them")]
    Both,
    /// A field is absent, or has another form.
    #[error("{field} is {found}; must be {must}")]
    Field {
        /// The field.
        field: &'static str,
        /// What was found, cut.
        found: String,
        /// What it must be.
        must: &'static str,
    },
}

/// The parts of a block that are looked at, wherever they stand. One that is there twice is refused.
#[derive(Deserialize)]
struct Parts {
    result: Option<Box<Parts>>,
    block: Option<Box<Parts>>,
    header: Option<Box<Parts>>,
    chain_id: Option<Value>,
    height: Option<Value>,
    app_hash: Option<Value>,
    number: Option<Value>,
    hash: Option<Value>,
}

impl From<BlockHeader> for VotedBlock {
    fn from(header: BlockHeader) -> Self {
        let BlockHeader { chain_id, height, app_hash, .. } = header;
        Self { chain_id: Some(chain_id), height, hash: app_hash, is_app_hash: true }
    }
}

impl VotedBlock {
    /// Reads a block: the finality module's (`{"block": {"height", "app_hash", "finalized"}}`), CometBFT's
    /// header or block, alone, in the answer of its RPC or as the gateway has it, or one of Ethereum's RPC.
    ///
    /// # Errors
    /// [`InvalidBlock`].
    pub fn from_json(text: &str) -> Result<Self, InvalidBlock> {
        let whole: Parts = serde_json::from_str(text).map_err(|error| match error.is_data() {
            true => InvalidBlock::Parts(error),
            false => InvalidBlock::Json(error),
        })?;
        let result = whole.result.as_deref().unwrap_or(&whole);
        let block = result.block.as_deref().unwrap_or(result);
        let header = block.header.as_deref().unwrap_or(block);
        let is_rollup = result.number.is_some() && result.hash.is_some();
        match (header.app_hash.is_some(), is_rollup) {
            (true, false) => Self::of_header(header),
            (false, true) => Self::of_rollup(result),
            // A vote for the wrong one of two would be the vote.
            (true, true) => Err(InvalidBlock::Both),
            (false, false) => Err(InvalidBlock::Form),
        }
    }

    fn of_header(header: &Parts) -> Result<Self, InvalidBlock> {
        let chain_id = header.chain_id.as_ref().and_then(Value::as_str).map(str::to_owned);
        let height = match &header.height {
            Some(Value::Number(number)) => number.as_u64(),
            Some(Value::String(text)) if !text.starts_with('+') => text.parse().ok(),
            _ => None,
        };
        let height = height.ok_or_else(|| wrong(header.height.as_ref(), "height", "a height"))?;
        let text = header.app_hash.as_ref().and_then(Value::as_str).unwrap_or_default();
        let bytes = match text.len() {
            64 => hex::decode(text).ok(),
            _ => BASE64_STANDARD.decode(text).ok(),
        };
        let hash = bytes.and_then(|bytes| bytes.try_into().ok());
        let hash =
            hash.ok_or_else(|| wrong(header.app_hash.as_ref(), "app_hash", "32 bytes in hex or base64"))?;
        Ok(Self { chain_id, height: ConsumerHeight(height), hash, is_app_hash: true })
    }

    fn of_rollup(block: &Parts) -> Result<Self, InvalidBlock> {
        fn digits(field: &Option<Value>) -> Option<&str> {
            field.as_ref().and_then(Value::as_str)?.strip_prefix("0x")
        }
        let height = digits(&block.number).filter(|digits| !digits.starts_with('+'));
        let height = height.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let height = height.ok_or_else(|| wrong(block.number.as_ref(), "number", "0x and hex digits"))?;
        let mut hash = [0; 32];
        let read = digits(&block.hash).map(|digits| hex::decode_to_slice(digits, &mut hash));
        if !matches!(read, Some(Ok(()))) {
            return Err(wrong(block.hash.as_ref(), "hash", "0x and 64 hex digits"));
        }
        Ok(Self { chain_id: None, height: ConsumerHeight(height), hash, is_app_hash: false })
    }
}

fn wrong(found: Option<&Value>, field: &'static str, must: &'static str) -> InvalidBlock {
    let found = found.map_or_else(|| "absent".to_owned(), Value::to_string);
    InvalidBlock::Field { field, found: found.chars().take(80).collect(), must }
}
