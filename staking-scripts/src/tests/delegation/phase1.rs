//! The delegation of a phase-1 stake: unbonded with covenant signatures alone, withdrawn, and checked.

use bitcoin::absolute::Height;
use bitcoin::transaction::Version;
use bitcoin::{Amount, FeeRate};

use crate::delegation::{
    CovenantSignatures, CovenantSignaturesError, Delegation, ParametersAt, Spending, StakeOnChain,
    StakeStatus as Is, StakeViolation, WithdrawnOutput,
};
use crate::outputs::{CovenantCommittee, Parties, SpendPath, StakedTo, StakingOutput, Timelock};
use crate::parameters::{ParametersHistory, Phase1Parameters};
use crate::phase1::Phase1Rules;
use crate::testing::{coin, genesis, history, honest, key, members, public, wallet};
use crate::transactions::{
    CovenantAdaptorSignatures, CovenantTransaction as _, LeafTransaction as _, NewStake, StakingTransaction,
};

const HEIGHT: u32 = 874_088;

fn height(height: u32) -> Height {
    Height::from_consensus(height).unwrap()
}

/// Mainnet's version 2 with the committee of the fixtures, for 1000 to 64000 blocks.
fn phase1_parameters() -> Phase1Parameters {
    let mainnet = ParametersHistory::<Phase1Parameters>::mainnet_phase1().unwrap();
    let times = Timelock::from_blocks(1000).unwrap()..=Timelock::from_blocks(64000).unwrap();
    Phase1Parameters {
        covenant: CovenantCommittee::new(public(&members(0)), 6).unwrap(),
        staking_time: times,
        ..mainnet.get(2).unwrap().clone()
    }
}

fn staking_transaction(parameters: &Phase1Parameters) -> bitcoin::Transaction {
    let provider = *key("provider", 0).public_key();
    let parties = Parties::new(*key("staker", 0).public_key(), [provider], parameters.covenant.clone());
    let new_stake = NewStake {
        output: StakingOutput::new(parties.unwrap(), Timelock::from_blocks(2000).unwrap()).unwrap(),
        amount: Amount::from_sat(1_000_000),
        coins: &[coin(1, 2_000_000)],
        change: wallet(),
        fee_rate: FeeRate::from_sat_per_vb_u32(5),
        op_return_tag: Some(parameters.tag),
    };
    StakingTransaction::build(new_stake).unwrap().unsigned().clone()
}

/// The delegation of a phase-1 stake, and the parameters that it is made under.
pub(super) fn phase1_stake() -> (Delegation, Phase1Parameters) {
    let parameters = phase1_parameters();
    let rules = Phase1Rules::from(&parameters).at(height(HEIGHT));
    let delegation = Delegation::phase1(&staking_transaction(&parameters), rules).unwrap();
    (delegation, parameters)
}

/// What a member of phase 1 signed: the unbonding transaction alone.
fn signed(delegation: &Delegation, covenant: &CovenantCommittee, number: usize) -> CovenantSignatures {
    let member = key("member", number);
    let unbonding = delegation.unbonding(covenant).unwrap();
    let none = CovenantAdaptorSignatures { member: *member.public_key(), signatures: Vec::new() };
    CovenantSignatures {
        unbonding: unbonding.sign_as_covenant_member_unchecked(&member).unwrap(),
        slashing: none.clone(),
        unbonding_slashing: none,
        extension: None,
    }
}

