//! Withdrawals: the staker alone spends an output after its timelock.

use bitcoin::secp256k1::schnorr;
use bitcoin::transaction::Version;
use bitcoin::{Amount, FeeRate, ScriptBuf, Transaction, TxOut};

use crate::outputs::leaf::{LeafKeys, SpendPath};
use crate::outputs::relay::{MAX_FEE_RATE, UnsafeOutput};
use crate::transactions::error::BuildError;
use crate::transactions::funded::{Funded, HasTaproot};
use crate::transactions::leaf_transaction::holds_a_leaf_spend;
use crate::transactions::spend::{FinalizeError, LeafSpend, SpendPlan};

/// The withdrawal of a staking, unbonding or slashing refund output through its timelock path.
#[derive(Debug, Clone, PartialEq)]
pub struct WithdrawalTransaction {
    spend: LeafSpend,
}

holds_a_leaf_spend!(WithdrawalTransaction);

impl WithdrawalTransaction {
    /// Builds the withdrawal of `source` to `destination` at `fee_rate`: version 2, nSequence the timelock.
    /// It is valid once the output is as many blocks deep as the timelock.
    ///
    /// # Errors
    /// [`BuildError`] when the output does not pay the fee, or the new output would be dust.
    pub fn new<O: HasTaproot>(
        source: &Funded<O>,
        destination: ScriptBuf,
        fee_rate: FeeRate,
    ) -> Result<Self, BuildError> {
        UnsafeOutput::check_destination(&destination).map_err(BuildError::of("withdrawal"))?;
        if fee_rate > MAX_FEE_RATE {
            return Err(BuildError::FeeRateTooHigh(fee_rate));
        }
        let taproot = source.output().taproot();
        let leaf = taproot.leaf(SpendPath::Timelock).ok_or(BuildError::NoPath(SpendPath::Timelock))?;
        let LeafKeys::Timelock { timelock, .. } = leaf.keys else {
            return Err(BuildError::NoPath(SpendPath::Timelock));
        };
        let amount = source.amount();
        let spend = |value| {
            LeafSpend::new(SpendPlan {
                version: Version::TWO,
                source: taproot,
                outpoint: source.outpoint(),
                amount,
                leaf,
                sequence: timelock.sequence(),
                funding: None,
                outputs: vec![(TxOut { value, script_pubkey: destination.clone() }, None)],
            })
        };
        // The witness has the same size whatever the signature is, so the fee is exact.
        let weight = spend(amount)?.finalized_weight().ok_or(BuildError::FeeRateTooHigh(fee_rate))?;
        let fee = fee_rate.checked_mul_by_weight(weight).ok_or(BuildError::FeeRateTooHigh(fee_rate))?;
        let left = amount.checked_sub(fee).filter(|left| *left > Amount::ZERO);
        let left = left.ok_or(BuildError::WithdrawalFeeNotPaid { amount, fee })?;
        UnsafeOutput::check_amount(&TxOut { value: left, script_pubkey: destination.clone() })
            .map_err(BuildError::of("withdrawal"))?;
        Ok(Self { spend: spend(left)? })
    }

    /// Finalizes the transaction with the staker's signature.
    ///
    /// # Errors
    /// [`FinalizeError::InvalidStakerSignature`] when the signature does not verify.
    pub fn finalize(&self, staker: &schnorr::Signature) -> Result<Transaction, FinalizeError> {
        self.spend.verify_staker(staker)?;
        self.spend.finalize(&[(*self.spend.leaf().keys.staker(), *staker)])
    }
}
