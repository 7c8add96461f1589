//! The status of a stake, from the transactions on the Bitcoin chain.

use bitcoin::absolute::Height;
use bitcoin::{OutPoint, Transaction, Txid};

use super::data::Delegation;
use super::error::DelegationError;
use super::stake::Stake;
use crate::explain::explain;
use crate::outputs::committee::CovenantCommittee;
use crate::outputs::leaf::SpendPath;
use crate::outputs::timelock::Timelock;
use crate::transactions::leaf_transaction::LeafTransaction as _;

/// The status of a stake, with the names of Babylon Genesis. Babylon Genesis counts in the same way, from the
/// transactions that are reported to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StakeStatus {
    /// Fewer covenant members than the quorum have signed.
    Pending,
    /// A quorum has signed; the stake is in no block, or not deep enough.
    Verified,
    /// The stake is deep enough, and more than the unbonding time is left.
    Active,
    /// The unbonding transaction is in a block, and the unbonding time is not over.
    Unbonding,
    /// The unbonding time is over, or the stake was extended.
    Unbonded,
    /// No more of the staking time is left than the unbonding time.
    Expired,
    /// The staker has withdrawn the stake.
    Withdrawn,
    /// The stake was slashed.
    Slashed,
}

impl StakeStatus {
    /// Returns the status as Babylon Genesis writes it: one word in capitals.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Verified => "VERIFIED",
            Self::Active => "ACTIVE",
            Self::Unbonding => "UNBONDING",
            Self::Unbonded => "UNBONDED",
            Self::Expired => "EXPIRED",
            Self::Withdrawn => "WITHDRAWN",
            Self::Slashed => "SLASHED",
        }
    }
}

/// A transaction in a block that spends an output of a stake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spending {
    /// The id of the transaction.
    pub txid: Txid,
    /// The spend path; `None` when it is not one of the protocol, which is not valid.
    pub path: Option<SpendPath>,
    /// The height of its block.
    pub height: Height,
}

/// The transactions of a stake on the Bitcoin chain. Only those in a block count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StakeOnChain {
    /// The height of the tip.
    pub tip: Height,
    /// The height of the block with the staking transaction.
    pub included: Option<Height>,
    /// The transaction that spends the staking output.
    pub spent: Option<Spending>,
    /// The transaction that spends the unbonding output.
    pub unbonding_spent: Option<Spending>,
    /// The transaction that spends the slashing refund output, when one of these is a slashing transaction.
    pub refund_spent: Option<Spending>,
}

impl Spending {
    /// Returns the spending of an output by a transaction in the block at this height; `None` when it does
    /// not spend it.
    pub fn of(transaction: &Transaction, outpoint: OutPoint, height: Height) -> Option<Self> {
        transaction.input.iter().find(|input| input.previous_output == outpoint)?;
        let explanation = explain(transaction);
        let leaf = explanation.spent.iter().find(|leaf| leaf.outpoint == outpoint);
        Some(Self { txid: explanation.txid, path: leaf.map(|leaf| leaf.keys.path()), height })
    }
}

impl StakeOnChain {
    /// Returns a chain that has nothing of the stake, up to this tip.
    pub const fn at(tip: Height) -> Self {
        Self { tip, included: None, spent: None, unbonding_spent: None, refund_spent: None }
    }

    /// Returns the slashing refund output, where the stake was slashed.
    pub fn refund(&self) -> Option<OutPoint> {
        let mut spent = [self.spent, self.unbonding_spent].into_iter().flatten();
        let slashing = spent.find(|spending| spending.path == Some(SpendPath::Slashing))?;
        // The second output, of either slashing transaction.
        Some(OutPoint::new(slashing.txid, 1))
    }

    /// Returns the depth: the number of blocks on the one with the staking transaction.
    pub fn depth(&self) -> Option<u32> {
        self.included
            .and_then(|included| self.tip.to_consensus_u32().checked_sub(included.to_consensus_u32()))
    }
}

/// The times of a stake, which its state depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StakeTimes {
    /// The staking time.
    pub staking: Timelock,
    /// The unbonding time.
    pub unbonding: Timelock,
}

