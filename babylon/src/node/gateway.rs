//! The REST gateway.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use endpoint::{Endpoint, Limits, Trust, Url};
use finality::ConsumerHeight;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::comet::{app_hash, transaction_hash};
use super::{Answer, BlockHeader, ChainNode, Event, Executed, NodeError, NodeStatus, Query, Refusal};
use super::{FoundPage, FoundTransaction, PAGE_TRANSACTIONS, RefusalKind, Search, json};

const BLOCKS: &str = "/cosmos/base/tendermint/v1beta1/blocks";
const SYNCING: &str = "/cosmos/base/tendermint/v1beta1/syncing";
const TRANSACTIONS: &str = "/cosmos/tx/v1beta1/txs";

/// A node's REST gateway.
#[derive(Debug)]
pub struct Gateway {
    rest: Endpoint,
}

#[derive(Deserialize)]
struct Block {
    block: BlockContent,
}

#[derive(Deserialize)]
struct BlockContent {
    header: Header,
}

#[derive(Deserialize)]
struct Header {
    chain_id: String,
    #[serde(deserialize_with = "json::number")]
    height: u64,
    #[serde(deserialize_with = "json::time")]
    time: OffsetDateTime,
    #[serde(deserialize_with = "json::base64")]
    app_hash: Vec<u8>,
}

#[derive(Deserialize)]
struct Syncing {
    syncing: bool,
}

#[derive(Deserialize)]
struct Transaction {
    tx_response: TransactionResponse,
}

#[derive(Deserialize)]
struct TransactionResponse {
    #[serde(deserialize_with = "json::number")]
    height: u64,
    code: u32,
    #[serde(default)]
    codespace: String,
    #[serde(default)]
    raw_log: String,
    #[serde(deserialize_with = "json::number")]
    gas_wanted: u64,
    #[serde(deserialize_with = "json::number")]
    gas_used: u64,
    #[serde(default)]
    events: Vec<EventJson>,
    #[serde(default)]
    txhash: String,
}

#[derive(Deserialize)]
struct Searched {
    #[serde(default)]
    tx_responses: Vec<TransactionResponse>,
    #[serde(default, deserialize_with = "json::number")]
    total: u64,
}

impl From<TransactionResponse> for Executed {
    fn from(found: TransactionResponse) -> Self {
        let TransactionResponse { height, code, codespace, raw_log, gas_wanted, gas_used, events, .. } =
            found;
        Self {
            height: ConsumerHeight(height),
            refusal: (code != 0).then(|| Refusal::new(&codespace, code, &raw_log)),
            gas_wanted,
            gas_used,
            events: events.into_iter().map(Event::from).collect(),
        }
    }
}

/// An event, as the RPC and the gateway write it.
#[derive(Deserialize)]
pub(super) struct EventJson {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    attributes: Vec<AttributeJson>,
}

#[derive(Deserialize)]
struct AttributeJson {
    key: String,
    value: Option<String>,
}

impl From<EventJson> for Event {
    fn from(event: EventJson) -> Self {
        let pair = |AttributeJson { key, value }| (key, value.unwrap_or_default());
        Self { kind: event.kind, attributes: event.attributes.into_iter().map(pair).collect() }
    }
}

#[derive(Deserialize)]
struct GatewayError {
    code: u32,
    message: String,
}

impl Gateway {
    /// Returns the node whose gateway is at this address, such as `http://127.0.0.1:1317`. Nothing is asked
    /// yet.
    pub fn new(url: Url, within: Duration) -> Self {
        Self::trusting(url, within, &Trust::default())
    }

    /// Returns the node at this address, whose certificate must be of these authorities.
    pub fn trusting(url: Url, within: Duration, trust: &Trust) -> Self {
        let limits = Limits { within, most_bytes: super::MOST_BYTES };
        Self { rest: Endpoint::trusting(url, limits, trust) }
    }

    /// Returns the JSON of an answer, or the refusal in it.
    fn text(&self, path: &str, post: Option<&Value>) -> Result<String, NodeError> {
        let answer = match post {
            Some(body) => self.rest.post(path, body)?,
            None => self.rest.get(path)?,
        };
        let text = String::from_utf8(answer.body).map_err(|_| NodeError::answer("it is not UTF-8"))?;
        if answer.status == 200 {
            return Ok(text);
        }
        Err(match serde_json::from_str::<GatewayError>(&text) {
            Ok(GatewayError { code, message }) => NodeError::of_gateway(code, &message),
            Err(_) => NodeError::answer(format!("the status {} and no reason", answer.status)),
        })
    }

