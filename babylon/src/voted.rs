//! What a finality vote is for, read of a block as its chain prints it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use finality::ConsumerHeight;
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
    /// It has none of the known forms.
    #[error(
        "it is no block; must have `block` or `header` with `height` and `app_hash` (Babylon Genesis, CometBFT), or `number` and `hash` (Ethereum's RPC)"
    )]
    Form,
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
        let whole: Value = serde_json::from_str(text).map_err(InvalidBlock::Json)?;
        let result = whole.get("result").unwrap_or(&whole);
        let block = result.get("block").unwrap_or(result);
        let header = block.get("header").unwrap_or(block);
        if header.get("app_hash").is_some() {
            return Self::of_header(header);
        }
        if result.get("number").is_some() && result.get("hash").is_some() {
            return Self::of_rollup(result);
        }
        Err(InvalidBlock::Form)
    }

    fn of_header(header: &Value) -> Result<Self, InvalidBlock> {
        let chain_id = header.get("chain_id").and_then(Value::as_str).map(str::to_owned);
        let height = match header.get("height") {
            Some(Value::Number(number)) => number.as_u64(),
            Some(Value::String(text)) if !text.starts_with('+') => text.parse().ok(),
            _ => None,
        };
        let height = height.ok_or_else(|| wrong(header, "height", "a height"))?;
        let text = header.get("app_hash").and_then(Value::as_str).unwrap_or_default();
        let bytes = match text.len() {
            64 => hex::decode(text).ok(),
            _ => BASE64_STANDARD.decode(text).ok(),
        };
        let hash = bytes.and_then(|bytes| bytes.try_into().ok());
        let hash = hash.ok_or_else(|| wrong(header, "app_hash", "32 bytes in hex or base64"))?;
        Ok(Self { chain_id, height: ConsumerHeight(height), hash, is_app_hash: true })
    }

    fn of_rollup(block: &Value) -> Result<Self, InvalidBlock> {
        let digits = |field: &str| block.get(field).and_then(Value::as_str)?.strip_prefix("0x");
        let height = digits("number").filter(|digits| !digits.starts_with('+'));
        let height = height.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let height = height.ok_or_else(|| wrong(block, "number", "0x and hex digits"))?;
        let mut hash = [0; 32];
        let read = digits("hash").map(|digits| hex::decode_to_slice(digits, &mut hash));
        if !matches!(read, Some(Ok(()))) {
            return Err(wrong(block, "hash", "0x and 64 hex digits"));
        }
        Ok(Self { chain_id: None, height: ConsumerHeight(height), hash, is_app_hash: false })
    }
}

fn wrong(of: &Value, field: &'static str, must: &'static str) -> InvalidBlock {
    let found = of.get(field).map_or_else(|| "absent".to_owned(), Value::to_string);
    InvalidBlock::Field { field, found: found.chars().take(80).collect(), must }
}
