//! Unbonding: the staker leaves early, with the covenant committee's consent, and waits for the unbonding
//! time.

use bitcoin::secp256k1::schnorr;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, Sequence, Transaction};

use crate::outputs::leaf::SpendPath;
use crate::outputs::output::{StakingOutput, UnbondingOutput};
use crate::outputs::relay::OutputTooSmall;
use crate::transactions::funded::Funded;
use crate::transactions::leaf_transaction::{CovenantTransaction, LeafTransaction, holds_a_leaf_spend};
use crate::transactions::signatures::CovenantSignature;
use crate::transactions::spend::{FinalizeError, LeafSpend, SpendPlan};

/// The unbonding transaction: it spends the staking output through its unbonding path into the unbonding
/// output.
#[derive(Debug, Clone, PartialEq)]
pub struct UnbondingTransaction {
    spend: LeafSpend,
    output: UnbondingOutput,
    amount: Amount,
}

/// No unbonding transaction can be made of this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnbondingError {
    /// The unbonding output is for other parties than the staking output.
    #[error("the unbonding output is for other parties than the staking output")]
    OtherParties,
    /// The stake does not pay the fee.
    #[error("the stake of {} sat does not pay the unbonding fee of {} sat", .amount.to_sat(), .fee.to_sat())]
    FeeNotPaid {
        /// What is staked.
        amount: Amount,
        /// The fee.
        fee: Amount,
    },
    /// What is left after the fee is dust.
    #[error(transparent)]
    Dust(#[from] OutputTooSmall),
    /// The transaction could not be laid out.
    #[error(transparent)]
    Layout(#[from] FinalizeError),
}

holds_a_leaf_spend!(UnbondingTransaction);
impl CovenantTransaction for UnbondingTransaction {}

impl UnbondingTransaction {
    /// Spends `staking` into `output`, leaving `fee`: version 2, one input, one output, lock time 0, final
    /// sequence.
    ///
    /// # Errors
    /// [`UnbondingError`] when the parties differ, the stake does not pay the fee, or dust would be left.
    pub fn new(
        staking: &Funded<StakingOutput>,
        output: UnbondingOutput,
        fee: Amount,
    ) -> Result<Self, UnbondingError> {
        let source = staking.output();
        if source.parties() != output.parties() {
            return Err(UnbondingError::OtherParties);
        }
        let amount = staking.amount().checked_sub(fee).filter(|left| *left > Amount::ZERO);
        let amount = amount.ok_or(UnbondingError::FeeNotPaid { amount: staking.amount(), fee })?;
        let tx_out = output.taproot().paying(amount);
        OutputTooSmall::check(&tx_out)?;
        let leaf = source.taproot().leaf(SpendPath::Unbonding).ok_or(UnbondingError::OtherParties)?;
        let spend = LeafSpend::new(SpendPlan {
            version: Version::TWO,
            source: source.taproot(),
            outpoint: staking.outpoint(),
            amount: staking.amount(),
            leaf,
            sequence: Sequence::MAX,
            funding: None,
            outputs: vec![(tx_out, Some(output.taproot()))],
        })?;
        Ok(Self { spend, output, amount })
    }

    /// The unbonding output, at its place in this transaction.
    pub fn unbonding_output(&self) -> Funded<UnbondingOutput> {
        Funded::new(self.output.clone(), OutPoint::new(self.txid(), 0), self.amount)
    }

    /// Completes the transaction with the staker's and a quorum of covenant signatures. Of more than a
    /// quorum, the first ones are taken.
    ///
    /// # Errors
    /// [`FinalizeError`] when less than a quorum of the signatures verifies: it names the first that does
    /// not, or what else is missing.
    pub fn finalize(
        &self,
        staker: &schnorr::Signature,
        covenant: &[CovenantSignature],
    ) -> Result<Transaction, FinalizeError> {
        self.spend.verify_staker(staker)?;
        let mut signatures = self.spend.choose_quorum(covenant)?;
        signatures.push((*self.spend.leaf().keys.staker(), *staker));
        self.spend.finalize(&signatures)
    }
}
