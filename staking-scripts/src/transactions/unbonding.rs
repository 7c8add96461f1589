//! Unbonding: the staker and a covenant quorum end a stake early, and the unbonding time begins.

use bitcoin::secp256k1::schnorr;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, Psbt, Sequence, Transaction};

use crate::outputs::leaf::SpendPath;
use crate::outputs::output::{StakingOutput, UnbondingOutput};
use crate::outputs::relay::UnsafeOutput;
use crate::transactions::error::BuildError;
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

holds_a_leaf_spend!(UnbondingTransaction);
impl CovenantTransaction for UnbondingTransaction {}

impl UnbondingTransaction {
    /// Builds the transaction that spends `staking` into `output` and pays `fee`: version 2, one input, one
    /// output, nLockTime 0, final nSequence.
    ///
    /// # Errors
    /// [`BuildError`] when the parties differ, the stake does not pay the fee, or the unbonding output would
    /// be dust.
    pub fn new(
        staking: &Funded<StakingOutput>,
        output: UnbondingOutput,
        fee: Amount,
    ) -> Result<Self, BuildError> {
        let source = staking.output();
        if source.parties() != output.parties() {
            return Err(BuildError::OtherParties);
        }
        let amount = staking.amount().checked_sub(fee).filter(|left| *left > Amount::ZERO);
        let amount = amount.ok_or(BuildError::UnbondingFeeNotPaid { amount: staking.amount(), fee })?;
        let tx_out = output.taproot().paying(amount);
        UnsafeOutput::check_amount(&tx_out).map_err(BuildError::of("unbonding"))?;
        let leaf =
            source.taproot().leaf(SpendPath::Unbonding).ok_or(BuildError::NoPath(SpendPath::Unbonding))?;
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

    /// Returns the unbonding output, with its outpoint in this transaction.
    pub fn unbonding_output(&self) -> Funded<UnbondingOutput> {
        Funded::new(self.output.clone(), OutPoint::new(self.txid(), 0), self.amount)
    }

    /// Returns the PSBT with those of these covenant signatures that verify, at most a quorum, so that the
    /// staker's signature is all that it lacks.
    pub fn psbt_with(&self, covenant: &[CovenantSignature]) -> Psbt {
        self.spend.psbt_with(covenant)
    }

    /// Finalizes the transaction with the staker's and a quorum of covenant signatures. Of more than a
    /// quorum, the first ones are taken.
    ///
    /// # Errors
    /// [`FinalizeError`] when less than a quorum of the signatures verifies: it names the first that does not
    /// verify, or what is absent.
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
