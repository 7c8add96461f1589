//! What differs between pre-signed transactions that were built elsewhere and those that are drafted here.

use std::fmt;

use bitcoin::{Amount, FeeRate};

use super::build::PresignedTransactions;
use super::role::StakeTransaction;
use crate::coins::key_path::key_path_script;
use crate::parameters::Parameters;
use crate::transactions::leaf_transaction::LeafTransaction as _;
use crate::transactions::sighash::sum;
use crate::transactions::slashing::{DRAFTED, SlashingTransaction};
use crate::transactions::withdrawal::WithdrawalTransaction;

/// A difference of a pre-signed transaction from the one that is drafted here. It breaks no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DraftDifference {
    /// A slashing transaction has the other version of the two that the chain takes.
    Version {
        /// The transaction.
        part: StakeTransaction,
        /// The version of the transaction.
        found: i32,
    },
    /// A slashing transaction pays more than the lowest fee.
    Fee {
        /// The transaction.
        part: StakeTransaction,
        /// The fee of the transaction.
        found: Amount,
        /// The lowest fee.
        least: Amount,
    },
    /// A slashing transaction slashes more than the slashing rate.
    Slashed {
        /// The transaction.
        part: StakeTransaction,
        /// The amount that it slashes.
        found: Amount,
        /// The lowest amount.
        least: Amount,
    },
    /// The refund of a slashing transaction pays for no withdrawal, even at 1 sat/vB: nobody gets it. One
    /// that is drafted here from so small a stake has it too.
    LostRefund {
        /// The transaction.
        part: StakeTransaction,
        /// The amount of the refund.
        found: Amount,
    },
}

impl fmt::Display for DraftDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { part, found } => {
                write!(f, "the {part} has version {found}; one drafted here has {DRAFTED}")
            }
            Self::Fee { part, found, least } => {
                let (found, least) = (found.to_sat(), least.to_sat());
                write!(
                    f,
                    "the {part} pays a fee of {found} sat; one drafted here pays the least, {least} sat"
                )
            }
            Self::Slashed { part, found, least } => {
                let (found, least) = (found.to_sat(), least.to_sat());
                write!(f, "the {part} slashes {found} sat; one drafted here slashes the least, {least} sat")
            }
            Self::LostRefund { part, found } => write!(
                f,
                "the {part} refunds {} sat, which is too little to be withdrawn, even at 1 sat/vB",
                found.to_sat()
            ),
        }
    }
}

impl PresignedTransactions {
    /// Returns what differs from the transactions that are drafted here under these parameters. The unbonding
    /// transaction cannot differ: the rules leave one.
    pub fn differences(&self, parameters: &Parameters) -> Vec<DraftDifference> {
        let both = [
            (StakeTransaction::Slashing, &self.slashing),
            (StakeTransaction::UnbondingSlashing, &self.unbonding_slashing),
        ];
        both.into_iter().flat_map(|(part, given)| differences(part, given, parameters)).collect()
    }
}

fn differences(
    part: StakeTransaction,
    given: &SlashingTransaction,
    parameters: &Parameters,
) -> impl Iterator<Item = DraftDifference> {
    let (drafted, unsigned, fee) = (parameters.slashing_parameters(), given.unsigned(), given.fee());
    let found = unsigned.version;
    let version = (found != DRAFTED).then_some(DraftDifference::Version { part, found: found.0 });
    let dear = (fee != drafted.fee).then_some(DraftDifference::Fee { part, found: fee, least: drafted.fee });
    let spent = sum(&unsigned.output).and_then(|paid| paid.checked_add(fee));
    let slashed = spent.zip(unsigned.output.first()).and_then(|(spent, output)| {
        let (found, least) = (output.value, drafted.rate.slashed_amount(spent));
        (found != least).then_some(DraftDifference::Slashed { part, found, least })
    });
    let refund = given.refund_output();
    let own = key_path_script(refund.output().staker());
    let cannot = WithdrawalTransaction::new(&refund, own, FeeRate::BROADCAST_MIN).is_err();
    let lost = cannot.then_some(DraftDifference::LostRefund { part, found: refund.amount() });
    version.into_iter().chain(dear).chain(slashed).chain(lost)
}
