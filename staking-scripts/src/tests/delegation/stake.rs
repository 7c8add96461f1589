//! The steps that end a stake: each works with the parts that it uses alone, and names the one that is
//! absent.

use bitcoin::secp256k1::Message;
use bitcoin::{Amount, FeeRate, Transaction, XOnlyPublicKey};

use crate::delegation::{
    Delegation, DelegationError, NewDelegation, NewExtendedDelegation, PresignedSlashing, SlashedOutput,
    StakeViolation, WithdrawnOutput,
};
use crate::outputs::{Parties, StakingOutput, Timelock};
use crate::parameters::{Parameters, ParametersHistory, Phase1Parameters};
use crate::phase1::{Phase1Error, Phase1Stake};
use crate::testing::{
    Extended, coin, consumer_rules, consumers, covenant_signatures, extended, genesis, honest, key, members,
    parameters, parameters_changed, wallet,
};
use crate::transactions::{
    Funded, HasTaproot, LeafTransaction as _, NewStake, StakingTransaction, WithdrawalTransaction,
};
use crate::{ChainRules, ParametersAt};

use SlashedOutput::{Staking, Unbonding};

/// Returns a delegation for Babylon Genesis with the signatures of all members.
fn complete() -> (Delegation, Parameters) {
    let (mut delegation, parameters) = honest(genesis());
    let checked = delegation.check_under(&parameters, None, ChainRules::MAINNET).unwrap();
    delegation.covenant_signatures =
        members(0).iter().map(|member| covenant_signatures(&checked, member)).collect();
    (delegation, parameters)
}

/// Returns the delegation with the stake alone, as of a phase-1 stake.
fn bare() -> (Delegation, Parameters) {
    let (mut delegation, parameters) = complete();
    delegation.unbonding_transaction = None;
    delegation.slashing = None;
    delegation.unbonding_slashing = None;
    delegation.proof_of_possession = None;
    delegation.covenant_signatures.clear();
    (delegation, parameters)
}

fn withdraw<O: HasTaproot>(from: &Funded<O>) -> Transaction {
    let withdrawal = WithdrawalTransaction::new(from, wallet(), FeeRate::BROADCAST_MIN).unwrap();
    withdrawal.finalize(&withdrawal.sign_as_staker(&key("staker", 0)).unwrap()).unwrap()
}

fn unbond(delegation: &Delegation, parameters: &Parameters) -> Result<Transaction, DelegationError> {
    let staker = delegation.unbonding(parameters.covenant())?.sign_as_staker(&key("staker", 0)).unwrap();
    delegation.unbond(&staker, parameters.covenant())
}

fn slash(
    delegation: &Delegation,
    which: SlashedOutput,
    parameters: &Parameters,
) -> Result<Transaction, DelegationError> {
    delegation.slash(which, &key("provider", 0), parameters.covenant())
}

/// Returns the field that a step finds absent.
fn absent<T: std::fmt::Debug>(step: Result<T, DelegationError>) -> &'static str {
    match step.unwrap_err() {
        DelegationError::Absent(name) => name,
        other => panic!("{other:?}"),
    }
}

/// Returns the field that a step cannot use.
fn unusable<T: std::fmt::Debug>(step: Result<T, DelegationError>) -> &'static str {
    match step.unwrap_err() {
        DelegationError::Field { field, .. } => field,
        other => panic!("{other:?}"),
    }
}

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
    let staker = key("staker", 0).sign_bip340(Message::from_digest([0; 32]));
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
    let other = key("staker", 0).sign_bip340(Message::from_digest([1; 32]));
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

