//! An output of the protocol with its place in a transaction.

use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, TxOut};

use crate::outputs::{SlashingRefundOutput, StakingOutput, TaprootOutput, UnbondingOutput};

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
    #[error("no output of the transaction pays to {0}")]
    Absent(ScriptBuf),
    /// Several outputs of the transaction pay to it, where exactly one must.
    #[error("{count} outputs of the transaction pay to {script_pubkey}, where exactly one must")]
    Repeated {
        /// The script paid to.
        script_pubkey: ScriptBuf,
        /// How often.
        count: usize,
    },
}

impl<O: HasTaproot> Funded<O> {
    /// The output at a place that the caller knows.
    pub const fn new(output: O, outpoint: OutPoint, amount: Amount) -> Self {
        Self { output, outpoint, amount }
    }

    /// Finds the one output of `transaction` that pays to `output`.
    ///
    /// # Errors
    /// [`FundedError`] when there is none, or more than one.
    pub fn find(output: O, transaction: &Transaction) -> Result<Self, FundedError> {
        let script_pubkey = output.taproot().script_pubkey();
        let mut found = (0u32..).zip(&transaction.output).filter(|(_, out)| out.script_pubkey == script_pubkey);
        let first = found.next();
        let more = found.count();
        match first {
            None => Err(FundedError::Absent(script_pubkey)),
            Some(_) if more > 0 => Err(FundedError::Repeated { script_pubkey, count: more.saturating_add(1) }),
            Some((vout, out)) => {
                Ok(Self { output, outpoint: OutPoint::new(transaction.compute_txid(), vout), amount: out.value })
            }
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
