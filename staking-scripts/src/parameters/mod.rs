//! The parameters that stakes are made under: versions, each in force from its activation height on.
//!
//! A stake keeps the version it was made under for its whole life, so versions are never forgotten: its
//! outputs, its unbonding and its slashing transactions are those of the old version, whatever came later.

mod live;
mod phase1;
mod rules;
mod versions;

use std::ops::RangeInclusive;

use bitcoin::absolute::Height;
use bitcoin::{Amount, ScriptBuf, XOnlyPublicKey};

pub use self::phase1::{Phase1Parameters, StakingCap};
pub use self::rules::{ParametersError, ParametersRule, ParametersViolation};
pub use self::versions::{ParametersHistory, ParametersVersion};
use crate::outputs::committee::CovenantCommittee;
use crate::outputs::error::InvalidParties;
use crate::outputs::parties::Parties;
use crate::outputs::timelock::Timelock;
use crate::transactions::slashing::SlashingParameters;
use crate::transactions::slashing_rate::SlashingRate;

/// One version of the parameters of the network that runs today. One that exists keeps every rule of
/// [`ParametersRule`].
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

/// What a version says that concerns the secured chain only. It changes nothing on Bitcoin; a file that
/// leaves it out is complete here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChainParameters {
    /// The least commission that a finality provider may take, as the decimal number that the file has.
    pub min_commission_rate: Option<String>,
    /// The gas that creating a delegation costs at least.
    pub delegation_creation_base_gas_fee: Option<u64>,
    /// The secured chain's height up to which only listed stakes may register.
    pub allow_list_expiration_height: Option<u64>,
}

impl Parameters {
    /// The Bitcoin height from which on this version is in force.
    pub const fn activation_height(&self) -> Height {
        self.activation_height
    }

    /// The covenant committee.
    pub const fn covenant(&self) -> &CovenantCommittee {
        &self.covenant
    }

    /// How much may be staked.
    pub const fn staking_amount(&self) -> &RangeInclusive<Amount> {
        &self.staking_amount
    }

    /// For how long.
    pub const fn staking_time(&self) -> &RangeInclusive<Timelock> {
        &self.staking_time
    }

    /// Where the slashed part goes.
    pub const fn slashing_pk_script(&self) -> &ScriptBuf {
        &self.slashing_pk_script
    }

    /// Which part is slashed.
    pub const fn slashing_rate(&self) -> SlashingRate {
        self.slashing_rate
    }

    /// What a slashing transaction must pay at least.
    pub const fn min_slashing_fee(&self) -> Amount {
        self.min_slashing_fee
    }

    /// How long an unbonding stake waits, and what slashing left of a stake.
    pub const fn unbonding_time(&self) -> Timelock {
        self.unbonding_time
    }

    /// What an unbonding transaction pays, exactly.
    pub const fn unbonding_fee(&self) -> Amount {
        self.unbonding_fee
    }

    /// What concerns the secured chain only.
    pub const fn chain(&self) -> &ChainParameters {
        &self.chain
    }

    /// The slashing terms with the least fee.
    pub fn slashing_parameters(&self) -> SlashingParameters {
        SlashingParameters {
            pk_script: self.slashing_pk_script.clone(),
            rate: self.slashing_rate,
            fee: self.min_slashing_fee,
            unbonding_time: self.unbonding_time,
        }
    }

    /// The parties of a stake under these parameters.
    ///
    /// # Errors
    /// [`InvalidParties`] when there is no provider, or a key stands twice.
    pub fn parties(
        &self,
        staker: XOnlyPublicKey,
        finality_providers: impl IntoIterator<Item = XOnlyPublicKey>,
    ) -> Result<Parties, InvalidParties> {
        Parties::new(staker, finality_providers, self.covenant.clone())
    }
}

impl ParametersHistory<Parameters> {
    /// Mainnet's versions 0 to 4, which are built in. `data/README.md` says where they come from, and
    /// governance may have added others since: the secured chain has the last word.
    ///
    /// # Errors
    /// None: the data is checked by a test.
    pub fn mainnet() -> Result<Self, ParametersError> {
        Self::from_json(include_str!("../../data/mainnet-parameters.json"))
    }
}

impl ParametersHistory<Phase1Parameters> {
    /// Mainnet's versions 0 to 2 of phase 1.
    ///
    /// # Errors
    /// None: the data is checked by a test.
    pub fn mainnet_phase1() -> Result<Self, ParametersError> {
        Self::from_json(include_str!("../../data/mainnet-phase1-parameters.json"))
    }
}
