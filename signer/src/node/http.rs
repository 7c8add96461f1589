//! JSON-RPC over HTTP, within bounds of time and length.

use std::fmt;
use std::io::Read as _;
use std::str::FromStr;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Uri;

use super::error::NodeError as E;
use super::{NodeError, VotedHash};

/// How long a question takes at most: a vote waits for it.
const WITHIN: Duration = Duration::from_secs(5);
/// How long a connection without a question is kept. CometBFT ends those of ten seconds.
const KEPT_FOR: Duration = Duration::from_secs(5);
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
#[derive(Clone, PartialEq, Eq)]
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

/// Without the path: some providers have a secret there.
impl fmt::Display for NodeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = self.0.authority().map_or("", |authority| authority.as_str());
        write!(f, "{}://{authority}", self.0.scheme_str().unwrap_or_default())
    }
}

impl fmt::Debug for NodeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeUrl({self})")
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
pub(super) struct JsonRpc {
    url: NodeUrl,
    agent: Agent,
    most_bytes: u64,
}

/// Without the agent, which knows the whole address.
impl fmt::Debug for JsonRpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonRpc({})", self.url)
    }
}

impl JsonRpc {
    /// Returns a node whose answers have at most this many bytes.
    pub(super) fn new(url: NodeUrl, most_bytes: u64) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(WITHIN))
            // What the environment says of proxies is not for a question whose answer decides what is signed.
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .max_idle_connections(KEPT)
            .max_idle_connections_per_host(KEPT)
            .max_idle_age(KEPT_FOR);
        Self { url, agent: config.build().new_agent(), most_bytes }
    }

    /// Returns the result of a call.
    pub(super) fn call<T: DeserializeOwned>(&self, method: &str, params: &Value) -> Result<T, NodeError> {
        let failed = |cause| E::Connection { url: self.url.clone(), cause: Box::new(cause) };
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let post = self.agent.post(&self.url.0).content_type("application/json");
        let mut answer = post.send(request.to_string()).map_err(failed)?;
        let mut bytes = Vec::new();
        let reader = answer.body_mut().with_config().limit(u64::MAX).reader();
        let read = reader.take(self.most_bytes.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|cause| failed(ureq::Error::Io(cause)))?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length > self.most_bytes) {
            return Err(E::Answer { what: "it is too long" });
        }
        // What is not asked for is skipped, not kept.
        let answer: Answer<'_> =
            serde_json::from_slice(&bytes).map_err(|_| E::Answer { what: "it is not JSON-RPC" })?;
        if let Some(error) = answer.error.filter(|error| error.get() != "null") {
            return Err(E::Refused(shown(error.get())));
        }
        let result = answer.result.ok_or(E::Answer { what: "it has no result" })?;
        serde_json::from_str(result.get()).map_err(|_| E::Answer { what: "its result has another form" })
    }
}

/// An answer, of which the parts are read later.
#[derive(Deserialize)]
struct Answer<'a> {
    /// `null` is one too.
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

fn present<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

/// What an error says, on one line and not at any length.
fn shown(error: &str) -> String {
    #[derive(Deserialize)]
    struct Said<'a> {
        message: Option<String>,
        #[serde(borrow)]
        data: Option<&'a RawValue>,
    }
    let text = match serde_json::from_str::<Said<'_>>(error) {
        Ok(Said { message: Some(message), data: None }) => message,
        Ok(Said { message: Some(message), data: Some(data) }) => {
            format!("{message}: {}", data.get().trim_matches('"'))
        }
        _ => error.to_owned(),
    };
    text.chars().take(MOST_SHOWN).collect()
}

/// Returns 32 bytes of hex.
pub(super) fn hash(digits: &str, what: &'static str) -> Result<VotedHash, NodeError> {
    let mut hash = VotedHash::default();
    hex::decode_to_slice(digits, &mut hash).map_err(|_| E::Answer { what })?;
    Ok(hash)
}
