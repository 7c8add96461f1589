//! A stake that is tracked, and what Bitcoin has of it: in some hundred bytes, as there may be a million.

use babylon::query::DelegationStatus;
use bitcoin::absolute::Height;
use bitcoin::taproot::TapLeafHash;
use bitcoin::{OutPoint, TxIn, Txid};
use staking_scripts::delegation::{Spending, StakeOnChain, StakeState, StakeTimes};
use staking_scripts::{SpendPath, StakeStatus};

use crate::facts::{LeafMarks, StakeFacts, mark};

/// A stake's number, as long as the process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StakeId(pub(crate) u32);

/// A provider's number, as long as the process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderId(pub(crate) u32);

/// An output of a stake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StakeOutput {
    /// The staking output.
    Staking,
    /// The unbonding output.
    Unbonding,
    /// The slashing refund output.
    Refund,
}

/// The spend of an output of a stake, in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spend {
    /// The transaction.
    pub txid: Txid,
    /// The path, by the leaf that the witness reveals; `None` where it reveals none of the output.
    pub path: Option<SpendPath>,
    /// The height of its block.
    pub height: u32,
}

/// The spends of a stake's outputs. Few stakes have any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Spends {
    pub(crate) staking: Option<Spend>,
    pub(crate) unbonding: Option<Spend>,
    pub(crate) refund: Option<Spend>,
}

/// A stake that is tracked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackedStake {
    pub(crate) outpoint: OutPoint,
    pub(crate) amount_sat: u64,
    pub(crate) times: StakeTimes,
    pub(crate) unbonding_txid: Option<Txid>,
    pub(crate) providers: Box<[ProviderId]>,
    pub(crate) leaves: LeafMarks,
    pub(crate) quorum_signed: bool,
    pub(crate) is_phase1: bool,
    /// Whether its staking transaction extends another stake.
    pub(crate) is_extension: bool,
    /// What the secured chain has of it; `None` where nobody told.
    pub(crate) registered: Option<DelegationStatus>,
    /// The height of the block with the staking transaction.
    pub(crate) included: Option<u32>,
    /// From which height on blocks were looked at for it, or are.
    pub(crate) searched: u32,
    pub(crate) spends: Option<Box<Spends>>,
}

impl TrackedStake {
    /// Returns a stake of which nothing is known to be on Bitcoin.
    pub(crate) fn of(facts: &StakeFacts, providers: Box<[ProviderId]>) -> Self {
        Self {
            outpoint: facts.outpoint,
            amount_sat: facts.amount_sat,
            times: facts.times,
            unbonding_txid: facts.unbonding_txid,
            providers,
            leaves: facts.leaves,
            quorum_signed: facts.quorum_signed,
            is_phase1: false,
            is_extension: facts.extends.is_some(),
            registered: None,
            included: None,
            searched: u32::MAX,
            spends: None,
        }
    }

    /// Returns the staking output.
    pub const fn outpoint(&self) -> OutPoint {
        self.outpoint
    }

    /// Returns the staked amount in satoshis.
    pub const fn amount_sat(&self) -> u64 {
        self.amount_sat
    }

    /// Returns the finality providers that it is staked to, by their numbers in its tracker.
    pub const fn providers(&self) -> &[ProviderId] {
        &self.providers
    }

    /// Returns whether a quorum of the covenant committee, and the staker, have signed both slashing
    /// transactions.
    pub const fn is_slashable(&self) -> bool {
        self.quorum_signed
    }

    /// Returns its times.
    pub const fn times(&self) -> StakeTimes {
        self.times
    }

    /// Returns the height of the block with its staking transaction; `None` while there is none.
    pub const fn included_height(&self) -> Option<u32> {
        self.included
    }

    /// Returns whether it was found in a block by its announcement, and nobody registered it.
    pub const fn is_phase1(&self) -> bool {
        self.is_phase1
    }

    /// Returns what the secured chain has of it, as it was told last; `None` where nobody told.
    pub const fn registered(&self) -> Option<DelegationStatus> {
        self.registered
    }

    /// Returns what spends one of its outputs, in a block.
    pub fn spend(&self, output: StakeOutput) -> Option<Spend> {
        let spends = self.spends.as_ref()?;
        match output {
            StakeOutput::Staking => spends.staking,
            StakeOutput::Unbonding => spends.unbonding,
            StakeOutput::Refund => spends.refund,
        }
    }

    /// Returns whether this transaction unbonds it: the one that was registered, or of a phase-1 stake, of
    /// which none is registered, whichever spends it so.
    pub(crate) fn is_unbonding(&self, spend: &Spend) -> bool {
        match self.unbonding_txid {
            Some(registered) => spend.txid == registered,
            None => self.is_phase1 && spend.path == Some(SpendPath::Unbonding),
        }
    }

    /// Returns the unbonding output, where its transaction is in a block.
    pub(crate) fn unbonding_output(&self) -> Option<OutPoint> {
        let spend = self.spend(StakeOutput::Staking)?;
        self.is_unbonding(&spend).then(|| OutPoint::new(spend.txid, 0))
    }

    /// Returns the spend that slashes it, and the output that it spends.
    pub fn slashing(&self) -> Option<(StakeOutput, Spend)> {
        let slashes = |output| self.spend(output).filter(|spend| spend.path == Some(SpendPath::Slashing));
        let of = |output| slashes(output).map(|spend| (output, spend));
        of(StakeOutput::Staking).or_else(|| of(StakeOutput::Unbonding))
    }

