//! What the staker does with a delegation: it begins the file, and signs.

use bitcoin::Transaction;
use bitcoin::consensus::encode::serialize_hex;
use eots::SecretKey;

use super::file::{DelegationError, DelegationFile, PossessionField, ProvidersField, StakerField, field, transaction};
use crate::funded::Funded;
use crate::outputs::{StakingOutput, UnbondingOutput};
use crate::parameters::Parameters;
use crate::pop::{Claim, ProofOfPossession};
use crate::providers::StakedTo;
use crate::slashing::{SlashingError, SlashingTransaction};
use crate::timelock::Timelock;
use crate::unbonding::{UnbondingError, UnbondingTransaction};

/// What may become of a stake, under the parameters it is made under.
struct Plan {
    unbonding: UnbondingTransaction,
    slashing: SlashingTransaction,
    unbonding_slashing: SlashingTransaction,
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

impl Plan {
    fn new(staking: &Funded<StakingOutput>, parameters: &Parameters) -> Result<Self, PlanError> {
        let parties = staking.output().parties().clone();
        let output = UnbondingOutput::new(parties, parameters.unbonding_time()).map_err(SlashingError::from)?;
        let unbonding = UnbondingTransaction::new(staking, output, parameters.unbonding_fee())?;
        let terms = parameters.slashing_terms();
        let slashing = SlashingTransaction::new(staking, &terms)?;
        let unbonding_slashing = SlashingTransaction::new(&unbonding.unbonding_output(), &terms)?;
        Ok(Self { unbonding, slashing, unbonding_slashing })
    }
}

impl DelegationFile {
    /// The file that a staker begins with: the stake that `transaction` makes, and what is to be signed in advance, under `parameters`.
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
        let plan = Plan::new(staking, parameters)?;
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
            proof_of_possession: None,
            staker_signatures: None,
            covenant_answers: Vec::new(),
        })
    }

    /// Signs as the staker: both slashing transactions, over sighashes computed from the file's other fields; the file's transactions must be
    /// what they make. Takes the proof of possession in.
    ///
    /// # Errors
    /// [`DelegationError`] when a field cannot be read or the transactions are others, or the key is not the staker's.
    pub fn sign_as_staker(
        &mut self,
        key: &SecretKey,
        possession: &(Claim, ProofOfPossession),
        parameters: &Parameters,
    ) -> Result<(), DelegationError> {
        let staking = self.staking(parameters)?;
        let plan = field("staking_amount_sat", Plan::new(&staking, parameters))?;
        let same = [
            ("unbonding_transaction", &self.unbonding_transaction, plan.unbonding.txid()),
            ("slashing_transaction", &self.slashing_transaction, plan.slashing.txid()),
            ("unbonding_slashing_transaction", &self.unbonding_slashing_transaction, plan.unbonding_slashing.txid()),
        ];
        for (name, hex, expected) in same {
            let found = transaction(name, hex)?.compute_txid();
            if found != expected {
                let reason = format!("it is {found}, and the other fields make {expected}");
                return Err(DelegationError::Field { field: name, reason });
            }
        }
        let sign = |slashing: &SlashingTransaction| field("staker", slashing.sign_as_staker(key));
        self.staker_signatures =
            Some(StakerField { slashing: sign(&plan.slashing)?, unbonding_slashing: sign(&plan.unbonding_slashing)? });
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