    fn read<T: DeserializeOwned>(&self, path: &str, post: Option<&Value>) -> Result<T, NodeError> {
        let text = self.text(path, post)?;
        serde_json::from_str(&text).map_err(|error| NodeError::answer(error.to_string()))
    }
}

impl ChainNode for Gateway {
    fn status(&self) -> Result<NodeStatus, NodeError> {
        let Header { chain_id, height, time, .. } =
            self.read::<Block>(&format!("{BLOCKS}/latest"), None)?.block.header;
        let is_catching_up = self.read::<Syncing>(SYNCING, None)?.syncing;
        Ok(NodeStatus { chain_id, height: ConsumerHeight(height), time, is_catching_up })
    }

    fn header(&self, height: ConsumerHeight) -> Result<Option<BlockHeader>, NodeError> {
        let asked = height.to_u64();
        let block = match self.read::<Block>(&format!("{BLOCKS}/{asked}"), None) {
            Err(refused @ NodeError::Refused(_)) => {
                let is_to_come = self.status().is_ok_and(|status| height > status.height);
                return if is_to_come { Ok(None) } else { Err(refused) };
            }
            block => block?,
        };
        let Header { chain_id, height: found, time, app_hash: hash } = block.block.header;
        if found != asked {
            return Err(NodeError::answer(format!("a header of height {found}; was asked for {asked}")));
        }
        Ok(Some(BlockHeader { chain_id, height, time, app_hash: app_hash(hash)? }))
    }

    fn query(&self, query: &Query) -> Result<Answer, NodeError> {
        let text = self.text(&query.path, query.post.as_ref())?;
        // What is none at all is this node's fault; what is in it, whoever asks must know.
        serde_json::from_str::<serde::de::IgnoredAny>(&text)
            .map_err(|_| NodeError::answer("it is not JSON"))?;
        Ok(Answer::Json(text))
    }

    fn broadcast(&self, transaction: &[u8]) -> Result<(), NodeError> {
        let body = json!({ "tx_bytes": BASE64_STANDARD.encode(transaction), "mode": "BROADCAST_MODE_SYNC" });
        let TransactionResponse { code, codespace, raw_log, .. } =
            self.read::<Transaction>(TRANSACTIONS, Some(&body))?.tx_response;
        if code == 0 { Ok(()) } else { Err(NodeError::Refused(Refusal::new(&codespace, code, &raw_log))) }
    }

    fn executed(&self, hash: [u8; 32]) -> Result<Option<Executed>, NodeError> {
        let path = format!("{TRANSACTIONS}/{}", hex::encode_upper(hash));
        let found = match self.read::<Transaction>(&path, None) {
            Err(NodeError::Refused(refusal)) if refusal.kind() == RefusalKind::NotFound => return Ok(None),
            found => found?.tx_response,
        };
        Ok(Some(found.into()))
    }

    fn search(&self, search: &Search, page: u32) -> Result<FoundPage, NodeError> {
        let query = encoded(&search.to_string());
        let path = format!("{TRANSACTIONS}?query={query}&page={page}&limit={PAGE_TRANSACTIONS}");
        let Searched { tx_responses, total } =
            match self.read::<Searched>(&format!("{path}&order_by=ORDER_BY_ASC"), None) {
                // A page after the last one is refused, and not empty.
                Err(NodeError::Refused(refusal)) if refusal.log.contains("page should be within") => {
                    return Ok(FoundPage { transactions: Vec::new(), total: 0 });
                }
                found => found?,
            };
        let read = |response: TransactionResponse| {
            let hash = hex::decode(&response.txhash).map_err(|_| NodeError::answer("a hash is not hex"))?;
            Ok(FoundTransaction { hash: transaction_hash(hash)?, executed: response.into() })
        };
        let transactions = tx_responses.into_iter().map(read).collect::<Result<_, NodeError>>()?;
        Ok(FoundPage { transactions, total })
    }
}

/// Writes a search in a path.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            byte if byte.is_ascii_alphanumeric() || b"._-/:".contains(&byte) => {
                encoded.push(char::from(byte));
            }
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
