//! A store with as many stakes as somebody likes. Nothing of them is true: they take as much room and time as
//! those that are.
#![allow(
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "made-up numbers are small"
)]

use bitcoin::hashes::{Hash as _, sha256};
use bitcoin::secp256k1::{Keypair, SECP256K1, SecretKey};
use bitcoin::{OutPoint, Txid, XOnlyPublicKey};
use chain::ChainTip;
use staking_scripts::Timelock;
use staking_scripts::delegation::StakeTimes;
use store::{ChangeSet, Store};

use crate::facts::{LeafMarks, StakeFacts};
use crate::rows::{self, RowError};
use crate::stake::TrackedStake;
use crate::tracker::Tracker;

/// To how many providers they are.
const PROVIDERS: u32 = 100;
/// How many are stored at once.
const AT_ONCE: u32 = 10_000;

/// Stores so many stakes in an empty store: all of them in blocks up to `tip`, which is the last block that
/// was seen.
///
/// # Errors
/// [`RowError`]: the store does not answer.
pub fn fill(store: &mut dyn Store, stakes: u32, tip: ChainTip, depth: u32) -> Result<(), RowError> {
    let mut tracker = Tracker::new(tip);
    let providers: Vec<XOnlyPublicKey> = (0..PROVIDERS).map(provider).collect();
    let mut changes = ChangeSet::new();
    rows::put_tip(&mut changes, tip);
    rows::put_depth(&mut changes, depth);
    rows::put_passed(&mut changes, tip);
    for number in 0..stakes {
        let facts = facts(number, &providers);
        let mut stake = TrackedStake::of(&facts, tracker.provider_numbers(&facts.providers));
        stake.include(number % tip.height.to_u32().max(1));
        rows::put_stake(&mut changes, &stake, &tracker);
        if number % AT_ONCE == 0 {
            store.apply(&std::mem::take(&mut changes))?;
        }
    }
    Ok(store.apply(&changes)?)
}

/// The staking output of the stake of this number.
pub fn outpoint(number: u32) -> OutPoint {
    OutPoint::new(Txid::from_byte_array(hash("staking", number)), 0)
}

fn hash(what: &str, number: u32) -> [u8; 32] {
    sha256::Hash::hash(format!("{what} {number}").as_bytes()).to_byte_array()
}

fn provider(number: u32) -> XOnlyPublicKey {
    let secret = SecretKey::from_slice(&hash("provider", number)).expect("below the group order");
    Keypair::from_secret_key(SECP256K1, &secret).x_only_public_key().0
}

fn facts(number: u32, providers: &[XOnlyPublicKey]) -> StakeFacts {
    let mark = |what: &str| hash(what, number).first_chunk().copied().unwrap_or_default();
    let time = |blocks| Timelock::from_blocks(blocks).expect("not 0");
    let provider = providers.iter().cycle().nth(number as usize % PROVIDERS as usize);
    StakeFacts {
        outpoint: outpoint(number),
        amount_sat: 1_000_000,
        times: StakeTimes { staking: time(64_000), unbonding: time(1_008) },
        unbonding_txid: Some(Txid::from_byte_array(hash("unbonding", number))),
        providers: provider.copied().into_iter().collect(),
        quorum_signed: true,
        extends: None,
        leaves: LeafMarks { slashing: mark("slashing"), unbonding: mark("unbonding leaf") },
    }
}
