//! Leaves, control blocks, scripts and addresses of the three outputs.

use std::collections::BTreeSet;

use staking_scripts::outputs::{LeafKeys, NUMS_INTERNAL_KEY, SlashingRefundOutput, TaprootOutput};
use staking_scripts::{CovenantCommittee, Parties, SpendPath, StakingOutput, UnbondingOutput};

use super::{Bytes, Hex, NETWORKS, Output, Outputs, keys, time};

#[test]
fn outputs_have_the_bytes_of_the_reference() {
    let (mut unsorted, mut scripts) = (0, BTreeSet::new());
    let (mut members, mut providers, mut times) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (number, case) in Outputs::all() {
        let (timelock, waiting) = (Some(&case.timelock_script), Some(&case.unbonding_timelock_script));
        let (unbonding, slashing) = (Some(&case.unbonding_script), Some(&case.slashing_script));
        let (staking, unbonding_output) = (case.staking_output(), case.unbonding_output());
        check(number, staking.taproot(), &case.staking, [timelock, unbonding, slashing]);
        check(number, unbonding_output.taproot(), &case.unbonding, [waiting, None, slashing]);
        let refund = SlashingRefundOutput::new(case.staker.public_key(), time(case.unbonding_time)).unwrap();
        check(number, refund.taproot(), &case.refund, [waiting, None, None]);
        in_any_order(&case, &staking, &unbonding_output);

        unsorted += usize::from(!keys(&case.covenant).is_sorted_by_key(|key| key.serialize()));
        members.insert(case.covenant.len());
        providers.insert(case.finality_providers.len());
        times.extend([case.staking_time, case.unbonding_time]);
        scripts.extend(
            [&case.staking, &case.unbonding, &case.refund].map(|output| output.script_pubkey.0.clone()),
        );
    }
    assert_eq!(unsorted, 188, "covenant keys not given in order");
    assert_eq!(scripts.len(), 900, "different outputs");
    assert!(members.into_iter().eq(1..=20), "every size of committee");
    assert!(providers.into_iter().eq(1..=5), "every number of finality providers");
    // Where the number's encoding in the script changes its shape.
    assert!(
        [1, 2, 16, 17, 127, 128, 255, 256, 32767, 32768, 65535].iter().all(|blocks| times.contains(blocks))
    );
}

/// Compares an output with the reference's: `scripts` are those of the timelock, the unbonding and the
/// slashing leaf.
fn check(number: usize, ours: &TaprootOutput, theirs: &Output, scripts: [Option<&Hex>; 3]) {
    assert_eq!(ours.script_pubkey().as_bytes(), theirs.script_pubkey.0, "case {number}");
    assert_eq!(ours.internal_key().to_string(), NUMS_INTERNAL_KEY);
    for (network, address) in NETWORKS.into_iter().zip(&theirs.addresses) {
        assert_eq!(ours.address(network).to_string(), *address, "case {number}");
    }
    let control_blocks = [
        Some(&theirs.timelock_control_block),
        theirs.unbonding_control_block.as_ref(),
        theirs.slashing_control_block.as_ref(),
    ];
    let paths = [SpendPath::Timelock, SpendPath::Unbonding, SpendPath::Slashing];
    for ((path, script), control_block) in paths.into_iter().zip(scripts).zip(control_blocks) {
        let leaf = ours.leaf(path);
        assert_eq!(
            leaf.map(|leaf| leaf.script.as_bytes()),
            script.map(|script| &*script.0),
            "case {number}, {path}"
        );
        let ours = leaf.map(|leaf| leaf.control_block.serialize());
        assert_eq!(ours.as_deref(), control_block.map(|bytes| &*bytes.0), "case {number}, {path}");
        if let (Some(leaf), Some(script)) = (leaf, script) {
            // The reference's script, read back.
            assert_eq!(
                LeafKeys::from_script(bitcoin::Script::from_bytes(&script.0)),
                Ok(leaf.keys.clone()),
                "case {number}"
            );
            assert_eq!(leaf.keys.path(), path);
        }
    }
    assert_eq!(ours.leaves().count(), scripts.iter().flatten().count(), "case {number}");
}

/// The order in which keys are given makes no other output.
fn in_any_order(case: &Outputs, staking: &StakingOutput, unbonding: &UnbondingOutput) {
    let turned = |given: &[Bytes<32>]| keys(given).into_iter().rev().collect::<Vec<_>>();
    let committee = CovenantCommittee::new(turned(&case.covenant), case.quorum).unwrap();
    let parties =
        Parties::new(case.staker.public_key(), turned(&case.finality_providers), committee).unwrap();
    let other = StakingOutput::new(parties.clone(), staking.staking_time()).unwrap();
    assert_eq!(other.taproot(), staking.taproot());
    let other = UnbondingOutput::new(parties, unbonding.unbonding_time()).unwrap();
    assert_eq!(other.taproot(), unbonding.taproot());
}
