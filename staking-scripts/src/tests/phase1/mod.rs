//! Phase-1 stakes.

mod contradiction;
mod parse;
mod rules;
mod scan;

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{Amount, ScriptBuf, Transaction, TxIn, TxOut};

use crate::outputs::{OpReturnData, Parties, StakingOutput, Timelock};
use crate::parameters::{ParametersHistory, Phase1Parameters};
use crate::testing::key;

fn time(blocks: u32) -> Timelock {
    Timelock::from_blocks(blocks).unwrap()
}

fn mainnet() -> ParametersHistory<Phase1Parameters> {
    ParametersHistory::mainnet_phase1().unwrap()
}

/// Data with mainnet's tag and this staking time.
fn said(blocks: u32) -> OpReturnData {
    let (staker, finality_provider) = (*key("staker", 0).public_key(), *key("provider", 0).public_key());
    OpReturnData { tag: *b"bbn1", staker, finality_provider, staking_time: time(blocks) }
}

fn paying(sat: u64, script_pubkey: ScriptBuf) -> TxOut {
    TxOut { value: Amount::from_sat(sat), script_pubkey }
}

/// The staking output of these data, under the committee of mainnet.
fn staking(said: &OpReturnData) -> StakingOutput {
    let covenant = mainnet().get(0).unwrap().covenant.clone();
    let parties = Parties::new(said.staker, [said.finality_provider], covenant).unwrap();
    StakingOutput::new(parties, said.staking_time).unwrap()
}

/// A transaction with these data, and beside them the output of `beside`.
fn stating(said: &OpReturnData, beside: &OpReturnData, sat: u64) -> Transaction {
    let output = vec![paying(0, said.script()), staking(beside).taproot().paying(Amount::from_sat(sat))];
    Transaction { version: Version::TWO, lock_time: LockTime::ZERO, input: vec![TxIn::default()], output }
}
