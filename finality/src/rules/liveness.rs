//! Liveness: who is jailed for not voting, and who may leave the jail.

use core::fmt;
use core::str::FromStr;
use std::collections::BTreeSet;

use crate::height::{ConsumerHeight, UnixTime};

/// A share of the blocks of a window, exact, with 18 decimals as the chain has them; at most 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
pub struct SignedShare(u64);

const ONE: u64 = 1_000_000_000_000_000_000;
const DECIMALS: usize = 18;

/// The error of a text that is no share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a share: {0:?}; must be a number from 0 to 1 with at most 18 decimals")]
pub struct InvalidShare(pub String);

impl SignedShare {
    /// Returns so many tenths, at most ten.
    pub const fn from_tenths(tenths: u8) -> Self {
        let tenths = if tenths > 10 { 10 } else { tenths };
        // `From` is not const.
        #[allow(clippy::as_conversions, reason = "from 8 bits to 64")]
        Self((ONE / 10).saturating_mul(tenths as u64))
    }

    /// Returns the share of a number of blocks, rounded to the nearest one, halves to the even one, as the
    /// chain's decimals round.
    pub fn of(self, blocks: u64) -> u64 {
        let (product, one) = (u128::from(self.0).saturating_mul(u128::from(blocks)), u128::from(ONE));
        let whole = product.checked_div(one).unwrap_or_default();
        let twice = product.checked_rem(one).unwrap_or_default().saturating_mul(2);
        let up = twice > one || (twice == one && whole.checked_rem(2) == Some(1));
        // At most the blocks themselves.
        u64::try_from(whole.saturating_add(u128::from(up))).unwrap_or(blocks)
    }
}

impl fmt::Display for SignedShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:018}", self.0 / ONE, self.0 % ONE)
    }
}

impl FromStr for SignedShare {
    type Err = InvalidShare;

    fn from_str(text: &str) -> Result<Self, InvalidShare> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = !whole.is_empty() && [whole, decimals].concat().bytes().all(|b| b.is_ascii_digit());
        let parsed = (digits && decimals.len() <= DECIMALS).then(|| {
            let number = format!("{whole}{decimals:0<DECIMALS$}");
            number.parse().ok().filter(|share| *share <= ONE).map(Self)
        });
        parsed.flatten().ok_or_else(|| InvalidShare(text.to_owned()))
    }
}

impl TryFrom<String> for SignedShare {
    type Error = InvalidShare;

    fn try_from(text: String) -> Result<Self, InvalidShare> {
        text.parse()
    }
}

impl From<SignedShare> for String {
    fn from(share: SignedShare) -> Self {
        share.to_string()
    }
}

/// The window of Babylon Genesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SigningWindow {
    /// How many of a provider's last heights count.
    pub window_blocks: u64,
    /// The least share of them that it must vote at.
    pub min_signed: SignedShare,
    /// How many blocks after a height it is looked at.
    pub timeout_blocks: u64,
    /// How long a jail lasts at least.
    pub jail_seconds: u64,
}

/// How providers that do not vote are jailed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Liveness {
    /// By the heights missed in a window.
    Window(SigningWindow),
    /// By silence: no vote for so many blocks.
    Silence {
        /// The blocks.
        window_blocks: u64,
        /// How long a jail lasts at least.
        jail_seconds: u64,
    },
    /// Nobody is jailed.
    None,
}

/// What is known of a provider's voting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SigningRecord {
    /// The height from which it is looked at: when it came into the active set last, or first since its jail.
    pub start_height: Option<ConsumerHeight>,
    /// The height of its last vote, in the order in which they were taken.
    pub last_voted_height: Option<ConsumerHeight>,
    /// The places in the window that it missed: the distance from the start height, modulo the window.
    pub missed: BTreeSet<u64>,
    /// Until when it is jailed; it stays so until it is unjailed.
    pub jailed_until: Option<UnixTime>,
}

