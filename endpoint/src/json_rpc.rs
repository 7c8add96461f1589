//! JSON-RPC 2.0.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::error::{EndpointError, RpcRefusal};
use crate::http::Endpoint;
use crate::url::Url;

/// The most characters of an error's text that are repeated.
const MOST_SHOWN: usize = 256;

impl Endpoint {
    /// Returns the result of a call. The parameters are an array by position, or an object by name, as the
    /// node takes them.
    ///
    /// # Errors
    /// [`EndpointError`]: also when the result has not the form of `T`.
    pub fn call<T: DeserializeOwned>(&self, method: &str, params: &Value) -> Result<T, EndpointError> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer = self.post("", &request)?;
        read(self.url(), &answer.body, |form| match answer.status {
            200 => form.to_owned(),
            status => format!("{form}, and has the HTTP status {status}"),
        })
    }
}

/// Returns the result in what a subscription tells.
#[cfg(feature = "subscriptions")]
pub(crate) fn result_of<T: DeserializeOwned>(url: &Url, body: &[u8]) -> Result<T, EndpointError> {
    read(url, body, str::to_owned)
}

/// Reads an answer; `no_rpc` says more of one that is none.
fn read<T: DeserializeOwned>(
    url: &Url,
    body: &[u8],
    no_rpc: impl Fn(&str) -> String,
) -> Result<T, EndpointError> {
    let form = |what: String| EndpointError::Form { url: url.clone(), what };
    // What is not asked for is skipped, not kept.
    let parts: Parts<'_> = serde_json::from_slice(body).map_err(|_| form(no_rpc("it is not JSON-RPC")))?;
    if let Some(error) = parts.error.filter(|error| error.get() != "null") {
        return Err(EndpointError::Refused { url: url.clone(), refusal: refusal(error.get()) });
    }
    let result = parts.result.ok_or_else(|| form("it has no result".to_owned()))?;
    serde_json::from_str(result.get()).map_err(|_| form("its result has another form".to_owned()))
}

/// An answer, of which the parts are read later.
#[derive(Deserialize)]
struct Parts<'a> {
    /// `null` is one too.
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

fn present<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

/// What an error says, not at any length.
fn refusal(error: &str) -> RpcRefusal {
    #[derive(Deserialize)]
    struct Said<'a> {
        code: Option<i64>,
        message: Option<String>,
        #[serde(borrow)]
        data: Option<&'a RawValue>,
    }
    let shown = |text: &str| text.chars().take(MOST_SHOWN).collect();
    match serde_json::from_str::<Said<'_>>(error) {
        Ok(Said { code, message: Some(message), data }) => {
            let data = data.map_or("", RawValue::get);
            // A text without its quotes, and anything else as it is.
            let data = serde_json::from_str(data).unwrap_or_else(|_| data.to_owned());
            RpcRefusal { code: code.unwrap_or_default(), message: shown(&message), data: shown(&data) }
        }
        _ => RpcRefusal { code: 0, message: shown(error), data: String::new() },
    }
}
