//! Selection of the coins that fund a stake or an extension, with exact arithmetic and a simple rule, so that
//! no input makes it panic or take long.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use bitcoin::{Amount, FeeRate, OutPoint, ScriptBuf, TxOut, Weight};

use crate::coins::coin::{FundingCoin, funded_weight};
use crate::outputs::leaf::{Leaf, leaf_input_weight};
use crate::outputs::relay::MAX_WEIGHT;

/// No coins can be selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SelectionError {
    /// A coin is given twice.
    RepeatedCoin(OutPoint),
    /// The coins do not pay the stake and the fee.
    InsufficientFunds {
        /// The amount of all coins, or of the largest where one coin must suffice.
        available: Amount,
        /// The amount that is needed.
        needed: Amount,
    },
    /// The fee overflows at this fee rate.
    FeeRateTooHigh(FeeRate),
    /// The transaction would be heavier than nodes relay.
    TooHeavy(Weight),
    /// The amounts add up to more than 21 million bitcoin.
    TooMuch,
}

/// The coins to select from, and what they must pay for.
pub(crate) struct Funding<'a> {
    pub(crate) coins: &'a [FundingCoin],
    pub(crate) stake: &'a TxOut,
    pub(crate) op_return: Option<&'a ScriptBuf>,
    pub(crate) change: &'a ScriptBuf,
    pub(crate) fee_rate: FeeRate,
}

/// The coins to spend, with the change output and the fee.
pub(crate) struct Selection<'a> {
    pub(crate) coins: Vec<&'a FundingCoin>,
    pub(crate) change: Option<TxOut>,
    pub(crate) fee: Amount,
}

impl<'a> Funding<'a> {
    pub(crate) fn check_coins(&self) -> Result<(), SelectionError> {
        let mut seen = BTreeSet::new();
        for coin in self.coins {
            if !seen.insert(coin.outpoint()) {
                return Err(SelectionError::RepeatedCoin(coin.outpoint()));
            }
        }
        match self.value(self.coins.iter()) {
            Some(value) if value.max(self.stake.value) <= Amount::MAX_MONEY => Ok(()),
            _ => Err(SelectionError::TooMuch),
        }
    }

    fn value(&self, coins: impl Iterator<Item = &'a FundingCoin>) -> Option<Amount> {
        coins.map(|coin| coin.output().value).try_fold(Amount::ZERO, Amount::checked_add)
    }

    pub(crate) fn weight(&self, coins: &[&FundingCoin], with_change: bool) -> Result<Weight, SelectionError> {
        let outputs = [&self.stake.script_pubkey].into_iter().chain(self.op_return);
        let outputs = outputs.chain(with_change.then_some(self.change));
        funded_weight(coins.iter().map(|coin| coin.input_weight()), outputs).ok_or(SelectionError::TooMuch)
    }

    /// Returns the fee of spending these coins, with or without a change output.
    fn fee(&self, coins: &[&FundingCoin], with_change: bool) -> Result<Amount, SelectionError> {
        let weight = self.weight(coins, with_change)?;
        self.fee_rate.checked_mul_by_weight(weight).ok_or(SelectionError::FeeRateTooHigh(self.fee_rate))
    }

    /// Returns the effective value of a coin: its amount less the fee of its input; `None` when that is not
    /// positive.
    fn effective_value(&self, coin: &FundingCoin) -> Option<Amount> {
        let cost = self.fee_rate.checked_mul_by_weight(coin.input_weight()?)?;
        coin.output().value.checked_sub(cost).filter(|effective_value| *effective_value > Amount::ZERO)
    }

