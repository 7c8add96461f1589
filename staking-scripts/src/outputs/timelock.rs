//! Relative timelocks.

use std::fmt;
use std::num::NonZeroU16;

use bitcoin::Sequence;

/// A relative timelock of 1 to 65535 blocks (BIP-68): the staking time or the unbonding time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timelock(NonZeroU16);

/// The number of blocks is 0 or above 65535.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the timelock is {0} blocks; must be 1 to 65535")]
#[non_exhaustive]
pub struct InvalidTimelock(pub u32);

impl Timelock {
    /// Returns the timelock of this many blocks.
    ///
    /// # Errors
    /// [`InvalidTimelock`] outside 1 to 65535.
    pub fn from_blocks(blocks: u32) -> Result<Self, InvalidTimelock> {
        u16::try_from(blocks).ok().and_then(NonZeroU16::new).map(Self).ok_or(InvalidTimelock(blocks))
    }

    /// Returns the number of blocks.
    pub const fn blocks(self) -> u16 {
        self.0.get()
    }

    /// Returns the nSequence of an input that waits for this timelock.
    pub fn sequence(self) -> Sequence {
        Sequence::from_height(self.blocks())
    }
}

impl fmt::Display for Timelock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
