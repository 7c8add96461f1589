//! Stakes on a chain: included deep enough and in time, and where they stand at each height.

use bitcoin::absolute::Height;
use bitcoin::block::Header;
use bitcoin::{Network, Txid};

use super::requests::{genesis, honest};
use crate::{
    ChainRules, DelegationFile, HeadersError, InclusionError, InclusionField, Parameters, Path, Spending,
    StakeInclusion, StakeOnChain, StakeRequest, StakeStatus as Is, StakeViolation,
};
use spv::testing::{block_with, mine};

const RULES: ChainRules = ChainRules { network: Network::Regtest, depth: 10, signing_context: None };
const HEIGHT: u32 = 900_000;

/// The request, with its transaction in a block that this many others stand on.
fn included(depth: usize) -> (StakeRequest, Parameters) {
    let (mut request, terms) = honest(genesis());
    let block = block_with(request.staking_transaction.clone());
    let mut headers: Vec<Header> = vec![block.header];
    for _ in 0..depth {
        let before = headers[headers.len() - 1];
        let mut header = Header { prev_blockhash: before.block_hash(), nonce: 0, ..before };
        mine(&mut header, true);
        headers.push(header);
    }
    let txid = block.txdata[1].compute_txid();
    let proof = spv::InclusionProof::from_block(&block, txid).unwrap();
    request.inclusion = Some(StakeInclusion { height: HEIGHT, proof, headers });
    (request, terms)
}

fn violated(request: &StakeRequest, terms: &Parameters) -> Vec<StakeViolation> {
    request.check(terms, None, RULES).unwrap_err()
}

#[test]
fn a_stake_in_a_block_must_be_deep_enough() {
    let (mut request, terms) = included(10);
    request.check(&terms, None, RULES).unwrap();
    let inclusion = request.inclusion.as_mut().unwrap();
    inclusion.headers.pop();
    let block = inclusion.headers[0].block_hash();
    let shallow = InclusionError::Headers(HeadersError::TooShallow { block, depth: 9, least: 10 });
    assert_eq!(violated(&request, &terms), [StakeViolation::Inclusion(shallow)]);
    request.check(&terms, None, ChainRules { depth: 9, ..RULES }).unwrap();
    // Regtest's blocks show too little work for mainnet.
    let on_mainnet = request.check(&terms, None, ChainRules::MAINNET).unwrap_err();
    assert!(matches!(
        on_mainnet.as_slice(),
        [StakeViolation::Inclusion(InclusionError::Headers(HeadersError::TargetTooHigh { .. }))]
    ));
    // A proof of another transaction, and no header at all.
    let (mut other, _) = included(10);
    other.staking_transaction.output[0].value += bitcoin::Amount::from_sat(1);
    assert!(violated(&other, &terms).iter().any(|found| found.rule() == "inclusion"));
    let (mut none, _) = included(10);
    none.inclusion.as_mut().unwrap().headers.clear();
    assert_eq!(violated(&none, &terms), [StakeViolation::Inclusion(HeadersError::Empty.into())]);
}

#[test]
fn a_stake_in_a_block_must_have_time_left() {
    // 2000 blocks of staking, 1008 of unbonding.
    let (request, terms) = included(991);
    request.check(&terms, None, RULES).unwrap();
    let (request, _) = included(992);
    let expected = StakeViolation::EndsTooSoon { depth: 992, unbonding: 1008, staking: 2000 };
    assert_eq!(violated(&request, &terms), [expected]);
}

#[test]
fn parameters_must_have_been_in_force() {
    let (mut request, terms) = included(10);
    let activation = terms.activation_height().to_consensus_u32();
    request.inclusion.as_mut().unwrap().height = activation;
    request.check(&terms, None, RULES).unwrap();
    request.inclusion.as_mut().unwrap().height = activation - 1;
    let expected = StakeViolation::ParametersTooNew { activation, inclusion: activation - 1 };
    assert_eq!(violated(&request, &terms), [expected]);
}

