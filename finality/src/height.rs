//! Heights of the chain that is voted on, and the times of blocks.

use core::fmt;
use core::num::ParseIntError;
use core::str::FromStr;

/// A height of the chain whose blocks finality providers vote on: a consumer chain, or Babylon Genesis.
///
/// Heights of Bitcoin have another type, `bitcoin::absolute::Height`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct ConsumerHeight(pub u64);

impl ConsumerHeight {
    /// The last height, 2^64 − 1.
    pub const MAX: Self = Self(u64::MAX);

    /// Returns the number.
    pub const fn to_u64(self) -> u64 {
        self.0
    }

    /// Returns the height as 8 bytes, big-endian, as it is in every signed message.
    pub const fn to_be_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// Returns the height `blocks` later; `None` when there is no such height.
    pub const fn checked_add(self, blocks: u64) -> Option<Self> {
        match self.0.checked_add(blocks) {
            Some(height) => Some(Self(height)),
            None => None,
        }
    }

    /// Returns the height `blocks` later, or [`MAX`](Self::MAX) when there is no such height.
    pub const fn saturating_add(self, blocks: u64) -> Self {
        Self(self.0.saturating_add(blocks))
    }

    /// Returns how many blocks this height is after `earlier`; `None` when it is before it.
    pub const fn blocks_after(self, earlier: Self) -> Option<u64> {
        self.0.checked_sub(earlier.0)
    }
}

impl fmt::Display for ConsumerHeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ConsumerHeight {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// A time in seconds since 1970, as blocks have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct UnixTime(pub u64);

impl UnixTime {
    /// Returns the time so many seconds later.
    pub const fn after(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
