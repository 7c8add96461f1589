//! What the reference daemon keeps in its database: signing records and the names of keys.

use std::error::Error;
use std::fmt;
use std::io::{Read, Seek};

use prost::Message;
use secp256k1::XOnlyPublicKey;

use super::bbolt::{Database, Entries, Entry, ReadError};

/// The bucket of the signing records, by chain id ‖ x-only public key ‖ height.
pub const SIGN_RECORD_BUCKET: &str = "signRecord";

/// The bucket of the names of keys, by x-only public key.
pub const KEY_NAME_BUCKET: &str = "fpKeyNames";

/// The length of the height at the end of a record's key.
const HEIGHT_LEN: usize = 8;

/// The length of an x-only public key.
const PUBLIC_KEY_LEN: usize = 32;

/// A signing record of the reference daemon: what one key signed at one height of one chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignRecord {
    /// The chain id: any bytes, also none.
    pub chain_id: Vec<u8>,
    /// The finality provider's public key.
    pub public_key: XOnlyPublicKey,
    /// The height, of which the daemon allows all from 0 to 2^64 − 1.
    pub height: u64,
    /// What was signed: the message itself, not its hash. It may be empty, and is usually short, but the
    /// daemon takes megabytes.
    pub message: Vec<u8>,
    /// The EOTS signature. It is not verified, nor is it checked to be below the group order.
    pub signature: [u8; 32],
    /// When it was signed, in milliseconds since 1970 by the daemon's clock.
    pub timestamp_ms: i64,
}

/// The name under which the reference daemon keeps a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedKey {
    /// The finality provider's public key.
    pub public_key: XOnlyPublicKey,
    /// The name.
    pub name: String,
}

/// The error of an entry that is not what the reference daemon writes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignRecordError {
    /// The bucket.
    pub bucket: &'static str,
    /// The entry's key.
    pub key: Vec<u8>,
    /// What is wrong.
    pub fault: SignRecordFault,
}

impl fmt::Display for SignRecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, key {}: {}", self.bucket, Key(&self.key), self.fault)
    }
}

impl Error for SignRecordError {
    /// Returns the cause of the fault: the fault itself is part of the text.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.fault.source()
    }
}

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignRecordFault {
    /// The key of a signing record has no room for a public key and a height.
    #[error("key of {found} bytes; must be at least 40: chain id, x-only public key, height")]
    ShortKey {
        /// The length, in bytes.
        found: usize,
    },
    /// The key of a key's name is not an x-only public key.
    #[error("key of {found} bytes; must be 32, an x-only public key")]
    KeyLength {
        /// The length, in bytes.
        found: usize,
    },
    /// The public key is not on the curve.
    #[error("not a BIP-340 x-only public key")]
    PublicKey(#[source] secp256k1::Error),
    /// The value is not the protobuf message.
    #[error("value is not a signing record")]
    Undecodable(#[source] prost::DecodeError),
    /// The signature has another length.
    #[error("signature of {found} bytes; must be 32")]
    SignatureLength {
        /// The length, in bytes.
        found: usize,
    },
    /// A name is not text.
    #[error("name is not UTF-8")]
    Name(#[source] std::string::FromUtf8Error),
    /// The entry is a bucket.
    #[error("a bucket; must be a value")]
    Bucket,
}

/// The error of reading records: a damaged database, or an entry that the reference daemon does not write.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The bucket is missing or damaged, or cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An entry is wrong.
    #[error(transparent)]
    Record(#[from] SignRecordError),
}

/// The value of a signing record.
#[derive(Clone, PartialEq, Message)]
struct SignRecordValue {
    #[prost(bytes = "vec", tag = "1")]
    message: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    signature: Vec<u8>,
    #[prost(int64, tag = "3")]
    timestamp: i64,
}

/// A public key that is on the curve, and its bytes.
struct KnownKey {
    bytes: [u8; PUBLIC_KEY_LEN],
    key: XOnlyPublicKey,
}

/// A key in hex; a long one shortened in the middle.
struct Key<'a>(&'a [u8]);

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.first_chunk::<128>(), self.0.last_chunk::<128>()) {
            (Some(first), Some(last)) if self.0.len() > 256 => {
                write!(f, "{}…{} ({} bytes)", hex::encode(first), hex::encode(last), self.0.len())
            }
            _ => f.write_str(&hex::encode(self.0)),
        }
    }
}

impl SignRecord {
    /// Returns the signing record of an entry of the bucket [`SIGN_RECORD_BUCKET`].
    ///
    /// # Errors
    /// [`SignRecordError`] when the key is shorter than 40 bytes, its public key is not on the curve, or the
    /// value is not the protobuf message with a signature of 32 bytes.
    pub fn decode(key: &[u8], value: &[u8]) -> Result<Self, SignRecordError> {
        Self::decode_after(&mut None, key, value)
    }

