//! The chain in memory behind CometBFT's RPC, for programs that are given an address.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use endpoint::testing::{Asked, ScriptedNode, rpc_error, rpc_result};
use finality::ConsumerHeight;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::ScriptedChain;
use crate::node::{Answer, ChainNode as _, Executed, NodeError, Refusal};

/// When every block was made, by its header.
const TIME: &str = "2026-11-28T01:33:47Z";

/// Serves a chain over CometBFT's RPC on loopback, until the process ends.
pub fn serve(chain: Arc<ScriptedChain>) -> ScriptedNode {
    ScriptedNode::new(move |asked| answered(&chain, asked))
}

/// Serves a chain that tells of a new block every few milliseconds, whether there is one or not.
pub fn serve_ringing(chain: Arc<ScriptedChain>) -> ScriptedNode {
    let told = |_: &Value, say: &mut dyn FnMut(String)| {
        say(rpc_result(&json!({})));
        for height in 1..100_000 {
            let header = json!({ "height": height.to_string() });
            say(rpc_result(&json!({ "data": { "value": { "header": header } } })));
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    ScriptedNode::telling(move |asked| answered(&chain, asked), told)
}

fn answered(chain: &ScriptedChain, asked: &Asked) -> (u16, String) {
    match answer(chain, asked) {
        Ok(result) => (200, rpc_result(&result)),
        Err(Some(data)) => (200, rpc_error(-32603, "Internal error", &json!(data))),
        // Whatever happened on the way.
        Err(None) => (502, String::new()),
    }
}

type Failed = Option<String>;

/// The time of the last block: a chain that stands still is another test's.
fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let now = OffsetDateTime::from_unix_timestamp(i64::try_from(since).unwrap_or_default());
    let now = now.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (hour, minute, second) = now.to_hms();
    format!("{}T{hour:02}:{minute:02}:{second:02}Z", now.date())
}

fn answer(chain: &ScriptedChain, asked: &Asked) -> Result<Value, Failed> {
    let text = |place: usize| asked.body.pointer(&format!("/params/{place}")).and_then(Value::as_str);
    let wrong = || Some(format!("no such call: {}", asked.body));
    match asked.body.get("method").and_then(Value::as_str) {
        Some("status") => {
            let status = chain.status().map_err(|_| None)?;
            let height = status.height.to_u64().to_string();
            Ok(json!({
                "node_info": { "network": status.chain_id },
                "sync_info": { "latest_block_height": height, "latest_block_time": now(), "catching_up": false },
            }))
        }
        Some("header") => {
            let height = text(0).and_then(|height| height.parse().ok()).ok_or_else(wrong)?;
            let header = chain.header(ConsumerHeight(height)).map_err(|_| None)?;
            let header = header.ok_or_else(|| Some(format!("height {height} is not there yet")))?;
            Ok(json!({ "header": {
                "chain_id": header.chain_id, "height": height.to_string(), "time": TIME,
                "app_hash": hex::encode_upper(header.app_hash),
            } }))
        }
        Some("abci_query") => {
            let request = text(1).and_then(|request| hex::decode(request).ok()).ok_or_else(wrong)?;
            let response = match chain.answer_to(text(0).ok_or_else(wrong)?, &request) {
                Ok(Answer::Protobuf(bytes)) => json!({ "code": 0, "value": BASE64_STANDARD.encode(bytes) }),
                Err(NodeError::Refused(refusal)) => shown(&refusal),
                _ => return Err(None),
            };
            Ok(json!({ "response": response }))
        }
        Some("broadcast_tx_sync") => {
            let bytes = text(0).and_then(|bytes| BASE64_STANDARD.decode(bytes).ok()).ok_or_else(wrong)?;
            match chain.broadcast(&bytes) {
                Ok(()) => Ok(json!({ "code": 0 })),
                Err(NodeError::Refused(refusal)) => Ok(shown(&refusal)),
                Err(_) => Err(None),
            }
        }
        Some("tx") => {
            let hash = text(0).and_then(|hash| BASE64_STANDARD.decode(hash).ok());
            let hash = hash.and_then(|hash| hash.try_into().ok()).ok_or_else(wrong)?;
            let found = chain.executed(hash).map_err(|_| None)?;
            let Executed { height, refusal, gas_wanted, gas_used, .. } =
                found.ok_or_else(|| Some("tx not found".to_owned()))?;
            let mut result = refusal.as_ref().map_or_else(|| json!({ "code": 0 }), shown);
            if let Some(fields) = result.as_object_mut() {
                fields.insert("gas_wanted".to_owned(), json!(gas_wanted.to_string()));
                fields.insert("gas_used".to_owned(), json!(gas_used.to_string()));
            }
            Ok(json!({ "height": height.to_u64().to_string(), "tx_result": result }))
        }
        _ => Err(wrong()),
    }
}

fn shown(refusal: &Refusal) -> Value {
    json!({ "code": refusal.code, "codespace": refusal.codespace, "log": refusal.log })
}
