//! Stakes in a block: the depth, and the staking time left.

use bitcoin::absolute::Height;
use bitcoin::block::Header;
use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, Network, Work};

use crate::delegation::{ChainRules, CheckRules, Delegation, InForce, StakeViolation};
use crate::parameters::Parameters;
use crate::testing::{history, history_changed, included};
use spv::{Anchor, HeadersError, InclusionError, TrustedHeader};

const RULES: ChainRules = ChainRules { network: Network::Regtest, depth: 10, ..ChainRules::MAINNET };
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

/// Who withholds the later headers does not make a stake younger.
#[test]
fn inclusion_is_judged_at_the_callers_tip() {
    let (delegation, parameters) = included(900_000, 10);
    let history = history(&[0]);
    assert_eq!(history.get(0), Some(&parameters));
    let rules = |tip: u32| {
        let in_force = InForce::At(Height::from_consensus(tip).unwrap());
        let found = delegation.check(&CheckRules { history: &history, in_force, chain: RULES });
        found.err().unwrap_or_default()
    };
    // 2000 blocks of staking time, 1008 of unbonding time.
    let last = 900_000 + 2000 - parameters.unbonding_time().blocks() as u32 - 1;
    assert_eq!(rules(900_010), []);
    // Headers above the tip are anybody's.
    let block = delegation.inclusion.as_ref().unwrap().headers[0].block_hash();
    for depth in [0, 1, 9] {
        let shallow = HeadersError::TooShallow { block, depth, least: 10 };
        assert_eq!(rules(900_000 + depth), [StakeViolation::Inclusion(shallow.into())]);
    }
    assert_eq!(rules(last), []);
    let depth = last + 1 - 900_000;
    let unbonding = u32::from(parameters.unbonding_time().blocks());
    assert_eq!(rules(last + 1), [StakeViolation::EndsTooSoon { depth, unbonding, staking: 2000 }]);
    // A block above the tip is not there yet, whatever height it is said to have.
    assert_eq!(rules(899_999), [StakeViolation::InclusionHeight(900_000, 899_999)]);
    let mut beyond = delegation.clone();
    beyond.inclusion.as_mut().unwrap().height = u32::MAX;
    let in_force = InForce::At(Height::from_consensus(900_010).unwrap());
    let refused = beyond.check(&CheckRules { history: &history, in_force, chain: RULES }).unwrap_err();
    assert_eq!(refused, [StakeViolation::InclusionHeight(u32::MAX, 900_010)]);
}

/// Babylon Genesis registers a stake that is in a block under the parameters of that block, whatever has come
/// into force since; the height is not the staker's to say.
#[test]
fn inclusion_is_under_the_parameters_of_its_block() {
    let (delegation, _) = included(HEIGHT, 10);
    let first = delegation.inclusion.as_ref().unwrap().headers[0].block_hash();
    let rules = |second: u32, anchor| {
        let history = history_changed(&[0, 0], |version, fields| {
            if version == 1 {
                fields["btc_activation_height"] = second.into();
            }
        });
        let in_force = InForce::At(Height::from_consensus(HEIGHT + 10).unwrap());
        let chain = ChainRules { anchor, ..RULES };
        delegation.check(&CheckRules { history: &history, in_force, chain }).err().unwrap_or_default()
    };
    let known = trusted(first, Some(HEIGHT));
    let other_version = StakeViolation::ParametersVersion { found: 0, expected: 1 };
    for second in [HEIGHT + 1, HEIGHT + 10, HEIGHT + 11] {
        assert_eq!(rules(second, known), [], "{second}");
    }
    // What ties the block to no height leaves the tip's.
    for unknown in [Anchor::NONE, trusted(first, None)] {
        assert_eq!(rules(HEIGHT + 10, unknown), std::slice::from_ref(&other_version));
        assert_eq!(rules(HEIGHT + 11, unknown), []);
    }
    // The block is below the height that the delegation says.
    let lower = trusted(first, Some(HEIGHT - 1));
    let said = StakeViolation::OtherInclusionHeight(HEIGHT, HEIGHT - 1);
    assert_eq!(rules(HEIGHT, lower), std::slice::from_ref(&said));
    assert_eq!(rules(HEIGHT - 1, lower), [other_version, said]);
}

