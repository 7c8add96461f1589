//! An output of the protocol with its place in a transaction.

use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, TxOut, Txid};

use crate::outputs::output::{SlashingRefundOutput, StakingOutput, TaprootOutput, UnbondingOutput};

/// An output of the protocol that a transaction pays `amount` to, at `outpoint`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Funded<O> {
    output: O,
    outpoint: OutPoint,
    amount: Amount,
}

/// The transaction does not pay to the output as it must.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FundedError {
    /// No output of the transaction pays to it.
    #[error("no output of the transaction {txid} pays to {script_pubkey}; exactly one must")]
    Absent {
        /// The transaction.
        txid: Txid,
        /// The script that should be paid to.
        script_pubkey: ScriptBuf,
    },
    /// The transaction has no output of this number.
    #[error("there is no output {outpoint}; the transaction has {outputs}")]
    NoSuchOutput {
        /// The output asked for.
        outpoint: OutPoint,
        /// How many outputs there are.
        outputs: usize,
    },
    /// The output pays to another script.
    #[error("the output {outpoint} pays to {found}; must be {expected}")]
    WrongOutput {
        /// The output asked for.
        outpoint: OutPoint,
        /// The script it pays to.
        found: ScriptBuf,
        /// The script it should pay to.
        expected: ScriptBuf,
    },
    /// Several outputs of the transaction pay to it, where exactly one must.
    #[error("{count} outputs of the transaction {txid} pay to {script_pubkey}; exactly one must")]
    Repeated {
        /// The transaction.
        txid: Txid,
        /// The script paid to.
        script_pubkey: ScriptBuf,
        /// How often.
        count: usize,
    },
}

impl<O: HasTaproot> Funded<O> {
    /// The output of this number in `transaction`, which must pay to `output`.
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

    /// The output at a place that the caller knows. Nothing is checked: with a wrong outpoint or amount,
    /// every signature made later is for nothing. Where the transaction is at hand, use [`at`](Self::at) or
    /// [`find`](Self::find).
    pub const fn new(output: O, outpoint: OutPoint, amount: Amount) -> Self {
        Self { output, outpoint, amount }
    }

    /// Finds the one output of `transaction` that pays to `output`.
    ///
    /// # Errors
    /// [`FundedError`] when there is none, or more than one.
    pub fn find(output: O, transaction: &Transaction) -> Result<Self, FundedError> {
        let script_pubkey = output.taproot().script_pubkey();
        let mut found =
            (0u32..).zip(&transaction.output).filter(|(_, out)| out.script_pubkey == script_pubkey);
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

    /// The transaction output itself.
    pub fn tx_out(&self) -> TxOut {
        self.output.taproot().paying(self.amount)
    }

    /// The output.
    pub const fn output(&self) -> &O {
        &self.output
    }

    /// Where it is.
    pub const fn outpoint(&self) -> OutPoint {
        self.outpoint
    }

    /// What it holds.
    pub const fn amount(&self) -> Amount {
        self.amount
    }
}

/// An output of the protocol: all have a Taproot part.
pub trait HasTaproot: sealed::Sealed {
    /// Script, address, descriptor and leaves.
    fn taproot(&self) -> &TaprootOutput;
}

mod sealed {
    /// Only the protocol's three outputs are outputs of the protocol.
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
