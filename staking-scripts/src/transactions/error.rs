//! The error of a transaction that cannot be built.

use bitcoin::{Amount, FeeRate, OutPoint, Txid, Weight};
use spv::anchors::PublicationError;

use crate::coins::coin::CoinError;
use crate::coins::selection::SelectionError;
use crate::outputs::error::InvalidParties;
use crate::outputs::leaf::SpendPath;
use crate::outputs::relay::{MAX_FEE_RATE, MAX_WEIGHT, UnsafeOutput};
use crate::transactions::slashing_rate::SlashingRate;

/// The transaction cannot be built.
///
/// This is the error of staking, unbonding, slashing and withdrawal transactions, of children, and of
/// publications of keystones. An
/// extension has [`ExtensionError`](super::ExtensionError).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The fee rate is above [`MAX_FEE_RATE`].
    #[error("the fee rate is {} sat/vB; must be at most {} sat/vB, the most that nodes relay by default", .0.to_sat_per_vb_ceil(), MAX_FEE_RATE.to_sat_per_vb_floor())]
    FeeRateTooHigh(FeeRate),
    /// An output would be dust, or nobody can spend it on purpose.
    #[error("{output} output: {cause}")]
    Output {
        /// The output: staking, change, unbonding, slashed, slashing refund, withdrawal or child.
        output: &'static str,
        /// The rule that it breaks.
        cause: UnsafeOutput,
    },
    /// The keys make no output of the protocol.
    #[error(transparent)]
    Parties(#[from] InvalidParties),
    /// The output to be spent does not have this spend path.
    #[error("the output has no {0} path; must have it to be spent so")]
    NoPath(SpendPath),
    /// The transaction would be too heavy to be relayed: too many coins are needed.
    #[error("the transaction would weigh {0} weight units; must be at most {MAX_WEIGHT}, which nodes relay")]
    TooHeavy(Weight),
    /// Staking: a coin is given twice.
    #[error("the coin {0} is given twice; must be given once")]
    RepeatedCoin(OutPoint),
    /// Staking: the coins do not pay the stake and the fee.
    #[error("the coins hold {} sat; the stake and its fee need {} sat", .available.to_sat(), .needed.to_sat())]
    InsufficientFunds {
        /// The amount of all coins.
        available: Amount,
        /// The stake and the fee of spending all coins.
        needed: Amount,
    },
    /// Staking: the coins or the stake are above 21 million bitcoin.
    #[error("the coins or the stake are above 21 million bitcoin; must be at most that")]
    TooMuch,
    /// Staking: the change would be paid to the script of the staking output, which must be paid exactly
    /// once.
    #[error("the change goes to the staking output; must go to another script")]
    ChangeToStake,
    /// Staking: a phase-1 stake is to have several finality providers, where it has one.
    #[error("the stake has {0} finality providers; a phase-1 stake must have one")]
    SeveralProviders(usize),
    /// Unbonding: the unbonding output is for other parties than the staking output.
    #[error("the unbonding output is for other parties than the staking output; must be for the same")]
    OtherParties,
    /// Unbonding: the stake does not pay the fee.
    #[error("the stake holds {} sat; must be above the unbonding fee of {} sat", .amount.to_sat(), .fee.to_sat())]
    UnbondingFeeNotPaid {
        /// The amount of the stake.
        amount: Amount,
        /// The fee.
        fee: Amount,
    },
    /// Slashing: the fee is 0.
    #[error("the slashing fee is 0 sat; must be above 0, or no node relays the transaction")]
    NoSlashingFee,
    /// Slashing: the version is not 1 or 2.
    #[error("the version of the slashing transaction is {0}; must be 1 or 2")]
    SlashingVersion(i32),
    /// Slashing: the stake is so small that the slashed part is 0 sat.
    #[error("a slashing rate of {rate} takes 0 sat of a stake of {} sat; must take more", .amount.to_sat())]
    NothingSlashed {
        /// The amount of the stake.
        amount: Amount,
        /// The slashing rate.
        rate: SlashingRate,
    },
    /// Slashing: the stake is above 21 million bitcoin.
    #[error("the stake to be slashed holds {} sat; must be at most 21 million bitcoin", .0.to_sat())]
    StakeTooLarge(Amount),
    /// Slashing: the stake does not pay the slashed part and the fee.
    #[error("the stake holds {} sat; must be above {} sat slashed and a slashing fee of {} sat", .amount.to_sat(), .slashed.to_sat(), .fee.to_sat())]
    SlashingFeeNotPaid {
        /// The amount of the stake.
        amount: Amount,
        /// The slashed part.
        slashed: Amount,
        /// The fee.
        fee: Amount,
    },
    /// Slashing: the outputs given pay more than the stake.
    #[error("the stake holds {} sat; must be at least the {} sat slashed and the {} sat refunded", .amount.to_sat(), .slashed.to_sat(), .refund.to_sat())]
    SlashingPaysTooMuch {
        /// The amount of the stake.
        amount: Amount,
        /// The slashed part.
        slashed: Amount,
        /// The amount refunded.
        refund: Amount,
    },
    /// Withdrawal: the output does not pay the fee.
    #[error("the output holds {} sat; must be above the withdrawal fee of {} sat", .amount.to_sat(), .fee.to_sat())]
    WithdrawalFeeNotPaid {
        /// The amount of the output.
        amount: Amount,
        /// The fee at the requested rate.
        fee: Amount,
    },
    /// Child: the parent has no change output.
    #[error("the transaction {0} has no change output; a child needs one to pay from")]
    NoChange(Txid),
    /// Child: the size of an input that spends the change is not known.
    #[error(transparent)]
    Change(#[from] CoinError),
    /// Child: the change does not pay for both transactions.
    #[error("the change holds {} sat; must be above {} sat, the child's fee for both transactions", .change.to_sat(), .needed.to_sat())]
    ChildFeeNotPaid {
        /// The amount of the change.
        change: Amount,
        /// The fee of the child.
        needed: Amount,
    },
    /// Child: the parent pays this fee rate by itself.
    #[error("the transaction {0} pays this fee rate by itself; a child must pay a higher one")]
    ChildNotNeeded(Txid),
    /// Publication of a keystone: the coin does not pay the fee and a change that nodes relay.
    #[error(transparent)]
    Publication(#[from] PublicationError),
    /// The PSBT library refuses the transaction, which does not occur for one that was just built. The reason
    /// is the library's, as text: its error cannot be compared.
    #[error("the transaction makes no PSBT: {0}")]
    Psbt(String),
}

impl BuildError {
    /// Returns the error of this output.
    pub(crate) fn of(output: &'static str) -> impl FnOnce(UnsafeOutput) -> Self {
        move |cause| Self::Output { output, cause }
    }
}

impl From<SelectionError> for BuildError {
    fn from(error: SelectionError) -> Self {
        match error {
            SelectionError::RepeatedCoin(outpoint) => Self::RepeatedCoin(outpoint),
            SelectionError::InsufficientFunds { available, needed } => {
                Self::InsufficientFunds { available, needed }
            }
            SelectionError::FeeRateTooHigh(rate) => Self::FeeRateTooHigh(rate),
            SelectionError::TooHeavy(weight) => Self::TooHeavy(weight),
            SelectionError::TooMuch => Self::TooMuch,
        }
    }
}
