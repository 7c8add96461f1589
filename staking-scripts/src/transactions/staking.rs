//! Staking: the transaction that pays to the staking output, funded by coins.

use bitcoin::absolute::LockTime;
use bitcoin::bip32::KeySource;
use bitcoin::psbt::Psbt;
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, FeeRate, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Weight, Witness,
    XOnlyPublicKey,
};

use crate::coins::coin::FundingCoin;
use crate::coins::selection::Funding;
use crate::coins::witness::finalize_verified;
use crate::outputs::op_return::OpReturnData;
use crate::outputs::output::StakingOutput;
use crate::outputs::relay::{MAX_FEE_RATE, MAX_WEIGHT, UnsafeOutput};
use crate::transactions::error::BuildError;
use crate::transactions::funded::Funded;
use crate::transactions::spend::{ReturnedPsbtError, add_output_origin};

/// The unsigned staking transaction. Witnesses do not change its id, so unbonding and slashing transactions
/// are signed before it is broadcast. Replacing it voids them.
#[derive(Debug, Clone, PartialEq)]
pub struct StakingTransaction {
    psbt: Psbt,
    /// The scriptSigs of the signed inputs: redeem scripts, which are part of the id.
    script_sigs: Vec<ScriptBuf>,
    output: StakingOutput,
    amount: Amount,
    fee: Amount,
    fee_rate: FeeRate,
    weight: Weight,
}

/// The parts that a staking transaction is built from.
#[derive(Debug, Clone)]
pub struct NewStake<'a> {
    /// The staking output.
    pub output: StakingOutput,
    /// The amount to stake.
    pub amount: Amount,
    /// The coins to select from.
    pub coins: &'a [FundingCoin],
    /// The script pubkey of the change.
    pub change: ScriptBuf,
    /// The fee rate.
    pub fee_rate: FeeRate,
    /// The network's tag for the OP_RETURN output of a phase-1 stake; `None` for no OP_RETURN output.
    pub op_return_tag: Option<[u8; 4]>,
}

