//! The status of a stake at each height.

use bitcoin::absolute::Height;
use bitcoin::{Network, Txid};

use crate::delegation::{ChainRules, Spending, StakeOnChain, StakeStatus as Is, StakeTimes};
use crate::outputs::SpendPath;
use crate::testing::{genesis, honest};
use crate::transactions::LeafTransaction as _;

const RULES: ChainRules = ChainRules { network: Network::Regtest, depth: 10, ..ChainRules::MAINNET };
const HEIGHT: u32 = 900_000;

#[test]
fn state_of_a_stake_at_each_height() {
    let (delegation, parameters) = honest(genesis());
    let checked = delegation.check_under(&parameters, None, RULES).unwrap();
    let outputs = delegation.stake(parameters.covenant()).unwrap();
    let height = |height: u32| Height::from_consensus(height).unwrap();
    let by = |txid: Txid, path: Option<SpendPath>, at: u32| Some(Spending { txid, path, height: height(at) });
    let nothing = StakeOnChain {
        tip: height(HEIGHT),
        included: None,
        spent: None,
        unbonding_spent: None,
        refund_spent: None,
    };
    let stake = StakeOnChain { included: Some(height(HEIGHT)), ..nothing };
    let state = |quorum_signed: bool, tip: u32, chain: StakeOnChain| {
        let chain = StakeOnChain { tip: height(tip), ..chain };
        let state = chain.state(
            StakeTimes::of(&outputs),
            Some(checked.presigned().unbonding.txid()),
            quorum_signed,
            10,
        );
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
    for quorum_signed in [false, true] {
        assert_eq!(state(quorum_signed, HEIGHT + 992, stake), (Is::Expired, end));
        assert_eq!(state(quorum_signed, HEIGHT + 5000, stake), (Is::Expired, end));
    }

    let (unbonding, other) = (checked.presigned().unbonding.txid(), checked.presigned().slashing.txid());
    let unbonded = StakeOnChain { spent: by(unbonding, Some(SpendPath::Unbonding), HEIGHT + 20), ..stake };
    let end = Some(HEIGHT + 20 + 1008);
    assert_eq!(state(true, HEIGHT + 20, unbonded), (Is::Unbonding, end));
    // The block at `end` may include the withdrawal, so it can be broadcast one block before.
    assert_eq!(state(true, HEIGHT + 20 + 1006, unbonded), (Is::Unbonding, end));
    assert_eq!(state(true, HEIGHT + 20 + 1007, unbonded), (Is::Unbonded, end));
    let then = |path, at| StakeOnChain { unbonding_spent: by(other, path, at), ..unbonded };
    assert_eq!(
        state(true, HEIGHT + 3000, then(Some(SpendPath::Timelock), HEIGHT + 2000)),
        (Is::Withdrawn, None)
    );
    let refund = Some(HEIGHT + 30 + 1008);
    assert_eq!(state(true, HEIGHT + 40, then(Some(SpendPath::Slashing), HEIGHT + 30)), (Is::Slashed, refund));

    let spent = |path| StakeOnChain { spent: by(other, path, HEIGHT + 30), ..stake };
    assert_eq!(state(true, HEIGHT + 40, spent(Some(SpendPath::Slashing))), (Is::Slashed, refund));
    let taken = StakeOnChain {
        refund_spent: by(other, Some(SpendPath::Timelock), HEIGHT + 2000),
        ..spent(Some(SpendPath::Slashing))
    };
    assert_eq!(state(true, HEIGHT + 2001, taken), (Is::Slashed, None));
    assert_eq!(state(true, HEIGHT + 40, spent(Some(SpendPath::Unbonding))), (Is::Unbonded, None));
    assert_eq!(state(true, HEIGHT + 40, spent(Some(SpendPath::Timelock))), (Is::Withdrawn, None));
    assert_eq!(Is::Expired.as_str(), "EXPIRED");
}
