//! One JSON-RPC call over HTTP, and every way in which it can fail.

use std::error::Error;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jsonrpc::bitreq;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::credentials::{Credentials, Endpoint};
use crate::NodeError;
use crate::error::Cause;

/// Longer answers are refused; a block of the greatest size is 8 MB of hex.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// A node's error texts are one line; a longer one is cut.
const MAX_MESSAGE_CHARS: usize = 400;
/// What `bitreq` makes of an answer that does not begin as HTTP does, beside a status 503 of its own.
const NO_STATUS_LINE: &str = "Server did not provide a status line";
/// How much too early an operating system's timer may end.
const TIMER_SLACK: Duration = Duration::from_millis(20);
/// RPC_IN_WARMUP of Bitcoin Core.
const IN_WARMUP: i32 = -28;

/// The time within which several calls must all be answered, from its making on.
///
/// It may be shared by several connections: a copy ends at the same moment.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    start: Instant,
    limit: Duration,
}

impl Deadline {
    /// Starts: all calls together may take this long from now on.
    pub fn after(limit: Duration) -> Self {
        Self { start: Instant::now(), limit }
    }

    /// Returns how much time is left.
    fn left(&self) -> Duration {
        self.limit.saturating_sub(self.start.elapsed())
    }

    fn exceeded(&self, address: &str) -> NodeError {
        NodeError::DeadlineExceeded { address: address.to_owned(), seconds: self.limit.as_secs() }
    }
}

/// A node's JSON-RPC server and the right to call it. `Debug` shows the address alone.
pub(super) struct Rpc {
    endpoint: Endpoint,
    credentials: Credentials,
    /// The header that the credentials last gave; a secret.
    authorization: Mutex<Option<String>>,
    deadline: Option<Deadline>,
}

impl fmt::Debug for Rpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rpc").field("address", &self.endpoint.address).finish_non_exhaustive()
    }
}

impl Rpc {
    pub(super) fn new(
        endpoint: Endpoint,
        credentials: Credentials,
        deadline: Option<Deadline>,
    ) -> Result<Self, NodeError> {
        let authorization = Mutex::new(credentials.authorization()?);
        Ok(Self { endpoint, credentials, authorization, deadline })
    }