/// A stake that breaks rules can still be unbonded, slashed and withdrawn.
#[test]
fn stake_that_breaks_rules_still_unbonds_and_slashes_and_is_withdrawn() {
    let (delegation, _) = complete();
    type Change = fn(&mut serde_json::Value);
    let changes: [(&[&str], Change); 5] = [
        (&["staking_amount"], |fields| fields["max_staking_value_sat"] = "900000".into()),
        (&["staking_time"], |fields| fields["min_staking_time_blocks"] = 2001.into()),
        (&["output_script", "output_script"], |fields| fields["slashing_pk_script"] = "agE=".into()),
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
fn set_previous_completes_what_a_node_tells_of_an_extension() {
    let Extended { mut delegation, previous, old, new, history } = extended();
    let expected = delegation.clone();
    delegation.extends.as_mut().unwrap().stake = None;
    // Without the running stake the extension cannot be checked; the other steps do not need it.
    let refused = delegation.check_under(&new, Some(&old), consumer_rules()).unwrap_err();
    assert_eq!(refused.iter().map(StakeViolation::rule).collect::<Vec<_>>(), ["running_stake"]);
    delegation.stake(new.covenant()).unwrap();
    delegation.unbonding(new.covenant()).unwrap();
    delegation.set_previous(&previous).unwrap();
    assert_eq!(delegation, expected);
    let rules =
        crate::CheckRules { history: &history, in_force: crate::InForce::Latest, chain: consumer_rules() };
    delegation.check(&rules).unwrap();

    let (other, _) = honest(genesis());
    let error = delegation.set_previous(&other).unwrap_err();
    let expected = previous.staking_transaction.compute_txid();
    let found = other.staking_transaction.compute_txid();
    let DelegationError::OtherTransaction { field, found: f, expected: e } = error else {
        panic!("{error:?}")
    };
    assert_eq!((field, f, e), ("extends", found, expected));
    let (mut plain, _) = honest(consumers(2));
    assert_eq!(absent(plain.set_previous(&previous)), "extends");
}

#[test]
fn parameters_are_those_that_the_delegation_names() {
    let Extended { mut delegation, history, .. } = extended();
    assert_eq!(delegation.parameters(&history).unwrap(), history.get(1).unwrap());
    delegation.parameters = ParametersAt::Version(2);
    let error = delegation.parameters(&history).unwrap_err();
    assert_eq!(error.to_string(), "parameters_version is 2; must be 0 to 1");
    delegation.parameters = ParametersAt::Height(history.get(1).unwrap().activation_height());
    assert_eq!(delegation.parameters(&history).unwrap(), history.get(1).unwrap());
    delegation.parameters = ParametersAt::Height(bitcoin::absolute::Height::ZERO);
    assert!(matches!(delegation.parameters(&history).unwrap_err(), DelegationError::NotInForce(_)));
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
    let (bare, _) = bare();
    let refund =
        bare.withdrawal(WithdrawnOutput::Refund(Staking), wallet(), FeeRate::BROADCAST_MIN, covenant);
    assert_eq!(absent(refund), "slashing_transaction");
    let dear = FeeRate::from_sat_per_vb_u32(9_000);
    let unpaid = delegation.withdrawal(WithdrawnOutput::Staking, wallet(), dear, covenant);
    assert!(matches!(unpaid.unwrap_err(), DelegationError::Build(_)));
}

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

/// A message that registers a stake names no version.
#[test]
fn find_parameters_is_the_version_that_makes_the_stake() {
    let history = crate::testing::history_changed(&[0, 2, 0, 0], |version, fields| {
        if version == 2 {
            fields["unbonding_fee_sat"] = "9999".into();
        }
    });
    let found = |delegation: &Delegation| delegation.find_parameters(&history).map(|(number, _)| number);
    let (mut delegation, parameters) = honest(genesis());
    assert_eq!(history.get(0).unwrap().covenant(), parameters.covenant());
    // Named: that one, or none.
    assert_eq!(found(&delegation), Some(0));
    delegation.parameters = ParametersAt::Version(4);
    assert_eq!(found(&delegation), None);
    // Not named: versions 0, 2 and 3 make the staking output, 0 and 3 the unbonding transaction too.
    delegation.parameters = ParametersAt::Unstated;
    assert_eq!(found(&delegation), Some(3));
    delegation.unbonding_transaction.as_mut().unwrap().output[0].value -= Amount::ONE_SAT;
    assert_eq!(found(&delegation), Some(3));
    let (mut fee, _) = honest(genesis());
    fee.parameters = ParametersAt::Unstated;
    let second = history.get(2).unwrap();
    let stake = fee.stake(second.covenant()).unwrap();
    let new = NewDelegation {
        staked_to: &fee.staked_to,
        staking: &stake.staking,
        transaction: &fee.staking_transaction,
        parameters: second,
        parameters_at: ParametersAt::Unstated,
    };
    assert_eq!(found(&Delegation::new(&new).unwrap()), Some(2));
    // No version makes it.
    fee.staking_time_blocks += 1;
    assert_eq!(found(&fee), None);
}
