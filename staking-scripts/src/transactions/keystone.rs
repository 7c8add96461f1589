//! The transaction that publishes a keystone of Hemi's on Bitcoin, with its fee at a rate.

use bitcoin::{Amount, FeeRate, Psbt, ScriptBuf, Transaction, Weight};
use spv::anchors::{Keystone, PublicationTransaction};

use crate::coins::coin::{FundingCoin, funded_weight};
use crate::outputs::relay::{MAX_FEE_RATE, UnsafeOutput};
use crate::transactions::child::finalize_same;
use crate::transactions::error::BuildError;
use crate::transactions::spend::ReturnedPsbtError;

/// A transaction that spends one coin, pays the rest of it as change, and has a keystone in an OP_RETURN
/// output worth nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct KeystoneTransaction {
    psbt: Psbt,
    fee: Amount,
    weight: Weight,
}

impl KeystoneTransaction {
    /// Builds the transaction that publishes `keystone`. `coin` pays a fee at `fee_rate`; the rest goes to
    /// `change`.
    ///
    /// # Errors
    /// [`BuildError`] when the change is no destination, the rate is too high, or the coin does not pay the
    /// fee and a change that nodes relay.
    pub fn build(
        keystone: &Keystone,
        coin: &FundingCoin,
        change: ScriptBuf,
        fee_rate: FeeRate,
    ) -> Result<Self, BuildError> {
        UnsafeOutput::check_destination(&change).map_err(BuildError::of("change"))?;
        let too_high = || BuildError::FeeRateTooHigh(fee_rate);
        if fee_rate > MAX_FEE_RATE {
            return Err(too_high());
        }
        let scripts = [&change, &keystone.script_pubkey()];
        let weight = funded_weight([coin.input_weight()].into_iter(), scripts.into_iter());
        let weight = weight.ok_or_else(too_high)?;
        let fee = fee_rate.checked_mul_by_weight(weight).ok_or_else(too_high)?;
        let paying = (coin.outpoint(), coin.output().clone());
        let publication = PublicationTransaction::new(keystone, paying, change, fee)?;
        let psbt = Psbt::from_unsigned_tx(publication.unsigned_transaction());
        let mut psbt = psbt.map_err(|error| BuildError::Psbt(error.to_string()))?;
        if let Some(input) = psbt.inputs.first_mut() {
            *input = coin.psbt_input();
        }
        Ok(Self { psbt, fee, weight })
    }

    /// Returns the PSBT, for the wallet that has the coin.
    pub const fn psbt(&self) -> &Psbt {
        &self.psbt
    }

    /// Returns the fee.
    pub const fn fee(&self) -> Amount {
        self.fee
    }

    /// Returns the virtual size of the signed transaction in vbytes, at most.
    pub const fn vsize(&self) -> u64 {
        self.weight.to_vbytes_ceil()
    }

    /// Finalizes the transaction from the PSBT that the wallet signed: the same transaction, every signature
    /// verified.
    ///
    /// # Errors
    /// [`ReturnedPsbtError`] when the wallet changed it, or a signature is absent or does not verify.
    pub fn finalize(&self, signed: &Psbt) -> Result<Transaction, ReturnedPsbtError> {
        finalize_same(&self.psbt, signed)
    }
}
