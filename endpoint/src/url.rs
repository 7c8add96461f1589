//! The address of a node.

use std::fmt;
use std::str::FromStr;

use ureq::http::Uri;

use crate::loopback::is_loopback_host;

/// The text is no node's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be http://HOST:PORT or https://HOST[:PORT], perhaps with a path, without user, query or fragment"
)]
pub struct InvalidUrl;

/// The address of a node.
#[derive(Clone, PartialEq, Eq)]
pub struct Url(Uri);

impl Url {
    /// Returns whether whoever is on the way can answer in the node's place: it is plaintext to another host.
    pub fn is_exposed(&self) -> bool {
        self.0.scheme_str() == Some("http") && !self.0.host().is_some_and(is_loopback_host)
    }

    /// Returns the address of what lies below this one: a path that begins with a slash, or nothing.
    pub(crate) fn at(&self, path: &str) -> String {
        let base = self.0.to_string();
        if path.is_empty() { base } else { format!("{}{path}", base.trim_end_matches('/')) }
    }
}

/// Without the path: some providers have a secret there.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = self.0.authority().map_or("", |authority| authority.as_str());
        write!(f, "{}://{authority}", self.0.scheme_str().unwrap_or_default())
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({self})")
    }
}

impl FromStr for Url {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        // A fragment is cut by the parser.
        let uri: Uri = text.parse().map_err(|_| InvalidUrl)?;
        let is_known = matches!(uri.scheme_str(), Some("http" | "https"));
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let has_host = uri.host().is_some_and(|host| !host.is_empty());
        // User and password in a URL would be logged with it.
        if !is_known || !has_host || authority.contains('@') || text.contains(['?', '#']) {
            return Err(InvalidUrl);
        }
        Ok(Self(uri))
    }
}
