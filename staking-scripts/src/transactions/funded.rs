//! An output of the protocol with its outpoint and amount.

use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, TxOut, Txid};

use crate::outputs::output::{SlashingRefundOutput, StakingOutput, TaprootOutput, UnbondingOutput};

/// An output of the protocol with its outpoint and amount in a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Funded<O> {
    output: O,
    outpoint: OutPoint,
    amount: Amount,
}

/// The transaction does not pay to the output, or not exactly once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FundedError {
    /// No output of the transaction pays to the script.
    #[error("no output of the transaction {txid} pays to {script_pubkey}; exactly one must")]
    Absent {
        /// The id of the transaction.
        txid: Txid,
        /// The script pubkey that must be paid to.
        script_pubkey: ScriptBuf,
    },
    /// The transaction has no output of this index.
    #[error("there is no output {outpoint}; the transaction has {outputs}")]
    NoSuchOutput {
        /// The outpoint.
        outpoint: OutPoint,
        /// The number of outputs of the transaction.
        outputs: usize,
    },
    /// The output pays to another script.
    #[error("the output {outpoint} pays to {found}; must be {expected}")]
    WrongOutput {
        /// The outpoint.
        outpoint: OutPoint,
        /// The script pubkey that it pays to.
        found: ScriptBuf,
        /// The script pubkey that it must pay to.
        expected: ScriptBuf,
    },
    /// Several outputs of the transaction pay to the script.
    #[error("{count} outputs of the transaction {txid} pay to {script_pubkey}; exactly one must")]
    Repeated {
        /// The id of the transaction.
        txid: Txid,
        /// The script pubkey that is paid to.
        script_pubkey: ScriptBuf,
        /// The number of outputs that pay to it.
        count: usize,
    },
}

impl<O: HasTaproot> Funded<O> {
    /// Returns the output of this index in `transaction`, which must pay to `output`.
    ///
    /// # Errors
    /// [`FundedError`] when there is no such output, or it pays to another script.
    pub fn at(output: O, transaction: &Transaction, vout: u32) -> Result<Self, FundedError> {
        let outpoint = OutPoint::new(transaction.compute_txid(), vout);
        let found = usize::try_from(vout).ok().and_then(|vout| transaction.output.get(vout));
        let found = found.ok_or(FundedError::NoSuchOutput { outpoint, outputs: transaction.output.len() })?;
        let expected = output.taproot().script_pubkey();
        if found.script_pubkey != expected {
            return Err(FundedError::WrongOutput { outpoint, found: found.script_pubkey.clone(), expected });
        }
        Ok(Self { output, outpoint, amount: found.value })
    }

    /// Returns the output with this outpoint and amount. Nothing is checked: with a wrong outpoint or amount,
    /// every signature over a transaction that spends it is invalid. Where the transaction is known, use
    /// [`at`](Self::at) or [`find`](Self::find).
    pub const fn new(output: O, outpoint: OutPoint, amount: Amount) -> Self {
        Self { output, outpoint, amount }
    }

    /// Finds the one output of `transaction` that pays to `output`.
    ///
    /// # Errors
    /// [`FundedError`] when there is not exactly one.
    pub fn find(output: O, transaction: &Transaction) -> Result<Self, FundedError> {
        Self::find_among(output, transaction, |_| true)
    }

    /// Finds the one output of `transaction` that pays to `output`; where several do, the one of them that
    /// holds `amount`. The chain knows a staking output by its script and its amount: another one of the same
    /// script is none of the stake's, and hides it from nobody.
    ///
    /// # Errors
    /// [`FundedError`] when there is not exactly one.
    pub(crate) fn find_holding(
        output: O,
        transaction: &Transaction,
        amount: Amount,
    ) -> Result<Self, FundedError> {
        let script_pubkey = output.taproot().script_pubkey();
        let held = transaction
            .output
            .iter()
            .filter(|out| out.script_pubkey == script_pubkey && out.value == amount)
            .count();
        Self::find_among(output, transaction, |found| held == 0 || found == amount)
    }

    fn find_among(
        output: O,
        transaction: &Transaction,
        is_it: impl Fn(Amount) -> bool,
    ) -> Result<Self, FundedError> {
        let script_pubkey = output.taproot().script_pubkey();
        let mut found = (0u32..)
            .zip(&transaction.output)
            .filter(|(_, out)| out.script_pubkey == script_pubkey && is_it(out.value));
        let first = found.next();
        let more = found.count();
        match first {
            None => Err(FundedError::Absent { txid: transaction.compute_txid(), script_pubkey }),
            Some(_) if more > 0 => {
                let (txid, count) = (transaction.compute_txid(), more.saturating_add(1));
                Err(FundedError::Repeated { txid, script_pubkey, count })
            }
            Some((vout, out)) => Ok(Self {
                output,
                outpoint: OutPoint::new(transaction.compute_txid(), vout),
                amount: out.value,
            }),
        }
    }

    /// Returns the transaction output: amount and script pubkey.
    pub fn tx_out(&self) -> TxOut {
        self.output.taproot().paying(self.amount)
    }

    /// Returns the output of the protocol.
    pub const fn output(&self) -> &O {
        &self.output
    }

    /// Returns the outpoint.
    pub const fn outpoint(&self) -> OutPoint {
        self.outpoint
    }

    /// Returns the amount.
    pub const fn amount(&self) -> Amount {
        self.amount
    }
}

/// An output of the protocol: staking, unbonding or slashing refund.
pub trait HasTaproot: sealed::Sealed {
    /// Returns the Taproot output: script, address, descriptor and leaves.
    fn taproot(&self) -> &TaprootOutput;
}

mod sealed {
    /// A seal: only the protocol's three outputs are implemented.
    pub trait Sealed {}
    impl Sealed for super::StakingOutput {}
    impl Sealed for super::UnbondingOutput {}
    impl Sealed for super::SlashingRefundOutput {}
}

impl HasTaproot for StakingOutput {
    fn taproot(&self) -> &TaprootOutput {
        self.taproot()
    }
}

impl HasTaproot for UnbondingOutput {
    fn taproot(&self) -> &TaprootOutput {
        self.taproot()
    }
}

impl HasTaproot for SlashingRefundOutput {
    fn taproot(&self) -> &TaprootOutput {
        self.taproot()
    }
}
