//! Withdrawal: the staker takes out what has matured.

use bitcoin::secp256k1::schnorr;
use bitcoin::transaction::Version;
use bitcoin::{Amount, FeeRate, ScriptBuf, Transaction, TxOut};

use crate::outputs::leaf::{LeafKeys, SpendPath};
use crate::outputs::relay::{MAX_FEE_RATE, NotAnAddress, OutputTooSmall};
use crate::transactions::funded::{Funded, HasTaproot};
use crate::transactions::leaf_transaction::holds_a_leaf_spend;
use crate::transactions::spend::{FinalizeError, LeafSpend, SpendPlan};

/// The withdrawal of a staking, unbonding or slashing refund output through its timelock path.
#[derive(Debug, Clone, PartialEq)]
pub struct WithdrawalTransaction {
    spend: LeafSpend,
}

/// No withdrawal can be made of this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WithdrawalError {
    /// The output does not pay the fee.
    #[error("the output of {} sat does not pay the fee of {} sat", .amount.to_sat(), .fee.to_sat())]
    FeeNotPaid {
        /// What the output holds.
        amount: Amount,
        /// The fee at the rate asked for.
        fee: Amount,
    },
    /// The fee rate is far beyond what a transaction ever paid.
    #[error("a fee rate of {} sat/vB is above {} sat/vB, more than any node would relay by default", .0.to_sat_per_vb_ceil(), MAX_FEE_RATE.to_sat_per_vb_floor())]
    FeeRateTooHigh(FeeRate),
    /// The destination belongs to no address.
    #[error(transparent)]
    Destination(#[from] NotAnAddress),
    /// What is left after the fee is dust.
    #[error(transparent)]
    Dust(#[from] OutputTooSmall),
    /// The output has no timelock path.
    #[error("the output has no timelock path")]
    NoTimelockPath,
    /// The transaction could not be laid out.
    #[error(transparent)]
    Layout(#[from] FinalizeError),
}

holds_a_leaf_spend!(WithdrawalTransaction);

impl WithdrawalTransaction {
    /// Spends `source` to `destination` at `fee_rate`: version 2, the input's sequence the timelock. A node
    /// takes it once the output is as many blocks deep as the timelock says.
    ///
    /// # Errors
    /// [`WithdrawalError`] when the output does not pay the fee, or dust would be left.
    pub fn new<O: HasTaproot>(
        source: &Funded<O>,
        destination: ScriptBuf,
        fee_rate: FeeRate,
    ) -> Result<Self, WithdrawalError> {
        NotAnAddress::check(&destination)?;
        if fee_rate > MAX_FEE_RATE {
            return Err(WithdrawalError::FeeRateTooHigh(fee_rate));
        }
        let taproot = source.output().taproot();
        let leaf = taproot.leaf(SpendPath::Timelock).ok_or(WithdrawalError::NoTimelockPath)?;
        let LeafKeys::Timelock { timelock, .. } = leaf.keys else {
            return Err(WithdrawalError::NoTimelockPath);
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
        let weight = spend(amount)?.finalized_weight().ok_or(WithdrawalError::FeeRateTooHigh(fee_rate))?;
        let fee = fee_rate.checked_mul_by_weight(weight).ok_or(WithdrawalError::FeeRateTooHigh(fee_rate))?;
        let left = amount.checked_sub(fee).filter(|left| *left > Amount::ZERO);
        let left = left.ok_or(WithdrawalError::FeeNotPaid { amount, fee })?;
        OutputTooSmall::check(&TxOut { value: left, script_pubkey: destination.clone() })?;
        Ok(Self { spend: spend(left)? })
    }

    /// Completes the transaction with the staker's signature.
    ///
    /// # Errors
    /// [`FinalizeError::InvalidStakerSignature`].
    pub fn finalize(&self, staker: &schnorr::Signature) -> Result<Transaction, FinalizeError> {
        self.spend.verify_staker(staker)?;
        self.spend.finalize(&[(*self.spend.leaf().keys.staker(), *staker)])
    }
}
