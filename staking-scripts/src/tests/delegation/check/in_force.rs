//! The version of the parameters that a delegation is checked against.

use bitcoin::absolute::Height;

use crate::delegation::{
    ChainRules, CheckRules, CheckedDelegation, Delegation, InForce, ParametersAt, StakeViolation,
};
use crate::parameters::{Parameters, ParametersHistory};
use crate::testing::{
    Extended, coin, consumer_rules, delegation_for, extended, genesis, history, history_changed,
    staking_transaction,
};

/// Returns three versions of one committee, each with a larger unbonding fee.
fn versions() -> ParametersHistory<Parameters> {
    history_changed(&[0, 0, 0], |number, fields| {
        fields["unbonding_fee_sat"] = (30_000 + number).to_string().into();
    })
}

/// Returns a stake made under version `made`, which names version `stated`.
fn made_under(made: usize, stated: ParametersAt) -> Delegation {
    let history = versions();
    let parameters = history.get(made).unwrap();
    let staking = staking_transaction(&[coin(1, 2_000_000)], parameters);
    let mut delegation =
        delegation_for(&staking.staking_output(), staking.unsigned(), &genesis(), parameters);
    delegation.parameters = stated;
    delegation
}

fn check(delegation: &Delegation, in_force: InForce) -> Result<CheckedDelegation, Vec<StakeViolation>> {
    let history = versions();
    delegation.check(&CheckRules { history: &history, in_force, chain: ChainRules::MAINNET })
}

fn rules(delegation: &Delegation, in_force: InForce) -> Vec<&'static str> {
    check(delegation, in_force).unwrap_err().iter().map(StakeViolation::rule).collect()
}

/// Returns the activation height of a version plus this many blocks.
fn height(version: usize, more: i64) -> Height {
    let begins = versions().get(version).unwrap().activation_height().to_consensus_u32();
    Height::from_consensus(u32::try_from(i64::from(begins) + more).unwrap()).unwrap()
}

#[test]
fn check_in_force_at_a_height_demands_the_version_of_that_height() {
    let by_number = made_under(1, ParametersAt::Version(1));
    let by_height = made_under(1, ParametersAt::Height(height(1, 17)));
    for delegation in [&by_number, &by_height] {
        for at in [height(1, 0), height(1, 500), height(2, -1)] {
            check(delegation, InForce::At(at)).unwrap();
        }
        for (at, expected) in [(height(1, -1), 0), (height(0, 0), 0), (height(2, 0), 2), (height(2, 9999), 2)]
        {
            let refused = check(delegation, InForce::At(at)).unwrap_err();
            assert_eq!(refused, [StakeViolation::ParametersVersion { found: 1, expected }]);
        }
    }
    let refused = check(&by_number, InForce::At(height(0, -1))).unwrap_err();
    assert!(matches!(refused[..], [StakeViolation::NotInForce(_)]), "{refused:?}");
    assert_eq!(refused[0].rule(), "parameters");
}

#[test]
fn check_in_force_latest_demands_the_last_version() {
    for said in [ParametersAt::Version(2), ParametersAt::Height(height(2, 100_000))] {
        check(&made_under(2, said), InForce::Latest).unwrap();
    }
    for old in [0, 1] {
        let refused =
            check(&made_under(old, ParametersAt::Height(height(old, 3))), InForce::Latest).unwrap_err();
        assert_eq!(refused, [StakeViolation::ParametersVersion { found: old, expected: 2 }]);
        let text = "the delegation names version 1 of the parameters; must be 2, which is in force";
        assert!(old == 0 || refused[0].to_string() == text, "{}", refused[0]);
    }
}

#[test]
fn check_in_force_as_stated_takes_the_delegations_word() {
    for (version, said) in [(0, 0), (1, 1), (2, 2)] {
        check(&made_under(version, ParametersAt::Version(said)), InForce::AsStated).unwrap();
    }
    // Its rules are then those of the version that it names, which it was not made under.
    for said in [ParametersAt::Version(1), ParametersAt::Height(height(1, 0))] {
        assert_eq!(rules(&made_under(0, said), InForce::AsStated), ["unbonding_fee"]);
    }
    // The wrong version is named beside the rules that are broken.
    let delegation = made_under(0, ParametersAt::Version(1));
    assert_eq!(rules(&delegation, InForce::Latest), ["parameters_version", "unbonding_fee"]);
}

#[test]
fn check_of_a_version_that_does_not_exist_says_so_alone() {
    let mut delegation = made_under(0, ParametersAt::Version(3));
    delegation.staking_amount = bitcoin::Amount::ZERO;
    for in_force in [InForce::At(height(0, 0)), InForce::Latest, InForce::AsStated] {
        let refused = check(&delegation, in_force).unwrap_err();
        let text = "parameters_version is 3; must be 0 to 2";
        assert_eq!(refused, [StakeViolation::NoSuchVersion { version: 3, last: 2 }]);
        assert_eq!(refused[0].to_string(), text);
        delegation.parameters = ParametersAt::Height(height(0, -1));
        let refused = check(&delegation, in_force).unwrap_err();
        let [StakeViolation::StatedNotInForce(_)] = &refused[..] else { panic!("{refused:?}") };
        assert!(refused[0].to_string().starts_with("parameters_height: no parameters are in force"));
        delegation.parameters = ParametersAt::Version(3);
    }
}

#[test]
fn check_of_an_extension_takes_the_running_stakes_version_from_the_history() {
    let Extended { mut delegation, history: both, .. } = extended();
    let rules = |in_force| CheckRules { history: &both, in_force, chain: consumer_rules() };
    assert!(delegation.check(&rules(InForce::Latest)).unwrap().extension().is_some());
    delegation.check(&rules(InForce::AsStated)).unwrap();
    let refused =
        delegation.check(&rules(InForce::At(both.get(0).unwrap().activation_height()))).unwrap_err();
    assert_eq!(refused, [StakeViolation::ParametersVersion { found: 1, expected: 0 }]);
    // The running stake was made under version 0: under 1 it is not found, and 2 does not exist.
    for other in [1, 2] {
        delegation.extends.as_mut().unwrap().stake.as_mut().unwrap().parameters =
            ParametersAt::Version(other);
        let refused = delegation.check(&rules(InForce::Latest)).unwrap_err();
        let [reason] = refused.as_slice() else { panic!("{refused:?}") };
        match other {
            1 => assert!(matches!(reason, StakeViolation::RunningStakeOutput(..)), "{reason:?}"),
            _ => assert!(matches!(reason, StakeViolation::RunningStakeParameters(_)), "{reason:?}"),
        }
        assert_eq!(reason.rule(), "running_stake");
    }
    assert_eq!(history(&[0, 2]).get(1), both.get(1));
}
