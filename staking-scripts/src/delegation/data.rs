//! The aggregate [`Delegation`]: all that is known of a stake.

use std::collections::BTreeSet;

use bitcoin::absolute::Height;
use bitcoin::secp256k1::schnorr;
use bitcoin::{Amount, Transaction, TxOut, Txid, XOnlyPublicKey};

use super::covenant::CovenantSignatures;
use super::error::DelegationError;
use super::included::StakeInclusion;
use crate::outputs::output::StakingOutput;
use crate::outputs::providers::StakedTo;
use crate::outputs::timelock::Timelock;
use crate::parameters::{Parameters, ParametersHistory, ParametersVersion};
use crate::possession::{PossessionMessage, ProofOfPossession};
use crate::transactions::funded::{Funded, FundedError};
use crate::transactions::leaf_transaction::LeafTransaction as _;

/// A stake and all that is known of it. Each part that a source may lack is optional; each step needs only
/// what it uses. The parts are well formed and nothing more: [`check`](Self::check) checks the rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Delegation {
    /// The version of the parameters that it names.
    pub parameters: ParametersAt,
    /// The staker's key.
    pub staker: XOnlyPublicKey,
    /// The finality providers.
    pub staked_to: StakedTo,
    /// The staking time in blocks.
    pub staking_time_blocks: u32,
    /// The amount staked.
    pub staking_amount: Amount,
    /// The unbonding time in blocks.
    pub unbonding_time_blocks: u32,
    /// The staking transaction. Its witnesses do not matter.
    pub staking_transaction: Transaction,
    /// The unbonding transaction.
    pub unbonding_transaction: Option<Transaction>,
    /// The slashing transaction of the staking output.
    pub slashing: Option<PresignedSlashing>,
    /// The slashing transaction of the unbonding output.
    pub unbonding_slashing: Option<PresignedSlashing>,
    /// The staker's proof of possession, and its message. Only the chain and the covenant committee need it.
    pub proof_of_possession: Option<(PossessionMessage, ProofOfPossession)>,
    /// The signatures of covenant members.
    pub covenant_signatures: Vec<CovenantSignatures>,
    /// The running stake that this one extends.
    pub extends: Option<RunningStake>,
    /// The SPV proof of the staking transaction; absent for a stake that is registered before it is included.
    pub inclusion: Option<StakeInclusion>,
}

/// The output that a slashing transaction spends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlashedOutput {
    /// The staking output.
    Staking,
    /// The unbonding output.
    Unbonding,
}

/// A slashing transaction with the staker's signature.
#[derive(Debug, Clone, PartialEq)]
pub struct PresignedSlashing {
    /// The transaction.
    pub transaction: Transaction,
    /// The staker's signature.
    pub staker_signature: Option<schnorr::Signature>,
}

/// The running stake that an extension spends.
#[derive(Debug, Clone, PartialEq)]
pub struct RunningStake {
    /// The id of its staking transaction.
    pub txid: Txid,
    /// The parts of it that are known; `None` in a node's response, which has its id alone.
    pub stake: Option<PreviousStake>,
    /// The output that the extension's second input spends.
    pub funding: TxOut,
}

/// The parts of a running stake that an extension of it needs.
#[derive(Debug, Clone, PartialEq)]
pub struct PreviousStake {
    /// The version of the parameters that it was made under.
    pub parameters: ParametersAt,
    /// The finality providers of the running stake.
    pub staked_to: StakedTo,
    /// The staking time of the running stake in blocks.
    pub staking_time_blocks: u32,
    /// The staking transaction of the running stake.
    pub staking_transaction: Transaction,
    /// The staked amount, where the staking transaction pays to a script more than once.
    pub staking_amount: Option<Amount>,
}

impl PreviousStake {
    /// Returns the running stake's output, which its transaction pays to.
    pub(super) fn find(&self, output: StakingOutput) -> Result<Funded<StakingOutput>, FundedError> {
        match self.staking_amount {
            Some(amount) => Funded::find_holding(output, &self.staking_transaction, amount),
            None => Funded::find(output, &self.staking_transaction),
        }
    }
}

/// Returns whether two outputs of the transaction have the same script.
fn repeats_a_script(transaction: &Transaction) -> bool {
    let scripts: BTreeSet<_> = transaction.output.iter().map(|output| &output.script_pubkey).collect();
    scripts.len() < transaction.output.len()
}

/// The reference of a delegation to the version of the parameters that it is made under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParametersAt {
    /// A Bitcoin height at which the version is in force: of the inclusion, or of the tip when the stake is
    /// registered before it is included.
    Height(Height),
    /// The version's number.
    Version(u32),
    /// No version, as in a message that registers a stake: the caller must know it.
    Unstated,
}

