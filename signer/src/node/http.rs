//! JSON-RPC over HTTP, within bounds of time and length.

use std::fmt;
use std::io::Read as _;
use std::str::FromStr;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Uri;

use super::NodeError;
use super::error::NodeError as E;

/// How long a question takes at most: a vote waits for it.
const WITHIN: Duration = Duration::from_secs(5);
/// The most bytes of an answer. A header has about a thousand; an Ethereum block lists its transactions' ids.
const MAX_ANSWER_BYTES: u64 = 4 << 20;
/// The most bytes of an error's text that are repeated.
const MOST_SHOWN: usize = 256;
/// Connections that are kept.
const KEPT: usize = 8;

/// The text is no node's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be http://HOST:PORT or https://HOST[:PORT], perhaps with a path, without user, query or fragment"
)]
pub struct InvalidNodeUrl;

/// The address of a node's RPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeUrl(Uri);

impl NodeUrl {
    /// Returns whether whoever is on the way can answer in the node's place: it is plaintext to another host.
    pub fn is_exposed(&self) -> bool {
        let host = self.0.host().unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let is_loopback = host == "localhost"
            || host.parse().is_ok_and(|address: std::net::IpAddr| address.to_canonical().is_loopback());
        self.0.scheme_str() == Some("http") && !is_loopback
    }
}

impl fmt::Display for NodeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for NodeUrl {
    type Err = InvalidNodeUrl;

    fn from_str(text: &str) -> Result<Self, InvalidNodeUrl> {
        // A fragment is cut by the parser.
        let uri: Uri = text.parse().map_err(|_| InvalidNodeUrl)?;
        let is_known = matches!(uri.scheme_str(), Some("http" | "https"));
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let has_host = uri.host().is_some_and(|host| !host.is_empty());
        // User and password in a URL would be logged with it.
        if !is_known || !has_host || authority.contains('@') || text.contains(['?', '#']) {
            return Err(InvalidNodeUrl);
        }
        Ok(Self(uri))
    }
}

/// A node that speaks JSON-RPC.
#[derive(Debug)]
pub(super) struct JsonRpc {
    url: NodeUrl,
    agent: Agent,
}

impl JsonRpc {
    pub(super) fn new(url: NodeUrl) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(WITHIN))
            // What the environment says of proxies is not for a question whose answer decides what is signed.
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .max_idle_connections(KEPT)
            .max_idle_connections_per_host(KEPT);
        Self { url, agent: config.build().new_agent() }
    }

    /// Returns the result of a call.
    pub(super) fn call(&self, method: &str, params: &Value) -> Result<Value, NodeError> {
        let failed = |cause| E::Connection { url: self.url.clone(), cause: Box::new(cause) };
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let post = self.agent.post(&self.url.0).content_type("application/json");
        let mut answer = post.send(request.to_string()).map_err(failed)?;
        let mut bytes = Vec::new();
        let reader = answer.body_mut().with_config().limit(u64::MAX).reader();
        let read = reader.take(MAX_ANSWER_BYTES.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|cause| failed(ureq::Error::Io(cause)))?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_ANSWER_BYTES) {
            return Err(E::Answer { what: "it has more than 4 MiB" });
        }
        let answer: Value =
            serde_json::from_slice(&bytes).map_err(|_| E::Answer { what: "it is not JSON" })?;
        if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
            return Err(E::Refused(shown(error)));
        }
        answer.get("result").cloned().ok_or(E::Answer { what: "it has no result" })
    }
}

/// What an error says, on one line and not at any length.
fn shown(error: &Value) -> String {
    let part = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
    let text = match (part("message"), part("data")) {
        ("", "") => error.to_string(),
        (message, "") => message.to_owned(),
        (message, data) => format!("{message}: {data}"),
    };
    text.chars().take(MOST_SHOWN).collect()
}

/// Returns a text of a result.
pub(super) fn text<'a>(value: &'a Value, key: &str, what: &'static str) -> Result<&'a str, NodeError> {
    value.get(key).and_then(Value::as_str).ok_or(E::Answer { what })
}
