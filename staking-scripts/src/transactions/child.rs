//! Child pays for parent: a transaction that spends an unconfirmed transaction's change, and pays for both.

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

/// A transaction that spends the change of a staking transaction at such a fee that both together pay a rate.
#[derive(Debug, Clone, PartialEq)]
pub struct ChildTransaction {
    psbt: Psbt,
    fee: Amount,
    weight: Weight,
}

/// An unconfirmed transaction.
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
        UnsafeOutput::check_script(&destination).map_err(BuildError::of("child"))?;
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
        // What the parent lacks, and what the child costs; never less than what the child costs alone.
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
    /// Returns a child that spends the change of `parent` to `destination`, at such a fee that both together
    /// pay `fee_rate`.
    ///
    /// # Errors
    /// [`BuildError`] when there is no change, or it does not pay that much.
    pub fn paying_for_stake(
        parent: &StakingTransaction,
        destination: ScriptBuf,
        fee_rate: FeeRate,
    ) -> Result<Self, BuildError> {
        let (vout, _) = parent.change().ok_or_else(|| BuildError::NoChange(parent.txid()))?;
        let transaction = &parent.without_witnesses();
        Parent { transaction, weight: parent.weight(), fee: parent.fee() }.child(vout, destination, fee_rate)
    }

    /// A child that spends the output `vout` of `parent` (P2WPKH or P2TR) to `destination`, at such a fee
    /// that both together pay `fee_rate`. `parent` has its witnesses; `fee` is what it pays.
    ///
    /// # Errors
    /// [`BuildError`] when there is no such output, or it does not pay that much.
    pub fn paying_for(
        parent: &Transaction,
        fee: Amount,
        vout: u32,
        destination: ScriptBuf,
        fee_rate: FeeRate,
    ) -> Result<Self, BuildError> {
        Parent { transaction: parent, weight: parent.weight(), fee }.child(vout, destination, fee_rate)
    }

    /// The PSBT, for the wallet that holds the change.
    pub const fn psbt(&self) -> &Psbt {
        &self.psbt
    }

    /// Its fee.
    pub const fn fee(&self) -> Amount {
        self.fee
    }

    /// Its virtual size when it is signed, at most, in vbytes.
    pub const fn vsize(&self) -> u64 {
        self.weight.to_vbytes_ceil()
    }

    /// Finalizes it from the PSBT that the wallet signed: the same transaction, every signature verified.
    ///
    /// # Errors
    /// [`ReturnedPsbtError`] when the wallet changed it, or a signature is absent or does not verify.
    pub fn finalize(&self, signed: &Psbt) -> Result<Transaction, ReturnedPsbtError> {
        ReturnedPsbtError::check_same(signed, &self.psbt.unsigned_tx)?;
        let mut psbt = signed.clone();
        for (input, ours) in psbt.inputs.iter_mut().zip(&self.psbt.inputs) {
            input.witness_utxo.clone_from(&ours.witness_utxo);
            input.non_witness_utxo = None;
        }
        let prevouts: Option<Vec<TxOut>> =
            self.psbt.inputs.iter().map(|input| input.witness_utxo.clone()).collect();
        finalize_verified(&mut psbt, &prevouts.unwrap_or_default()).map_err(ReturnedPsbtError::Unsigned)
    }
}
