//! The steps that end a stake: each works with the parts that it uses alone, and names the one that is
//! absent.

use bitcoin::secp256k1::Message;
use bitcoin::{Amount, FeeRate, Transaction};

use super::{absent, bare, complete, slash, unbond, unusable, withdraw};
use crate::ChainRules;
use crate::delegation::{DelegationError, PresignedSlashing, SlashedOutput, StakeViolation, WithdrawnOutput};
use crate::testing::{
    covenant_signatures, delegation_for, genesis, honest, key, members, parameters, parameters_changed,
    wallet,
};
use crate::transactions::{Funded, LeafTransaction as _};

use SlashedOutput::{Staking, Unbonding};

#[test]
fn stake_needs_the_staking_transaction_alone() {
    let (delegation, parameters) = bare();
    let stake = delegation.stake(parameters.covenant()).unwrap();
    let (full, _) = complete();
    assert_eq!(full.stake(parameters.covenant()).unwrap(), stake);
    withdraw(&stake.staking);
    let refused = delegation.check_under(&parameters, None, ChainRules::MAINNET).unwrap_err();
    let names = [
        "proof_of_possession",
        "unbonding_transaction",
        "slashing_transaction",
        "unbonding_slashing_transaction",
    ];
    assert_eq!(refused, names.map(StakeViolation::Absent));
    assert_eq!(refused[0].rule(), "absent");
    assert_eq!(refused[0].to_string(), "proof_of_possession is absent");
}

#[test]
fn stake_is_not_found_under_other_parameters() {
    let (mut delegation, own) = bare();
    assert_eq!(unusable(delegation.stake(parameters(1).covenant())), "staking_transaction");
    delegation.staking_time_blocks = 0;
    assert_eq!(unusable(delegation.stake(own.covenant())), "staking_time_blocks");
    delegation.staking_time_blocks = 2000;
    delegation.unbonding_time_blocks = 65536;
    assert_eq!(unusable(delegation.stake(own.covenant())), "unbonding_time_blocks");
    delegation.unbonding_time_blocks = 1008;
    delegation.staker = *key("provider", 0).public_key();
    assert_eq!(unusable(delegation.stake(own.covenant())), "finality_providers");
}

#[test]
fn steps_name_the_transaction_that_is_absent() {
    let (delegation, parameters) = bare();
    let staker = key("staker", 0).sign_bip340(Message::from_digest([0; 32])).unwrap();
    assert_eq!(absent(delegation.unbonding(parameters.covenant())), "unbonding_transaction");
    assert_eq!(absent(delegation.unbond(&staker, parameters.covenant())), "unbonding_transaction");
    assert_eq!(absent(delegation.slashing(Staking, parameters.covenant())), "slashing_transaction");
    assert_eq!(absent(slash(&delegation, Staking, &parameters)), "slashing_transaction");
    assert_eq!(
        absent(delegation.slashing(Unbonding, parameters.covenant())),
        "unbonding_slashing_transaction"
    );
    // The slashing of the unbonding output spends the unbonding transaction.
    let (mut delegation, parameters) = complete();
    delegation.unbonding_transaction = None;
    assert_eq!(absent(slash(&delegation, Unbonding, &parameters)), "unbonding_transaction");
    slash(&delegation, Staking, &parameters).unwrap();
}

#[test]
fn unbonding_needs_no_slashing_and_no_proof() {
    let (mut delegation, parameters) = complete();
    let expected = unbond(&delegation, &parameters).unwrap();
    delegation.slashing = None;
    delegation.unbonding_slashing = None;
    delegation.proof_of_possession = None;
    assert_eq!(unbond(&delegation, &parameters).unwrap(), expected);
    withdraw(&delegation.unbonding(parameters.covenant()).unwrap().unbonding_output());
    // Six of nine members suffice; five do not, nor does another signature.
    delegation.covenant_signatures.truncate(6);
    unbond(&delegation, &parameters).unwrap();
    let other = key("staker", 0).sign_bip340(Message::from_digest([1; 32])).unwrap();
    assert_eq!(unusable(delegation.unbond(&other, parameters.covenant())), "covenant_signatures");
    delegation.covenant_signatures.truncate(5);
    assert_eq!(unusable(unbond(&delegation, &parameters)), "covenant_signatures");
    delegation.covenant_signatures.clear();
    assert_eq!(unusable(unbond(&delegation, &parameters)), "covenant_signatures");
    delegation.unbonding(parameters.covenant()).unwrap();
}

