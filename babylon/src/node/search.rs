//! What transactions are looked for, in a node's index.

use std::fmt;

use finality::ConsumerHeight;

use super::Executed;

/// How many transactions a page has.
pub const PAGE_TRANSACTIONS: u32 = 100;

/// What transactions are looked for: those for which all conditions hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search(String);

/// A search asks for a text that no event has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot be looked for; must have letters, digits and . _ - / : alone")]
pub struct InvalidSearch(pub String);

impl Search {
    /// Looks for the transactions with a message of this type, such as
    /// `/babylon.finality.v1.MsgAddFinalitySig`.
    ///
    /// # Errors
    /// [`InvalidSearch`].
    pub fn message(type_url: &str) -> Result<Self, InvalidSearch> {
        Ok(Self(format!("message.action='{}'", checked(type_url)?)))
    }

    /// Looks for the transactions with an event of this type, one of whose attributes has this text. The
    /// chain writes the attributes of its own events as JSON: the text is in quotes there, whether it is a
    /// number or not.
    ///
    /// # Errors
    /// [`InvalidSearch`].
    pub fn event(kind: &str, attribute: &str, text: &str) -> Result<Self, InvalidSearch> {
        Ok(Self(format!("{}.{}='\"{}\"'", checked(kind)?, checked(attribute)?, checked(text)?)))
    }

    /// Looks for those of them alone that are in a block of this height or a later one.
    #[must_use]
    pub fn since(self, height: ConsumerHeight) -> Self {
        Self(format!("{} AND tx.height>={height}", self.0))
    }

    /// Looks for those of them alone that the other one finds too.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        Self(format!("{} AND {}", self.0, other.0))
    }
}

/// As CometBFT takes it.
impl fmt::Display for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn checked(text: &str) -> Result<&str, InvalidSearch> {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:".contains(&byte);
    match !text.is_empty() && text.bytes().all(is_known) {
        true => Ok(text),
        false => Err(InvalidSearch(text.chars().take(100).collect())),
    }
}

/// A transaction that was found in the index, executed or refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTransaction {
    /// Its hash.
    pub hash: [u8; 32],
    /// What became of it.
    pub executed: Executed,
}

impl FoundTransaction {
    /// Returns about how many bytes it takes.
    pub(crate) fn size(&self) -> usize {
        let attributes = self.executed.events.iter().flat_map(|event| &event.attributes);
        attributes.fold(64, |size, (name, value)| size.saturating_add(name.len()).saturating_add(value.len()))
    }
}

/// A page of what was found, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPage {
    /// The transactions of this page.
    pub transactions: Vec<FoundTransaction>,
    /// How many there are on all pages.
    pub total: u64,
}