    /// Calls `method` and reads its result; waits for it at most `timeout`, and not beyond the deadline.
    pub(super) fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        params: &[Value],
        timeout: Duration,
    ) -> Result<T, NodeError> {
        let params = jsonrpc::try_arg(params).map_err(|error| malformed(method, error))?;
        self.ask(method, timeout, |client| client.call(method, Some(&params)))
    }

    /// Calls `method` once for each of `params`, all at once, and returns the results in their order.
    pub(super) fn call_each<T: DeserializeOwned>(
        &self,
        method: &str,
        params: &[Value],
        timeout: Duration,
    ) -> Result<Vec<Result<T, NodeError>>, NodeError> {
        let params: Result<Vec<_>, _> = params.iter().map(jsonrpc::try_arg).collect();
        let params = params.map_err(|error| malformed(method, error))?;
        if params.is_empty() {
            return Ok(Vec::new());
        }
        let answers = self.ask(method, timeout, |client| {
            let requests: Vec<_> =
                params.iter().map(|params| client.build_request(method, Some(params))).collect();
            client.send_batch(&requests)
        })?;
        let read = |answer: Option<jsonrpc::Response>| {
            let answer = answer.ok_or_else(|| malformed(method, "it answers less than it was asked"))?;
            answer.result().map_err(|error| self.explain(method, error))
        };
        Ok(answers.into_iter().map(read).collect())
    }

    /// Reads `path` with GET, without credentials: `None` where the node has nothing there, or does not
    /// answer.
    pub(super) fn get(&self, path: &str, timeout: Duration) -> Option<Vec<u8>> {
        let read = |timeout| Http { url: self.endpoint.url(), authorization: None, timeout }.get(path);
        let found = self.within(timeout, |timeout| {
            read(timeout).map_err(|error| self.explain(path, jsonrpc::Error::Transport(Box::new(error))))
        });
        found.ok()
    }

    fn authorization(&self) -> Option<String> {
        self.authorization.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the credentials again; whether they are others than the `refused` ones.
    fn renew_authorization(&self, refused: &Option<String>) -> Result<bool, NodeError> {
        if !matches!(self.credentials, Credentials::CookieFile(_)) {
            return Ok(false);
        }
        let renewed = self.credentials.authorization()?;
        let changed = renewed != *refused;
        *self.authorization.lock().unwrap_or_else(PoisonError::into_inner) = renewed;
        Ok(changed)
    }

    /// Asks with the credentials, and once more where others are there meanwhile.
    fn ask<T>(
        &self,
        method: &str,
        timeout: Duration,
        ask: impl Fn(&jsonrpc::Client) -> Result<T, jsonrpc::Error>,
    ) -> Result<T, NodeError> {
        let authorization = self.authorization();
        let ask_as = |authorization| {
            self.within(timeout, |timeout| {
                let http = Http { url: self.endpoint.url(), authorization, timeout };
                let client = jsonrpc::Client::with_transport(http);
                ask(&client).map_err(|error| self.explain(method, error))
            })
        };
        match ask_as(authorization.clone()) {
            Err(NodeError::Unauthorized { .. }) if self.renew_authorization(&authorization)? => {
                ask_as(self.authorization())
            }
            answer => answer,
        }
    }

    /// Gives a call at most `timeout`, and not more than is left until the deadline.
    fn within<T>(
        &self,
        timeout: Duration,
        call: impl FnOnce(Duration) -> Result<T, NodeError>,
    ) -> Result<T, NodeError> {
        // The deadline, where it ends before this call's own time does.
        let deadline = self.deadline.filter(|deadline| deadline.left() < timeout);
        let timeout = deadline.map_or(timeout, |deadline| deadline.left());
        let exceeded = |deadline: Deadline| deadline.exceeded(&self.endpoint.address);
        if let Some(deadline) = deadline.filter(|_| timeout.is_zero()) {
            return Err(exceeded(deadline));
        }
        call(timeout).map_err(|error| match (error, deadline) {
            (NodeError::Unreachable { .. }, Some(deadline)) if deadline.left() < TIMER_SLACK => {
                exceeded(deadline)
            }
            (error, _) => error,
        })
    }

    fn explain(&self, method: &str, error: jsonrpc::Error) -> NodeError {
        let address = || self.endpoint.address.clone();
        match error {
            jsonrpc::Error::Rpc(error) if error.code == IN_WARMUP => {
                NodeError::Starting { address: address(), message: cut(&error.message) }
            }
            jsonrpc::Error::Rpc(error) => {
                NodeError::Rpc { method: method.to_owned(), code: error.code, message: cut(&error.message) }
            }
            jsonrpc::Error::Transport(error) => match error.downcast::<HttpError>().map(|error| *error) {
                Ok(HttpError::NoAnswer(cause)) => {
                    NodeError::Unreachable { address: address(), source: presentable(cause) }
                }
                Ok(HttpError::Status(status @ (401 | 403))) => {
                    NodeError::Unauthorized { address: address(), status }
                }
                Ok(HttpError::Status(503)) => NodeError::Busy {
                    method: method.to_owned(),
                    message: "its work queue is full, or it is shutting down".to_owned(),
                },
                Ok(HttpError::Status(status)) => {
                    malformed(method, format!("HTTP status {status} without a response"))
                }
                Ok(HttpError::Unusable(cause)) => malformed(method, cause),
                Err(error) => malformed(method, error),
            },
            jsonrpc::Error::Json(error) => malformed(method, NotJson(error)),
            error => malformed(method, error),
        }
    }
}

