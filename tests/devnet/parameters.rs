//! Two versions of the parameters: which one holds is the same to the library and to the chain, on either
//! side of the height from which the second one does.

use babylon::Message;
use babylon::query::{self, DelegationStatus};
use chain::{BlockHeight, ChainSource as _};
use serde_json::{Value, json};
use spv::{Anchor, TrustedHeader};
use staking_scripts::testing::key;
use staking_scripts::{Delegation, ParametersAt, StakeStatus, StakeViolation, StakingTransaction};

use crate::checking::{covenant_messages, own_status, rules};
use crate::devnet::{Devnet, Included};
use crate::staking::{Plan, finalized, inclusion, register_provider};

/// From this Bitcoin height on the second version holds.
const SECOND: u32 = 175;
const BEFORE: u32 = SECOND - 1;
/// The unbonding times of the versions.
const UNBONDING: [u16; 2] = [20, 25];

/// Adds a version with another unbonding time and fee.
fn two_versions(genesis: &mut Value) {
    let versions = genesis["app_state"]["btcstaking"]["params"].as_array_mut().unwrap();
    assert_eq!(versions.len(), 1);
    let mut second = versions[0].clone();
    assert_eq!(second["unbonding_time_blocks"], json!(UNBONDING[0]));
    assert_eq!(second["unbonding_fee_sat"], json!("2000"));
    second["unbonding_time_blocks"] = json!(UNBONDING[1]);
    second["unbonding_fee_sat"] = json!("3000");
    second["btc_activation_height"] = json!(SECOND);
    versions.push(second);
}

/// The number of the version that holds at a height.
const fn version(height: u32) -> usize {
    if height < SECOND { 0 } else { 1 }
}

/// Judges a stake as a covenant member does that knows Bitcoin: by what it holds, as the chain is not told of
/// which version it is either.
fn own_verdict(devnet: &Devnet, delegation: &Delegation) -> Vec<StakeViolation> {
    let judged = Delegation { parameters: ParametersAt::Unstated, ..delegation.clone() };
    let mut rules = rules(devnet);
    if let Some(included) = &delegation.inclusion {
        let block = devnet.bitcoin.header_at(BlockHeight::new(included.height)).unwrap().header;
        let known = TrustedHeader { hash: block.block_hash(), height: Some(included.height) };
        rules.chain.anchor = Anchor { header: Some(known), ..Anchor::NONE };
    }
    judged.check(&rules).err().unwrap_or_default()
}

/// The chain and the library refuse a stake that is made for the other version.
#[track_caller]
fn both_refuse(devnet: &Devnet, delegation: &Delegation, holds: usize) {
    let (found, expected) = (UNBONDING[1 - holds], UNBONDING[holds]);
    let said = devnet.refusal(&[Message::register_stake(delegation, None).unwrap()]);
    let text =
        format!("unbonding time {found} must be equal to {expected}: the BTC unbonding tx is not valid");
    assert!(said.contains(&text), "{said}");
    let broken = own_verdict(devnet, delegation);
    let time = StakeViolation::UnbondingTime { found: found.into(), expected };
    assert!(broken.contains(&time), "{broken:?}");
    let fee = broken.iter().any(|rule| matches!(rule, StakeViolation::UnbondingFee { .. }));
    assert!(fee, "{broken:?}");
}

/// The chain and the library take a stake that is made for the version that holds.
#[track_caller]
fn both_take(devnet: &Devnet, delegation: &Delegation, holds: usize) {
    assert_eq!(own_verdict(devnet, delegation), []);
    devnet.send(&[Message::register_stake(delegation, None).unwrap()]);
    is_of(devnet, delegation, holds);
    devnet.send(&covenant_messages(devnet, delegation, &[0, 1]));
}

/// The chain says of which version a stake is.
#[track_caller]
fn is_of(devnet: &Devnet, delegation: &Delegation, holds: usize) {
    let id = delegation.staking_transaction.compute_txid();
    let read = query::delegation(&devnet.network.rpc, id).unwrap().unwrap();
    assert_eq!(read.parameters, ParametersAt::Version(holds.try_into().unwrap()));
    assert_eq!(read.unbonding_time_blocks, u32::from(UNBONDING[holds]));
}

