//! Who asks, and what that client may have.
//!
//! A client shows who it is in one of three ways: with a certificate (mutual TLS), with the reference's HMAC
//! of the request's bytes (`x-fpd-hmac`), or with an HMAC that is bound to the method, the time and a nonce
//! as well (`x-btcstake-auth`), so that nobody can send a request that he has seen again. Where the interface
//! listens on loopback alone, one client may show nothing.

mod bound;
mod client;
mod clock;
mod nonces;
mod rate;
mod secret;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use self::bound::{BOUND_HEADER, BoundAuth, InvalidBoundAuth};
pub use self::client::{Allowed, Client, Credentials, Operation, Outstanding, Permissions};
pub use self::clock::{Clock, SystemClock};
pub use self::nonces::{NonceError, Nonces};
pub use self::rate::{RateExceeded, RateLimit};
pub use self::secret::SharedSecret;

/// The header of the reference's HMAC: base64 of HMAC-SHA256 over the request's bytes.
pub const HMAC_HEADER: &str = "x-fpd-hmac";

/// What the paths of the reference's interface begin with.
const REFERENCE: &str = "/proto.EOTSManager/";

/// The longest message that is encoded anew: encoded, a few bytes may be many.
const MOST_ANEW: usize = 1 << 20;

/// The calls that the reference's client makes without an HMAC.
const WITHOUT_HMAC: [&str; 2] = ["/proto.EOTSManager/Ping", "/proto.EOTSManager/SaveEOTSKeyName"];

/// A request, as far as it says who makes it.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// The path of the method: `/service/method`.
    pub path: &'a str,
    /// The first header [`HMAC_HEADER`], where there is one.
    pub hmac: Option<&'a [u8]>,
    /// The first header [`BOUND_HEADER`], where there is one.
    pub bound: Option<&'a [u8]>,
    /// The message's bytes as they came.
    pub body: &'a [u8],
    /// Encodes the message anew; `None` where it is none of the reference's. It is asked for where a client's
    /// HMAC is not over the bytes as they came.
    pub encode_anew: fn(path: &str, body: &[u8]) -> Option<Vec<u8>>,
    /// SHA-256 of the certificate that the client has shown, in DER.
    pub certificate: Option<[u8; 32]>,
}

/// Who asks.
#[derive(Debug, Clone)]
pub enum Caller {
    /// A client.
    Client(Arc<Client>),
    /// Whoever sends what needs no authentication.
    Anybody,
}

/// A request whose client is not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticationError {
    /// It says nothing of who sends it. The text is the reference's.
    #[error("HMAC not provided")]
    NotProvided,
    /// No client has this HMAC. The text is the reference's.
    #[error("invalid HMAC")]
    InvalidHmac,
    /// The bound header is refused.
    #[error("the header {BOUND_HEADER} is not valid")]
    Bound(#[from] InvalidBoundAuth),
    /// The nonce was seen before, or cannot be kept.
    #[error(transparent)]
    Nonce(#[from] NonceError),
    /// The client is known, and asks too often.
    #[error("{cause}")]
    Rate {
        /// The client.
        client: String,
        /// How long to wait.
        #[source]
        cause: RateExceeded,
    },
}

impl AuthenticationError {
    /// Returns the rule's name, for logs and metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::NotProvided => "not_provided",
            Self::InvalidHmac => "invalid_hmac",
            Self::Bound(InvalidBoundAuth::Time { .. }) => "time",
            Self::Bound(_) => "invalid_bound",
            Self::Nonce(NonceError::Again) => "replayed",
            Self::Nonce(_) => "nonce",
            Self::Rate { .. } => "rate",
        }
    }
}

/// The clients, and what tells them apart.
pub struct Authenticator {
    clients: Vec<Arc<Client>>,
    nonces: Nonces,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator").field("clients", &self.clients).finish_non_exhaustive()
    }
}

impl Authenticator {
    /// Returns one that knows these clients.
    pub fn new(clients: Vec<Arc<Client>>, nonces: Nonces, clock: Arc<dyn Clock>) -> Self {
        Self { clients, nonces, clock }
    }

    /// Returns who makes a request, and takes it from that client's limit.
    ///
    /// # Errors
    /// [`AuthenticationError`] when it shows nothing, or something that no client has; or too often.
    pub fn authenticate(&self, call: &Call<'_>) -> Result<Caller, AuthenticationError> {
        let by_certificate = |client: &&Arc<Client>| {
            call.certificate.is_some_and(|shown| client.credentials().certificates.contains(&shown))
        };
        if let Some(client) = self.clients.iter().find(by_certificate) {
            return self.limited(client);
        }
        if let Some(header) = call.bound {
            return self.bound(header, call);
        }
        // It does not say for which method it is: for the reference's alone.
        let is_reference = call.path.starts_with(REFERENCE);
        let some_hmac = self.clients.iter().any(|client| !client.credentials().hmac.is_empty());
        if let Some(header) = call.hmac.filter(|_| some_hmac && is_reference) {
            return match self.by_hmac(header, call) {
                Some(client) => self.limited(client),
                // Nobody looks at the HMAC of what needs none.
                None if WITHOUT_HMAC.contains(&call.path) => Ok(Caller::Anybody),
                None => Err(AuthenticationError::InvalidHmac),
            };
        }
        if let Some(client) = self.clients.iter().find(|client| client.credentials().unauthenticated) {
            return self.limited(client);
        }
        if WITHOUT_HMAC.contains(&call.path) {
            return Ok(Caller::Anybody);
        }
        Err(AuthenticationError::NotProvided)
    }

    fn limited(&self, client: &Arc<Client>) -> Result<Caller, AuthenticationError> {
        client.rate().take(1, self.clock.monotonic()).map_err(|cause| {
            let client = client.name().to_owned();
            AuthenticationError::Rate { client, cause }
        })?;
        Ok(Caller::Client(client.clone()))
    }

    /// The reference's HMAC binds the body alone; it is over the bytes that were sent, or over their
    /// canonical form.
    fn by_hmac(&self, header: &[u8], call: &Call<'_>) -> Option<&Arc<Client>> {
        use base64::Engine as _;
        let mac = base64::engine::general_purpose::STANDARD.decode(header).ok()?;
        let of = |body: &[u8]| {
            let has = |client: &&Arc<Client>| {
                client.credentials().hmac.iter().any(|secret| secret.verify(&[body], &mac))
            };
            self.clients.iter().find(has)
        };
        of(call.body).or_else(|| {
            let is_small = call.body.len() <= MOST_ANEW;
            let anew = is_small.then(|| (call.encode_anew)(call.path, call.body)).flatten()?;
            if anew == call.body { None } else { of(&anew) }
        })
    }

    fn bound(&self, header: &[u8], call: &Call<'_>) -> Result<Caller, AuthenticationError> {
        let auth = BoundAuth::parse(header)?;
        auth.check_time(self.clock.unix_seconds())?;
        let bytes = auth.bound_bytes(call.path, call.body);
        let has = |client: &&Arc<Client>| {
            client.credentials().bound.iter().any(|secret| auth.verify(secret, &bytes))
        };
        let client = self.clients.iter().find(has).ok_or(InvalidBoundAuth::OtherMac)?;
        // What was spent already is not the client's, and takes nothing from its limit.
        self.nonces.check(client.name(), auth.time(), auth.nonce())?;
        let caller = self.limited(client)?;
        // Only what a client sent is remembered: a stranger cannot fill the memory.
        self.nonces.spend(client.name(), auth.time(), auth.nonce(), &*self.clock)?;
        Ok(caller)
    }
}
