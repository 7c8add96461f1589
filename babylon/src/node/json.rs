//! What nodes write in JSON: numbers as text or as numbers, bytes in base64 or hex, times.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Reads a number, or a text of one; 64-bit numbers are text.
pub(crate) fn number<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr + TryFrom<u64> + TryFrom<i64>,
{
    struct Numbers<T>(std::marker::PhantomData<T>);

    impl<T: FromStr + TryFrom<u64> + TryFrom<i64>> Visitor<'_> for Numbers<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number, or a text of one")
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
            T::try_from(number).map_err(|_| E::custom(format_args!("{number} is too large")))
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
            T::try_from(number).map_err(|_| E::custom(format_args!("{number} is out of range")))
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            // A sign is not written before numbers that are not negative.
            let text = if text.starts_with('+') { "" } else { text };
            text.parse().map_err(|_| E::custom("a text is no number in range"))
        }
    }

    deserializer.deserialize_any(Numbers(std::marker::PhantomData))
}

/// Reads bytes in base64; null is none.
pub(crate) fn base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
    BASE64_STANDARD.decode(text).map_err(|_| D::Error::custom("a text is not base64"))
}

/// Reads bytes in hex; null is none.
pub(crate) fn hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
    ::hex::decode(text).map_err(|_| D::Error::custom("a text is not hex"))
}

/// Reads a time, such as `2026-11-28T01:33:47.023625136Z`.
pub(crate) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OffsetDateTime, D::Error> {
    let text = String::deserialize(deserializer)?;
    OffsetDateTime::parse(&text, &Rfc3339).map_err(|_| D::Error::custom("a text is no time"))
}

/// Reads a list of bytes in hex.
pub(crate) fn hex_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let read = texts.into_iter().map(::hex::decode).collect::<Result<_, _>>();
    read.map_err(|_| D::Error::custom("a text is not hex"))
}

/// A span of time, as protobuf has it.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(crate) struct ProtoDuration {
    #[prost(int64, tag = "1")]
    pub(crate) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(crate) nanos: i32,
}

impl ProtoDuration {
    /// One that is negative is none.
    pub(crate) fn to_std(self) -> Duration {
        let seconds = Duration::from_secs(u64::try_from(self.seconds).unwrap_or_default());
        seconds.saturating_add(Duration::from_nanos(u64::try_from(self.nanos).unwrap_or_default()))
    }
}

/// Reads a span of time, such as `86400s` or `0.2s`.
pub(crate) fn duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<ProtoDuration>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let read = || {
        let number = text.strip_suffix('s')?;
        let (seconds, part) = number.split_once('.').unwrap_or((number, "0"));
        if part.is_empty() || part.len() > 9 || !part.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let nanos = format!("{part:0<9}").parse().ok()?;
        Some(ProtoDuration { seconds: seconds.parse().ok()?, nanos })
    };
    read().map(Some).ok_or_else(|| D::Error::custom("a text is no span of time"))
}