/// What a look at one height says of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WindowLook {
    /// The height's place in the window.
    pub(super) index: u64,
    /// Whether the place changes.
    pub(super) changes: bool,
    /// Whether the provider is jailed.
    pub(super) jails: bool,
}

impl SigningWindow {
    /// Returns how many heights of the window may be missed: `window − round(min_signed · window)`.
    pub fn max_missed(&self) -> u64 {
        self.window_blocks.saturating_sub(self.min_signed.of(self.window_blocks))
    }

    /// Returns what a height says of a provider that had to vote there; `None` before it is looked at.
    ///
    /// It is jailed when `height > start + window` and it missed more than [`max_missed`](Self::max_missed).
    pub(super) fn look(
        &self,
        record: &SigningRecord,
        height: ConsumerHeight,
        voted: bool,
    ) -> Option<WindowLook> {
        let start = record.start_height?;
        let index = height.blocks_after(start)?.checked_rem(self.window_blocks)?;
        let was_missed = record.missed.contains(&index);
        let changes = was_missed == voted;
        let count = u64::try_from(record.missed.len()).unwrap_or(u64::MAX);
        let count = match (changes, voted) {
            (true, false) => count.saturating_add(1),
            (true, true) => count.saturating_sub(1),
            (false, _) => count,
        };
        // A start so late that the sum has no height is never passed.
        let past_start =
            start.checked_add(self.window_blocks).is_some_and(|first_window_end| height > first_window_end);
        Some(WindowLook { index, changes, jails: past_start && count > self.max_missed() })
    }
}

impl SigningRecord {
    /// Returns whether the provider has been silent for the window: its last vote, or its start if that is
    /// later, is at or below `height − window`.
    pub(super) fn is_silent(&self, height: ConsumerHeight, window_blocks: u64) -> bool {
        let last = self.last_voted_height.max(self.start_height);
        let limit = ConsumerHeight(height.to_u64().saturating_sub(window_blocks));
        last.is_none_or(|last| last <= limit)
    }
}

/// Who asks to unjail a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unjailer {
    /// The provider itself.
    Provider,
    /// The administrator of the Cosmos contract.
    Admin,
}

/// A reason why a provider is not unjailed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnjailRefusal {
    /// It is not jailed.
    #[error("the finality provider is not jailed")]
    NotJailed,
    /// The jail is not over.
    #[error("the time is {now}; must be {} {until}, when the jail is over", if *.at_until { "at least" } else { "past" })]
    TooEarly {
        /// The time of the block.
        now: UnixTime,
        /// When the jail is over.
        until: UnixTime,
        /// Whether that second itself is late enough.
        at_until: bool,
    },
    /// The chain has no administrator who could.
    #[error("the chain has no administrator; a provider is unjailed by itself")]
    NoAdmin,
}

impl Liveness {
    /// Returns how long a jail lasts at least.
    pub(super) const fn jail_seconds(&self) -> u64 {
        match self {
            Self::Window(window) => window.jail_seconds,
            Self::Silence { jail_seconds, .. } => *jail_seconds,
            Self::None => 0,
        }
    }

    /// Checks whether a provider may be unjailed. On Babylon Genesis the jail must be past; in the Cosmos
    /// contract its last second is late enough, and the administrator need not wait.
    ///
    /// # Errors
    /// [`UnjailRefusal`] names the rule.
    pub fn check_unjail(
        &self,
        record: &SigningRecord,
        now: UnixTime,
        by: Unjailer,
    ) -> Result<(), UnjailRefusal> {
        let until = record.jailed_until.ok_or(UnjailRefusal::NotJailed)?;
        let at_until = matches!(self, Self::Silence { .. });
        match by {
            Unjailer::Admin if at_until => Ok(()),
            Unjailer::Admin => Err(UnjailRefusal::NoAdmin),
            Unjailer::Provider if now > until || (at_until && now == until) => Ok(()),
            Unjailer::Provider => Err(UnjailRefusal::TooEarly { now, until, at_until }),
        }
    }
}
