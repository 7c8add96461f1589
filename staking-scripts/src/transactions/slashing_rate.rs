//! The slashing rate.

use std::fmt;
use std::str::FromStr;

use bitcoin::Amount;

/// The number of ten-thousandths in 1.
const WHOLE: u16 = 10_000;

/// The slashing rate, the fraction of a stake that is slashed: above 0, below 1, with at most four decimals.
/// It is stored in ten-thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlashingRate(u16);

/// The text or number is not a slashing rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the slashing rate is {0}; must be above 0 and below 1, with at most four decimals")]
#[non_exhaustive]
pub struct InvalidSlashingRate(pub String);

impl SlashingRate {
    /// Returns the rate of this many ten-thousandths, 1 to 9999.
    ///
    /// # Errors
    /// [`InvalidSlashingRate`] outside that range.
    pub fn from_ten_thousandths(parts: u16) -> Result<Self, InvalidSlashingRate> {
        if (1..WHOLE).contains(&parts) {
            Ok(Self(parts))
        } else {
            Err(InvalidSlashingRate(format!("{parts}/10000")))
        }
    }

    /// Returns the rate in ten-thousandths.
    pub const fn ten_thousandths(self) -> u16 {
        self.0
    }

    /// Returns the amount slashed from a stake of `amount`, rounded to the nearest satoshi.
    ///
    /// It is computed as the network computes it, in double precision: `floor(f64(amount) · f64(rate) +
    /// 0.5)`. Exact arithmetic would round some amounts near a half the other way, which makes another
    /// transaction.
    #[expect(
        clippy::as_conversions,
        reason = "all the bitcoin there can be are less than 2^53 satoshis, so both conversions are exact"
    )]
    pub fn slashed_amount(self, amount: Amount) -> Amount {
        let rate = f64::from(self.0) / f64::from(WHOLE);
        Amount::from_sat((amount.to_sat() as f64 * rate + 0.5).floor() as u64)
    }
}

impl fmt::Display for SlashingRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:04}", self.0);
        write!(f, "0.{}", digits.trim_end_matches('0'))
    }
}

impl FromStr for SlashingRate {
    type Err = InvalidSlashingRate;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidSlashingRate(text.to_owned());
        // Trailing zeros are dropped: the network writes 0.001 with eighteen decimals.
        let decimals = text.strip_prefix("0.").ok_or_else(invalid)?.trim_end_matches('0');
        if decimals.len() > 4 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid());
        }
        Self::from_ten_thousandths(format!("{decimals:0<4}").parse().map_err(|_| invalid())?)
            .map_err(|_| invalid())
    }
}
