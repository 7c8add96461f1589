//! The delegation: check, signatures, JSON, steps and status.

#[cfg(feature = "wire")]
mod account;
mod build;
mod check;
mod covenant;
mod data;
mod destination;
mod elsewhere;
mod included;
mod json;
mod phase1;
mod ready;
mod record;
mod relation;
mod rules;
mod seen;
mod stake;
mod status;

use bitcoin::{FeeRate, Transaction};

use crate::ChainRules;
use crate::delegation::{CheckedDelegation, Delegation, DelegationError, PresignedSlashing, SlashedOutput};
use crate::parameters::Parameters;
use crate::testing::{covenant_signatures, genesis, honest, key, members, wallet};
use crate::transactions::{Funded, HasTaproot, LeafTransaction as _, WithdrawalTransaction};

/// Returns a checked delegation for Babylon Genesis.
fn plain() -> CheckedDelegation {
    let (delegation, parameters) = honest(genesis());
    delegation.check_under(&parameters, None, ChainRules::MAINNET).unwrap()
}

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

fn unbonding(delegation: &mut Delegation) -> &mut Transaction {
    delegation.unbonding_transaction.as_mut().unwrap()
}

fn slashing(delegation: &mut Delegation) -> &mut PresignedSlashing {
    delegation.slashing.as_mut().unwrap()
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
