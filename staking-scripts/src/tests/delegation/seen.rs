//! The rules that a transaction breaks by itself.

use bitcoin::{Amount, FeeRate, Transaction};

use super::complete;
use crate::delegation::{SlashedOutput, StakeViolation, broken_rules};
use crate::explain::{TransactionKind, explain, explain_psbt};
use crate::parameters::Parameters;
use crate::testing::{key, parameters, parameters_changed, wallet};
use crate::transactions::{LeafTransaction as _, WithdrawalTransaction};

fn rules(transaction: &Transaction, held: Option<Amount>, parameters: &Parameters) -> Vec<&'static str> {
    let explanation = explain(transaction);
    broken_rules(&explanation, transaction, held, parameters).iter().map(StakeViolation::rule).collect()
}

#[test]
fn broken_rules_of_an_unbonding_are_its_committee_form_and_fee() {
    let (delegation, own) = complete();
    let staker = delegation.unbonding(own.covenant()).unwrap().sign_as_staker(&key("staker", 0)).unwrap();
    let unbonding = delegation.unbond(&staker, own.covenant()).unwrap();
    let held = Some(delegation.staking_amount);
    assert!(rules(&unbonding, held, &own).is_empty() && rules(&unbonding, None, &own).is_empty());
    assert_eq!(rules(&unbonding, held, &parameters(1)), ["covenant_committee"]);
    let other_fee = parameters_changed(|fields| fields["unbonding_fee_sat"] = "1".into());
    assert_eq!(rules(&unbonding, held, &other_fee), ["unbonding_fee"]);
    assert!(rules(&unbonding, None, &other_fee).is_empty(), "the fee is not known");
    let mut locked = unbonding;
    locked.lock_time = bitcoin::absolute::LockTime::from_consensus(1);
    assert_eq!(rules(&locked, held, &own), ["lock_time"]);
}

#[test]
fn broken_rules_of_a_slashing_are_its_scripts_amounts_and_fee() {
    let (delegation, own) = complete();
    let slashing = delegation.slash(SlashedOutput::Staking, &key("provider", 0), own.covenant()).unwrap();
    let held = Some(delegation.staking_amount);
    assert!(rules(&slashing, held, &own).is_empty());
    let changed = |name: &'static str, value: serde_json::Value| {
        rules(&slashing, held, &parameters_changed(|fields| fields[name] = value.clone()))
    };
    assert_eq!(changed("slashing_pk_script", "agEC".into()), ["output_script"]);
    assert_eq!(changed("unbonding_time_blocks", 1009.into()), ["output_script"]);
    assert_eq!(changed("min_slashing_tx_fee_sat", "200000".into()), ["fee_too_small"]);
    assert_eq!(changed("slashing_rate", "0.002".into()), ["output_amount"]);
}

#[test]
fn broken_rules_of_a_withdrawal_are_the_time_it_waited() {
    let (delegation, own) = complete();
    let stake = delegation.stake(own.covenant()).unwrap();
    let withdrawn = |withdrawal: WithdrawalTransaction| {
        withdrawal.finalize(&withdrawal.sign_as_staker(&key("staker", 0)).unwrap()).unwrap()
    };
    let rate = FeeRate::BROADCAST_MIN;
    let staked = withdrawn(WithdrawalTransaction::new(&stake.staking, wallet(), rate).unwrap());
    let unbonding = delegation.unbonding(own.covenant()).unwrap().unbonding_output();
    let unbonded = withdrawn(WithdrawalTransaction::new(&unbonding, wallet(), rate).unwrap());
    for transaction in [&staked, &unbonded] {
        assert_eq!(explain(transaction).kind, TransactionKind::Withdrawal);
        assert!(rules(transaction, None, &own).is_empty());
        let other = parameters_changed(|fields| {
            fields["min_staking_time_blocks"] = 2001.into();
            fields["unbonding_time_blocks"] = 1009.into();
        });
        assert_eq!(rules(transaction, None, &other), ["timelock"]);
    }
}

#[test]
fn broken_rules_of_a_stake_that_is_recognised_are_its_time_amount_and_committee() {
    let (delegation, own) = complete();
    let transaction = &delegation.staking_transaction;
    let broken = |parameters: &Parameters| {
        let explanation =
            explain(transaction).with_known_outputs(transaction, &delegation.outputs(own.covenant()));
        assert_eq!(explanation.kind, TransactionKind::Stake);
        let broken = broken_rules(&explanation, transaction, None, parameters);
        broken.iter().map(StakeViolation::rule).collect::<Vec<_>>()
    };
    assert!(broken(&own).is_empty());
    assert_eq!(
        broken(&parameters_changed(|it| it["min_staking_time_blocks"] = 2001.into())),
        ["staking_time"]
    );
    let small = |it: &mut serde_json::Value| it["max_staking_value_sat"] = "900000".into();
    assert_eq!(broken(&parameters_changed(small)), ["staking_amount"]);
    assert_eq!(broken(&parameters(1)), ["covenant_committee"]);
    // Not recognised, it breaks no rule; the unbonding's PSBT describes the unbonding output.
    assert!(rules(transaction, None, &parameters(1)).is_empty());
    let unbonding = delegation.unbonding(own.covenant()).unwrap();
    let later = parameters_changed(|it| it["unbonding_time_blocks"] = 1009.into());
    let broken = broken_rules(&explain_psbt(unbonding.psbt()), unbonding.unsigned(), None, &later);
    assert_eq!(broken.iter().map(StakeViolation::rule).collect::<Vec<_>>(), ["unbonding_time"]);
}