/// `jsonrpc`'s words for an answer that is not the JSON that it must be; its own error repeats the cause.
#[derive(Debug, thiserror::Error)]
#[error("JSON decode error")]
struct NotJson(#[source] serde_json::Error);

pub(super) fn malformed(method: &str, cause: impl Into<Cause>) -> NodeError {
    NodeError::MalformedAnswer { method: method.to_owned(), source: presentable(cause.into()) }
}

/// Returns the cause, or one line of text in its place: where a text in it is too long, because the node
/// wrote a part of it, or where an error of another library repeats its own cause.
fn presentable(cause: Cause) -> Cause {
    let (mut texts, mut next): (Vec<String>, Option<&dyn Error>) = (Vec::new(), Some(&*cause));
    while let Some(error) = next {
        texts.push(error.to_string());
        next = error.source();
    }
    let count = texts.len();
    texts.dedup_by(|inner, outer| outer.contains(inner.as_str()));
    if texts.len() == count && texts.iter().all(|text| cut(text) == *text) {
        cause
    } else {
        cut(&texts.join(": ")).into()
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_MESSAGE_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// An HTTP client for one request. Redirects are not followed: they would send the credentials
/// elsewhere.
struct Http {
    url: String,
    authorization: Option<String>,
    timeout: Duration,
}

#[derive(Debug, thiserror::Error)]
enum HttpError {
    #[error("there is no answer")]
    NoAnswer(#[source] Cause),
    #[error("HTTP status {0}")]
    Status(i32),
    #[error("the answer cannot be used")]
    Unusable(#[source] Cause),
}

impl From<bitreq::Error> for HttpError {
    fn from(error: bitreq::Error) -> Self {
        match error {
            bitreq::Error::IoError(error) => Self::NoAnswer(error.into()),
            error @ bitreq::Error::AddressNotFound => Self::NoAnswer(error.into()),
            error => Self::Unusable(error.into()),
        }
    }
}

impl Http {
    fn get(&self, path: &str) -> Result<Vec<u8>, HttpError> {
        let get = bitreq::Request::new(bitreq::Method::Get, format!("{}{path}", self.url));
        let response = self.send(get)?;
        match response.status_code {
            200 => Ok(response.into_bytes()),
            status => Err(HttpError::Status(status)),
        }
    }

    fn post(&self, request: &impl serde::Serialize) -> Result<Vec<u8>, HttpError> {
        let post = bitreq::Request::new(bitreq::Method::Post, &self.url).with_json(request)?;
        let response = self.send(post)?;
        // A call that fails may come with status 500 or 404, and an answer that says why.
        match response.status_code {
            status @ (401 | 403 | 503) => Err(HttpError::Status(status)),
            status if status != 200 && !response.as_bytes().starts_with(b"{") => {
                Err(HttpError::Status(status))
            }
            _ => Ok(response.into_bytes()),
        }
    }

    fn send(&self, request: bitreq::Request) -> Result<bitreq::Response, HttpError> {
        let mut request =
            request.with_timeout(self.timeout).with_max_body_size(MAX_ANSWER_BYTES).with_max_redirects(0);
        if let Some(authorization) = &self.authorization {
            request = request.with_header("Authorization", authorization);
        }
        let response = request.send()?;
        if response.reason_phrase == NO_STATUS_LINE {
            return Err(match response.as_bytes() {
                [] => HttpError::NoAnswer("the connection was closed without a response".into()),
                _ => HttpError::Unusable("it is not HTTP".into()),
            });
        }
        // `bitreq` takes the end of the connection for the end of the answer.
        let stated = response.headers.get("content-length").and_then(|length| length.parse().ok());
        if stated.is_some_and(|length: usize| response.as_bytes().len() < length) {
            return Err(HttpError::NoAnswer(
                "the connection was closed in the middle of the response".into(),
            ));
        }
        Ok(response)
    }
}

impl jsonrpc::Transport for Http {
    fn send_request(&self, request: jsonrpc::Request<'_>) -> Result<jsonrpc::Response, jsonrpc::Error> {
        let body = self.post(&request).map_err(|error| jsonrpc::Error::Transport(Box::new(error)))?;
        Ok(serde_json::from_slice(&body)?)
    }

    fn send_batch(
        &self,
        requests: &[jsonrpc::Request<'_>],
    ) -> Result<Vec<jsonrpc::Response>, jsonrpc::Error> {
        let body = self.post(&requests).map_err(|error| jsonrpc::Error::Transport(Box::new(error)))?;
        Ok(serde_json::from_slice(&body)?)
    }

    fn fmt_target(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}
