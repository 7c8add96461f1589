//! The signing context of the consumer dialect.

use core::fmt;
use core::str::FromStr;

/// The signing context that precedes what a proof of possession signs in the consumer dialect: 64 lower-case hex digits, as text (§4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PopContext([u8; 64]);

/// The text is not 64 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signing context is 64 lower-case hex digits")]
#[non_exhaustive]
pub struct InvalidPopContext;

impl FromStr for PopContext {
    type Err = InvalidPopContext;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: [u8; 64] = text.as_bytes().try_into().map_err(|_| InvalidPopContext)?;
        let lower_hex = digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        if lower_hex { Ok(Self(digits)) } else { Err(InvalidPopContext) }
    }
}

impl fmt::Display for PopContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|digit| fmt::Write::write_char(f, char::from(*digit)))
    }
}

impl fmt::Debug for PopContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PopContext({self})")
    }
}