#[test]
fn phase1_stake_is_unbonded_with_covenant_signatures_and_withdrawn() {
    let (mut delegation, parameters) = phase1_stake();
    let covenant = &parameters.covenant;
    assert!(delegation.is_phase1());
    assert_eq!(delegation.parameters, ParametersAt::Height(height(HEIGHT)));
    let unbonding = delegation.unbonding(covenant).unwrap();
    let staker = unbonding.sign_as_staker(&key("staker", 0)).unwrap();
    delegation.covenant_signatures = (0..5).map(|number| signed(&delegation, covenant, number)).collect();
    assert!(!delegation.unbonding_quorum(covenant).unwrap().is_reached());
    delegation.unbond(&staker, covenant).unwrap_err();
    let sixth = signed(&delegation, covenant, 5);
    delegation.covenant_signatures.push(sixth);
    // Through its own file, as the steps do it.
    let mut read = Delegation::from_json(&delegation.to_json()).unwrap();
    assert_eq!(read, delegation);
    let quorum = read.unbonding_quorum(covenant).unwrap();
    assert_eq!((quorum.signed, quorum.quorum, quorum.invalid.as_slice()), (6, 6, &[][..]));
    let transaction = read.unbond(&staker, covenant).unwrap();
    assert_eq!(transaction.compute_txid(), unbonding.txid());
    for from in [WithdrawnOutput::Staking, WithdrawnOutput::Unbonding] {
        let withdrawal = read.withdrawal(from, wallet(), FeeRate::BROADCAST_MIN, covenant).unwrap();
        withdrawal.finalize(&withdrawal.sign_as_staker(&key("staker", 0)).unwrap()).unwrap();
    }
    // Signatures that do not verify do not count, nor do those of others, nor a member's second ones.
    let stranger = CovenantSignatures {
        unbonding: crate::transactions::CovenantSignature {
            member: *key("else", 0).public_key(),
            ..read.covenant_signatures[0].unbonding
        },
        ..read.covenant_signatures[0].clone()
    };
    read.covenant_signatures[1].unbonding.signature = read.covenant_signatures[0].unbonding.signature;
    let again = read.covenant_signatures[0].clone();
    read.covenant_signatures.extend([again, stranger]);
    let quorum = read.unbonding_quorum(covenant).unwrap();
    assert_eq!((quorum.signed, quorum.invalid.len()), (5, 3));
    assert!(quorum.invalid.iter().any(|it| matches!(it, CovenantSignaturesError::RepeatedMember(_))));
}

/// A copy that does not verify does not hide the member's good signature behind it.
#[test]
fn phase1_quorum_counts_a_good_signature_behind_a_bad_one() {
    let (mut delegation, parameters) = phase1_stake();
    let covenant = &parameters.covenant;
    let good = signed(&delegation, covenant, 0);
    let mut bad = good.clone();
    bad.unbonding.signature = signed(&delegation, covenant, 1).unbonding.signature;
    delegation.covenant_signatures = vec![bad, good];
    assert_eq!(delegation.unbonding_quorum(covenant).unwrap().signed, 1);
}

/// Signatures without the slashing transactions are no signatures of a stake on Babylon Genesis.
#[test]
fn signatures_of_phase1_do_not_count_for_babylon_genesis() {
    let (mut delegation, parameters) = honest(genesis());
    assert!(!delegation.is_phase1());
    let covenant = parameters.covenant();
    delegation.covenant_signatures = (0..9).map(|number| signed(&delegation, covenant, number)).collect();
    let quorum = delegation.covenant_quorum(covenant, None).unwrap();
    assert_eq!((quorum.signed, quorum.invalid.len()), (0, 9));
}

/// Changes the delegation, and returns the rules of phase 1 that it breaks.
fn broken(change: impl FnOnce(&mut Delegation)) -> Vec<&'static str> {
    let (mut delegation, parameters) = phase1_stake();
    change(&mut delegation);
    let rules = Phase1Rules::from(&parameters).at(height(HEIGHT));
    delegation.check_phase1(rules).iter().map(StakeViolation::rule).collect()
}