impl StakingTransaction {
    /// Builds the staking transaction: the amount to the staking output, funded by a selection of the coins
    /// at the fee rate, and the rest to the change, unless that would be dust. Version 2, nLockTime 0, final
    /// nSequence; the staking output is output 0. With a tag, the OP_RETURN output of a phase-1 stake is
    /// output 1, and the change output 2.
    ///
    /// # Errors
    /// [`BuildError`] when a coin is given twice, the coins do not pay the stake and the fee, the stake would
    /// be dust, or a phase-1 stake has several finality providers.
    pub fn build(stake: NewStake<'_>) -> Result<Self, BuildError> {
        let NewStake { output, amount, coins, change, fee_rate, op_return_tag } = stake;
        let providers = output.parties().finality_providers().as_slice().len();
        let op_return = op_return_tag
            .map(|tag| OpReturnData::of_stake(tag, &output).ok_or(BuildError::SeveralProviders(providers)))
            .transpose()?
            .map(|data| data.script());
        let op_return = op_return.as_ref();
        let staked = output.taproot().paying(amount);
        UnsafeOutput::check_amount(&staked).map_err(BuildError::of("staking"))?;
        UnsafeOutput::check_destination(&change).map_err(BuildError::of("change"))?;
        if fee_rate > MAX_FEE_RATE {
            return Err(BuildError::FeeRateTooHigh(fee_rate));
        }
        if change == staked.script_pubkey {
            return Err(BuildError::ChangeToStake);
        }
        let funding = Funding { coins, stake: &staked, op_return, change: &change, fee_rate };
        funding.check_coins()?;
        let selection = funding.select()?;
        let coins = || selection.coins.iter();
        let tagged = op_return.map(|script| TxOut { value: Amount::ZERO, script_pubkey: script.clone() });
        let transaction = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: coins()
                .map(|coin| TxIn {
                    previous_output: coin.outpoint(),
                    script_sig: ScriptBuf::new(),
                    sequence: Sequence::MAX,
                    witness: Witness::new(),
                })
                .collect(),
            output: [staked.clone()].into_iter().chain(tagged).chain(selection.change.clone()).collect(),
        };
        let mut psbt = Psbt::from_unsigned_tx(transaction).map_err(|e| BuildError::Psbt(e.to_string()))?;
        for (input, coin) in psbt.inputs.iter_mut().zip(coins()) {
            *input = coin.psbt_input();
        }
        if let Some(first) = psbt.outputs.first_mut() {
            first.tap_internal_key = Some(output.taproot().internal_key());
            first.tap_tree = Some(output.taproot().tap_tree());
        }
        let weight = funding.weight(&selection.coins, selection.change.is_some())?;
        let script_sigs = coins().map(|coin| coin.script_sig().clone()).collect();
        Ok(Self { psbt, script_sigs, output, amount, fee: selection.fee, fee_rate, weight })
    }

    /// Returns the PSBT, for the wallet that holds the coins.
    pub const fn psbt(&self) -> &Psbt {
        &self.psbt
    }

    /// Adds the origin of a key of the staking output (fingerprint and path, BIP-32) to the PSBT. The coins'
    /// descriptors have the origins of the coins' keys.
    pub fn add_key_origin(&mut self, key: XOnlyPublicKey, source: &KeySource) {
        self.psbt.outputs.iter_mut().for_each(|output| add_output_origin(output, key, source));
    }

    /// Returns the transaction as it is in the PSBT, without witnesses and scriptSigs.
    pub const fn unsigned(&self) -> &Transaction {
        &self.psbt.unsigned_tx
    }

    /// Returns the transaction's id, which signing does not change.
    pub fn txid(&self) -> Txid {
        self.without_witnesses().compute_txid()
    }

    /// Returns the transaction with its scriptSigs, so with its final id, and without witnesses.
    pub fn without_witnesses(&self) -> Transaction {
        let mut transaction = self.unsigned().clone();
        for (input, script_sig) in transaction.input.iter_mut().zip(&self.script_sigs) {
            input.script_sig.clone_from(script_sig);
        }
        transaction
    }

    /// Returns the change output and its index: the first output after the staking output that is not an
    /// OP_RETURN.
    pub(crate) fn change(&self) -> Option<(u32, &TxOut)> {
        (0..).zip(&self.unsigned().output).skip(1).find(|(_, output)| !output.script_pubkey.is_op_return())
    }

    /// Returns the fee.
    pub const fn fee(&self) -> Amount {
        self.fee
    }

    /// Returns the virtual size of the signed transaction in vbytes, at most.
    pub const fn vsize(&self) -> u64 {
        self.weight.to_vbytes_ceil()
    }

    /// Returns the weight of the signed transaction, at most.
    pub(crate) const fn weight(&self) -> Weight {
        self.weight
    }

    /// Finalizes the transaction from the PSBT that the wallet signed, and checks the result: the same
    /// transaction, every signature valid, the staking output paid exactly once, the fee at the requested
    /// rate.
    ///
    /// # Errors
    /// [`ReturnedPsbtError`] names the part that cannot be used.
    pub fn finalize(&self, signed: &Psbt) -> Result<Transaction, ReturnedPsbtError> {
        ReturnedPsbtError::check_same(signed, self.unsigned())?;
        let mut psbt = self.psbt.clone();
        // The signatures are the wallet's; the coins are those known here, not those in its PSBT.
        for (input, signed) in psbt.inputs.iter_mut().zip(&signed.inputs) {
            let coin = input.witness_utxo.take();
            *input = signed.clone();
            input.witness_utxo = coin;
            input.non_witness_utxo = None;
        }
        let prevouts: Option<Vec<TxOut>> =
            self.psbt.inputs.iter().map(|input| input.witness_utxo.clone()).collect();
        let transaction = finalize_verified(&mut psbt, &prevouts.unwrap_or_default())
            .map_err(ReturnedPsbtError::Unsigned)?;
        self.check_finalized(&transaction)?;
        Ok(transaction)
    }

    /// Returns it with another amount than it pays, for tests.
    #[cfg(test)]
    pub(crate) fn with_amount(&self, amount: Amount) -> Self {
        Self { amount, ..self.clone() }
    }

    pub(crate) fn check_finalized(&self, transaction: &Transaction) -> Result<(), ReturnedPsbtError> {
        let txid = transaction.compute_txid();
        if txid != self.txid() {
            return Err(ReturnedPsbtError::IdChanged(txid));
        }
        match Funded::find(self.output.clone(), transaction) {
            Ok(funded) if funded == self.staking_output() => {}
            _ => return Err(ReturnedPsbtError::StakeNotPaid(self.amount)),
        }
        let weight = transaction.weight();
        if weight > MAX_WEIGHT {
            return Err(ReturnedPsbtError::TooHeavy(weight));
        }
        // A Taproot signature with an explicit sighash type is a byte longer than predicted.
        let named =
            |input: &&TxIn| input.witness.len() == 1 && input.witness.nth(0).is_some_and(|it| it.len() == 65);
        let named = Weight::from_wu_usize(transaction.input.iter().filter(named).count());
        let foreseen = weight.checked_sub(named).unwrap_or(weight);
        match self.fee_rate.checked_mul_by_weight(foreseen) {
            Some(needed) if needed > self.fee => {
                Err(ReturnedPsbtError::FeeBelowRate { fee: self.fee, needed })
            }
            _ => Ok(()),
        }
    }

    /// Returns the staking output, with its outpoint in this transaction.
    pub fn staking_output(&self) -> Funded<StakingOutput> {
        Funded::new(self.output.clone(), OutPoint::new(self.txid(), 0), self.amount)
    }
}
