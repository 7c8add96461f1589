//! Names of keys.

use std::fmt;
use std::str::FromStr;

/// The name of a key in a keystore, which its files are named after: 1 to 50 ASCII letters, digits, `-`, `_`
/// and `.`, not beginning with `.`.
///
/// A secret key in hex or in Bitcoin's wallet import format is longer, so that one given by mistake is no
/// name; errors do not repeat the text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

/// The error of a text that is not a key's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKeyName {
    /// It is empty or too long.
    #[error("the key name has {length} bytes; must have 1 to {}", KeyName::MAX_LENGTH)]
    Length {
        /// Its length in bytes.
        length: usize,
    },
    /// It has a character that is not allowed.
    #[error(
        "character {position} of the key name is {found:?}; must be an ASCII letter, digit, '-', '_' or '.'"
    )]
    Character {
        /// The character's number, from 1.
        position: usize,
        /// The character.
        found: char,
    },
    /// It begins with `.`, as hidden files do.
    #[error("the key name begins with '.'; must begin with a letter, digit, '-' or '_'")]
    LeadingDot,
}

impl KeyName {
    /// The greatest length, in bytes.
    pub const MAX_LENGTH: usize = 50;

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = InvalidKeyName;

    fn from_str(text: &str) -> Result<Self, InvalidKeyName> {
        if text.is_empty() || text.len() > Self::MAX_LENGTH {
            return Err(InvalidKeyName::Length { length: text.len() });
        }
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if let Some((position, found)) = (1..).zip(text.chars()).find(|&(_, c)| !is_allowed(c)) {
            return Err(InvalidKeyName::Character { position, found });
        }
        if text.starts_with('.') {
            return Err(InvalidKeyName::LeadingDot);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