    /// Returns what [`decode`](Self::decode) does. `last` is the public key of the record before, if any, and
    /// then that of this one: records of one key stand together, and to find its point on the curve takes
    /// more time than all else.
    fn decode_after(last: &mut Option<KnownKey>, key: &[u8], value: &[u8]) -> Result<Self, SignRecordError> {
        Self::parse(last, key, value).map_err(|fault| SignRecordError {
            bucket: SIGN_RECORD_BUCKET,
            key: key.to_vec(),
            fault,
        })
    }

    fn parse(last: &mut Option<KnownKey>, key: &[u8], value: &[u8]) -> Result<Self, SignRecordFault> {
        let short = || SignRecordFault::ShortKey { found: key.len() };
        let (rest, height) = key.split_last_chunk::<HEIGHT_LEN>().ok_or_else(short)?;
        let (chain_id, public_key) = rest.split_last_chunk::<PUBLIC_KEY_LEN>().ok_or_else(short)?;
        let public_key = match last {
            Some(known) if known.bytes == *public_key => known.key,
            _ => {
                let key = XOnlyPublicKey::from_slice(public_key).map_err(SignRecordFault::PublicKey)?;
                last.insert(KnownKey { bytes: *public_key, key }).key
            }
        };
        let value = SignRecordValue::decode(value).map_err(SignRecordFault::Undecodable)?;
        let signature = value
            .signature
            .try_into()
            .map_err(|other: Vec<u8>| SignRecordFault::SignatureLength { found: other.len() })?;
        Ok(Self {
            chain_id: chain_id.to_vec(),
            public_key,
            height: u64::from_be_bytes(*height),
            message: value.message,
            signature,
            timestamp_ms: value.timestamp,
        })
    }
}

impl NamedKey {
    /// Returns the name of a key, from an entry of the bucket [`KEY_NAME_BUCKET`].
    ///
    /// # Errors
    /// [`SignRecordError`] when the key is not an x-only public key on the curve, or the name is not UTF-8.
    pub fn decode(key: &[u8], value: &[u8]) -> Result<Self, SignRecordError> {
        Self::parse(key, value).map_err(|fault| SignRecordError {
            bucket: KEY_NAME_BUCKET,
            key: key.to_vec(),
            fault,
        })
    }

    fn parse(key: &[u8], value: &[u8]) -> Result<Self, SignRecordFault> {
        if key.len() != PUBLIC_KEY_LEN {
            return Err(SignRecordFault::KeyLength { found: key.len() });
        }
        let public_key = XOnlyPublicKey::from_slice(key).map_err(SignRecordFault::PublicKey)?;
        let name = String::from_utf8(value.to_vec()).map_err(SignRecordFault::Name)?;
        Ok(Self { public_key, name })
    }
}

impl<S: Read + Seek> Database<S> {
    /// Returns the signing records, ordered by the bytes of chain id ‖ public key ‖ height.
    ///
    /// After [`ImportError::Record`] the records behind it follow; [`ImportError::Read`] is the last item.
    ///
    /// # Errors
    /// [`ReadError`]; [`ReadError::NoBucket`] when the database has no such bucket.
    pub fn sign_records(
        &mut self,
    ) -> Result<impl Iterator<Item = Result<SignRecord, ImportError>> + use<'_, S>, ReadError> {
        let entries = self.entries(&[SIGN_RECORD_BUCKET.as_bytes()])?;
        let mut last = None;
        let decode = move |key: &[u8], value: &[u8]| SignRecord::decode_after(&mut last, key, value);
        Ok(decoded(entries, SIGN_RECORD_BUCKET, decode))
    }

    /// Returns the names of the keys, ordered by public key.
    ///
    /// After [`ImportError::Record`] the names behind it follow; [`ImportError::Read`] is the last item.
    ///
    /// # Errors
    /// [`ReadError`]; [`ReadError::NoBucket`] when the database has no such bucket.
    pub fn key_names(
        &mut self,
    ) -> Result<impl Iterator<Item = Result<NamedKey, ImportError>> + use<'_, S>, ReadError> {
        let entries = self.entries(&[KEY_NAME_BUCKET.as_bytes()])?;
        Ok(decoded(entries, KEY_NAME_BUCKET, NamedKey::decode))
    }
}

/// Returns what `decode` makes of the entries' keys and values.
fn decoded<T, S: Read + Seek>(
    entries: Entries<'_, S>,
    bucket: &'static str,
    mut decode: impl FnMut(&[u8], &[u8]) -> Result<T, SignRecordError>,
) -> impl Iterator<Item = Result<T, ImportError>> {
    entries.map(move |entry| match entry? {
        Entry::Value { key, value } => Ok(decode(&key, &value)?),
        Entry::Bucket { name } => {
            Err(SignRecordError { bucket, key: name, fault: SignRecordFault::Bucket }.into())
        }
    })
}
