//! Stakes that are registered with the proof that they are in Bitcoin.

use bitcoin::hashes::Hash as _;
use bitcoin::{OutPoint, ScriptBuf};
use chain::{Broadcast as _, ChainSource as _, Mine as _};
use spv::InclusionProof;
use staking_scripts::delegation::StakeInclusion;
use staking_scripts::testing::key;
use staking_scripts::{Delegation, Funded};

use super::{ACCEPTED, ask, network};
use crate::checking::rules;
use crate::devnet::{Devnet, Included};
use crate::staking::{Plan, STAKING_BLOCKS, finalized, stake};

/// A stake for these blocks in Bitcoin, which is not proven yet.
fn confirmed(devnet: &Devnet, number: usize, blocks: u32) -> (Delegation, Included) {
    let (staker, provider) = (key("staker", number), key("provider", 0));
    let (delegation, staking) = Plan { blocks, ..Plan::new(devnet, &staker, &provider) }.make(devnet);
    (delegation, devnet.confirm(&finalized(devnet, &staking)))
}

#[test]
fn stakes_with_proofs_are_judged_alike() {
    let Some(devnet) = network() else { return };
    let mut differences = Vec::new();

    let (mut stake, included) = confirmed(&devnet, 0, STAKING_BLOCKS);
    devnet.mine(devnet.depth - 1);
    devnet.tell_headers();
    stake.inclusion = Some(included.shown(&devnet));
    differences.extend(ask(&devnet, "a block too few", &stake, (&["inclusion"], "not k-deep: k=2; depth=1")));
    devnet.mine(1);
    stake.inclusion = Some(included.shown(&devnet));
    // Here the Bitcoin node is ahead of the chain, which counts by the blocks that it was told of.
    differences.extend(ask(&devnet, "a block that nobody told", &stake, (&[], "not k-deep: k=2; depth=1")));
    devnet.tell_headers();

    let good = stake.inclusion.clone().unwrap();
    let wrong = (&["inclusion"][..], "not included in the Bitcoin chain");
    let mut other = good.clone();
    other.proof = InclusionProof::from_bytes(&[7; 32], good.proof.position()).unwrap();
    stake.inclusion = Some(other);
    differences.extend(ask(&devnet, "another path", &stake, wrong));
    let mut other = good.clone();
    other.headers.remove(0);
    stake.inclusion = Some(other);
    differences.extend(ask(&devnet, "another block", &stake, wrong));
    stake.inclusion = Some(good);
    differences.extend(ask(&devnet, "deep enough", &stake, ACCEPTED));

    let (mut unheard, included) = confirmed(&devnet, 1, STAKING_BLOCKS);
    devnet.mine(devnet.depth);
    unheard.inclusion = Some(included.shown(&devnet));
    let unheard_of = "is not found in BTC light client state";
    differences.extend(ask(&devnet, "a header that nobody told", &unheard, (&[], unheard_of)));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// In a block of an odd number of transactions the last one is its own sibling, so that its path proves the
/// place after it, too, where nothing is. The chain takes that; ours does not.
#[test]
fn a_place_where_nothing_is_differs() {
    let Some(devnet) = network() else { return };
    let (mut stake, staking) = stake(&devnet, &key("staker", 0), &key("provider", 0));
    let other = devnet.pays(ScriptBuf::new_op_return([7; 4]));
    devnet.bitcoin.broadcast(&other).unwrap();
    let included = devnet.confirm(&finalized(&devnet, &staking));
    devnet.mine(devnet.depth);
    devnet.tell_headers();
    let mut shown = included.shown(&devnet);
    assert_eq!((shown.proof.position(), shown.proof.sibling_bytes().len()), (2, 64));
    let good = shown.clone();
    shown.proof = InclusionProof::from_bytes(&shown.proof.sibling_bytes(), 3).unwrap();
    stake.inclusion = Some(shown);
    let difference = ask(&devnet, "the place after the last", &stake, (&["inclusion"], ""));
    assert_eq!(difference, None);
    stake.inclusion = Some(good);
    stake.check(&rules(&devnet)).unwrap();
}

/// More of the staking time must be left than the unbonding time.
#[test]
fn stakes_that_end_soon_are_judged_alike() {
    let Some(devnet) = network() else { return };
    let (mut late, late_included) = confirmed(&devnet, 0, 150);
    let (mut in_time, included) = confirmed(&devnet, 1, 150);
    devnet.mine(129);
    devnet.tell_headers();
    in_time.inclusion = Some(included.shown(&devnet));
    late.inclusion = Some(late_included.shown(&devnet));
    let too_late = "staking tx's timelock has no more than unbonding(=20) blocks left";
    let differences = [
        ask(&devnet, "21 blocks left", &in_time, ACCEPTED),
        ask(&devnet, "20 blocks left", &late, (&["ends_too_soon"], too_late)),
    ];
    assert_eq!(differences, [None, None]);
}

/// A block's reward that is staked at once.
#[test]
fn a_coinbase_with_its_proof_is_judged_alike() {
    let Some(devnet) = network() else { return };
    let (staker, provider) = (key("staker", 0), key("provider", 0));
    let plan = Plan::new(&devnet, &staker, &provider);
    let staking = plan.transaction(&devnet);
    let script = staking.staking_output().tx_out().script_pubkey;
    // Another transaction gives the block's first one a path.
    devnet.bitcoin.broadcast(&finalized(&devnet, &staking)).unwrap();
    let hash = devnet.bitcoin.mine(1, &script).unwrap()[0];
    let (height, block) = (devnet.tip(), devnet.bitcoin.block(&hash).unwrap());
    let coinbase = &block.txdata[0];
    devnet.mine(devnet.depth);
    devnet.tell_headers();
    let output = staking.staking_output().output().clone();
    let staked = Funded::new(output, OutPoint::new(coinbase.compute_txid(), 0), coinbase.output[0].value);
    let mut delegation = plan.presign(&devnet, &staked, coinbase);
    let sibling = block.txdata[1].compute_txid().to_byte_array();
    let proof = InclusionProof::from_bytes(&sibling, 0).unwrap();
    delegation.inclusion = Some(StakeInclusion { height, proof, headers: devnet.headers_from(height) });
    // A reward is more than may be staked, too, but the chain looks at that later.
    let rules_broken = &["coinbase", "inclusion", "staking_amount"][..];
    let both = (rules_broken, "coinbase tx cannot be used for staking");
    assert_eq!(ask(&devnet, "a coinbase", &delegation, both), None);
}
