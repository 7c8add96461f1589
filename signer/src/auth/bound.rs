//! Authentication that is bound to a method, a time and a nonce: `v1 TIME NONCE MAC`.
//!
//! TIME is in seconds since 1970, NONCE 32 hex digits, MAC the 64 hex digits of HMAC-SHA256 over
//!
//! ```text
//! btcstake-auth-v1 \n PATH \n TIME \n NONCE \n SHA256(message)
//! ```
//!
//! with the hash as 32 bytes, and no spaces.

use sha2::{Digest as _, Sha256};

use super::secret::SharedSecret;

/// The header.
pub const BOUND_HEADER: &str = "x-btcstake-auth";

/// How many seconds the clocks may differ.
const TOLERANCE: u64 = 30;

/// What the header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundAuth {
    time: u64,
    nonce: [u8; 16],
    mac: [u8; 32],
}

/// A header that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidBoundAuth {
    /// It has another form.
    #[error("must be: v1, the seconds since 1970, 32 hex digits of a nonce, 64 of the HMAC")]
    Form,
    /// It was made at another time.
    #[error("its time is {found}; must be within {TOLERANCE} seconds of {now}, this machine's")]
    Time {
        /// The time it states.
        found: u64,
        /// The time here.
        now: u64,
    },
    /// No client has made it.
    #[error("its HMAC is of no client, or of another method, time, nonce or message")]
    OtherMac,
}

impl BoundAuth {
    /// Makes what the header says of a request.
    pub fn new(secret: &SharedSecret, path: &str, body: &[u8], time: u64, nonce: [u8; 16]) -> Self {
        let unsigned = Self { time, nonce, mac: [0; 32] };
        let mac = secret.hmac(&[&unsigned.bound_bytes(path, body)]);
        Self { mac, ..unsigned }
    }

    /// Returns the header's text.
    pub fn to_header(&self) -> String {
        format!("v1 {} {} {}", self.time, hex::encode(self.nonce), hex::encode(self.mac))
    }

    /// Reads the header's text.
    ///
    /// # Errors
    /// [`InvalidBoundAuth::Form`].
    pub fn parse(header: &[u8]) -> Result<Self, InvalidBoundAuth> {
        let read = || {
            let text = std::str::from_utf8(header).ok()?;
            let mut parts = text.split(' ');
            let (version, time, nonce, mac) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
            if version != "v1" || parts.next().is_some() || !time.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            let (mut nonce_bytes, mut mac_bytes) = ([0; 16], [0; 32]);
            hex::decode_to_slice(nonce, &mut nonce_bytes).ok()?;
            hex::decode_to_slice(mac, &mut mac_bytes).ok()?;
            Some(Self { time: time.parse().ok()?, nonce: nonce_bytes, mac: mac_bytes })
        };
        read().ok_or(InvalidBoundAuth::Form)
    }

    /// Checks the time.
    ///
    /// # Errors
    /// [`InvalidBoundAuth::Time`].
    pub const fn check_time(&self, now: u64) -> Result<(), InvalidBoundAuth> {
        if self.time.abs_diff(now) <= TOLERANCE {
            return Ok(());
        }
        Err(InvalidBoundAuth::Time { found: self.time, now })
    }

    /// Returns the bytes that the HMAC of a request is over.
    pub fn bound_bytes(&self, path: &str, body: &[u8]) -> Vec<u8> {
        let head = format!("btcstake-auth-v1\n{path}\n{}\n{}\n", self.time, hex::encode(self.nonce));
        [head.as_bytes(), &Sha256::digest(body)].concat()
    }

    /// Returns whether this secret has made it, of a request with [these bytes](Self::bound_bytes).
    pub fn verify(&self, secret: &SharedSecret, bound_bytes: &[u8]) -> bool {
        secret.verify(&[bound_bytes], &self.mac)
    }

    /// Returns the time.
    pub const fn time(&self) -> u64 {
        self.time
    }

    /// Returns the nonce.
    pub const fn nonce(&self) -> [u8; 16] {
        self.nonce
    }
}
