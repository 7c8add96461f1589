//! The RPC of CometBFT. It takes parameters by position.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use endpoint::{Endpoint, EndpointError, Limits, Trust, Url};
use finality::ConsumerHeight;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::gateway::EventJson;
use super::{Answer, BlockHeader, ChainNode, Event, Executed, NodeError, NodeStatus, Query, Refusal};
use super::{FoundPage, FoundTransaction, PAGE_TRANSACTIONS, Search, json};

/// What CometBFT's mempool says of a transaction (mempool/errors.go), in lower case; its errors have one
/// number for all.
const OF_THE_MEMPOOL: [&str; 5] =
    ["tx already exists in cache", "mempool is full", "considered as full", "tx too large", "tx pre check"];

/// A node's RPC.
#[derive(Debug)]
pub struct CometBft {
    rpc: Endpoint,
}

impl CometBft {
    /// Returns the node at this address, such as `http://127.0.0.1:26657`. Nothing is asked yet.
    pub fn new(url: Url, within: Duration) -> Self {
        Self::trusting(url, within, &Trust::default())
    }

    /// Returns the node at this address, whose certificate must be of these authorities.
    pub fn trusting(url: Url, within: Duration, trust: &Trust) -> Self {
        let limits = Limits { within, most_bytes: super::MOST_BYTES };
        Self { rpc: Endpoint::trusting(url, limits, trust) }
    }

    fn call<T: serde::de::DeserializeOwned>(&self, method: &str, params: &Value) -> Result<T, NodeError> {
        Ok(self.rpc.call(method, params)?)
    }

    /// Asks for what a block has; `None` where the node does not have the block: it is pruned, or still to
    /// come.
    fn of_height<T: serde::de::DeserializeOwned>(
        &self,
        method: &str,
        height: ConsumerHeight,
    ) -> Result<Option<T>, NodeError> {
        match self.call(method, &json!([height.to_u64().to_string()])) {
            Err(NodeError::Endpoint(EndpointError::Refused { refusal, .. }))
                if refusal.data.contains("is not available, lowest height is") =>
            {
                Ok(None)
            }
            // What it says of a height that is still to come is a text alone; its tip says it too.
            Err(refused @ NodeError::Endpoint(EndpointError::Refused { .. })) => {
                let is_to_come = self.status().is_ok_and(|status| height > status.height);
                if is_to_come { Ok(None) } else { Err(refused) }
            }
            answer => answer.map(Some),
        }
    }
}

#[derive(Deserialize)]
struct Status {
    node_info: NodeInfo,
    sync_info: SyncInfo,
}

#[derive(Deserialize)]
struct NodeInfo {
    network: String,
}

#[derive(Deserialize)]
struct SyncInfo {
    #[serde(deserialize_with = "json::number")]
    latest_block_height: u64,
    #[serde(deserialize_with = "json::time")]
    latest_block_time: OffsetDateTime,
    catching_up: bool,
}

#[derive(Deserialize)]
struct HeaderAnswer {
    header: Option<Header>,
}

#[derive(Deserialize)]
struct Header {
    chain_id: String,
    #[serde(deserialize_with = "json::number")]
    height: u64,
    #[serde(deserialize_with = "json::time")]
    time: OffsetDateTime,
    #[serde(deserialize_with = "json::hex")]
    app_hash: Vec<u8>,
}

#[derive(Deserialize)]
struct QueryAnswer {
    response: Response,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Response {
    code: u32,
    log: String,
    codespace: String,
    #[serde(deserialize_with = "json::base64")]
    value: Vec<u8>,
}

#[derive(Deserialize)]
struct Broadcast {
    code: u32,
    #[serde(default)]
    log: String,
    #[serde(default)]
    codespace: String,
}

#[derive(Deserialize)]
struct Found {
    #[serde(deserialize_with = "json::number")]
    height: u64,
    tx_result: FoundResult,
}

#[derive(Deserialize)]
struct FoundResult {
    code: u32,
    #[serde(default)]
    log: String,
    #[serde(default)]
    codespace: String,
    #[serde(deserialize_with = "json::number")]
    gas_wanted: u64,
    #[serde(deserialize_with = "json::number")]
    gas_used: u64,
    #[serde(default)]
    events: Option<Vec<EventJson>>,
}

#[derive(Deserialize)]
struct SearchAnswer {
    txs: Vec<HashedFound>,
    #[serde(deserialize_with = "json::number")]
    total_count: u64,
}

#[derive(Deserialize)]
struct HashedFound {
    #[serde(deserialize_with = "json::hex")]
    hash: Vec<u8>,
    #[serde(flatten)]
    found: Found,
}

/// What a block did. A block without transactions has null in place of their results.
#[derive(Deserialize)]
struct BlockResults {
    #[serde(deserialize_with = "json::number")]
    height: u64,
    txs_results: Option<Vec<TransactionEvents>>,
    finalize_block_events: Option<Vec<EventJson>>,
}

#[derive(Deserialize)]
struct TransactionEvents {
    events: Option<Vec<EventJson>>,
}

impl From<Found> for Executed {
    fn from(found: Found) -> Self {
        let FoundResult { code, log, codespace, gas_wanted, gas_used, events } = found.tx_result;
        Self {
            height: ConsumerHeight(found.height),
            refusal: (code != 0).then(|| Refusal::new(&codespace, code, &log)),
            gas_wanted,
            gas_used,
            events: events.unwrap_or_default().into_iter().map(Event::from).collect(),
        }
    }
}

pub(super) fn transaction_hash(bytes: Vec<u8>) -> Result<[u8; 32], NodeError> {
    let length = bytes.len();
    bytes.try_into().map_err(|_| NodeError::answer(format!("a hash has {length} bytes; must have 32")))
}

pub(super) fn app_hash(bytes: Vec<u8>) -> Result<[u8; 32], NodeError> {
    let length = bytes.len();
    bytes.try_into().map_err(|_| NodeError::answer(format!("an AppHash has {length} bytes; must have 32")))
}

impl ChainNode for CometBft {
    fn status(&self) -> Result<NodeStatus, NodeError> {
        let Status { node_info, sync_info } = self.call("status", &json!([]))?;
        Ok(NodeStatus {
            chain_id: node_info.network,
            height: ConsumerHeight(sync_info.latest_block_height),
            time: sync_info.latest_block_time,
            is_catching_up: sync_info.catching_up,
        })
    }