/// Headers of regtest take no work to make.
#[test]
fn inclusion_is_held_by_an_anchor() {
    let (delegation, parameters) = included(900_000, 10);
    let headers = &delegation.inclusion.as_ref().unwrap().headers;
    let check = |anchor| {
        let found = delegation.check_under(&parameters, None, ChainRules { anchor, ..RULES });
        found.err().unwrap_or_default()
    };
    let work = headers.iter().map(Header::work).reduce(|sum, work| sum + work).unwrap();
    let more = work
        + Work::from_be_bytes({
            let mut one = [0; 32];
            one[31] = 1;
            one
        });
    assert_eq!(check(Anchor::NONE), []);
    assert_eq!(check(Anchor { min_work: Some(work), header: None }), []);
    let refused = check(Anchor { min_work: Some(more), header: None });
    let too_little = HeadersError::TooLittleWork { found: work, least: more };
    assert_eq!(refused, [StakeViolation::Inclusion(too_little.into())]);
    for held in [headers[0].prev_blockhash, headers[0].block_hash(), headers[10].block_hash()] {
        assert_eq!(check(trusted(held, None)), []);
    }
    let other = BlockHash::from_byte_array([7; 32]);
    // Both are asked for together; a parent alone makes nothing dearer.
    let both = Anchor { min_work: Some(more), ..trusted(headers[0].prev_blockhash, None) };
    assert_eq!(check(both).len(), 1);
    let refused = check(trusted(other, None));
    assert_eq!(refused, [StakeViolation::Inclusion(HeadersError::NotAnchored(other).into())]);
    assert_eq!(refused[0].rule(), "inclusion");
}

fn trusted(hash: BlockHash, height: Option<u32>) -> Anchor {
    Anchor { min_work: None, header: Some(TrustedHeader { hash, height }) }
}

/// The height that a delegation says is the staker's word: a known block's replaces it.
#[test]
fn inclusion_is_as_old_as_the_trusted_block_says() {
    let (mut delegation, parameters) = included(900_000, 10);
    let history = history(&[0]);
    let headers = delegation.inclusion.as_ref().unwrap().headers.clone();
    let unbonding = u32::from(parameters.unbonding_time().blocks());
    let tip = 900_000 + 2000 - unbonding;
    let in_force = InForce::At(Height::from_consensus(tip).unwrap());
    let check = |delegation: &Delegation, anchor| {
        let chain = ChainRules { anchor, ..RULES };
        delegation.check(&CheckRules { history: &history, in_force, chain }).err().unwrap_or_default()
    };
    let ends = [StakeViolation::EndsTooSoon { depth: 2000 - unbonding, unbonding, staking: 2000 }];
    assert_eq!(check(&delegation, Anchor::NONE), ends);
    // A later height would make it young.
    delegation.inclusion.as_mut().unwrap().height = tip - 10;
    assert_eq!(check(&delegation, Anchor::NONE), []);
    assert_eq!(check(&delegation, trusted(headers[4].block_hash(), None)), []);
    for (hash, height) in [
        (headers[0].prev_blockhash, 899_999),
        (headers[0].block_hash(), 900_000),
        (headers[10].block_hash(), 900_010),
    ] {
        let other = StakeViolation::OtherInclusionHeight(tip - 10, 900_000);
        assert_eq!(check(&delegation, trusted(hash, Some(height))), [vec![other], ends.to_vec()].concat());
    }
    // A height that no block of these can have is none.
    let refused = check(&delegation, trusted(headers[10].block_hash(), Some(9)));
    let other = HeadersError::NotAnchored(headers[10].block_hash());
    assert_eq!(refused, [StakeViolation::Inclusion(other.into())]);
}
