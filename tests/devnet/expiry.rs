//! The end of a stake: when no more than the unbonding time is left of its staking time.

use babylon::query::{self, DelegationStatus};
use staking_scripts::delegation::StakeOnChain;
use staking_scripts::testing::key;
use staking_scripts::{LeafTransaction as _, StakeStatus};

use crate::checking::{at, own_status, parameters_at};
use crate::devnet::Devnet;
use crate::staking::{Plan, register_provider, undelegation};

/// The least staking time.
const BLOCKS: u32 = 150;
const UNBONDING_BLOCKS: u32 = 20;

#[test]
fn a_stake_expires_at_the_height_that_the_library_says() {
    let Some(devnet) = Devnet::start() else { return };
    let (provider, staker) = (key("provider", 0), key("staker", 0));
    register_provider(&devnet, &provider);
    let stake = Plan { blocks: BLOCKS, ..Plan::new(&devnet, &staker, &provider) }.activate(&devnet);
    let (id, included) = (stake.id, stake.included.height);
    let read = query::delegation(&devnet.network.rpc, id).unwrap().unwrap();
    let covenant = parameters_at(&devnet, devnet.tip()).covenant();

    // The first height at which the library says so, of all that the staking time has.
    let state = |tip| {
        let chain = StakeOnChain { included: Some(at(included)), ..StakeOnChain::at(at(tip)) };
        read.state(&chain, covenant, None, devnet.depth).unwrap()
    };
    let expiry = (devnet.tip()..=included + BLOCKS).find(|tip| state(*tip).status == StakeStatus::Expired);
    let expiry = expiry.unwrap();
    let (status, listed) = devnet.listed(id);
    assert_eq!((status, listed.end_height), (DelegationStatus::Active, included + BLOCKS));
    assert_eq!(expiry, listed.end_height - UNBONDING_BLOCKS);

    devnet.mine_to(expiry - 1);
    assert_eq!((devnet.status(id), own_status(&devnet, id)), (DelegationStatus::Active, StakeStatus::Active));
    devnet.mine_to(expiry);
    let expired = (DelegationStatus::Expired, StakeStatus::Expired);
    assert_eq!((devnet.status(id), own_status(&devnet, id)), expired);

    // It can be unbonded on Bitcoin, which is nothing to the chain.
    let planned = read.unbonding(covenant).unwrap();
    let unbonding = read.unbond(&planned.sign_as_staker(&staker).unwrap(), covenant).unwrap();
    let spent = devnet.confirm(&unbonding);
    devnet.tell_headers();
    let funding = [read.staking_transaction.clone()];
    let late = devnet.refusal(&[undelegation(&devnet, id, (&unbonding, &spent), &funding)]);
    assert!(late.contains("cannot unbond an unbonded BTC delegation"), "{late}");
    let unbonding = (DelegationStatus::Expired, StakeStatus::Unbonding);
    assert_eq!((devnet.status(id), own_status(&devnet, id)), unbonding);
}
