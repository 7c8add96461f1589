//! What the outputs and transactions promise. Spends are judged by Bitcoin Core's engine in the `tests`
//! package; here the judges are scripts written down byte by byte, and the signature checks of libsecp256k1.

#![allow(clippy::arithmetic_side_effects, clippy::as_conversions)]

mod announcement;
mod coins;
mod descriptor;
mod explaining;
mod extension;
mod fees;
mod finished;
mod hostile;
mod outputs;
mod parameters;
mod psbt_signing;
mod quantities;
mod requests;
mod scan;
mod selective;
mod signed;
mod stakes;
mod status;
mod transactions;

use bitcoin::hashes::{Hash, sha256};
use bitcoin::{Amount, OutPoint, ScriptBuf, Txid, XOnlyPublicKey};
use eots::SecretKey;

use crate::{
    CovenantCommittee, Funded, Parties, SlashingRate, SlashingTerms, StakingOutput, Timelock, UnbondingOutput,
};

/// A key that differs with its name and number.
fn key(name: &str, number: usize) -> SecretKey {
    SecretKey::from_bytes(&sha256::Hash::hash(format!("{name} {number}").as_bytes()).to_byte_array()).unwrap()
}

fn keys(name: &str, count: usize) -> Vec<SecretKey> {
    (0..count).map(|number| key(name, number)).collect()
}

fn public(keys: &[SecretKey]) -> Vec<XOnlyPublicKey> {
    keys.iter().map(|key| *key.public_key()).collect()
}

/// A stake with the secrets of everyone in it.
struct Scene {
    staker: SecretKey,
    providers: Vec<SecretKey>,
    covenant: Vec<SecretKey>,
    parties: Parties,
    staking: Funded<StakingOutput>,
    unbonding: UnbondingOutput,
    terms: SlashingTerms,
}

impl Scene {
    fn new(providers: usize, members: usize, quorum: u16) -> Self {
        let (staker, providers, covenant) =
            (key("staker", 0), keys("provider", providers), keys("member", members));
        let committee = CovenantCommittee::new(public(&covenant), quorum).unwrap();
        let parties = Parties::new(*staker.public_key(), public(&providers), committee).unwrap();
        let output = StakingOutput::new(parties.clone(), Timelock::from_blocks(1000).unwrap()).unwrap();
        let unbonding = UnbondingOutput::new(parties.clone(), Timelock::from_blocks(100).unwrap()).unwrap();
        let outpoint = OutPoint::new(Txid::from_byte_array([7; 32]), 1);
        let staking = Funded::new(output, outpoint, Amount::from_sat(1_000_000));
        let terms = SlashingTerms {
            pk_script: ScriptBuf::from_hex("6a07626162796c6f6e").unwrap(),
            rate: SlashingRate::from_ten_thousandths(10).unwrap(),
            fee: Amount::from_sat(2000),
            unbonding_time: Timelock::from_blocks(100).unwrap(),
        };
        Self { staker, providers, covenant, parties, staking, unbonding, terms }
    }
}
