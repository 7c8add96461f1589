//! The way to a signer: its URL, TLS, and what shows who asks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use endpoint::is_loopback_host;
use prost::Message;
use rand_core::{OsRng, RngCore as _};
use tonic::Request;
use tonic::metadata::MetadataValue;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use super::error::RemoteError;
use crate::auth::{BOUND_HEADER, BoundAuth, SharedSecret};

/// How long a connection may take to be made. Answers take what they take: a long list, a passphrase.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// After how long without a word the signer is asked whether it is there, and how long that may take.
const ALIVE_WITHIN: Duration = Duration::from_secs(20);

/// The certificates for TLS, in PEM.
#[derive(Clone, Default)]
pub struct ClientTls {
    /// The authorities that sign the signer's certificate.
    pub authorities: Vec<u8>,
    /// The client's certificate and its secret key, for mutual TLS.
    pub identity: Option<(Vec<u8>, zeroize::Zeroizing<Vec<u8>>)>,
}

impl std::fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientTls(..)")
    }
}

/// How a signer is reached.
#[derive(Debug, Clone)]
pub struct Connection {
    /// `http://HOST:PORT`, with HOST on loopback, or `https://HOST:PORT`.
    pub url: String,
    /// TLS, for `https`.
    pub tls: Option<ClientTls>,
    /// The secret of `x-btcstake-auth`.
    pub auth: Option<SharedSecret>,
}

impl Connection {
    pub(super) async fn open(self) -> Result<(Channel, Requests), RemoteError> {
        let Self { url, tls, auth } = self;
        let wrong = || RemoteError::Url { found: url.clone() };
        let endpoint = Endpoint::from_shared(url.clone()).map_err(|_| wrong())?;
        let uri = endpoint.uri();
        let is_secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        // Whoever listens on the way would read a passphrase, or answer in the signer's place.
        if !is_secure && !uri.host().is_some_and(is_loopback_host) {
            return Err(wrong());
        }
        let mut endpoint = endpoint
            .connect_timeout(CONNECT_WITHIN)
            .http2_keep_alive_interval(ALIVE_WITHIN)
            .keep_alive_timeout(ALIVE_WITHIN)
            .tcp_nodelay(true);
        if is_secure {
            let ClientTls { authorities, identity } = tls.unwrap_or_default();
            let mut config = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authorities));
            if let Some((certificate, secret_key)) = identity {
                config = config.identity(Identity::from_pem(certificate, secret_key.as_slice()));
            }
            endpoint = endpoint.tls_config(config).map_err(RemoteError::Tls)?;
        }
        let channel = endpoint.connect().await;
        let channel = channel.map_err(|cause| RemoteError::Connect { url: url.clone(), cause })?;
        Ok((channel, Requests { url, auth }))
    }
}

/// Makes requests that show who asks.
pub(super) struct Requests {
    url: String,
    auth: Option<SharedSecret>,
}

impl std::fmt::Debug for Requests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.url)
    }
}

impl Requests {
    pub(super) fn make<T: Message>(&self, path: &str, message: T) -> Result<Request<T>, RemoteError> {
        let Some(secret) = &self.auth else { return Ok(Request::new(message)) };
        let mut nonce = [0; 16];
        OsRng.try_fill_bytes(&mut nonce).map_err(RemoteError::Randomness)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        // The bytes are those that are sent: the encoding is the same each time.
        let header = BoundAuth::new(secret, path, &message.encode_to_vec(), now, nonce).to_header();
        let mut request = Request::new(message);
        if let Ok(value) = MetadataValue::try_from(header) {
            request.metadata_mut().insert(BOUND_HEADER, value);
        }
        Ok(request)
    }
}