#[test]
fn slashing_of_each_output_needs_no_other() {
    let (complete, parameters) = complete();
    let both = [Staking, Unbonding].map(|which| slash(&complete, which, &parameters).unwrap());
    let mut delegation = complete.clone();
    delegation.proof_of_possession = None;
    delegation.unbonding_slashing = None;
    delegation.unbonding_transaction = None;
    assert_eq!(slash(&delegation, Staking, &parameters).unwrap(), both[0]);
    withdraw(&delegation.slashing(Staking, parameters.covenant()).unwrap().refund_output());
    let mut delegation = complete.clone();
    delegation.slashing = None;
    assert_eq!(slash(&delegation, Unbonding, &parameters).unwrap(), both[1]);
    withdraw(&delegation.slashing(Unbonding, parameters.covenant()).unwrap().refund_output());
    // Without the staker's signature the transaction is returned, but not finalized.
    let mut delegation = complete.clone();
    for slashing in [&mut delegation.slashing, &mut delegation.unbonding_slashing] {
        slashing.as_mut().unwrap().staker_signature = None;
    }
    for which in [Staking, Unbonding] {
        delegation.slashing(which, parameters.covenant()).unwrap();
        assert_eq!(absent(slash(&delegation, which, &parameters)), "staker_signatures");
    }
    let stranger = complete.slash(Staking, &key("stranger", 0), parameters.covenant());
    assert_eq!(unusable(stranger), "covenant_signatures");
    let mut delegation = complete;
    delegation.covenant_signatures.truncate(5);
    assert_eq!(unusable(slash(&delegation, Staking, &parameters)), "covenant_signatures");
}

/// The chain knows a staking output by its script and its amount. Another one of the same script, which any
/// staker can add, must not keep a stake from being signed, slashed and unbonded.
#[test]
fn another_output_of_the_same_script_hides_no_stake() {
    let (honest, parameters) = honest(genesis());
    let alone = honest.stake(parameters.covenant()).unwrap().staking;
    let mut transaction = honest.staking_transaction.clone();
    transaction.output.insert(0, alone.output().taproot().paying(Amount::from_sat(1_000)));
    let made = |transaction: &Transaction| {
        let vout = alone.outpoint().vout + 1;
        let staking = Funded::at(alone.output().clone(), transaction, vout).unwrap();
        (delegation_for(&staking, transaction, &genesis(), &parameters), staking)
    };
    let (mut delegation, staking) = made(&transaction);
    let checked = delegation.check_under(&parameters, None, ChainRules::MAINNET).unwrap();
    assert_eq!(*checked.staking(), staking);
    delegation.covenant_signatures =
        members(0).iter().map(|member| covenant_signatures(&checked, member)).collect();
    for which in [Staking, Unbonding] {
        slash(&delegation, which, &parameters).unwrap();
    }
    unbond(&delegation, &parameters).unwrap();
    withdraw(&delegation.stake(parameters.covenant()).unwrap().staking);
    // Of two with the same amount nobody knows which is staked.
    transaction.output[0].value = staking.amount();
    let (delegation, _) = made(&transaction);
    let refused = delegation.check_under(&parameters, None, ChainRules::MAINNET).unwrap_err();
    assert_eq!(refused.iter().map(StakeViolation::rule).collect::<Vec<_>>(), ["staking_output"]);
    assert_eq!(unusable(slash(&delegation, Staking, &parameters)), "staking_transaction");
}

/// A stake that breaks rules can still be unbonded, slashed and withdrawn.
#[test]
fn stake_that_breaks_rules_still_unbonds_and_slashes_and_is_withdrawn() {
    let (delegation, _) = complete();
    type Change = fn(&mut serde_json::Value);
    let changes: [(&[&str], Change); 5] = [
        (&["staking_amount"], |fields| fields["max_staking_value_sat"] = "900000".into()),
        (&["staking_time"], |fields| fields["min_staking_time_blocks"] = 2001.into()),
        (&["output_script", "output_script"], |fields| fields["slashing_pk_script"] = "agEC".into()),
        (&["unbonding_fee"], |fields| fields["unbonding_fee_sat"] = "1".into()),
        (&["fee_too_small", "output_amount", "fee_too_small", "output_amount"], |fields| {
            fields["min_slashing_tx_fee_sat"] = "200000".into();
            fields["slashing_rate"] = "0.002".into();
        }),
    ];
    for (rules, change) in changes {
        let parameters = parameters_changed(change);
        let refused = delegation.check_under(&parameters, None, ChainRules::MAINNET).unwrap_err();
        assert_eq!(refused.iter().map(StakeViolation::rule).collect::<Vec<_>>(), rules);
        let stake = delegation.stake(parameters.covenant()).unwrap();
        withdraw(&stake.staking);
        unbond(&delegation, &parameters).unwrap();
        withdraw(&delegation.unbonding(parameters.covenant()).unwrap().unbonding_output());
        for which in [Staking, Unbonding] {
            slash(&delegation, which, &parameters).unwrap();
            withdraw(&delegation.slashing(which, parameters.covenant()).unwrap().refund_output());
        }
    }
}

