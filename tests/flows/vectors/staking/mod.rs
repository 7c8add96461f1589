//! Staking outputs, the transactions that spend them, and broken ones.

mod inclusion;
mod negative;
mod negative_stakes;
mod outputs;
mod requests;
mod transactions;

use bitcoin::consensus::encode;
use bitcoin::{Network, Transaction, XOnlyPublicKey};
use serde::Deserialize;
use staking_scripts::{CovenantCommittee, Parties, StakingOutput, Timelock, UnbondingOutput};

use super::{Bytes, Hex, cases_of};

/// How many stakes there are; `outputs.json` and `transactions.json` have one case for each.
const STAKES: usize = 300;

const NETWORKS: [Network; 3] = [Network::Bitcoin, Network::Signet, Network::Regtest];

/// A case of `outputs.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    staker: Bytes<32>,
    finality_providers: Vec<Bytes<32>>,
    covenant: Vec<Bytes<32>>,
    quorum: u16,
    staking_time: u32,
    unbonding_time: u32,
    timelock_script: Hex,
    unbonding_script: Hex,
    slashing_script: Hex,
    unbonding_timelock_script: Hex,
    staking: Output,
    unbonding: Output,
    refund: Output,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Output {
    script_pubkey: Hex,
    addresses: [String; 3],
    timelock_control_block: Hex,
    unbonding_control_block: Option<Hex>,
    slashing_control_block: Option<Hex>,
}

impl Outputs {
    fn all() -> impl Iterator<Item = (usize, Self)> {
        cases_of("staking", "outputs", STAKES)
    }

    fn parties(&self) -> Parties {
        let committee = CovenantCommittee::new(keys(&self.covenant), self.quorum).unwrap();
        Parties::new(self.staker.public_key(), keys(&self.finality_providers), committee).unwrap()
    }

    fn staking_output(&self) -> StakingOutput {
        StakingOutput::new(self.parties(), time(self.staking_time)).unwrap()
    }

    fn unbonding_output(&self) -> UnbondingOutput {
        UnbondingOutput::new(self.parties(), time(self.unbonding_time)).unwrap()
    }
}

fn keys(keys: &[Bytes<32>]) -> Vec<XOnlyPublicKey> {
    keys.iter().map(Bytes::public_key).collect()
}

fn time(blocks: u32) -> Timelock {
    Timelock::from_blocks(blocks).unwrap()
}

fn transaction(bytes: &Hex) -> Transaction {
    encode::deserialize(&bytes.0).unwrap()
}
