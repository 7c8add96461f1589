//! The parameters of stakes: versions, each in force from its activation height on.
//!
//! A stake keeps the version that it was made under: its outputs, its unbonding and its slashing transactions
//! are those of that version, whatever comes later. So a history has every version.

mod common;
mod live;
mod mainnet;
mod phase1;
mod rules;
pub(crate) mod unique;
mod versions;

use std::ops::RangeInclusive;

use bitcoin::absolute::Height;
use bitcoin::{Amount, ScriptBuf, XOnlyPublicKey};

pub use self::common::CommonParameters;
pub use self::mainnet::{CheckpointParameters, DifferentField, ParametersDifference};
pub use self::phase1::{Phase1Parameters, StakingCap};
pub use self::rules::{ParametersError, ParametersRule, ParametersViolation};
pub use self::versions::{ParametersHistory, ParametersVersion};
use crate::outputs::committee::CovenantCommittee;
use crate::outputs::error::InvalidParties;
use crate::outputs::parties::Parties;
use crate::outputs::relay::UnsafeOutput;
use crate::outputs::timelock::Timelock;
use crate::transactions::slashing::SlashingParameters;
use crate::transactions::slashing_rate::SlashingRate;

/// One version of the parameters of Babylon Genesis. A value keeps every rule of [`ParametersRule`] but
/// [`SlashingDestination`](ParametersRule::SlashingDestination), which
/// [`check_new_stakes`](Self::check_new_stakes) has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {
    activation_height: Height,
    covenant: CovenantCommittee,
    staking_amount: RangeInclusive<Amount>,
    staking_time: RangeInclusive<Timelock>,
    slashing_pk_script: ScriptBuf,
    slashing_rate: SlashingRate,
    min_slashing_fee: Amount,
    unbonding_time: Timelock,
    unbonding_fee: Amount,
    chain: ChainParameters,
}

/// The parameters of a version that concern Babylon Genesis only. They change nothing on Bitcoin, and a file
/// may leave them out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChainParameters {
    /// The lowest commission of a finality provider, as the decimal number that the file has.
    pub min_commission_rate: Option<String>,
    /// The lowest gas of creating a delegation.
    pub delegation_creation_base_gas_fee: Option<u64>,
    /// The height of Babylon Genesis up to which only stakes on its allow list may register.
    pub allow_list_expiration_height: Option<u64>,
}

impl Parameters {
    /// Returns the Bitcoin height from which on this version is in force.
    pub const fn activation_height(&self) -> Height {
        self.activation_height
    }

    /// Returns the covenant committee.
    pub const fn covenant(&self) -> &CovenantCommittee {
        &self.covenant
    }

    /// Returns the range of the staking amount.
    pub const fn staking_amount(&self) -> &RangeInclusive<Amount> {
        &self.staking_amount
    }

    /// Returns the range of the staking time.
    pub const fn staking_time(&self) -> &RangeInclusive<Timelock> {
        &self.staking_time
    }

    /// Returns the script pubkey that the slashed part is paid to.
    pub const fn slashing_pk_script(&self) -> &ScriptBuf {
        &self.slashing_pk_script
    }

    /// Checks the rule that only new stakes and signatures must keep: what is slashed goes to a script that
    /// somebody can spend on purpose, or burns in an output that nodes relay. A stake that was made under a
    /// version that breaks it can still be unbonded, slashed and withdrawn.
    ///
    /// # Errors
    /// [`UnsafeOutput`] with the script.
    pub fn check_new_stakes(&self) -> Result<(), UnsafeOutput> {
        UnsafeOutput::check_slashing_script(&self.slashing_pk_script)
    }

    /// Returns the slashing rate.
    pub const fn slashing_rate(&self) -> SlashingRate {
        self.slashing_rate
    }

    /// Returns the lowest fee of a slashing transaction.
    pub const fn min_slashing_fee(&self) -> Amount {
        self.min_slashing_fee
    }

    /// Returns the unbonding time, the timelock of unbonding and slashing refund outputs.
    pub const fn unbonding_time(&self) -> Timelock {
        self.unbonding_time
    }

    /// Returns the fee of an unbonding transaction, exactly.
    pub const fn unbonding_fee(&self) -> Amount {
        self.unbonding_fee
    }

    /// Returns the parameters that concern Babylon Genesis only.
    pub const fn chain(&self) -> &ChainParameters {
        &self.chain
    }

    /// Returns the parameters of a slashing transaction, with the lowest fee.
    pub fn slashing_parameters(&self) -> SlashingParameters {
        SlashingParameters {
            pk_script: self.slashing_pk_script.clone(),
            rate: self.slashing_rate,
            fee: self.min_slashing_fee,
            unbonding_time: self.unbonding_time,
        }
    }

    /// Returns the parties of a stake under these parameters.
    ///
    /// # Errors
    /// [`InvalidParties`] when there is no finality provider, or a key occurs twice.
    pub fn parties(
        &self,
        staker: XOnlyPublicKey,
        finality_providers: impl IntoIterator<Item = XOnlyPublicKey>,
    ) -> Result<Parties, InvalidParties> {
        Parties::new(staker, finality_providers, self.covenant.clone())
    }
}

impl ParametersHistory<Parameters> {
    /// Returns the rules that the versions break all the same: those that only new stakes and signatures must
    /// keep ([`ParametersRule::is_of_new_stakes`]).
    pub fn violations(&self) -> Vec<ParametersViolation> {
        let checked = self.iter().map(Parameters::check_new_stakes).enumerate();
        let broken = checked.filter_map(|(version, checked)| Some((version, checked.err()?)));
        let rule = ParametersRule::SlashingDestination;
        broken.map(|(version, found)| ParametersViolation { version, rule: rule(found) }).collect()
    }

    /// Returns mainnet's versions 0 to 5, which are built in; `data/README.md` has their source. Governance
    /// may have added versions since: a node of Babylon Genesis has all of them.
    ///
    /// # Errors
    /// [`ParametersError`], which does not occur: a test checks the data.
    pub fn mainnet() -> Result<Self, ParametersError> {
        Self::from_json(include_str!("../../data/mainnet-parameters.json"))
    }
}

impl ParametersHistory<Phase1Parameters> {
    /// Returns mainnet's versions 0 to 2 of phase 1.
    ///
    /// # Errors
    /// [`ParametersError`], which does not occur: a test checks the data.
    pub fn mainnet_phase1() -> Result<Self, ParametersError> {
        Self::from_json(include_str!("../../data/mainnet-phase1-parameters.json"))
    }
}
