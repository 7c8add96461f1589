//! Rates as the chain writes them: 18 digits after the point.

use core::fmt;
use core::str::FromStr;

const DIGITS: usize = 18;
const ONE: u64 = 1_000_000_000_000_000_000;

/// A commission's rate, from 0 to 1, exact to 10^-18.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Commission(u64);

/// The text is no rate of a commission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the rate is {found:?}; must be a number from 0 to 1 with at most 18 digits after the point: 0.05")]
pub struct InvalidCommission {
    /// The text.
    pub found: String,
}

impl Commission {
    /// Returns the rate as it is on the wire: times 10^18.
    pub(crate) fn wire(self) -> String {
        self.0.to_string()
    }
}

impl FromStr for Commission {
    type Err = InvalidCommission;

    fn from_str(text: &str) -> Result<Self, InvalidCommission> {
        let invalid = || InvalidCommission { found: text.chars().take(80).collect() };
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let is_digits = |digits: &str, most| {
            (1..=most).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit())
        };
        if !is_digits(whole, 1) || !is_digits(part, DIGITS) {
            return Err(invalid());
        }
        let value: u64 = format!("{whole}{part:0<DIGITS$}").parse().map_err(|_| invalid())?;
        if value > ONE { Err(invalid()) } else { Ok(Self(value)) }
    }
}

/// As the chain's JSON has it.
impl fmt::Display for Commission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:0>DIGITS$}", self.0 / ONE, self.0 % ONE)
    }
}