/// An unbonding fee above the parameters' was signed, and is paid.
#[test]
fn unbonding_pays_the_fee_that_it_has() {
    let (mut delegation, parameters) = honest(genesis());
    let unbonding = delegation.unbonding_transaction.as_mut().unwrap();
    unbonding.output[0].value -= Amount::from_sat(5_000);
    let unbonding = delegation.unbonding(parameters.covenant()).unwrap();
    assert_eq!(unbonding.fee(), parameters.unbonding_fee() + Amount::from_sat(5_000));
    assert_eq!(Some(unbonding.unsigned()), delegation.unbonding_transaction.as_ref());
    // A transaction of another form is refused.
    let harmed = |harm: &dyn Fn(&mut Transaction)| {
        let (mut delegation, _) = honest(genesis());
        harm(delegation.unbonding_transaction.as_mut().unwrap());
        delegation.unbonding(parameters.covenant()).unwrap_err()
    };
    for error in [
        harmed(&|tx| tx.version = bitcoin::transaction::Version::ONE),
        harmed(&|tx| tx.output[0].script_pubkey = wallet()),
        harmed(&|tx| tx.input[0].previous_output.vout = 7),
    ] {
        let other = matches!(error, DelegationError::OtherTransaction { field: "unbonding_transaction", .. });
        assert!(other, "{error:?}");
    }
    let error = harmed(&|tx| tx.output[0].value = Amount::MAX);
    assert!(matches!(error, DelegationError::Field { field: "unbonding_transaction", .. }), "{error:?}");
}

#[test]
fn slashing_of_another_form_is_refused() {
    let parameters = parameters(0);
    let harmed = |harm: &dyn Fn(&mut PresignedSlashing)| {
        let (mut delegation, _) = honest(genesis());
        harm(delegation.slashing.as_mut().unwrap());
        delegation.slashing(Staking, parameters.covenant())
    };
    assert_eq!(unusable(harmed(&|it| drop(it.transaction.output.pop()))), "slashing_transaction");
    assert_eq!(unusable(harmed(&|it| it.transaction.output[1].value = Amount::MAX)), "slashing_transaction");
    let moved = harmed(&|it| it.transaction.input[0].previous_output.vout = 7).unwrap_err();
    let expected = matches!(moved, DelegationError::OtherTransaction { field: "slashing_transaction", .. });
    assert!(expected, "{moved:?}");
}

#[test]
fn withdrawal_is_of_each_output() {
    let (delegation, parameters) = complete();
    let covenant = parameters.covenant();
    let built = |from| {
        let built = delegation.withdrawal(from, wallet(), FeeRate::BROADCAST_MIN, covenant).unwrap();
        built.finalize(&built.sign_as_staker(&key("staker", 0)).unwrap()).unwrap()
    };
    let stake = delegation.stake(covenant).unwrap();
    assert_eq!(built(WithdrawnOutput::Staking), withdraw(&stake.staking));
    let unbonding = delegation.unbonding(covenant).unwrap();
    assert_eq!(built(WithdrawnOutput::Unbonding), withdraw(&unbonding.unbonding_output()));
    for which in [Staking, Unbonding] {
        let slashing = delegation.slashing(which, covenant).unwrap();
        assert_eq!(built(WithdrawnOutput::Refund(which)), withdraw(&slashing.refund_output()));
    }
    let (mut bare, _) = bare();
    // An unbonding time that is none concerns another output.
    bare.unbonding_time_blocks = 0;
    let staking =
        bare.withdrawal(WithdrawnOutput::Staking, wallet(), FeeRate::BROADCAST_MIN, covenant).unwrap();
    assert_eq!(
        staking.finalize(&staking.sign_as_staker(&key("staker", 0)).unwrap()).unwrap(),
        withdraw(&stake.staking)
    );
    bare.unbonding_time_blocks = 1008;
    let refund =
        bare.withdrawal(WithdrawnOutput::Refund(Staking), wallet(), FeeRate::BROADCAST_MIN, covenant);
    assert_eq!(absent(refund), "slashing_transaction");
    let dear = FeeRate::from_sat_per_vb_u32(9_000);
    let unpaid = delegation.withdrawal(WithdrawnOutput::Staking, wallet(), dear, covenant);
    assert!(matches!(unpaid.unwrap_err(), DelegationError::Build(_)));
}

#[test]
fn outputs_are_empty_where_the_keys_make_no_output() {
    let (mut delegation, parameters) = honest(genesis());
    assert_eq!(delegation.outputs(parameters.covenant()).len(), 3);
    delegation.staking_time_blocks = 0;
    assert!(delegation.outputs(parameters.covenant()).is_empty());
}
