//! Child pays for parent: a transaction that spends an unconfirmed transaction's change, and pays for both.

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, FeeRate, OutPoint, Psbt, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Weight, Witness,
};

use crate::coins::coin::{CoinError, FundingCoin, funded_weight};
use crate::coins::witness::finish;
use crate::outputs::relay::{MAX_FEE_RATE, NotAnAddress, OutputTooSmall};
use crate::transactions::staking::StakingTransaction;

/// A transaction that spends the change of a staking transaction at such a fee that both together pay a rate.
#[derive(Debug, Clone, PartialEq)]
pub struct ChildTransaction {
    psbt: Psbt,
    fee: Amount,
    weight: Weight,
}

/// No child can pay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChildError {
    /// The staking transaction has no change.
    #[error("the transaction {0} has no change to pay from")]
    NoChange(Txid),
    /// The change is of a kind whose input has no known size.
    #[error(transparent)]
    Change(#[from] CoinError),
    /// The change does not pay for both.
    #[error("the change of {} sat does not pay the {} sat that both transactions need", .change.to_sat(), .needed.to_sat())]
    InsufficientFunds {
        /// What the change holds.
        change: Amount,
        /// What the child would have to leave.
        needed: Amount,
    },
    /// The transaction pays that rate by itself.
    #[error("the transaction {0} pays this rate by itself")]
    NotNeeded(Txid),
    /// The fee rate is far beyond what a transaction ever paid.
    #[error("a fee rate of {} sat/vB is above {} sat/vB, more than any node would relay by default", .0.to_sat_per_vb_ceil(), MAX_FEE_RATE.to_sat_per_vb_floor())]
    FeeRateTooHigh(FeeRate),
    /// The destination belongs to no address.
    #[error(transparent)]
    Destination(#[from] NotAnAddress),
    /// What is left is dust.
    #[error(transparent)]
    Dust(#[from] OutputTooSmall),
    /// The transaction could not be laid out, or is not signed.
    #[error("the child is not complete: {0}")]
    Incomplete(String),
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
    ) -> Result<ChildTransaction, ChildError> {
        NotAnAddress::check(&destination)?;
        let too_high = || ChildError::FeeRateTooHigh(fee_rate);
        if fee_rate > MAX_FEE_RATE {
            return Err(too_high());
        }
        let txid = self.transaction.compute_txid();
        let change = usize::try_from(vout).ok().and_then(|vout| self.transaction.output.get(vout));
        let change = change.ok_or(ChildError::NoChange(txid))?;
        let coin = FundingCoin::new(OutPoint::new(txid, vout), change.clone())?;
        let own = funded_weight([coin.input_weight()].into_iter(), [&destination].into_iter())
            .ok_or_else(too_high)?;
        let cost = |weight: Weight| fee_rate.checked_mul_by_weight(weight).ok_or_else(too_high);
        // What the parent lacks, and what the child costs; never less than what the child costs alone.
        let lacking = cost(self.weight)?.checked_sub(self.fee).ok_or(ChildError::NotNeeded(txid))?;
        let fee = cost(own)?.checked_add(lacking).ok_or_else(too_high)?;
        let left = change.value.checked_sub(fee).filter(|left| *left > Amount::ZERO);
        let value = left.ok_or(ChildError::InsufficientFunds { change: change.value, needed: fee })?;
        let output = TxOut { value, script_pubkey: destination };
        OutputTooSmall::check(&output)?;
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
        let mut psbt =
            Psbt::from_unsigned_tx(transaction).map_err(|e| ChildError::Incomplete(e.to_string()))?;
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
    /// [`ChildError`] when there is no change, or it does not pay that much.
    pub fn paying_for_stake(
        parent: &StakingTransaction,
        destination: ScriptBuf,
        fee_rate: FeeRate,
    ) -> Result<Self, ChildError> {
        let (vout, _) = parent.change().ok_or_else(|| ChildError::NoChange(parent.txid()))?;
        let transaction = &parent.without_witnesses();
        Parent { transaction, weight: parent.weight(), fee: parent.fee() }.child(vout, destination, fee_rate)
    }

    /// A child that spends the output `vout` of `parent` (P2WPKH or P2TR) to `destination`, at such a fee
    /// that both together pay `fee_rate`. `parent` is as it waits, with its witnesses; `fee` is what it pays.
    ///
    /// # Errors
    /// [`ChildError`] when there is no such output, or it does not pay that much.
    pub fn paying_for(
        parent: &Transaction,
        fee: Amount,
        vout: u32,
        destination: ScriptBuf,
        fee_rate: FeeRate,
    ) -> Result<Self, ChildError> {
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

    /// Completes it from the PSBT that the wallet signed: the same transaction, every signature verified.
    ///
    /// # Errors
    /// [`ChildError::Incomplete`] when the wallet changed it, or a signature is absent or does not verify.
    pub fn finalize(&self, signed: &Psbt) -> Result<Transaction, ChildError> {
        if signed.unsigned_tx != self.psbt.unsigned_tx {
            return Err(ChildError::Incomplete("the wallet returned another transaction".to_owned()));
        }
        let mut psbt = signed.clone();
        for (input, ours) in psbt.inputs.iter_mut().zip(&self.psbt.inputs) {
            input.witness_utxo.clone_from(&ours.witness_utxo);
            input.non_witness_utxo = None;
        }
        let prevouts: Option<Vec<TxOut>> =
            self.psbt.inputs.iter().map(|input| input.witness_utxo.clone()).collect();
        finish(&mut psbt, &prevouts.unwrap_or_default()).map_err(ChildError::Incomplete)
    }
}
