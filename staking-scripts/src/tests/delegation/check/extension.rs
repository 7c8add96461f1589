//! Checking the delegation of an extension.

use bitcoin::absolute::LockTime;
use bitcoin::{Amount, Sequence, Transaction};

use crate::delegation::StakeViolation;
use crate::outputs::{ConsumerProviders, StakedTo};
use crate::testing::{Extended, consumer_rules, delegation_for, extended, genesis, output};
use crate::transactions::{ExtensionError, Funded};

#[test]
fn check_names_each_rule_of_extensions_broken_once() {
    let refused = |harm: &dyn Fn(&mut Extended)| {
        let mut case = extended();
        harm(&mut case);
        case.delegation.check_under(&case.new, Some(&case.old), consumer_rules()).unwrap_err()
    };
    let running = |case: &mut Extended| case.delegation.extends.clone().unwrap();
    let found = refused(&|case| {
        let mut old = running(case);
        old.stake.as_mut().unwrap().staking_time_blocks += 1;
        case.delegation.extends = Some(old);
    });
    assert!(matches!(found[..], [StakeViolation::RunningStakeOutput(..)]), "{found:?}");
    let found = refused(&|case| {
        let mut old = running(case);
        old.funding.value = Amount::ZERO;
        case.delegation.extends = Some(old);
    });
    assert_eq!(found, [StakeViolation::Extension(ExtensionError::NoFee)]);
    let spends = |found: &[StakeViolation]| found.iter().filter(|v| v.rule() == "spends").count();
    // The staking transaction with a third input, another first one, or another nLockTime.
    let found = refused(&|case| {
        let again = case.delegation.staking_transaction.input[1].clone();
        case.delegation.staking_transaction.input.push(again);
    });
    assert_eq!((&found[1], spends(&found)), (&StakeViolation::Extension(ExtensionError::Inputs(3)), 2));
    assert_eq!(found[0].rule(), "impossible", "it spends an output twice");
    let found = refused(&|case| case.delegation.staking_transaction.input.swap(0, 1));
    assert!(matches!(found[0], StakeViolation::Extension(ExtensionError::Spends { .. })));
    let found = refused(&|case| case.delegation.staking_transaction.lock_time = LockTime::from_consensus(9));
    assert_eq!(found[0], StakeViolation::Extension(ExtensionError::NotFinal));
    let found = refused(&|case| case.delegation.staking_transaction.input[0].sequence = Sequence::ZERO);
    assert_eq!(found[0], StakeViolation::Extension(ExtensionError::NotFinal));
    // The parameters of the running stake must be known and right.
    let Extended { delegation, new, .. } = extended();
    let found = delegation.check_under(&new, None, consumer_rules()).unwrap_err();
    assert!(matches!(found[..], [StakeViolation::RunningStakeParameters(_)]), "{found:?}");
    let found = delegation.check_under(&new, Some(&new), consumer_rules()).unwrap_err();
    assert!(matches!(found[..], [StakeViolation::RunningStakeOutput(..)]), "{found:?}");
}

#[test]
fn check_judges_extensions_that_are_almost_right() {
    let again = |change: &dyn Fn(&mut Transaction)| {
        let Extended { delegation, old, new, .. } = extended();
        let mut transaction = delegation.staking_transaction.clone();
        change(&mut transaction);
        let funded = Funded::find(output(&delegation.staked_to, &new, 3000), &transaction).unwrap();
        let mut second = delegation_for(&funded, &transaction, &delegation.staked_to, &new);
        second.extends = delegation.extends;
        second.check_under(&new, Some(&old), consumer_rules())
    };
    // The change may be before the stake.
    let checked = again(&|tx| tx.output.swap(0, 1)).unwrap();
    let place = checked.extension().unwrap().staking_output();
    assert_eq!((checked.staking(), place.outpoint().vout), (&place, 1));
    // The running stake as its own funding.
    let found = again(&|tx| tx.input[1].previous_output = tx.input[0].previous_output).unwrap_err();
    let named = found
        .iter()
        .any(|found| matches!(found, StakeViolation::Extension(ExtensionError::FundedByItself(_))));
    assert!(named && found[0].rule() == "impossible", "{found:?}");
    // A provider given for another chain, and a stake for Babylon Genesis extended to consumer chains.
    let Extended { mut delegation, old, new, .. } = extended();
    let StakedTo::Consumers(providers) = &delegation.staked_to else { panic!("consumers") };
    let moved = providers.iter().map(|(chain, key)| (format!("other-{chain}"), *key));
    delegation.staked_to = StakedTo::Consumers(ConsumerProviders::new(moved.collect::<Vec<_>>()).unwrap());
    let found = delegation.check_under(&new, Some(&old), consumer_rules()).unwrap_err();
    assert!(matches!(found[..], [StakeViolation::Extension(ExtensionError::ProviderMoved(_))]), "{found:?}");
    let Extended { mut delegation, old, new, .. } = extended();
    delegation.extends.as_mut().unwrap().stake.as_mut().unwrap().staked_to = genesis();
    let found = delegation.check_under(&new, Some(&old), consumer_rules()).unwrap_err();
    assert!(found.contains(&StakeViolation::OtherStakeKind), "{found:?}");
}
