//! Building and signing a delegation.

use bitcoin::{Amount, FeeRate, XOnlyPublicKey};

use super::{absent, plain, unusable, withdraw};
use crate::ParametersAt;
use crate::delegation::{
    Delegation, DelegationError, NewDelegation, NewExtendedDelegation, SlashedOutput, StakeTransaction,
};
use crate::outputs::{Parties, StakingOutput, Timelock};
use crate::parameters::{ParametersHistory, Phase1Parameters};
use crate::phase1::{Phase1Error, Phase1Stake};
use crate::testing::{Extended, coin, consumer_rules, consumers, extended, genesis, honest, key, wallet};
use crate::transactions::{LeafTransaction as _, NewStake, StakingTransaction};

use SlashedOutput::Staking;

#[test]
fn signed_is_new_and_then_signed() {
    let (mut delegation, parameters) = honest(genesis());
    delegation.proof_of_possession = None;
    let stake = delegation.stake(parameters.covenant()).unwrap();
    let new = NewDelegation {
        staked_to: &delegation.staked_to,
        staking: &stake.staking,
        transaction: &delegation.staking_transaction,
        parameters: &parameters,
        parameters_at: delegation.parameters,
    };
    let signed = Delegation::signed(&new, &key("staker", 0)).unwrap();
    assert_eq!(signed, delegation);
    let mut later = Delegation::new(&new).unwrap();
    assert_ne!(later, signed);
    later.sign_as_staker(&key("staker", 0), &parameters).unwrap();
    assert_eq!(later, signed);
    assert_eq!(unusable(Delegation::signed(&new, &key("staker", 1))), "staker");
    assert_eq!(unusable(later.sign_as_staker(&key("staker", 1), &parameters)), "staker");
}

#[test]
fn extending_needs_the_stake_that_is_spent() {
    let Extended { delegation, previous, old, new, history } = extended();
    let checked = delegation.check_under(&new, Some(&old), consumer_rules()).unwrap();
    let extended = NewExtendedDelegation {
        extension: checked.extension().unwrap(),
        staked_to: &delegation.staked_to,
        parameters: history.get(1).unwrap(),
        parameters_at: ParametersAt::Version(1),
    };
    let again = Delegation::extending(&previous, &extended).unwrap();
    assert_eq!(again.extends, delegation.extends);
    assert_eq!(again.staking_transaction, delegation.staking_transaction);
    let other = Delegation::extending(&honest(consumers(3)).0, &extended).unwrap_err();
    assert!(matches!(other, DelegationError::OtherTransaction { field: "extends", .. }), "{other:?}");
}

#[test]
fn phase1_gives_the_outputs_of_a_phase1_stake() {
    let history = ParametersHistory::<Phase1Parameters>::mainnet_phase1().unwrap();
    let parameters = history.get(2).unwrap();
    let provider: XOnlyPublicKey = *key("provider", 0).public_key();
    let staker = key("staker", 0);
    let parties = Parties::new(*staker.public_key(), [provider], parameters.covenant.clone()).unwrap();
    let time = *parameters.staking_time.start();
    let build = |op_return_tag| {
        StakingTransaction::build(NewStake {
            output: StakingOutput::new(parties.clone(), time).unwrap(),
            amount: Amount::from_sat(1_000_000),
            coins: &[coin(1, 2_000_000)],
            change: wallet(),
            fee_rate: FeeRate::from_sat_per_vb_u32(5),
            op_return_tag,
        })
        .unwrap()
    };
    let staking = build(Some(parameters.tag));
    let delegation = Delegation::phase1(staking.unsigned(), parameters).unwrap();
    let stake = delegation.stake(&parameters.covenant).unwrap();
    assert_eq!(stake.staking, staking.staking_output());
    assert_eq!(stake.unbonding_output.unbonding_time(), parameters.unbonding_time);
    assert_eq!(stake.unbonding_output.parties(), &parties);
    let refund = crate::outputs::SlashingRefundOutput::new(*staker.public_key(), parameters.unbonding_time);
    assert_eq!(stake.refund_output, refund.unwrap());
    withdraw(&stake.staking);
    let plain = Delegation::phase1(build(None).unsigned(), parameters).unwrap_err();
    assert_eq!(plain, Phase1Error::OpReturn(crate::outputs::OpReturnError::Absent));

    // The unbonding transaction is that of the parameters; there is nothing to slash.
    let unbonding = delegation.unbonding(&parameters.covenant).unwrap();
    assert_eq!(unbonding.fee(), parameters.unbonding_fee);
    assert_eq!(absent(delegation.slashing(Staking, &parameters.covenant)), "slashing_transaction");
    // A stake that breaks every rule is not counted, and is the staker's all the same.
    let strict = Phase1Parameters {
        tag: *b"none",
        staking_time: Timelock::from_blocks(1).unwrap()..=Timelock::from_blocks(2).unwrap(),
        staking_amount: Amount::ONE_SAT..=Amount::ONE_SAT,
        ..parameters.clone()
    };
    let found = Phase1Stake::find(staking.unsigned(), &strict).unwrap();
    let rules: Vec<_> = found.broken.iter().map(std::mem::discriminant).collect();
    let expected = [
        Phase1Error::OtherTag { found: parameters.tag, expected: strict.tag },
        Phase1Error::StakingTime { found: time, allowed: strict.staking_time.clone() },
        Phase1Error::Amount { found: Amount::from_sat(1_000_000), allowed: strict.staking_amount.clone() },
    ];
    assert_eq!(found.broken, expected, "{rules:?}");
    assert_eq!(Phase1Stake::find(staking.unsigned(), parameters).unwrap().broken, []);
    let withdrawable = Delegation::phase1(staking.unsigned(), &strict).unwrap();
    assert_eq!(withdrawable.stake(&strict.covenant).unwrap().staking, staking.staking_output());
    // One that is too small for the unbonding fee can be withdrawn alone.
    let dear = Phase1Parameters { unbonding_fee: Amount::from_sat(2_000_000), ..parameters.clone() };
    let small = Delegation::phase1(staking.unsigned(), &dear).unwrap();
    assert_eq!(absent(small.unbonding(&dear.covenant)), "unbonding_transaction");
    small.stake(&dear.covenant).unwrap();
}

#[test]
fn below_rate_gives_the_transactions_with_their_own_rate() {
    let checked = plain();
    let presigned = checked.presigned();
    assert!(presigned.below_rate(FeeRate::ZERO).is_empty());
    let all = presigned.below_rate(FeeRate::MAX);
    let parts = [
        (StakeTransaction::Unbonding, presigned.unbonding.fee_rate().unwrap()),
        (StakeTransaction::Slashing, presigned.slashing.fee_rate().unwrap()),
        (StakeTransaction::UnbondingSlashing, presigned.unbonding_slashing.fee_rate().unwrap()),
    ];
    assert_eq!(all, parts);
    // A rate is not below itself.
    for (part, rate) in parts {
        assert!(presigned.below_rate(rate).iter().all(|(below, _)| *below != part), "{part}");
    }
}
