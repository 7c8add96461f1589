//! What is to be done about a stake, for everything that the chain may have of it.

use bitcoin::hashes::Hash as _;
use bitcoin::{OutPoint, Txid};
use chain::RejectionClass;
use staking_scripts::SpendPath;
use staking_scripts::delegation::{SlashedOutput, StakeTimes};
use staking_scripts::outputs::Timelock;

use crate::complete::Candidates;
use crate::facts::LeafMarks;
use crate::slasher::{AfterRefusal, Aim, Slasher, aim};
use crate::stake::{ProviderId, Spend, Spends, StakeId, TrackedStake};

const DEPTH: u32 = 6;
const UNBONDING: u8 = 2;

fn txid(byte: u8) -> Txid {
    Txid::from_byte_array([byte; 32])
}

fn spend(byte: u8, path: Option<SpendPath>, height: u32) -> Option<Spend> {
    Some(Spend { txid: txid(byte), path, height })
}

fn stake(included: Option<u32>, staking: Option<Spend>, unbonding: Option<Spend>) -> TrackedStake {
    let time = |blocks| Timelock::from_blocks(blocks).unwrap();
    TrackedStake {
        outpoint: OutPoint::new(txid(1), 0),
        amount_sat: 1_000_000,
        times: StakeTimes { staking: time(1000), unbonding: time(100) },
        unbonding_txid: Some(txid(UNBONDING)),
        providers: Box::new([ProviderId(0)]),
        leaves: LeafMarks { slashing: [1; 8], unbonding: [2; 8] },
        quorum_signed: true,
        is_phase1: false,
        is_extension: false,
        registered: None,
        included,
        searched: 0,
        spends: Some(Box::new(Spends { staking, unbonding, refund: None })),
    }
}

#[test]
fn aim_of_each_state_of_a_stake() {
    use SpendPath::{Slashing, Timelock, Unbonding};
    let (staking, unbonding) = (Aim::Slash(SlashedOutput::Staking), Aim::Slash(SlashedOutput::Unbonding));
    let unbonded = spend(UNBONDING, Some(Unbonding), 20);
    let cases = [
        ("nowhere", stake(None, None, None), Aim::Wait),
        ("in a block", stake(Some(10), None, None), staking),
        ("slashed, not deep", stake(Some(10), spend(9, Some(Slashing), 95), None), staking),
        ("slashed, deep", stake(Some(10), spend(9, Some(Slashing), 94), None), Aim::Done),
        ("unbonding", stake(Some(10), unbonded, None), unbonding),
        ("unbonding slashed", stake(Some(10), unbonded, spend(9, Some(Slashing), 95)), unbonding),
        ("unbonding slashed, deep", stake(Some(10), unbonded, spend(9, Some(Slashing), 94)), Aim::Done),
        ("withdrawn after it", stake(Some(10), unbonded, spend(9, Some(Timelock), 30)), Aim::Escaped),
        ("withdrawn by nobody knows what", stake(Some(10), unbonded, spend(9, None, 30)), Aim::Escaped),
        ("extended", stake(Some(10), spend(8, Some(Unbonding), 20), None), Aim::Extended),
        ("expired and withdrawn", stake(Some(10), spend(8, Some(Timelock), 20), None), Aim::Escaped),
        ("spent without a leaf", stake(Some(10), spend(8, None, 20), None), Aim::Escaped),
    ];
    for (name, stake, expected) in cases {
        assert_eq!(aim(&stake, false, 100, DEPTH), expected, "{name}");
    }
    assert_eq!(aim(&stake(None, None, None), true, 100, DEPTH), staking, "in the mempool");
}

fn candidates(staking: Result<u32, &str>, unbonding: Result<u32, &str>) -> Candidates {
    let of = |given: Result<u32, &str>| {
        given.map_err(str::to_owned).map(|lock| bitcoin::Transaction {
            version: bitcoin::transaction::Version::TWO,
            lock_time: bitcoin::absolute::LockTime::from_consensus(lock),
            input: Vec::new(),
            output: Vec::new(),
        })
    };
    Candidates { staking: of(staking), unbonding: of(unbonding) }
}

/// A worse delegation does not take the place of a better one.
#[test]
fn what_can_be_completed_stays() {
    let (mut slasher, id) = (Slasher::default(), StakeId(0));
    assert!(slasher.want(id));
    assert_eq!(slasher.transaction(id, SlashedOutput::Staking), None);
    slasher.complete(id, candidates(Ok(1), Err("few signatures")));
    assert!(!slasher.want(id));
    slasher.complete(id, candidates(Err("none"), Ok(2)));
    for (output, expected) in [(SlashedOutput::Staking, 1), (SlashedOutput::Unbonding, 2)] {
        let found = slasher.transaction(id, output).unwrap().as_ref().unwrap();
        assert_eq!(found.lock_time.to_consensus_u32(), expected);
    }
}

#[test]
fn after_a_refusal_the_other_is_tried_once_a_round_and_somebody_told_later() {
    use RejectionClass::{CallerLimit, Invalid, Mempool, MissingInputs, Policy};
    let (mut slasher, id) = (Slasher::default(), StakeId(0));
    slasher.complete(id, candidates(Ok(1), Ok(2)));
    let mut refused = |output, class| slasher.refused(id, output, class);
    assert_eq!(refused(SlashedOutput::Staking, Mempool), AfterRefusal::TryOther);
    assert_eq!(refused(SlashedOutput::Unbonding, MissingInputs), AfterRefusal::Wait);
    assert_eq!(refused(SlashedOutput::Staking, Mempool), AfterRefusal::Wait);
    for class in [Invalid, CallerLimit, Policy] {
        assert_eq!(refused(SlashedOutput::Staking, class), AfterRefusal::Tell, "{class}");
    }
    for round in 1..=4 {
        slasher.begin_round();
        assert_eq!(slasher.refused(id, SlashedOutput::Staking, Mempool), AfterRefusal::TryOther);
        let then = slasher.refused(id, SlashedOutput::Unbonding, MissingInputs);
        assert_eq!(then, if round < 3 { AfterRefusal::Wait } else { AfterRefusal::Tell }, "{round}");
    }
    // Once it is taken, it begins anew.
    slasher.taken(id);
    slasher.begin_round();
    slasher.refused(id, SlashedOutput::Staking, Mempool);
    assert_eq!(slasher.refused(id, SlashedOutput::Unbonding, Mempool), AfterRefusal::Wait);
    assert_eq!(slasher.refused(StakeId(9), SlashedOutput::Staking, Mempool), AfterRefusal::Wait);
}
