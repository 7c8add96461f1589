//! The version of the parameters that a delegation names, and the running stake of an extension.

use bitcoin::Amount;
use bitcoin::transaction::Version;

use super::absent;
use crate::delegation::{Delegation, DelegationError, NewDelegation, StakeViolation};
use crate::testing::{
    Extended, consumer_rules, consumers, delegation_for, extended, extended_from, genesis, honest,
};
use crate::transactions::Funded;
use crate::{ChainRules, CheckRules, InForce, Parameters, ParametersAt, ParametersHistory};

#[test]
fn parameters_are_those_that_the_delegation_names() {
    let Extended { mut delegation, history, .. } = extended();
    assert_eq!(delegation.parameters(&history).unwrap(), (1, history.get(1).unwrap()));
    delegation.parameters = ParametersAt::Version(2);
    let error = delegation.parameters(&history).unwrap_err();
    assert_eq!(error.to_string(), "parameters_version is 2; must be 0 to 1");
    delegation.parameters = ParametersAt::Height(history.get(1).unwrap().activation_height());
    assert_eq!(delegation.parameters(&history).unwrap(), (1, history.get(1).unwrap()));
    delegation.parameters = ParametersAt::Height(bitcoin::absolute::Height::ZERO);
    assert!(matches!(delegation.parameters(&history).unwrap_err(), DelegationError::NotInForce(_)));
}

/// A node's answer for its parameters has one version and no number: a delegation is read under it whatever
/// version it names, and the check finds what is not of that version.
#[test]
fn parameters_without_a_number_are_those_of_any_version() {
    let fields = std::cell::RefCell::new(serde_json::Value::Null);
    let numbered = crate::testing::history_changed(&[0], |_, version| *fields.borrow_mut() = version.clone());
    let single = |change: &dyn Fn(&mut serde_json::Value)| -> ParametersHistory<Parameters> {
        let mut params = fields.borrow().clone();
        change(&mut params);
        ParametersHistory::from_json(&serde_json::json!({ "params": params }).to_string()).unwrap()
    };
    let (mut delegation, parameters) = honest(genesis());
    assert_eq!(single(&|_| {}).get(0), Some(&parameters));
    fn rules(history: &ParametersHistory<Parameters>) -> CheckRules<'_> {
        CheckRules { history, in_force: InForce::AsStated, chain: ChainRules::MAINNET }
    }
    for version in [0, 5] {
        delegation.parameters = ParametersAt::Version(version);
        assert_eq!(delegation.parameters(&single(&|_| {})).unwrap(), (0, &parameters), "{version}");
        let same = single(&|_| {});
        delegation.check(&rules(&same)).unwrap();
        let other = single(&|fields| fields["unbonding_fee_sat"] = "9999".into());
        let found = delegation.check(&rules(&other)).unwrap_err();
        assert!(found.iter().any(|found| found.rule() == "unbonding_fee"), "{found:?}");
    }
    assert!(delegation.parameters(&numbered).is_err(), "a history with numbers has no version 5");
}

/// A message that registers a stake names no version.
#[test]
fn parameters_that_are_not_named_are_those_that_make_the_stake() {
    let history = crate::testing::history_changed(&[0, 2, 0, 0], |version, fields| {
        if version == 2 {
            fields["unbonding_fee_sat"] = "9999".into();
        }
    });
    let found = |delegation: &Delegation| delegation.parameters(&history).ok().map(|(number, _)| number);
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
    // Slashing transactions of another version and fee are of the rules all the same.
    let mut theirs = Delegation::new(&new).unwrap();
    for slashing in [&mut theirs.slashing, &mut theirs.unbonding_slashing].into_iter().flatten() {
        slashing.transaction.version = Version::TWO;
        slashing.transaction.output[1].value -= Amount::from_sat(1000);
    }
    assert_eq!(found(&theirs), Some(2));
    // No version makes it: the last one, so that the check says what differs.
    fee.staking_time_blocks += 1;
    assert_eq!(found(&fee), Some(3));
    let rules = CheckRules { history: &history, in_force: InForce::AsStated, chain: ChainRules::MAINNET };
    let refused = fee.check(&rules).unwrap_err();
    assert_eq!(refused.iter().map(StakeViolation::rule).collect::<Vec<_>>(), ["staking_output"]);
}

/// The message that registered the running stake names no version either.
#[test]
fn previous_parameters_that_are_not_named_are_those_that_make_the_running_stake() {
    let Extended { mut delegation, previous, old, history, .. } = extended();
    assert_eq!(delegation.previous_parameters(&history), Some(&old));
    assert_eq!(previous.previous_parameters(&history), None);
    let stake = delegation.extends.as_mut().unwrap().stake.as_mut().unwrap();
    stake.parameters = ParametersAt::Unstated;
    assert_eq!(delegation.previous_parameters(&history), Some(&old));
    let rules = CheckRules { history: &history, in_force: InForce::Latest, chain: consumer_rules() };
    assert!(delegation.check(&rules).unwrap().extension().is_some());
    let stake = delegation.extends.as_mut().unwrap().stake.as_mut().unwrap();
    stake.staking_time_blocks += 1;
    assert_eq!(delegation.previous_parameters(&history), None);
    stake_is_absent(&mut delegation, &history);
}

fn stake_is_absent(delegation: &mut Delegation, history: &ParametersHistory<Parameters>) {
    delegation.extends.as_mut().unwrap().stake = None;
    assert_eq!(delegation.previous_parameters(history), None);
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

/// The running stake is the output with the staked amount, also where another one has the same script.
#[test]
fn running_stake_beside_another_output_of_its_script_is_extended() {
    let (honest, parameters) = honest(consumers(2));
    let alone = honest.stake(parameters.covenant()).unwrap().staking;
    let mut transaction = honest.staking_transaction.clone();
    transaction.output.insert(0, alone.output().taproot().paying(Amount::from_sat(1_000)));
    let vout = alone.outpoint().vout + 1;
    let staking = Funded::at(alone.output().clone(), &transaction, vout).unwrap();
    let previous = delegation_for(&staking, &transaction, &consumers(2), &parameters);
    let Extended { delegation, old, new, .. } = extended_from(0, previous, parameters);
    delegation.check_under(&new, Some(&old), consumer_rules()).unwrap();
    // Its file says which it is; without that nobody knows.
    let text = delegation.to_json();
    let read = Delegation::from_json(&text).unwrap();
    assert_eq!(read, delegation);
    let mut unsaid: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(unsaid["extends"]["staking_amount_sat"], 1_000_000);
    unsaid["extends"].as_object_mut().unwrap().remove("staking_amount_sat");
    let unsaid = Delegation::from_json(&unsaid.to_string()).unwrap();
    let refused = unsaid.check_under(&new, Some(&old), consumer_rules()).unwrap_err();
    assert_eq!(refused.iter().map(StakeViolation::rule).collect::<Vec<_>>(), ["running_stake"]);
}