    /// Returns the slashing refund output, where it was slashed.
    pub(crate) fn refund_output(&self) -> Option<OutPoint> {
        // The second output, of either slashing transaction.
        self.slashing().map(|(_, spend)| OutPoint::new(spend.txid, 1))
    }

    /// Returns the transaction that extends it: it spends the staking output by the unbonding leaf, and is
    /// not the unbonding that was registered.
    pub fn extension(&self) -> Option<Spend> {
        let spend = self.spend(StakeOutput::Staking)?;
        (spend.path == Some(SpendPath::Unbonding) && !self.is_unbonding(&spend)).then_some(spend)
    }

    /// Returns which of its outputs is this one.
    pub(crate) fn which(&self, outpoint: OutPoint) -> Option<StakeOutput> {
        if outpoint == self.outpoint {
            Some(StakeOutput::Staking)
        } else if Some(outpoint) == self.unbonding_output() {
            Some(StakeOutput::Unbonding)
        } else if Some(outpoint) == self.refund_output() {
            Some(StakeOutput::Refund)
        } else {
            None
        }
    }

    /// Returns the path by which an input spends an output of this stake, by the leaf that it reveals,
    /// whatever else its witness has.
    pub(crate) fn path(&self, output: StakeOutput, input: &TxIn) -> Option<SpendPath> {
        let leaf = input.witness.taproot_leaf_script()?;
        let revealed = mark(TapLeafHash::from_script(leaf.script, leaf.version));
        match output {
            // Its only leaf is the timelock's.
            StakeOutput::Refund => Some(SpendPath::Timelock),
            _ if revealed == self.leaves.slashing => Some(SpendPath::Slashing),
            StakeOutput::Staking if revealed == self.leaves.unbonding => Some(SpendPath::Unbonding),
            // The third leaf: whoever spends the output reveals one of them.
            StakeOutput::Staking | StakeOutput::Unbonding => Some(SpendPath::Timelock),
        }
    }

    /// Takes note of the block with the staking transaction. Returns whether that is new.
    pub(crate) fn include(&mut self, height: u32) -> bool {
        let is_new = self.included != Some(height);
        self.included = Some(height);
        is_new
    }

    /// Takes note of a transaction in a block that spends this output. Returns whether that is new.
    pub(crate) fn spent(&mut self, output: StakeOutput, input: &TxIn, txid: Txid, height: u32) -> bool {
        let spend = Spend { txid, path: self.path(output, input), height };
        let spends = self.spends.get_or_insert_default();
        let place = match output {
            StakeOutput::Staking => &mut spends.staking,
            StakeOutput::Unbonding => &mut spends.unbonding,
            StakeOutput::Refund => &mut spends.refund,
        };
        let is_new = *place != Some(spend);
        *place = Some(spend);
        is_new
    }

    /// Forgets what blocks above this height had. Returns whether there was something.
    pub(crate) fn disconnect(&mut self, height: u32) -> bool {
        let before = (self.included, self.spends.clone());
        self.included = self.included.filter(|included| *included <= height);
        if let Some(spends) = &mut self.spends {
            for place in [&mut spends.staking, &mut spends.unbonding, &mut spends.refund] {
                *place = place.filter(|spend| spend.height <= height);
            }
            if **spends == Spends::default() {
                self.spends = None;
            }
        }
        before != (self.included, self.spends.clone())
    }

    /// Returns whether a block above this height has something of it.
    pub(crate) fn is_above(&self, height: u32) -> bool {
        let is_above = |spend: &Option<Spend>| spend.is_some_and(|spend| spend.height > height);
        self.included.is_some_and(|included| included > height)
            || self.spends.as_ref().is_some_and(|spends| {
                is_above(&spends.staking) || is_above(&spends.unbonding) || is_above(&spends.refund)
            })
    }

    /// Returns its state at a tip of this height, by what blocks up to it have; `depth` is the depth that a
    /// stake must have. A phase-1 stake needs no signatures of the covenant; it is pending until it is deep
    /// enough.
    pub fn state(&self, tip: u32, depth: u32) -> StakeState {
        let height = |height: u32| Height::from_consensus(height).unwrap_or(Height::ZERO);
        let spending = |output| {
            let found = self.spend(output).filter(|spend| spend.height <= tip);
            found.map(|Spend { txid, path, height: at }| Spending { txid, path, height: height(at) })
        };
        let chain = StakeOnChain {
            tip: height(tip),
            included: self.included.filter(|included| *included <= tip).map(height),
            spent: spending(StakeOutput::Staking),
            unbonding_spent: spending(StakeOutput::Unbonding),
            refund_spent: spending(StakeOutput::Refund),
        };
        let staking = self.spend(StakeOutput::Staking);
        let unbonding = staking.filter(|spend| self.is_unbonding(spend)).map(|spend| spend.txid);
        let is_signed = self.quorum_signed || self.is_phase1;
        let state = chain.state(self.times, unbonding.or(self.unbonding_txid), is_signed, depth);
        match state.status {
            StakeStatus::Verified if self.is_phase1 => StakeState { status: StakeStatus::Pending, ..state },
            _ => state,
        }
    }
}