fn new_stake(devnet: &Devnet, number: usize) -> StakingTransaction {
    Plan::new(devnet, &key("staker", number), &key("provider", 0)).transaction(devnet)
}

/// A stake, with the transactions that the parameters of a height ask for.
fn made_for(devnet: &Devnet, staking: &StakingTransaction, number: usize, height: u32) -> Delegation {
    let staker = key("staker", number);
    let plan = Plan::under(devnet, &staker, &key("provider", 0), height);
    plan.presign(devnet, &staking.staking_output(), staking.unsigned())
}

/// Registers a stake that is not in Bitcoin: the one for the other side of the boundary is refused.
fn register_at_tip(devnet: &Devnet, number: usize) -> (StakingTransaction, Delegation) {
    let staking = new_stake(devnet, number);
    let (holds, other) = if devnet.tip() < SECOND { (BEFORE, SECOND) } else { (SECOND, BEFORE) };
    both_refuse(devnet, &made_for(devnet, &staking, number, other), version(holds));
    let right = made_for(devnet, &staking, number, holds);
    both_take(devnet, &right, version(holds));
    assert_eq!(devnet.status(staking.txid()), DelegationStatus::Verified);
    (staking, right)
}

/// Registers a stake with the proof of its inclusion, whose height decides.
fn register_included(devnet: &Devnet, number: usize, staking: &StakingTransaction, included: &Included) {
    let made = |height| {
        let inclusion = Some(included.shown(devnet));
        Delegation { inclusion, ..made_for(devnet, staking, number, height) }
    };
    let (right, other) = if included.height < SECOND { (BEFORE, SECOND) } else { (SECOND, BEFORE) };
    both_refuse(devnet, &made(other), version(right));
    both_take(devnet, &made(right), version(right));
    is_active(devnet, &made(right), version(right));
}

#[track_caller]
fn is_active(devnet: &Devnet, delegation: &Delegation, holds: usize) {
    let id = delegation.staking_transaction.compute_txid();
    assert_eq!((devnet.status(id), own_status(devnet, id)), (DelegationStatus::Active, StakeStatus::Active));
    is_of(devnet, delegation, holds);
}

#[test]
fn stakes_are_of_the_version_that_holds_when_they_are_registered_or_were_included() {
    let Some(devnet) = Devnet::start_with(two_versions) else { return };
    register_provider(&devnet, &key("provider", 0));
    assert_eq!(devnet.parameters.iter().len(), 2);
    devnet.mine_to(BEFORE - 1);
    // Two that are in Bitcoin before they are registered: one on either side.
    let [early, late] = [0, 1].map(|number| new_stake(&devnet, number));
    let early_in = devnet.confirm(&finalized(&devnet, &early));
    devnet.tell_headers();
    assert_eq!((devnet.tip(), early_in.height), (BEFORE, BEFORE));
    // Two that are registered first, at either side.
    let (old, old_stake) = register_at_tip(&devnet, 2);
    let late_in = devnet.confirm(&finalized(&devnet, &late));
    devnet.tell_headers();
    assert_eq!((devnet.tip(), late_in.height), (SECOND, SECOND));
    let (new, new_stake) = register_at_tip(&devnet, 3);

    // Both are in Bitcoin when the second version holds; the one keeps the first.
    let old_in = devnet.confirm(&finalized(&devnet, &old));
    let new_in = devnet.confirm(&finalized(&devnet, &new));
    devnet.mine_to(new_in.height + devnet.depth);
    for (stake, included, holds) in [(&old_stake, &old_in, 0), (&new_stake, &new_in, 1)] {
        assert!(included.height > SECOND);
        let id = stake.staking_transaction.compute_txid();
        devnet.send(&[inclusion(&devnet, id, included)]);
        is_active(&devnet, stake, holds);
    }
    register_included(&devnet, 0, &early, &early_in);
    register_included(&devnet, 1, &late, &late_in);
}