impl ParametersAt {
    /// Returns the version's number, and the version: of a history without numbers, the only one.
    ///
    /// # Errors
    /// [`DelegationError::NotInForce`], [`DelegationError::NoSuchVersion`] or [`DelegationError::Unstated`].
    pub fn resolve<P: ParametersVersion>(
        self,
        history: &ParametersHistory<P>,
    ) -> Result<(usize, &P), DelegationError> {
        match self {
            Self::Height(height) => history.in_force(height).map_err(DelegationError::NotInForce),
            Self::Unstated => Err(DelegationError::Unstated),
            Self::Version(version) => {
                // A single answer of a node has no number; the check finds what is not of its version.
                let number = if history.is_numbered() { version } else { 0 };
                let number = usize::try_from(number).unwrap_or(usize::MAX);
                let last = history.iter().len().saturating_sub(1);
                let error = DelegationError::NoSuchVersion { version, last };
                history.get(number).map(|parameters| (number, parameters)).ok_or(error)
            }
        }
    }
}

impl Delegation {
    /// Returns the version of the parameters that the delegation is made under: the one that it names. Where
    /// it names none, as a message that registers a stake, it is the one whose committee makes the staking
    /// output; of several, the last of those with the most of its times, amounts, fees and slashing script.
    /// Where no version does, it is the last one, so that what differs is found.
    ///
    /// # Errors
    /// The errors of [`ParametersAt::resolve`].
    pub fn parameters<'a>(
        &self,
        history: &'a ParametersHistory<Parameters>,
    ) -> Result<(usize, &'a Parameters), DelegationError> {
        if self.parameters != ParametersAt::Unstated {
            return self.parameters.resolve(history);
        }
        let makes = |version: &Parameters| self.stake(version.covenant()).is_ok();
        let made = history.iter().enumerate().filter(|(_, version)| makes(version));
        // Of equal ones, the last.
        let found = made.max_by_key(|(_, version)| self.agreement(version));
        found.or_else(|| history.iter().enumerate().last()).ok_or(DelegationError::Unstated)
    }

    /// Returns how many of the delegation's times, amounts, fees and scripts are those of a version.
    fn agreement(&self, version: &Parameters) -> usize {
        let time = Timelock::from_blocks(self.staking_time_blocks);
        let unbonding = self.unbonding(version.covenant()).ok();
        let pays = |slashing: &Option<PresignedSlashing>| {
            let slashed = slashing.as_ref().and_then(|slashing| slashing.transaction.output.first());
            slashed.is_some_and(|slashed| slashed.script_pubkey == *version.slashing_pk_script())
        };
        let same = [
            time.is_ok_and(|time| version.staking_time().contains(&time)),
            version.staking_amount().contains(&self.staking_amount),
            u32::from(version.unbonding_time().blocks()) == self.unbonding_time_blocks,
            unbonding.is_some_and(|unbonding| unbonding.fee() == version.unbonding_fee()),
            pays(&self.slashing) && pays(&self.unbonding_slashing),
        ];
        same.into_iter().filter(|same| *same).count()
    }

    /// Returns the version of the parameters that the running stake was made under, in the way of
    /// [`parameters`](Self::parameters). `None` for a delegation that extends no stake, or where the parts of
    /// the running stake are not known.
    pub fn previous_parameters<'a>(
        &self,
        history: &'a ParametersHistory<Parameters>,
    ) -> Option<&'a Parameters> {
        let stake = self.extends.as_ref()?.stake.as_ref()?;
        if stake.parameters != ParametersAt::Unstated {
            return stake.parameters.resolve(history).ok().map(|(_, parameters)| parameters);
        }
        let time = Timelock::from_blocks(stake.staking_time_blocks).ok()?;
        let makes = |version: &&Parameters| {
            let parties = version.parties(self.staker, stake.staked_to.keys()).ok();
            let output = parties.and_then(|parties| StakingOutput::new(parties, time).ok());
            output.is_some_and(|output| stake.find(output).is_ok())
        };
        history.iter().filter(makes).last()
    }

    /// Adds what is known of the running stake that this one extends: `previous` must be its delegation.
    ///
    /// # Errors
    /// [`DelegationError::Absent`] when this stake extends no other, [`DelegationError::OtherTransaction`]
    /// for the delegation of another stake.
    pub fn set_previous(&mut self, previous: &Self) -> Result<(), DelegationError> {
        let running = self.extends.as_mut().ok_or(DelegationError::Absent("extends"))?;
        let (found, expected) = (previous.staking_transaction.compute_txid(), running.txid);
        if found != expected {
            return Err(DelegationError::OtherTransaction { field: "extends", found, expected });
        }
        running.stake = Some(PreviousStake {
            parameters: previous.parameters,
            staked_to: previous.staked_to.clone(),
            staking_time_blocks: previous.staking_time_blocks,
            staking_transaction: previous.staking_transaction.clone(),
            staking_amount: repeats_a_script(&previous.staking_transaction)
                .then_some(previous.staking_amount),
        });
        Ok(())
    }
}
