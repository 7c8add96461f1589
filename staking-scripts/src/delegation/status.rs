//! Where a stake stands, from what a Bitcoin chain has of it.

use bitcoin::Txid;
use bitcoin::absolute::Height;

use super::stake::Stake;
use crate::outputs::leaf::SpendPath;

/// Where a stake stands. The secured chain's names; it counts in the same way, but by what is reported to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StakeStatus {
    /// Fewer covenant members than the quorum have signed.
    Pending,
    /// A quorum has signed; the stake is in no block, or not deep enough.
    Verified,
    /// It stakes.
    Active,
    /// Its unbonding transaction is in a block, and the unbonding time runs.
    Unbonding,
    /// The unbonding time is over, or the stake went over into one that extends it.
    Unbonded,
    /// Of the staking time, no more than the unbonding time is left, or nothing.
    Expired,
    /// The staker has taken it out.
    Withdrawn,
    /// A part of it is burnt, or gone where the parameters say.
    Slashed,
}

impl StakeStatus {
    /// The status as the secured chain writes it: one word in capitals.
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
    /// Its id.
    pub txid: Txid,
    /// The path that it spends through; `None` for what is not of the protocol, which no node would have
    /// taken.
    pub path: Option<SpendPath>,
    /// Its block's height.
    pub height: Height,
}

/// What a Bitcoin chain has of a stake. Only what is in a block counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StakeOnChain {
    /// The height of the last block.
    pub tip: Height,
    /// The height of the block with the staking transaction.
    pub included: Option<Height>,
    /// What spends the staking output.
    pub spent: Option<Spending>,
    /// What spends the unbonding output.
    pub unbonding_spent: Option<Spending>,
    /// What spends the refund of the slashing transaction that is among these.
    pub refund_spent: Option<Spending>,
}

impl StakeOnChain {
    /// How many blocks stand on the one with the staking transaction.
    pub fn depth(&self) -> Option<u32> {
        self.included
            .and_then(|included| self.tip.to_consensus_u32().checked_sub(included.to_consensus_u32()))
    }
}

/// The status, and from when on the staker may take something out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StakeState {
    /// The status.
    pub status: StakeStatus,
    /// The height of the first block that may take the withdrawal of the output where the stake is now;
    /// `None` when it is in no block, or withdrawn, or not in an output of this stake any more.
    pub withdrawable_from: Option<u32>,
}

impl StakeOnChain {
    /// Returns where a stake stands, by its two times, the id of its unbonding transaction where that is
    /// known, and what the chain has of it. `quorum_signed`: a quorum of the covenant committee has signed.
    /// `depth`: how many blocks must stand on the one that includes the stake
    /// ([`ChainRules`](super::ChainRules)).
    pub fn state(
        &self,
        stake: &Stake,
        unbonding: Option<Txid>,
        quorum_signed: bool,
        depth: u32,
    ) -> StakeState {
        let chain = self;
        use StakeStatus as Is;
        let staking_time = stake.staking.output().staking_time().blocks();
        let unbonding_time = stake.unbonding_output.unbonding_time().blocks();
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
