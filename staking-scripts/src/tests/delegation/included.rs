//! Stakes in a block: the depth, and the staking time left.

use bitcoin::Network;
use finality::SigningContext;

use crate::delegation::{ChainRules, Delegation, StakeViolation};
use crate::parameters::Parameters;
use crate::testing::included;
use spv::{HeadersError, InclusionError};

const RULES: ChainRules =
    ChainRules { network: Network::Regtest, depth: 10, signing_context: SigningContext::GENESIS };
const HEIGHT: u32 = 900_000;

fn violated(delegation: &Delegation, parameters: &Parameters) -> Vec<StakeViolation> {
    delegation.check_under(parameters, None, RULES).unwrap_err()
}

#[test]
fn inclusion_must_be_deep_enough() {
    let (mut delegation, parameters) = included(HEIGHT, 10);
    delegation.check_under(&parameters, None, RULES).unwrap();
    let inclusion = delegation.inclusion.as_mut().unwrap();
    inclusion.headers.pop();
    let block = inclusion.headers[0].block_hash();
    let shallow = InclusionError::Headers(HeadersError::TooShallow { block, depth: 9, least: 10 });
    assert_eq!(violated(&delegation, &parameters), [StakeViolation::Inclusion(shallow)]);
    delegation.check_under(&parameters, None, ChainRules { depth: 9, ..RULES }).unwrap();
    // Regtest's blocks show too little work for mainnet.
    let on_mainnet = delegation.check_under(&parameters, None, ChainRules::MAINNET).unwrap_err();
    assert!(matches!(
        on_mainnet.as_slice(),
        [StakeViolation::Inclusion(InclusionError::Headers(HeadersError::TargetTooHigh { .. }))]
    ));
    // A proof of another transaction, and no header at all.
    let (mut other, _) = included(HEIGHT, 10);
    other.staking_transaction.output[0].value += bitcoin::Amount::from_sat(1);
    assert!(violated(&other, &parameters).iter().any(|found| found.rule() == "inclusion"));
    let (mut none, _) = included(HEIGHT, 10);
    none.inclusion.as_mut().unwrap().headers.clear();
    assert_eq!(violated(&none, &parameters), [StakeViolation::Inclusion(HeadersError::Empty.into())]);
}

#[test]
fn inclusion_must_leave_time_for_an_unbonding() {
    // 2000 blocks of staking, 1008 of unbonding.
    let (delegation, parameters) = included(HEIGHT, 991);
    delegation.check_under(&parameters, None, RULES).unwrap();
    let (delegation, _) = included(HEIGHT, 992);
    let expected = StakeViolation::EndsTooSoon { depth: 992, unbonding: 1008, staking: 2000 };
    assert_eq!(violated(&delegation, &parameters), [expected]);
}

#[test]
fn inclusion_must_be_under_parameters_in_force() {
    let (mut delegation, parameters) = included(HEIGHT, 10);
    let activation = parameters.activation_height().to_consensus_u32();
    delegation.inclusion.as_mut().unwrap().height = activation;
    delegation.check_under(&parameters, None, RULES).unwrap();
    delegation.inclusion.as_mut().unwrap().height = activation - 1;
    let expected = StakeViolation::ParametersTooNew { activation, inclusion: activation - 1 };
    assert_eq!(violated(&delegation, &parameters), [expected]);
}
