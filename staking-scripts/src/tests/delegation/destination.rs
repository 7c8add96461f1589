//! A stake that was made under parameters whose slashing script nobody can spend on purpose: it ends, and no
//! new one is made or signed.

use bitcoin::FeeRate;

use super::{slash, unbond};
use crate::ChainRules;
use crate::delegation::{
    CheckRules, Delegation, InForce, NewDelegation, ParametersAt, SlashedOutput, StakeViolation,
    WithdrawnOutput,
};
use crate::explain::{TransactionKind, explain};
use crate::outputs::UnsafeOutput;
use crate::parameters::{Parameters, ParametersHistory};
use crate::testing::{coin, genesis, key, lost_scripts, made_under, staking_transaction, wallet};
use crate::transactions::{BuildError, LeafTransaction as _};

fn existing() -> (Delegation, ParametersHistory<Parameters>, UnsafeOutput) {
    let anchor = lost_scripts().remove(0);
    let (delegation, file) = made_under(&anchor);
    let history = ParametersHistory::from_json(&file).unwrap();
    (delegation, history, UnsafeOutput::NotADestination { script_pubkey: anchor })
}

#[test]
fn stake_under_a_lost_slashing_script_is_unbonded_slashed_and_withdrawn() {
    let (delegation, history, _) = existing();
    let parameters = history.get(0).unwrap();
    let covenant = parameters.covenant();
    assert!(delegation.covenant_quorum(covenant, None).unwrap().is_reached());
    assert_eq!(explain(&unbond(&delegation, parameters).unwrap()).kind, TransactionKind::Unbonding);
    for which in [SlashedOutput::Staking, SlashedOutput::Unbonding] {
        let slashed = slash(&delegation, which, parameters).unwrap();
        assert_eq!(slashed.output[0].script_pubkey, *parameters.slashing_pk_script());
        assert_eq!(explain(&slashed).kind, TransactionKind::Slashing);
    }
    for from in [
        WithdrawnOutput::Staking,
        WithdrawnOutput::Unbonding,
        WithdrawnOutput::Refund(SlashedOutput::Staking),
        WithdrawnOutput::Refund(SlashedOutput::Unbonding),
    ] {
        let withdrawal = delegation.withdrawal(from, wallet(), FeeRate::BROADCAST_MIN, covenant).unwrap();
        let staker = withdrawal.sign_as_staker(&key("staker", 0)).unwrap();
        let withdrawn = withdrawal.finalize(&staker).unwrap();
        assert_eq!(explain(&withdrawn).kind, TransactionKind::Withdrawal, "{from:?}");
    }
}

/// Neither the staker nor a covenant member makes a signature under such parameters.
#[test]
fn stake_under_a_lost_slashing_script_is_not_made_or_signed() {
    let (mut delegation, history, lost) = existing();
    let parameters = history.get(0).unwrap();
    let violation = StakeViolation::SlashingDestination(lost.clone());
    assert_eq!(violation.rule(), "slashing_destination");
    let rules = CheckRules { history: &history, in_force: InForce::Latest, chain: ChainRules::MAINNET };
    assert_eq!(delegation.check(&rules).unwrap_err(), std::slice::from_ref(&violation));
    assert_eq!(delegation.check_stake(&rules).unwrap_err(), [violation]);
    let refused = BuildError::Output { output: "slashed", cause: lost };
    let signed = delegation.sign_as_staker(&key("staker", 0), parameters);
    let error = format!("{:?}", signed.unwrap_err());
    assert!(error.contains("NotADestination"), "{error}");
    let staking = staking_transaction(&[coin(1, 2_000_000)], parameters);
    let new = Delegation::new(&NewDelegation {
        staked_to: &genesis(),
        staking: &staking.staking_output(),
        transaction: staking.unsigned(),
        parameters,
        parameters_at: ParametersAt::Version(0),
    });
    assert_eq!(new.unwrap_err(), refused);
}
