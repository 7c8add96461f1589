//! A stake with everybody's secret keys.

use bitcoin::hashes::Hash;
use bitcoin::{Amount, OutPoint, ScriptBuf, Txid};
use eots::SecretKey;

use super::{key, keys, parties};
use crate::outputs::{Parties, StakingOutput, Timelock, UnbondingOutput};
use crate::transactions::{Funded, SlashingParameters, SlashingRate};

/// A stake of 1 000 000 sat for 1000 blocks with the secret keys of its parties, and without a staking
/// transaction.
#[derive(Debug)]
pub struct Scene {
    /// The staker's key.
    pub staker: SecretKey,
    /// The finality providers' keys.
    pub providers: Vec<SecretKey>,
    /// The covenant members' keys.
    pub covenant: Vec<SecretKey>,
    /// The parties.
    pub parties: Parties,
    /// The staking output, with a made-up outpoint.
    pub staking: Funded<StakingOutput>,
    /// The unbonding output, with an unbonding time of 100 blocks.
    pub unbonding: UnbondingOutput,
    /// The slashing parameters: a rate of 0.001, burnt, and a fee of 2000 sat.
    pub slashing_parameters: SlashingParameters,
}

impl Scene {
    /// Returns a stake to this many finality providers, under a committee of this many members and this
    /// quorum.
    pub fn new(providers: usize, members: usize, quorum: u16) -> Self {
        let (staker, providers, covenant) =
            (key("staker", 0), keys("provider", providers), keys("member", members));
        let parties = parties(&staker, &providers, &covenant, quorum);
        let output = StakingOutput::new(parties.clone(), Timelock::from_blocks(1000).unwrap()).unwrap();
        let unbonding = UnbondingOutput::new(parties.clone(), Timelock::from_blocks(100).unwrap()).unwrap();
        let outpoint = OutPoint::new(Txid::from_byte_array([7; 32]), 1);
        let staking = Funded::new(output, outpoint, Amount::from_sat(1_000_000));
        let slashing_parameters = SlashingParameters {
            pk_script: ScriptBuf::from_hex("6a07626162796c6f6e").unwrap(),
            rate: SlashingRate::from_ten_thousandths(10).unwrap(),
            fee: Amount::from_sat(2000),
            unbonding_time: Timelock::from_blocks(100).unwrap(),
        };
        Self { staker, providers, covenant, parties, staking, unbonding, slashing_parameters }
    }
}
