//! The steps that end a stake. Each needs only the parts of the delegation that it uses.

use bitcoin::secp256k1::schnorr;
use bitcoin::{Amount, Transaction};
use eots::SecretKey;

use super::data::{Delegation, PresignedSlashing, SlashedOutput};
use super::error::{DelegationError, field};
use crate::outputs::committee::CovenantCommittee;
use crate::outputs::output::{SlashingRefundOutput, StakingOutput, UnbondingOutput};
use crate::outputs::parties::Parties;
use crate::outputs::timelock::Timelock;
use crate::parameters::{Parameters, Phase1Parameters};
use crate::phase1::{Phase1Error, parse_phase1_stake};
use crate::transactions::funded::Funded;
use crate::transactions::leaf_transaction::LeafTransaction;
use crate::transactions::sighash::sum;
use crate::transactions::slashing::{Slashable, SlashingParameters, SlashingTransaction};
use crate::transactions::unbonding::UnbondingTransaction;

/// The outputs of a stake, with the outpoint of the staking output. A withdrawal needs nothing else; the
/// rules are not checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Stake {
    /// The staking output.
    pub staking: Funded<StakingOutput>,
    /// The unbonding output.
    pub unbonding_output: UnbondingOutput,
    /// The slashing refund output, the same for both slashing transactions.
    pub refund_output: SlashingRefundOutput,
}

impl Stake {
    /// Returns the outputs of a phase-1 stake, from its staking transaction and the parameters in force at
    /// the height that includes it.
    ///
    /// # Errors
    /// The errors of [`parse_phase1_stake`].
    pub fn phase1(transaction: &Transaction, parameters: &Phase1Parameters) -> Result<Self, Phase1Error> {
        let staking = parse_phase1_stake(transaction, parameters)?;
        let (parties, time) = (staking.output().parties().clone(), parameters.unbonding_time);
        let refund_output = SlashingRefundOutput::new(*parties.staker(), time)?;
        Ok(Self { staking, unbonding_output: UnbondingOutput::new(parties, time)?, refund_output })
    }
}

impl Delegation {
    /// Returns the outputs of the stake under these parameters.
    ///
    /// # Errors
    /// [`DelegationError::Field`] when the keys and times make no outputs, or the staking transaction does
    /// not pay to the staking output exactly once, as under other parameters.
    pub fn stake(&self, parameters: &Parameters) -> Result<Stake, DelegationError> {
        self.stake_with(parameters.covenant())
    }

    fn stake_with(&self, covenant: &CovenantCommittee) -> Result<Stake, DelegationError> {
        let parties = Parties::new(self.staker, self.staked_to.keys(), covenant.clone());
        let parties = field("finality_providers", parties)?;
        let time = field("staking_time_blocks", Timelock::from_blocks(self.staking_time_blocks))?;
        let unbonding_time =
            field("unbonding_time_blocks", Timelock::from_blocks(self.unbonding_time_blocks))?;
        let output = field("finality_providers", StakingOutput::new(parties.clone(), time))?;
        let staking = field("staking_transaction", Funded::find(output, &self.staking_transaction))?;
        let unbonding_output = field("finality_providers", UnbondingOutput::new(parties, unbonding_time))?;
        let refund = field("unbonding_time_blocks", SlashingRefundOutput::new(self.staker, unbonding_time))?;
        Ok(Stake { staking, unbonding_output, refund_output: refund })
    }

    /// Returns the delegation's unbonding transaction, whatever fee it pays.
    ///
    /// # Errors
    /// [`DelegationError`] when it is absent, or not of the protocol's form for this stake.
    pub fn unbonding(&self, parameters: &Parameters) -> Result<UnbondingTransaction, DelegationError> {
        self.unbonding_of(self.stake(parameters)?)
    }

    fn unbonding_of(&self, stake: Stake) -> Result<UnbondingTransaction, DelegationError> {
        const NAME: &str = "unbonding_transaction";
        let given = self.unbonding_transaction.as_ref().ok_or(DelegationError::Absent(NAME))?;
        let (amount, paid) = (stake.staking.amount(), sum(&given.output).unwrap_or(Amount::MAX));
        let rule =
            || format!("it pays {} sat; must be at most the {} sat staked", paid.to_sat(), amount.to_sat());
        let fee = field(NAME, amount.checked_sub(paid).ok_or_else(rule))?;
        let built = UnbondingTransaction::new(&stake.staking, stake.unbonding_output, fee);
        let built = field(NAME, built)?;
        same(NAME, given, built)
    }