    /// Selects the coins of the highest effective value, no more than are needed: few inputs, so a small fee.
    pub(crate) fn select(&self) -> Result<Selection<'a>, SelectionError> {
        let mut coins: Vec<_> =
            self.coins.iter().filter_map(|coin| Some((self.effective_value(coin)?, coin))).collect();
        coins.sort_by_key(|(effective_value, coin)| (Reverse(*effective_value), coin.outpoint()));
        // The effective values add up to what is needed, or nearly: the exact sum follows, with one more coin
        // where it falls short.
        let needed = self.fee(&[], false)?.checked_add(self.stake.value).ok_or(SelectionError::TooMuch)?;
        let (mut sum, mut chosen) = (Amount::ZERO, Vec::new());
        for (effective_value, coin) in coins {
            chosen.push(coin);
            sum = sum.checked_add(effective_value).ok_or(SelectionError::TooMuch)?;
            if sum < needed {
                continue;
            }
            if let Some(selection) = self.account(chosen.clone())? {
                let weight = self.weight(&selection.coins, selection.change.is_some())?;
                return if weight > MAX_WEIGHT {
                    Err(SelectionError::TooHeavy(weight))
                } else {
                    Ok(selection)
                };
            }
        }
        Err(self.insufficient()?)
    }

    /// Returns the selection of these coins; `None` when they do not pay the stake and the fee.
    fn account(&self, coins: Vec<&'a FundingCoin>) -> Result<Option<Selection<'a>>, SelectionError> {
        if coins.is_empty() {
            return Ok(None);
        }
        let left_after = |fee: Amount| {
            let value = self.value(coins.iter().copied())?;
            value.checked_sub(self.stake.value)?.checked_sub(fee)
        };
        let fee = self.fee(&coins, true)?;
        if let Some(value) = left_after(fee).filter(|value| *value >= self.change.minimal_non_dust()) {
            let change = TxOut { value, script_pubkey: self.change.clone() };
            return Ok(Some(Selection { coins, change: Some(change), fee }));
        }
        // Without change, whatever the coins hold beyond the stake is the fee.
        let enough = left_after(self.fee(&coins, false)?).is_some();
        let fee = left_after(Amount::ZERO).filter(|_| enough);
        Ok(fee.map(|fee| Selection { coins, change: None, fee }))
    }

    fn insufficient(&self) -> Result<SelectionError, SelectionError> {
        let all: Vec<_> = self.coins.iter().collect();
        let available = self.value(self.coins.iter()).ok_or(SelectionError::TooMuch)?;
        let amount = self.stake.value;
        let needed = self.fee(&all, false)?.checked_add(amount).ok_or(SelectionError::TooMuch)?;
        Ok(SelectionError::InsufficientFunds { available, needed })
    }
}

/// The inputs and outputs of an extension, for the selection of its one coin.
pub(crate) struct ExtensionFunding<'a> {
    pub(crate) leaf: &'a Leaf,
    pub(crate) stake: &'a TxOut,
    pub(crate) change: &'a ScriptBuf,
    pub(crate) fee_rate: FeeRate,
    pub(crate) added: Amount,
}

impl ExtensionFunding<'_> {
    /// Selects the smallest coin that suffices, and returns it with the change output.
    pub(crate) fn choose<'c>(
        &self,
        coins: &'c [FundingCoin],
    ) -> Result<(&'c FundingCoin, Option<TxOut>), SelectionError> {
        let mut coins: Vec<&FundingCoin> = coins.iter().collect();
        coins.sort_by_key(|coin| (coin.output().value, coin.outpoint()));
        for coin in &coins {
            let left_after = |fee: Amount| coin.output().value.checked_sub(self.added)?.checked_sub(fee);
            if left_after(self.fee(coin, false)?).is_none() {
                continue;
            }
            let change =
                left_after(self.fee(coin, true)?).filter(|left| *left >= self.change.minimal_non_dust());
            return Ok((*coin, change.map(|value| TxOut { value, script_pubkey: self.change.clone() })));
        }
        let largest = coins.last();
        let fee = largest.map_or(Ok(Amount::ZERO), |coin| self.fee(coin, false))?;
        Err(SelectionError::InsufficientFunds {
            needed: self.added.checked_add(fee).ok_or(SelectionError::TooMuch)?,
            available: largest.map_or(Amount::ZERO, |coin| coin.output().value),
        })
    }

    fn fee(&self, coin: &FundingCoin, with_change: bool) -> Result<Amount, SelectionError> {
        let outputs = [&self.stake.script_pubkey].into_iter().chain(with_change.then_some(self.change));
        let inputs = [leaf_input_weight(self.leaf), coin.input_weight()];
        let weight = funded_weight(inputs.into_iter(), outputs).ok_or(SelectionError::TooMuch)?;
        self.fee_rate.checked_mul_by_weight(weight).ok_or(SelectionError::FeeRateTooHigh(self.fee_rate))
    }
}