impl StakeTimes {
    /// Returns the times of a stake's outputs.
    pub fn of(stake: &Stake) -> Self {
        Self {
            staking: stake.staking.output().staking_time(),
            unbonding: stake.unbonding_output.unbonding_time(),
        }
    }
}

/// The status of a stake, and the height from which on the staker can withdraw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StakeState {
    /// The status of the stake.
    pub status: StakeStatus,
    /// The height of the first block that may include the withdrawal of the output that holds the stake;
    /// `None` when that is in no block, withdrawn, or not an output of this stake.
    pub withdrawable_from: Option<u32>,
}

impl Delegation {
    /// Returns the state of the stake, whatever is not known of it: without its unbonding transaction, a
    /// spend through the unbonding path is an extension; without covenant signatures, no quorum has signed.
    /// `previous` is the committee of the running stake that it extends; `depth` is the depth that the stake
    /// must have ([`ChainRules`](super::ChainRules)).
    ///
    /// # Errors
    /// The errors of [`stake`](Self::stake).
    pub fn state(
        &self,
        chain: &StakeOnChain,
        covenant: &CovenantCommittee,
        previous: Option<&CovenantCommittee>,
        depth: u32,
    ) -> Result<StakeState, DelegationError> {
        let stake = self.stake(covenant)?;
        let unbonding = self.unbonding(covenant).ok().map(|unbonding| unbonding.txid());
        let quorum = self.covenant_quorum(covenant, previous);
        let quorum_signed = quorum.is_ok_and(|quorum| quorum.is_reached());
        Ok(chain.state(StakeTimes::of(&stake), unbonding, quorum_signed, depth))
    }
}

impl StakeOnChain {
    /// Returns the state of a stake with these times. `unbonding` is the id of its unbonding transaction,
    /// where that is known; `quorum_signed` is whether a quorum of the covenant committee has signed; `depth`
    /// is the depth that the stake must have. [`Delegation::state`] has all of that from a delegation.
    pub fn state(
        &self,
        times: StakeTimes,
        unbonding: Option<Txid>,
        quorum_signed: bool,
        depth: u32,
    ) -> StakeState {
        let chain = self;
        use StakeStatus as Is;
        let (staking_time, unbonding_time) = (times.staking.blocks(), times.unbonding.blocks());
        let after = |height: Height, blocks: u16| height.to_consensus_u32().saturating_add(u32::from(blocks));
        let next = chain.tip.to_consensus_u32().saturating_add(1);
        let waiting = if quorum_signed { Is::Verified } else { Is::Pending };
        let refund = |spending: Spending| {
            let end = after(spending.height, unbonding_time);
            (Is::Slashed, chain.refund_spent.is_none().then_some(end))
        };
        let (status, withdrawable_from) = match (chain.included, chain.spent, chain.unbonding_spent) {
            (None, ..) => (waiting, None),
            (Some(included), None, _) => {
                let end = after(included, staking_time);
                let expired = chain.tip.to_consensus_u32().saturating_add(unbonding_time.into()) >= end;
                let deep = chain.depth().is_some_and(|found| found >= depth);
                let status = match (quorum_signed && deep, expired) {
                    (_, true) => Is::Expired,
                    (true, false) => Is::Active,
                    (false, false) => waiting,
                };
                (status, Some(end))
            }
            (_, Some(spent), None) if Some(spent.txid) == unbonding => {
                let end = after(spent.height, unbonding_time);
                (if next >= end { Is::Unbonded } else { Is::Unbonding }, Some(end))
            }
            (_, Some(spent), Some(then)) if Some(spent.txid) == unbonding => match then.path {
                Some(SpendPath::Slashing) => refund(then),
                _ => (Is::Withdrawn, None),
            },
            (_, Some(spent), _) => match spent.path {
                Some(SpendPath::Slashing) => refund(spent),
                Some(SpendPath::Unbonding) => (Is::Unbonded, None),
                Some(SpendPath::Timelock) | None => (Is::Withdrawn, None),
            },
        };
        StakeState { status, withdrawable_from }
    }
}
