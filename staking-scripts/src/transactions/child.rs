//! Child pays for parent (CPFP): a transaction that spends an unconfirmed transaction's change, and pays for
//! both.

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, FeeRate, OutPoint, Psbt, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Weight, Witness,
};

use crate::coins::coin::{FundingCoin, funded_weight};
use crate::coins::witness::finalize_verified;
use crate::outputs::relay::{MAX_FEE_RATE, UnsafeOutput};
use crate::transactions::error::BuildError;
use crate::transactions::spend::ReturnedPsbtError;
use crate::transactions::staking::StakingTransaction;

/// A transaction that spends the change of an unconfirmed transaction, with a fee for both at a given rate.
#[derive(Debug, Clone, PartialEq)]
pub struct ChildTransaction {
    psbt: Psbt,
    fee: Amount,
    weight: Weight,
}

/// The unconfirmed transaction that a child pays for.
struct Parent<'a> {
    transaction: &'a Transaction,
    weight: Weight,
    fee: Amount,
}

impl Parent<'_> {
    fn child(
        &self,
        vout: u32,
        destination: ScriptBuf,
        fee_rate: FeeRate,
    ) -> Result<ChildTransaction, BuildError> {
        UnsafeOutput::check_destination(&destination).map_err(BuildError::of("child"))?;
        let too_high = || BuildError::FeeRateTooHigh(fee_rate);
        if fee_rate > MAX_FEE_RATE {
            return Err(too_high());
        }
        let txid = self.transaction.compute_txid();
        let change = usize::try_from(vout).ok().and_then(|vout| self.transaction.output.get(vout));
        let change = change.ok_or(BuildError::NoChange(txid))?;
        let coin = FundingCoin::new(OutPoint::new(txid, vout), change.clone())?;
        let own = funded_weight([coin.input_weight()].into_iter(), [&destination].into_iter())
            .ok_or_else(too_high)?;
        let cost = |weight: Weight| fee_rate.checked_mul_by_weight(weight).ok_or_else(too_high);
        // The fee that the parent lacks, and the child's own; never less than the child's own.
        let lacking = cost(self.weight)?.checked_sub(self.fee).ok_or(BuildError::ChildNotNeeded(txid))?;
        let fee = cost(own)?.checked_add(lacking).ok_or_else(too_high)?;
        let left = change.value.checked_sub(fee).filter(|left| *left > Amount::ZERO);
        let value = left.ok_or(BuildError::ChildFeeNotPaid { change: change.value, needed: fee })?;
        let output = TxOut { value, script_pubkey: destination };
        UnsafeOutput::check_amount(&output).map_err(BuildError::of("child"))?;
        let transaction = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![TxIn {
                previous_output: coin.outpoint(),
                script_sig: ScriptBuf::new(),
                sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
                witness: Witness::new(),
            }],
            output: vec![output],
        };
        let mut psbt = Psbt::from_unsigned_tx(transaction).map_err(|e| BuildError::Psbt(e.to_string()))?;
        if let Some(input) = psbt.inputs.first_mut() {
            *input = coin.psbt_input();
        }
        Ok(ChildTransaction { psbt, fee, weight: own })
    }
}

impl ChildTransaction {
    /// Builds a child that spends the change of `parent` to `destination`, with a fee at which both together
    /// pay `fee_rate`.
    ///
    /// # Errors
    /// [`BuildError`] when there is no change, or it does not pay the fee.
    pub fn paying_for_stake(
        parent: &StakingTransaction,
        destination: ScriptBuf,
        fee_rate: FeeRate,
    ) -> Result<Self, BuildError> {
        let (vout, _) = parent.change().ok_or_else(|| BuildError::NoChange(parent.txid()))?;
        let transaction = &parent.without_witnesses();
        Parent { transaction, weight: parent.weight(), fee: parent.fee() }.child(vout, destination, fee_rate)
    }

    /// Builds a child that spends the output `vout` of `parent` (P2WPKH or P2TR) to `destination`, with a fee
    /// at which both together pay `fee_rate`. `parent` has its witnesses, and pays `fee`.
    ///
    /// # Errors
    /// [`BuildError`] when there is no such output, or it does not pay the fee.
    pub fn paying_for(
        parent: &Transaction,
        fee: Amount,
        vout: u32,
        destination: ScriptBuf,
        fee_rate: FeeRate,
    ) -> Result<Self, BuildError> {
        Parent { transaction: parent, weight: parent.weight(), fee }.child(vout, destination, fee_rate)
    }

    /// Returns the PSBT, for the wallet that holds the change.
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

/// Finalizes a transaction whose inputs are coins from the PSBT that a wallet signed: the same transaction,
/// every signature verified against what our own PSBT says that the inputs spend.
pub(crate) fn finalize_same(own: &Psbt, signed: &Psbt) -> Result<Transaction, ReturnedPsbtError> {
    ReturnedPsbtError::check_same(signed, &own.unsigned_tx)?;
    let mut psbt = signed.clone();
    for (input, ours) in psbt.inputs.iter_mut().zip(&own.inputs) {
        input.witness_utxo.clone_from(&ours.witness_utxo);
        input.non_witness_utxo = None;
    }
    let prevouts: Option<Vec<TxOut>> = own.inputs.iter().map(|input| input.witness_utxo.clone()).collect();
    finalize_verified(&mut psbt, &prevouts.unwrap_or_default()).map_err(ReturnedPsbtError::Unsigned)
}
