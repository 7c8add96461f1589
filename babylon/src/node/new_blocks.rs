//! The chain's own word that it has another block.

use std::time::Duration;

use endpoint::{Limits, Subscription, Trust, Url};
use finality::ConsumerHeight;
use serde::Deserialize;
use serde_json::json;

use super::{NodeError, json};

/// More than a header takes.
const MOST_BYTES: u64 = 256 << 10;
/// A node says within so long that it is still there: CometBFT every 27 seconds.
const SILENT_FOR: Duration = Duration::from_secs(90);

/// What a node of CometBFT tells over its WebSocket: each new block's height.
///
/// It is a bell and no more: whatever is done about a block, the block is asked for first. A node may offer
/// none, or refuse further subscribers; then one asks again and again.
#[derive(Debug)]
pub struct NewBlocks {
    told: Subscription,
}

#[derive(Deserialize)]
struct Told {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    value: HeaderEvent,
}

#[derive(Deserialize)]
struct HeaderEvent {
    header: Height,
}

#[derive(Deserialize)]
struct Height {
    #[serde(deserialize_with = "json::number")]
    height: u64,
}

impl NewBlocks {
    /// Subscribes at a node's RPC, such as `http://127.0.0.1:26657`; that takes at most `within`.
    ///
    /// # Errors
    /// [`NodeError::Endpoint`].
    pub fn subscribe(url: &Url, within: Duration, trust: &Trust) -> Result<Self, NodeError> {
        let call = ("subscribe", &json!(["tm.event='NewBlockHeader'"]));
        let limits = Limits { within, most_bytes: MOST_BYTES };
        let told = Subscription::open(url, "/websocket", call, limits, trust)?;
        Ok(Self { told })
    }

    /// Waits for the next block, at most so long; `None` where there is none.
    ///
    /// # Errors
    /// [`NodeError`] when the node is gone or tells something else: subscribe again.
    pub fn wait(&mut self, within: Duration) -> Result<Option<ConsumerHeight>, NodeError> {
        match self.told.next::<Told>(within)? {
            Some(told) => Ok(Some(ConsumerHeight(told.data.value.header.height))),
            None if self.told.silent_for() > SILENT_FOR => {
                Err(NodeError::answer("it has said nothing for too long"))
            }
            None => Ok(None),
        }
    }
}
