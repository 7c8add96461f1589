//! Why a node is not understood.

use std::fmt;

use crate::url::Url;

/// A node does not answer, or not as was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// It cannot be asked, or takes too long.
    #[error("the node at {url} does not answer")]
    Connection {
        /// Its address.
        url: Url,
        /// What went wrong.
        #[source]
        cause: Box<ureq::Error>,
    },
    /// Its answer is longer than it may be.
    #[error("the answer of the node at {url} is too long; must have at most {most} bytes")]
    TooLong {
        /// Its address.
        url: Url,
        /// The most bytes.
        most: u64,
    },
    /// Its answer has another form.
    #[error("the answer of the node at {url} is not understood: {what}")]
    Form {
        /// Its address.
        url: Url,
        /// What is wrong with it.
        what: String,
    },
    /// It cannot be subscribed to, or no longer tells anything.
    #[cfg(feature = "subscriptions")]
    #[error("the node at {url} cannot be subscribed to")]
    Subscription {
        /// Its address.
        url: Url,
        /// What went wrong.
        #[source]
        cause: SubscriptionError,
    },
    /// It answers with an error.
    #[error("the node at {url} refuses: {refusal}")]
    Refused {
        /// Its address.
        url: Url,
        /// What it says.
        refusal: RpcRefusal,
    },
}

/// Why a node cannot be subscribed to.
#[cfg(feature = "subscriptions")]
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubscriptionError {
    /// It cannot be reached.
    #[error(transparent)]
    Connection(#[from] std::io::Error),
    /// Its certificate, or the way it speaks TLS, is not taken.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    /// It does not speak as a WebSocket does.
    #[error(transparent)]
    Protocol(Box<tungstenite::Error>),
    /// It did not answer in time.
    #[error("it took too long")]
    TooLate,
    /// It closed the connection.
    #[error("it closed the connection")]
    Closed,
    /// It says much, and nothing in it.
    #[error("it sends frame after frame and tells nothing")]
    Flood,
}

#[cfg(feature = "subscriptions")]
impl From<tungstenite::Error> for SubscriptionError {
    fn from(error: tungstenite::Error) -> Self {
        match error {
            tungstenite::Error::Io(error) => Self::Connection(error),
            error => Self::Protocol(Box::new(error)),
        }
    }
}

/// An error of JSON-RPC. Its texts are the node's, cut to a bounded length.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RpcRefusal {
    /// The error's number; 0 where it has none.
    pub code: i64,
    /// The error's text.
    pub message: String,
    /// What else it says; empty where nothing.
    pub data: String,
}

impl fmt::Display for RpcRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.message)?;
        if self.data.is_empty() { Ok(()) } else { write!(f, " {:?}", self.data) }
    }
}
