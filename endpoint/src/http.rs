//! Requests over HTTP, within bounds.

use std::fmt;
use std::io::Read as _;
use std::time::Duration;

use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body};

use crate::error::EndpointError;
use crate::trust::Trust;
use crate::url::Url;

/// How long a connection without a question is kept. CometBFT ends those of ten seconds.
const KEPT_FOR: Duration = Duration::from_secs(5);
/// Connections that are kept.
const KEPT: usize = 8;

/// What a question may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long it takes at most, from the connection to the last byte.
    pub within: Duration,
    /// The most bytes of an answer.
    pub most_bytes: u64,
}

/// A node that is asked over HTTP. Its calls block.
#[derive(Clone)]
pub struct Endpoint {
    url: Url,
    agent: Agent,
    limits: Limits,
}

/// Without the agent, which knows the whole address.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.url)
    }
}

/// An answer over HTTP, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl Endpoint {
    /// Returns a node that is asked within these limits. Nothing is asked yet.
    pub fn new(url: Url, limits: Limits) -> Self {
        Self::trusting(url, limits, &Trust::default())
    }

    /// Returns a node that is asked within these limits, and may show a certificate of these authorities.
    pub fn trusting(url: Url, limits: Limits, trust: &Trust) -> Self {
        let config = Agent::config_builder()
            .tls_config(trust.for_http())
            .timeout_global(Some(limits.within))
            // What the environment says of proxies is not for a question whose answer decides what is signed.
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .max_idle_connections(KEPT)
            .max_idle_connections_per_host(KEPT)
            .max_idle_age(KEPT_FOR);
        Self { url, agent: config.build().new_agent(), limits }
    }

    /// Returns the node's address.
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Gets what is at a path below the address; a path begins with a slash, and may have a query.
    ///
    /// # Errors
    /// [`EndpointError::Connection`] or [`EndpointError::TooLong`].
    pub fn get(&self, path: &str) -> Result<Answer, EndpointError> {
        self.read(self.agent.get(self.url.at(path)).call())
    }

    /// Posts JSON to a path below the address, or to the address itself where it is empty.
    ///
    /// # Errors
    /// [`EndpointError::Connection`] or [`EndpointError::TooLong`].
    pub fn post(&self, path: &str, body: &Value) -> Result<Answer, EndpointError> {
        let post = self.agent.post(self.url.at(path)).content_type("application/json");
        self.read(post.send(body.to_string()))
    }

    fn read(&self, answer: Result<Response<Body>, ureq::Error>) -> Result<Answer, EndpointError> {
        let failed = |cause| EndpointError::Connection { url: self.url.clone(), cause: Box::new(cause) };
        let mut answer = answer.map_err(failed)?;
        let (status, most) = (answer.status().as_u16(), self.limits.most_bytes);
        let mut body = Vec::new();
        let reader = answer.body_mut().with_config().limit(u64::MAX).reader();
        let read = reader.take(most.saturating_add(1)).read_to_end(&mut body);
        read.map_err(|cause| failed(ureq::Error::Io(cause)))?;
        if u64::try_from(body.len()).is_ok_and(|length| length > most) {
            return Err(EndpointError::TooLong { url: self.url.clone(), most });
        }
        Ok(Answer { status, body })
    }
}