#[test]
fn an_inclusion_goes_into_the_file_and_back() {
    let (request, terms) = included(3);
    let accepted = request.check(&terms, None, ChainRules { depth: 3, ..RULES }).unwrap();
    let mut signed =
        DelegationFile::draft(&genesis(), accepted.staking(), &request.staking_transaction, &terms, HEIGHT)
            .unwrap();
    signed.sign_as_staker(&super::key("staker", 0), &request.possession, &terms).unwrap();
    let inclusion = request.inclusion.unwrap();
    let field = InclusionField::from(&inclusion);
    assert_eq!(field.siblings.len(), 64 * inclusion.proof.sibling_bytes().len() / 32);
    let json = serde_json::to_string(&field).unwrap();
    assert_eq!(serde_json::from_str::<InclusionField>(&json).unwrap(), field);
    let file = |inclusion: serde_json::Value| {
        let mut json = serde_json::to_value(&signed).unwrap();
        json["inclusion"] = inclusion;
        DelegationFile::from_json(&json.to_string()).and_then(|file| file.request())
    };
    let read = file(serde_json::to_value(&field).unwrap()).unwrap();
    assert_eq!(read.inclusion.unwrap(), inclusion);
    for (name, bad) in [
        ("siblings", serde_json::json!("00")),
        ("siblings", serde_json::json!("zz")),
        ("headers", serde_json::json!(["00"])),
        ("position", serde_json::json!(1 << 20)),
    ] {
        let mut json = serde_json::to_value(&field).unwrap();
        json[name] = bad;
        assert!(file(json).unwrap_err().to_string().starts_with("inclusion: "), "{name}");
    }
}

#[test]
fn where_a_stake_stands() {
    let (request, terms) = honest(genesis());
    let accepted = request.check(&terms, None, RULES).unwrap();
    let height = |height: u32| Height::from_consensus(height).unwrap();
    let by = |txid: Txid, path: Option<Path>, at: u32| Some(Spending { txid, path, height: height(at) });
    let nothing = StakeOnChain {
        tip: height(HEIGHT),
        included: None,
        spent: None,
        unbonding_spent: None,
        refund_spent: None,
    };
    let stake = StakeOnChain { included: Some(height(HEIGHT)), ..nothing };
    let state = |answered: bool, tip: u32, chain: StakeOnChain| {
        let state = accepted.state(answered, 10, &StakeOnChain { tip: height(tip), ..chain });
        (state.status, state.withdrawable_from)
    };
    assert_eq!(state(false, HEIGHT, nothing), (Is::Pending, None));
    assert_eq!(state(true, HEIGHT, nothing), (Is::Verified, None));

    // 2000 blocks of staking time, 1008 of unbonding time.
    let end = Some(HEIGHT + 2000);
    assert_eq!(state(true, HEIGHT + 9, stake), (Is::Verified, end));
    assert_eq!(state(true, HEIGHT + 10, stake), (Is::Active, end));
    assert_eq!(state(false, HEIGHT + 10, stake), (Is::Pending, end));
    assert_eq!(state(true, HEIGHT + 991, stake), (Is::Active, end));
    for answered in [false, true] {
        assert_eq!(state(answered, HEIGHT + 992, stake), (Is::Expired, end));
        assert_eq!(state(answered, HEIGHT + 5000, stake), (Is::Expired, end));
    }

    let (unbonding, other) = (accepted.unbonding().txid(), accepted.slashing().txid());
    let unbonded = StakeOnChain { spent: by(unbonding, Some(Path::Unbonding), HEIGHT + 20), ..stake };
    let end = Some(HEIGHT + 20 + 1008);
    assert_eq!(state(true, HEIGHT + 20, unbonded), (Is::Unbonding, end));
    // The block at `end` may take the withdrawal, so it can be broadcast one block before.
    assert_eq!(state(true, HEIGHT + 20 + 1006, unbonded), (Is::Unbonding, end));
    assert_eq!(state(true, HEIGHT + 20 + 1007, unbonded), (Is::Unbonded, end));
    let then = |path, at| StakeOnChain { unbonding_spent: by(other, path, at), ..unbonded };
    assert_eq!(state(true, HEIGHT + 3000, then(Some(Path::Timelock), HEIGHT + 2000)), (Is::Withdrawn, None));
    let refund = Some(HEIGHT + 30 + 1008);
    assert_eq!(state(true, HEIGHT + 40, then(Some(Path::Slashing), HEIGHT + 30)), (Is::Slashed, refund));

    let spent = |path| StakeOnChain { spent: by(other, path, HEIGHT + 30), ..stake };
    assert_eq!(state(true, HEIGHT + 40, spent(Some(Path::Slashing))), (Is::Slashed, refund));
    let taken = StakeOnChain {
        refund_spent: by(other, Some(Path::Timelock), HEIGHT + 2000),
        ..spent(Some(Path::Slashing))
    };
    assert_eq!(state(true, HEIGHT + 2001, taken), (Is::Slashed, None));
    assert_eq!(state(true, HEIGHT + 40, spent(Some(Path::Unbonding))), (Is::Unbonded, None));
    assert_eq!(state(true, HEIGHT + 40, spent(Some(Path::Timelock))), (Is::Withdrawn, None));
    assert_eq!(Is::Expired.as_str(), "EXPIRED");
}
