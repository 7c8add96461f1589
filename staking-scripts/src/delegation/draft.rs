//! What the staker does with a delegation: it begins the file, and signs.

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{FeeRate, Psbt, Transaction};
use eots::SecretKey;

use super::check::AcceptedStake;
use super::fields::{PossessionField, ProvidersField, StakerField};
use super::file::{DelegationError, DelegationFile, field, transaction};
use super::rules::Part;
use crate::outputs::providers::StakedTo;
use crate::outputs::timelock::Timelock;
use crate::outputs::{SlashingRefundOutput, StakingOutput, UnbondingOutput};
use crate::parameters::Parameters;
use crate::pop::{Claim, ProofOfPossession};
use crate::transactions::funded::Funded;
use crate::transactions::slashing::{SlashingError, SlashingTransaction};
use crate::transactions::unbonding::{UnbondingError, UnbondingTransaction};

/// What is signed in advance for a stake, as its parameters have it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PlannedTransactions {
    /// The unbonding transaction.
    pub unbonding: UnbondingTransaction,
    /// The slashing transaction of the stake.
    pub slashing: SlashingTransaction,
    /// The slashing transaction of the unbonding stake.
    pub unbonding_slashing: SlashingTransaction,
}

/// The stake does not pay for what may become of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// It does not pay its unbonding.
    #[error("unbonding: {0}")]
    Unbonding(#[from] UnbondingError),
    /// It does not pay its slashing.
    #[error("slashing: {0}")]
    Slashing(#[from] SlashingError),
}

impl AcceptedStake {
    /// What is signed in advance for this stake.
    pub fn planned(&self) -> PlannedTransactions {
        PlannedTransactions {
            unbonding: self.unbonding.clone(),
            slashing: self.slashing.clone(),
            unbonding_slashing: self.unbonding_slashing.clone(),
        }
    }
}

impl PlannedTransactions {
    /// What is signed in advance for a stake under these parameters.
    ///
    /// # Errors
    /// [`PlanError`] when the stake does not pay for it.
    pub fn new(staking: &Funded<StakingOutput>, parameters: &Parameters) -> Result<Self, PlanError> {
        let parties = staking.output().parties().clone();
        let output =
            UnbondingOutput::new(parties, parameters.unbonding_time()).map_err(SlashingError::from)?;
        let unbonding = UnbondingTransaction::new(staking, output, parameters.unbonding_fee())?;
        let terms = parameters.slashing_terms();
        let refund = SlashingRefundOutput::new(*staking.output().parties().staker(), terms.unbonding_time);
        let refund = refund.map_err(SlashingError::from)?;
        let slashing = SlashingTransaction::refunding(staking, &terms, refund.clone())?;
        let unbonding_slashing =
            SlashingTransaction::refunding(&unbonding.unbonding_output(), &terms, refund)?;
        Ok(Self { unbonding, slashing, unbonding_slashing })
    }

    /// Those whose fee, which is fixed when they are signed, is below this rate, and the rate that it makes:
    /// they may wait long for a block, and nobody can bump them.
    pub fn below_rate(&self, rate: FeeRate) -> Vec<(Part, FeeRate)> {
        let rates = [
            (Part::Unbonding, self.unbonding.fee_rate()),
            (Part::Slashing, self.slashing.fee_rate()),
            (Part::UnbondingSlashing, self.unbonding_slashing.fee_rate()),
        ];
        rates.into_iter().filter_map(|(part, own)| Some((part, own.filter(|own| *own < rate)?))).collect()
    }
}

impl DelegationFile {
    /// The file that a staker begins with: the stake that `transaction` makes, and what is to be signed in
    /// advance, under `parameters`.
    ///
    /// # Errors
    /// [`PlanError`] when the stake does not pay for what may become of it.
    pub fn draft(
        staked_to: &StakedTo,
        staking: &Funded<StakingOutput>,
        transaction: &Transaction,
        parameters: &Parameters,
        parameters_height: u32,
    ) -> Result<Self, PlanError> {
        let plan = PlannedTransactions::new(staking, parameters)?;
        Ok(Self {
            parameters_height,
            staker: *staking.output().parties().staker(),
            finality_providers: ProvidersField::new(staked_to),
            staking_time_blocks: staking.output().staking_time().blocks().into(),
            staking_amount_sat: staking.amount().to_sat(),
            unbonding_time_blocks: parameters.unbonding_time().blocks().into(),
            staking_transaction: serialize_hex(transaction),
            unbonding_transaction: serialize_hex(plan.unbonding.unsigned()),
            slashing_transaction: serialize_hex(plan.slashing.unsigned()),
            unbonding_slashing_transaction: serialize_hex(plan.unbonding_slashing.unsigned()),
            extends: None,
            inclusion: None,
            proof_of_possession: None,
            staker_signatures: None,
            covenant_answers: Vec::new(),
        })
    }

    /// What is signed in advance, computed from the file's other fields; the file's transactions must be what
    /// they make.
    ///
    /// # Errors
    /// [`DelegationError`] when a field cannot be read or the transactions are others.
    pub fn planned(&self, parameters: &Parameters) -> Result<PlannedTransactions, DelegationError> {
        let staking = self.staking(parameters)?;
        let plan = field("staking_amount_sat", PlannedTransactions::new(&staking, parameters))?;
        let same = [
            ("unbonding_transaction", &self.unbonding_transaction, plan.unbonding.txid()),
            ("slashing_transaction", &self.slashing_transaction, plan.slashing.txid()),
            (
                "unbonding_slashing_transaction",
                &self.unbonding_slashing_transaction,
                plan.unbonding_slashing.txid(),
            ),
        ];
        for (name, hex, expected) in same {
            let found = transaction(name, hex)?.compute_txid();
            if found != expected {
                let reason = format!("it is {found}, and the other fields make {expected}");
                return Err(DelegationError::Field { field: name, reason });
            }
        }
        Ok(plan)
    }

    /// Signs as the staker: both slashing transactions, as [`planned`](Self::planned). Takes the proof of
    /// possession in.
    ///
    /// # Errors
    /// Those of [`planned`](Self::planned), and [`DelegationError::Field`] when the key is not the staker's.
    pub fn sign_as_staker(
        &mut self,
        key: &SecretKey,
        possession: &(Claim, ProofOfPossession),
        parameters: &Parameters,
    ) -> Result<(), DelegationError> {
        let plan = self.planned(parameters)?;
        let sign = |slashing: &SlashingTransaction| field("staker", slashing.sign_as_staker(key));
        self.staker_signatures = Some(StakerField {
            slashing: sign(&plan.slashing)?,
            unbonding_slashing: sign(&plan.unbonding_slashing)?,
        });
        self.proof_of_possession = Some(PossessionField::new(possession));
        Ok(())
    }

    /// Takes in what a staker's wallet signed elsewhere: the PSBTs of both slashing transactions, and the
    /// proof of possession. The PSBTs must be of the transactions as [`planned`](Self::planned), and their
    /// signatures verify.
    ///
    /// # Errors
    /// [`DelegationError`] names what cannot be used.
    pub fn take_staker_signatures(
        &mut self,
        slashing: &Psbt,
        unbonding_slashing: &Psbt,
        possession: &(Claim, ProofOfPossession),
        parameters: &Parameters,
    ) -> Result<(), DelegationError> {
        let plan = self.planned(parameters)?;
        let read = |name: &'static str, slashing: &SlashingTransaction, signed: &Psbt| {
            let staker = field(name, slashing.signatures(signed))?.staker;
            let reason = "the staker has not signed it".to_owned();
            staker.ok_or(DelegationError::Field { field: name, reason })
        };
        self.staker_signatures = Some(StakerField {
            slashing: read("slashing_transaction", &plan.slashing, slashing)?,
            unbonding_slashing: read(
                "unbonding_slashing_transaction",
                &plan.unbonding_slashing,
                unbonding_slashing,
            )?,
        });
        self.proof_of_possession = Some(PossessionField::new(possession));
        Ok(())
    }

    fn staking(&self, parameters: &Parameters) -> Result<Funded<StakingOutput>, DelegationError> {
        let keys = self.finality_providers.read()?.keys();
        let parties = field("finality_providers", parameters.parties(self.staker, keys))?;
        let time = field("staking_time_blocks", Timelock::from_blocks(self.staking_time_blocks))?;
        let output = field("staking_time_blocks", StakingOutput::new(parties, time))?;
        let transaction = transaction("staking_transaction", &self.staking_transaction)?;
        field("staking_transaction", Funded::find(output, &transaction))
    }
}
