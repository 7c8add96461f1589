//! What a transaction offers for its execution.

use core::fmt;
use core::str::FromStr;

use serde_json::{Value, json};

use crate::proto;

/// The digits after the point that the chain's decimals have.
const DIGITS: usize = 18;
/// 10^18.
const ONE: u128 = 1_000_000_000_000_000_000;

/// The price of one unit of gas in a coin, such as `0.002ubbn`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GasPrice {
    /// The price in 10^-18 of the coin.
    price: u128,
    denom: String,
}

/// The text is no gas price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the gas price is {found:?}; must be a number with at most 18 digits after the point, and a coin: 0.002ubbn"
)]
pub struct InvalidGasPrice {
    /// The text.
    pub found: String,
}

impl GasPrice {
    /// Returns the coin.
    pub fn denom(&self) -> &str {
        &self.denom
    }

    /// Returns the fee for an amount of gas: the price times the gas, rounded up.
    pub fn fee(&self, gas_limit: u64) -> Fee {
        let gas = u128::from(gas_limit);
        // The price has at most 10^18 whole coins: each part of the product fits.
        let whole = (self.price / ONE).saturating_mul(gas);
        let part = (self.price % ONE).saturating_mul(gas).div_ceil(ONE);
        Fee { amount: whole.saturating_add(part), denom: self.denom.clone(), gas_limit }
    }
}

impl FromStr for GasPrice {
    type Err = InvalidGasPrice;

    fn from_str(text: &str) -> Result<Self, InvalidGasPrice> {
        let invalid = || InvalidGasPrice { found: text.chars().take(80).collect() };
        let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(invalid)?;
        let (number, denom) = text.split_at_checked(split).ok_or_else(invalid)?;
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let is_number = |digits: &str, most| (1..=most).contains(&digits.len());
        // Coins of the Cosmos SDK: a letter, then up to 127 letters, digits, / : . _ or -.
        let is_denom = denom.len() <= 128
            && denom.len() >= 3
            && denom.starts_with(|c: char| c.is_ascii_alphabetic())
            && denom.chars().all(|c| c.is_ascii_alphanumeric() || "/:._-".contains(c));
        if !is_number(whole, DIGITS) || !is_number(part, DIGITS) || part.contains('.') || !is_denom {
            return Err(invalid());
        }
        let price = format!("{whole}{part:0<DIGITS$}").parse().map_err(|_| invalid())?;
        Ok(Self { price, denom: denom.to_owned() })
    }
}

impl fmt::Display for GasPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = format!("{:0>DIGITS$}", self.price % ONE);
        let part = part.trim_end_matches('0');
        let point = if part.is_empty() { "" } else { "." };
        write!(f, "{}{point}{part}{}", self.price / ONE, self.denom)
    }
}

/// What is offered, and how much gas may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fee {
    /// The amount of the coin.
    pub amount: u128,
    /// The coin.
    pub denom: String,
    /// The most gas that may be used.
    pub gas_limit: u64,
}

impl Fee {
    pub(super) fn to_proto(&self) -> proto::Fee {
        let Self { amount, denom, gas_limit } = self;
        // No fee at all is no coin: the chain refuses a coin of nothing.
        let coin = proto::Coin { denom: denom.clone(), amount: amount.to_string() };
        let amount = if *amount == 0 { Vec::new() } else { vec![coin] };
        proto::Fee { amount, gas_limit: *gas_limit }
    }

    pub(super) fn to_json(&self) -> Value {
        let proto::Fee { amount, gas_limit } = self.to_proto();
        let coins: Vec<Value> = amount
            .into_iter()
            .map(|proto::Coin { denom, amount }| json!({ "denom": denom, "amount": amount }))
            .collect();
        json!({ "amount": coins, "gas_limit": gas_limit.to_string(), "payer": "", "granter": "" })
    }
}
