//! Follows a stake on a regtest chain, across a reorg, and prints its status at every change.
//!
//! ```sh
//! cargo run -p btcstake-chain --features embedded --example follow_stake
//! ```

use std::error::Error;

use bitcoin::absolute::Height;
use bitcoin::{Block, Network, OutPoint, ScriptBuf, Transaction};
use chain::{
    Broadcast, ChainSource, ChainTip, EmbeddedRegtest, FeeEstimate, Follower, Listen, Lookup, Mine, Step,
};
use staking_scripts::coins::sign_key_path;
use staking_scripts::delegation::{Spending, StakeOnChain, StakeState};
use staking_scripts::testing::{
    covenant_signatures, delegation_for, genesis, key, members, parameters_changed, staking_transaction,
    wallet,
};
use staking_scripts::{
    ChainRules, CovenantCommittee, Delegation, DelegationError, FundingCoin, LeafTransaction as _,
    StakeStatus, WithdrawnOutput,
};

/// The depth from which on the stake is active: the number of blocks on the one that includes it.
const DEPTH: u32 = 3;
const UNBONDING_BLOCKS: u32 = 20;

/// A stake, and which of its transactions the followed chain includes.
struct Watch {
    delegation: Delegation,
    committee: CovenantCommittee,
    staking: OutPoint,
    unbonding: OutPoint,
    on_chain: StakeOnChain,
    /// Each change of the status, with the height of the tip.
    changes: Vec<(u32, StakeStatus)>,
}

impl Watch {
    /// Begins at a tip below which nothing of the stake is included.
    fn new(
        delegation: Delegation,
        committee: CovenantCommittee,
        tip: ChainTip,
    ) -> Result<Self, DelegationError> {
        let staking = delegation.stake(&committee)?.staking.outpoint();
        let unbonding = delegation.unbonding(&committee)?.unbonding_output().outpoint();
        let on_chain = StakeOnChain::at(height(tip));
        let mut watch = Self { delegation, committee, staking, unbonding, on_chain, changes: Vec::new() };
        watch.compare_status();
        Ok(watch)
    }

    fn transaction_connected(&mut self, transaction: &Transaction, height: Height) {
        let (chain, spending) = (&mut self.on_chain, |outpoint| Spending::of(transaction, outpoint, height));
        if transaction.compute_txid() == self.staking.txid {
            chain.included = Some(height);
        }
        chain.spent = chain.spent.or_else(|| spending(self.staking));
        chain.unbonding_spent = chain.unbonding_spent.or_else(|| spending(self.unbonding));
        chain.refund_spent = chain.refund_spent.or_else(|| spending(chain.refund()?));
    }

    fn compare_status(&mut self) {
        let state = self.delegation.state(&self.on_chain, &self.committee, None, DEPTH);
        // The committee made the staking output, so there is a state.
        let Ok(StakeState { status, .. }) = state else { return };
        if self.changes.last().is_none_or(|(_, last)| *last != status) {
            let tip = self.on_chain.tip.to_consensus_u32();
            println!("height {tip}: {}", status.as_str());
            self.changes.push((tip, status));
        }
    }
}

impl Listen for Watch {
    fn block_connected(&mut self, block: &Block, at: ChainTip) {
        self.on_chain.tip = height(at);
        for transaction in &block.txdata {
            self.transaction_connected(transaction, height(at));
        }
        self.compare_status();
    }

    /// Forgets what was in the blocks above the fork point; the other branch may include it again.
    fn blocks_disconnected(&mut self, fork_point: ChainTip) {
        let (tip, chain) = (height(fork_point), &mut self.on_chain);
        chain.tip = tip;
        chain.included = chain.included.filter(|included| *included <= tip);
        for spent in [&mut chain.spent, &mut chain.unbonding_spent, &mut chain.refund_spent] {
            *spent = spent.filter(|by| by.height <= tip);
        }
        self.compare_status();
    }
}

fn height(block: ChainTip) -> Height {
    // No chain gets to the greatest height, 499 999 999.
    Height::from_consensus(block.height.to_u32()).unwrap_or(Height::MAX)
}

fn main() -> Result<(), Box<dyn Error>> {
    let node = EmbeddedRegtest::in_memory()?;
    let anyone_can_spend = ScriptBuf::from_bytes(vec![0x51]);
    // The wallet's coin, and the 100 blocks after which it may be spent.
    node.mine(1, &wallet())?;
    node.mine(100, &anyone_can_spend)?;

    // The delegation of a stake of that coin. Keys and parameters are the fixtures of staking-scripts.
    let parameters = parameters_changed(|fields| {
        if let Some(blocks) = fields.get_mut("unbonding_time_blocks") {
            *blocks = UNBONDING_BLOCKS.into();
        }
    });
    let coins = node.coins(&wallet())?.into_iter();
    let coins = coins.map(|coin| FundingCoin::new(coin.outpoint, coin.output));
    let staking = staking_transaction(&coins.collect::<Result<Vec<_>, _>>()?, &parameters);
    let mut delegation =
        delegation_for(&staking.staking_output(), staking.unsigned(), &genesis(), &parameters);

    // The covenant committee signs before the stake is broadcast.
    let rules = ChainRules { network: Network::Regtest, depth: DEPTH, ..ChainRules::MAINNET };
    let checked = delegation.check_under(&parameters, None, rules).map_err(|broken| format!("{broken:?}"))?;
    delegation.covenant_signatures =
        members(0).iter().map(|member| covenant_signatures(&checked, member)).collect();
    checked.may_be_broadcast(&delegation.covenant_signatures)?;

    let (committee, staker) = (parameters.covenant(), key("staker", 0));
    let unbonding = delegation.unbonding(committee)?;
    let start = node.tip()?;
    let mut follower = Follower::at(start);
    let mut watch = Watch::new(delegation.clone(), committee.clone(), start)?;

    node.broadcast(&staking.finalize(&sign_key_path(staking.psbt(), &key("wallet", 0))?)?)?;
    node.mine(4, &anyone_can_spend)?;
    follower.catch_up(&node, &mut watch)?;

    // A branch of five blocks without the stake, which returns to the mempool and is included again.
    node.mine_on(&start.hash, 5, &anyone_can_spend)?;
    node.mine(4, &anyone_can_spend)?;
    follower.catch_up(&node, &mut watch)?;

    // The unbonding transaction. The last block before its timelock is over is the 19th on it.
    node.broadcast(&delegation.unbond(&unbonding.sign_as_staker(&staker)?, committee)?)?;
    node.mine(UNBONDING_BLOCKS, &anyone_can_spend)?;
    follower.catch_up(&node, &mut watch)?;

    let rate = node.fee_rate(6)?;
    let withdrawal = delegation.withdrawal(WithdrawnOutput::Unbonding, wallet(), rate, committee)?;
    node.broadcast(&withdrawal.finalize(&withdrawal.sign_as_staker(&staker)?)?)?;
    node.mine(1, &anyone_can_spend)?;
    assert_eq!(follower.catch_up(&node, &mut watch)?, Step::AtTip);

    assert_eq!(
        watch.changes,
        [
            (101, StakeStatus::Verified),
            (105, StakeStatus::Active),
            // The reorg to height 101 takes the stake out of the chain.
            (101, StakeStatus::Verified),
            (110, StakeStatus::Active),
            (111, StakeStatus::Unbonding),
            (130, StakeStatus::Unbonded),
            (131, StakeStatus::Withdrawn),
        ]
    );
    Ok(())
}

#[test]
fn follow_stake_runs() {
    main().unwrap();
}