#[test]
fn phase1_delegation_breaks_each_rule_under_its_name() {
    assert_eq!(broken(|_| {}), [""; 0]);
    let other = *key("other", 0).public_key();
    assert_eq!(broken(|it| it.staker = other), ["op_return_staker"]);
    let provider = |it: &mut Delegation| it.staked_to = StakedTo::Genesis(other);
    assert_eq!(broken(provider), ["op_return_finality_provider"]);
    assert_eq!(broken(|it| it.staking_time_blocks = 2001), ["op_return_staking_time"]);
    assert_eq!(broken(|it| it.staking_amount = Amount::from_sat(1_000_001)), ["staked_amount"]);
    assert_eq!(broken(|it| it.unbonding_time_blocks = 1009), ["unbonding_time"]);
    assert_eq!(broken(|it| it.unbonding_transaction = None), ["absent"]);
    let unbonding = |change: fn(&mut bitcoin::Transaction)| {
        broken(|it| change(it.unbonding_transaction.as_mut().unwrap()))
    };
    assert_eq!(unbonding(|it| it.output[0].value -= Amount::ONE_SAT), ["unbonding_fee"]);
    assert_eq!(unbonding(|it| it.output[0].script_pubkey = wallet()), ["output_script"]);
    assert_eq!(unbonding(|it| it.version = Version::ONE), ["version"]);
    assert_eq!(unbonding(|it| it.input[0].previous_output.vout ^= 1), ["spends"]);
    // The transaction's own: no OP_RETURN, no output, two of it, and a time that the output does not have.
    let staking = |change: fn(&mut bitcoin::Transaction)| broken(|it| change(&mut it.staking_transaction));
    assert_eq!(staking(|it| drop(it.output.remove(1))), ["op_return"]);
    assert_eq!(staking(|it| drop(it.output.remove(0))), ["staking_output"]);
    assert_eq!(staking(|it| it.output.push(it.output[0].clone())), ["staking_output"]);
    let time = |it: &mut bitcoin::Transaction| {
        let mut script = it.output[1].script_pubkey.to_bytes();
        script.splice(71.., 2001_u16.to_be_bytes());
        it.output[1].script_pubkey = bitcoin::ScriptBuf::from_bytes(script);
    };
    assert_eq!(staking(time), ["op_return_staking_time", "staking_output"]);
}

/// The version that the delegation names, or that makes the output, in either form.
#[test]
fn phase1_delegation_finds_its_version() {
    let (mut delegation, _) = phase1_stake();
    let genesis = history(&[0, 0, 9]);
    let first = genesis.get(0).unwrap().activation_height().to_consensus_u32();
    let mut number = |at: ParametersAt| {
        delegation.parameters = at;
        delegation.phase1_rules(&genesis).map(|(number, rules)| (number, rules.height())).ok()
    };
    assert_eq!(number(ParametersAt::Height(height(first))), Some((0, Some(height(first)))));
    assert_eq!(number(ParametersAt::Height(height(first + 1000))), Some((1, Some(height(first + 1000)))));
    assert_eq!(number(ParametersAt::Height(height(first - 1))), None);
    assert_eq!(number(ParametersAt::Version(2)), Some((2, None)));
    assert_eq!(number(ParametersAt::Version(3)), None);
    // The last version has another committee.
    assert_eq!(number(ParametersAt::Unstated), Some((1, None)));
}

#[test]
fn phase1_stake_needs_confirmations_and_no_signature_to_count() {
    let (delegation, parameters) = phase1_stake();
    let covenant = &parameters.covenant;
    let included = StakeOnChain { included: Some(height(HEIGHT)), ..StakeOnChain::at(height(HEIGHT)) };
    let status = |tip: u32, chain: StakeOnChain| {
        let chain = StakeOnChain { tip: height(tip), ..chain };
        delegation.phase1_state(&chain, covenant, 10).unwrap().status
    };
    assert_eq!(status(HEIGHT, StakeOnChain::at(height(HEIGHT))), Is::Pending);
    assert_eq!(status(HEIGHT, included), Is::Pending);
    // Ten confirmations are nine blocks on it.
    assert_eq!(status(HEIGHT + 8, included), Is::Pending);
    assert_eq!(status(HEIGHT + 9, included), Is::Active);
    assert_eq!(status(HEIGHT + 992, included), Is::Expired);
    let unbonding = delegation.unbonding(covenant).unwrap().txid();
    let path = Some(SpendPath::Unbonding);
    let spent = Some(Spending { txid: unbonding, path, height: height(HEIGHT + 20) });
    assert_eq!(status(HEIGHT + 20, StakeOnChain { spent, ..included }), Is::Unbonding);
}