    fn header(&self, height: ConsumerHeight) -> Result<Option<BlockHeader>, NodeError> {
        let asked = height.to_u64();
        let Some(answer) = self.of_height::<HeaderAnswer>("header", height)? else { return Ok(None) };
        let Header { chain_id, height: found, time, app_hash: hash } =
            answer.header.ok_or_else(|| NodeError::answer("there is no header in it"))?;
        if found != asked {
            return Err(NodeError::answer(format!("a header of height {found}; was asked for {asked}")));
        }
        Ok(Some(BlockHeader { chain_id, height, time, app_hash: app_hash(hash)? }))
    }

    fn query(&self, query: &Query) -> Result<Answer, NodeError> {
        let params = json!([query.method, hex::encode(&query.request), "0", false]);
        let Response { code, log, codespace, value } =
            self.call::<QueryAnswer>("abci_query", &params)?.response;
        match code {
            0 => Ok(Answer::Protobuf(value)),
            code => Err(NodeError::Refused(Refusal::new(&codespace, code, &log))),
        }
    }

    fn broadcast(&self, transaction: &[u8]) -> Result<(), NodeError> {
        let params = json!([BASE64_STANDARD.encode(transaction)]);
        match self.call::<Broadcast>("broadcast_tx_sync", &params) {
            Ok(Broadcast { code: 0, .. }) => Ok(()),
            Ok(Broadcast { code, log, codespace }) => {
                Err(NodeError::Refused(Refusal::new(&codespace, code, &log)))
            }
            // What the mempool says itself, and not the chain's checks. Anything else is said of the node.
            Err(NodeError::Endpoint(EndpointError::Refused { refusal, .. }))
                if OF_THE_MEMPOOL.iter().any(|said| refusal.data.to_lowercase().contains(said)) =>
            {
                let log = format!("{} {}", refusal.message, refusal.data);
                Err(NodeError::Refused(Refusal::new("mempool", 0, &log)))
            }
            Err(error) => Err(error),
        }
    }

    fn executed(&self, hash: [u8; 32]) -> Result<Option<Executed>, NodeError> {
        let found: Found = match self.call("tx", &json!([BASE64_STANDARD.encode(hash), false])) {
            Err(NodeError::Endpoint(EndpointError::Refused { refusal, .. }))
                if refusal.data.contains("not found") =>
            {
                return Ok(None);
            }
            Err(NodeError::Endpoint(EndpointError::Refused { refusal, .. }))
                if refusal.data.contains("indexing is disabled") =>
            {
                return Err(NodeError::NoIndex);
            }
            found => found?,
        };
        Ok(Some(found.into()))
    }

    fn search(&self, search: &Search, page: u32) -> Result<FoundPage, NodeError> {
        let (page, per_page) = (page.to_string(), PAGE_TRANSACTIONS.to_string());
        let params = json!([search.to_string(), false, page, per_page, "asc"]);
        let SearchAnswer { txs, total_count: total } = match self.call("tx_search", &params) {
            Err(NodeError::Endpoint(EndpointError::Refused { refusal, .. }))
                if refusal.data.contains("indexing is disabled") =>
            {
                return Err(NodeError::NoIndex);
            }
            // A page after the last one is refused, and not empty.
            Err(NodeError::Endpoint(EndpointError::Refused { refusal, .. }))
                if refusal.data.contains("page should be within") =>
            {
                return Ok(FoundPage { transactions: Vec::new(), total: 0 });
            }
            found => found?,
        };
        let read = |HashedFound { hash, found }| {
            Ok(FoundTransaction { hash: transaction_hash(hash)?, executed: found.into() })
        };
        Ok(FoundPage { transactions: txs.into_iter().map(read).collect::<Result<_, NodeError>>()?, total })
    }

    fn block_events(&self, height: ConsumerHeight) -> Result<Option<Vec<Event>>, NodeError> {
        let asked = height.to_u64();
        let Some(results) = self.of_height::<BlockResults>("block_results", height)? else { return Ok(None) };
        if results.height != asked {
            let found = results.height;
            return Err(NodeError::answer(format!("what happened at height {found}; was asked for {asked}")));
        }
        let of_transactions = results.txs_results.unwrap_or_default().into_iter();
        let of_transactions = of_transactions.flat_map(|result| result.events.unwrap_or_default());
        let all = of_transactions.chain(results.finalize_block_events.unwrap_or_default());
        Ok(Some(all.map(Event::from).collect()))
    }
}