    /// Returns the delegation's slashing transaction of an output, with the version, the script and the
    /// amounts that it has.
    ///
    /// # Errors
    /// [`DelegationError`] when it is absent, or not of the protocol's form for this stake.
    pub fn slashing(
        &self,
        which: SlashedOutput,
        parameters: &Parameters,
    ) -> Result<SlashingTransaction, DelegationError> {
        let stake = self.stake(parameters)?;
        let slashing = parameters.slashing_parameters();
        let (name, given) = self.presigned_slashing(which)?;
        if which == SlashedOutput::Staking {
            return slashing_of(name, &given.transaction, &stake.staking, &slashing, stake.refund_output);
        }
        let refund = stake.refund_output.clone();
        let unbonding = self.unbonding_of(stake)?.unbonding_output();
        slashing_of(name, &given.transaction, &unbonding, &slashing, refund)
    }

    fn presigned_slashing(
        &self,
        which: SlashedOutput,
    ) -> Result<(&'static str, &PresignedSlashing), DelegationError> {
        let (name, given) = match which {
            SlashedOutput::Staking => ("slashing_transaction", self.slashing.as_ref()),
            SlashedOutput::Unbonding => ("unbonding_slashing_transaction", self.unbonding_slashing.as_ref()),
        };
        given.map(|given| (name, given)).ok_or(DelegationError::Absent(name))
    }

    /// Finalizes the unbonding transaction with the staker's signature and a quorum of the covenant's.
    ///
    /// # Errors
    /// The errors of [`unbonding`](Self::unbonding), and [`DelegationError::Field`] when a signature does not
    /// verify or too few covenant members have signed.
    pub fn unbond(
        &self,
        staker: &schnorr::Signature,
        parameters: &Parameters,
    ) -> Result<Transaction, DelegationError> {
        let covenant: Vec<_> = self.covenant_signatures.iter().map(|given| given.unbonding).collect();
        field("covenant_signatures", self.unbonding(parameters)?.finalize(staker, &covenant))
    }

    /// Finalizes a slashing transaction with the extracted key of one of the stake's finality providers: the
    /// staker's signature is in the delegation, and the covenant's are decrypted with the key.
    ///
    /// # Errors
    /// The errors of [`slashing`](Self::slashing), and [`DelegationError`] when the staker has not signed,
    /// the key is not of a finality provider of the stake, or less than a quorum of the covenant's signatures
    /// is usable.
    pub fn slash(
        &self,
        which: SlashedOutput,
        provider_key: &SecretKey,
        parameters: &Parameters,
    ) -> Result<Transaction, DelegationError> {
        let slashing = self.slashing(which, parameters)?;
        let (_, given) = self.presigned_slashing(which)?;
        let staker = given.staker_signature.ok_or(DelegationError::Absent("staker_signatures"))?;
        let given = self.covenant_signatures.iter();
        let covenant: Vec<_> = given.map(|given| given.slashing_of(which).clone()).collect();
        field("covenant_signatures", slashing.slash(&staker, &covenant, provider_key))
    }
}

fn slashing_of<O: Slashable>(
    name: &'static str,
    given: &Transaction,
    source: &Funded<O>,
    parameters: &SlashingParameters,
    refund: SlashingRefundOutput,
) -> Result<SlashingTransaction, DelegationError> {
    let [slashed, refunded] = given.output.as_slice() else {
        let cause = format!("it has {} outputs; must have 2", given.output.len());
        return Err(DelegationError::Field { field: name, cause: cause.into() });
    };
    // The script is the one that was signed; `check` compares it with the parameters.
    let parameters = SlashingParameters { pk_script: slashed.script_pubkey.clone(), ..parameters.clone() };
    let amounts = [slashed.value, refunded.value];
    let built = SlashingTransaction::laid_out(source, &parameters, refund, given.version, amounts);
    same(name, given, field(name, built)?)
}

/// Refuses to return a transaction that is not the delegation's own.
fn same<T: LeafTransaction>(name: &'static str, given: &Transaction, built: T) -> Result<T, DelegationError> {
    let (found, expected) = (given.compute_txid(), built.txid());
    if found == expected {
        Ok(built)
    } else {
        Err(DelegationError::OtherTransaction { field: name, found, expected })
    }
}

impl PresignedSlashing {
    /// Returns the transaction without a signature.
    pub const fn unsigned(transaction: Transaction) -> Self {
        Self { transaction, staker_signature: None }
    }
}
