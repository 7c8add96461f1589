//! The tracker: every known stake, and what the blocks of Bitcoin have of it.
//!
//! What it knows of a stake is a set of facts with heights, each of which a block says: a block can be judged
//! again, and out of its turn, and a reorg of any depth forgets what is above its fork point.

mod index;
mod statistics;

use std::collections::HashMap;

use babylon::query::DelegationStatus;
use bitcoin::{Block, Transaction, TxIn, Txid, XOnlyPublicKey};
use chain::ChainTip;

use self::index::TxidIndex;
pub use self::statistics::{ProviderStatistics, Statistics};
use crate::facts::StakeFacts;
use crate::stake::{ProviderId, Spend, StakeId, StakeOutput, TrackedStake};

/// All known stakes.
#[derive(Debug)]
pub struct Tracker {
    stakes: Vec<TrackedStake>,
    providers: Vec<XOnlyPublicKey>,
    provider_ids: HashMap<XOnlyPublicKey, ProviderId>,
    by_txid: TxidIndex,
    tip: ChainTip,
}

/// What a delegation is to the tracker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Learned {
    /// A stake that was not known.
    New(StakeId),
    /// One that is known: nothing is new of it.
    Known(StakeId),
    /// One of which more is known now.
    More(StakeId),
    /// One that is known otherwise: what is known stays.
    Otherwise(StakeId),
    /// One that was known otherwise, without a quorum's signatures, which this one has: it takes the place of
    /// what was known. Blocks may have something of it, as of a new one.
    Instead(StakeId),
}

/// Something that a block had of a stake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StakeChange {
    /// The staking transaction.
    Included(StakeId),
    /// A transaction that spends an output of it.
    Spent {
        /// The stake.
        stake: StakeId,
        /// The output.
        output: StakeOutput,
        /// How, and at which height.
        spend: Spend,
        /// The transaction.
        transaction: Box<Transaction>,
    },
}

impl StakeChange {
    /// Returns the stake.
    pub const fn stake(&self) -> StakeId {
        match self {
            Self::Included(stake) | Self::Spent { stake, .. } => *stake,
        }
    }
}

impl Tracker {
    /// Returns a tracker without stakes, which has seen the blocks up to this one.
    pub fn new(tip: ChainTip) -> Self {
        Self {
            stakes: Vec::new(),
            providers: Vec::new(),
            provider_ids: HashMap::new(),
            by_txid: TxidIndex::default(),
            tip,
        }
    }

    /// Returns the last block that it has seen.
    pub const fn tip(&self) -> ChainTip {
        self.tip
    }

    /// Returns the height of that block.
    pub const fn height(&self) -> u32 {
        self.tip.height.to_u32()
    }

    /// Returns the stakes, by their numbers.
    pub fn stakes(&self) -> impl ExactSizeIterator<Item = (StakeId, &TrackedStake)> {
        self.stakes.iter().enumerate().map(|(number, stake)| (StakeId(saturated(number)), stake))
    }

    /// Returns a stake.
    pub fn stake(&self, id: StakeId) -> Option<&TrackedStake> {
        self.stakes.get(usize::try_from(id.0).ok()?)
    }

    /// Returns the stake of a staking transaction.
    pub fn find(&self, staking: &Txid) -> Option<StakeId> {
        let is_it = |id: &StakeId| self.stake(*id).is_some_and(|stake| stake.outpoint.txid == *staking);
        self.by_txid.of(staking).find(is_it)
    }

    /// Returns a provider's key.
    pub fn provider(&self, id: ProviderId) -> Option<&XOnlyPublicKey> {
        self.providers.get(usize::try_from(id.0).ok()?)
    }

    /// Returns a provider's number, where a stake of it is known.
    pub fn provider_id(&self, key: &XOnlyPublicKey) -> Option<ProviderId> {
        self.provider_ids.get(key).copied()
    }

    /// Returns the stakes of a provider, of every state.
    pub fn stakes_of(&self, provider: &XOnlyPublicKey) -> impl Iterator<Item = StakeId> {
        let id = self.provider_id(provider);
        let of_it = move |stake: &TrackedStake| id.is_some_and(|id| stake.providers.contains(&id));
        self.stakes().filter(move |(_, stake)| of_it(stake)).map(|(id, _)| id)
    }

    /// Makes room for so many stakes.
    pub fn reserve(&mut self, count: usize) {
        self.stakes.reserve_exact(count);
        self.by_txid.reserve(count);
    }

    pub(crate) fn provider_number(&mut self, key: &XOnlyPublicKey) -> ProviderId {
        let next = ProviderId(saturated(self.providers.len()));
        let id = *self.provider_ids.entry(*key).or_insert(next);
        if id == next {
            self.providers.push(*key);
        }
        id
    }

    /// Takes note of a stake. Blocks that were seen before may have something of it:
    /// [`look_back`](Self::look_back) at them.
    pub fn learn(&mut self, facts: &StakeFacts) -> Learned {
        if let Some(id) = self.find(&facts.outpoint.txid) {
            return self.learn_more(id, facts);
        }
        let providers = self.provider_numbers(&facts.providers);
        Learned::New(self.add(TrackedStake::of(facts, providers)))
    }

    /// Adds a stake as it was stored; its providers are numbers of this tracker.
    pub(crate) fn add(&mut self, stake: TrackedStake) -> StakeId {
        let id = StakeId(saturated(self.stakes.len()));
        let outputs = [stake.unbonding_output(), stake.refund_output()];
        self.by_txid.add(&stake.outpoint.txid, id);
        for output in outputs.into_iter().flatten() {
            self.by_txid.add(&output.txid, id);
        }
        self.stakes.push(stake);
        id
    }

    pub(crate) fn provider_numbers(&mut self, keys: &[XOnlyPublicKey]) -> Box<[ProviderId]> {
        keys.iter().map(|key| self.provider_number(key)).collect()
    }

    /// Takes note of a phase-1 stake of a block that is judged next.
    pub(crate) fn learn_phase1(&mut self, facts: &StakeFacts) {
        if self.find(&facts.outpoint.txid).is_some() {
            return;
        }
        if let Learned::New(id) = self.learn(facts)
            && let Some(stake) = self.stake_mut(id)
        {
            stake.is_phase1 = true;
        }
    }

    /// Takes note that blocks from this height on are looked at for a stake.
    pub(crate) fn searched(&mut self, id: StakeId, since: u32) {
        if let Some(stake) = self.stake_mut(id) {
            stake.searched = stake.searched.min(since);
        }
    }

    /// Returns whether a stake is in no block, and blocks from this height on were not looked at for it.
    pub(crate) fn is_missing(&self, staking: &Txid, since: u32) -> bool {
        let stake = self.find(staking).and_then(|id| self.stake(id));
        stake.is_some_and(|stake| stake.included.is_none() && since < stake.searched)
    }

    /// Takes note of what the secured chain has of a stake. Returns whether that is new.
    pub(crate) fn register(&mut self, id: StakeId, status: DelegationStatus) -> bool {
        let Some(stake) = self.stake_mut(id) else { return false };
        stake.registered.replace(status) != Some(status)
    }

    /// Takes note of whether a stake extends another, which rows of the first version do not have.
    pub(crate) fn set_extension(&mut self, id: StakeId, is_extension: bool) {
        if let Some(stake) = self.stake_mut(id) {
            stake.is_extension = is_extension;
        }
    }

    fn learn_more(&mut self, id: StakeId, facts: &StakeFacts) -> Learned {
        let providers = self.provider_numbers(&facts.providers);
        let Some(stake) = self.stake_mut(id) else { return Learned::Known(id) };
        let is_same = stake.outpoint == facts.outpoint
            && stake.times == facts.times
            && stake.leaves == facts.leaves
            && (stake.unbonding_txid.is_none()
                || facts.unbonding_txid.is_none()
                || stake.unbonding_txid == facts.unbonding_txid);
        let is_signed = facts.quorum_signed && !stake.quorum_signed;
        if !is_same {
            if !is_signed {
                return Learned::Otherwise(id);
            }
            let registered = stake.registered;
            *stake = TrackedStake { registered, ..TrackedStake::of(facts, providers) };
            return Learned::Instead(id);
        }
        let is_unbonding_known = stake.unbonding_txid.is_none() && facts.unbonding_txid.is_some();
        // One that a block announced is registered now.
        let is_registered = stake.is_phase1;
        if !is_signed && !is_unbonding_known && !is_registered {
            return Learned::Known(id);
        }
        stake.quorum_signed |= is_signed;
        stake.unbonding_txid = stake.unbonding_txid.or(facts.unbonding_txid);
        stake.is_phase1 = false;
        if let Some(output) = stake.unbonding_output() {
            self.by_txid.add(&output.txid, id);
        }
        Learned::More(id)
    }

    fn stake_mut(&mut self, id: StakeId) -> Option<&mut TrackedStake> {
        self.stakes.get_mut(usize::try_from(id.0).ok()?)
    }

    /// Judges the block that follows the last one.
    pub fn connect(&mut self, block: &Block, at: ChainTip) -> Vec<StakeChange> {
        self.tip = at;
        self.look_back(block, at.height.to_u32())
    }

    /// Judges a block of the chain again, at this height, for stakes that were learned after it. Several
    /// blocks are judged in the order of their heights.
    pub fn look_back(&mut self, block: &Block, height: u32) -> Vec<StakeChange> {
        let mut changes = Vec::new();
        for transaction in &block.txdata {
            let mut txid = None;
            for input in &transaction.input {
                self.judge_input(transaction, input, &mut txid, height, &mut changes);
            }
            let txid = txid.unwrap_or_else(|| transaction.compute_txid());
            if let Some(id) = self.find(&txid)
                && self.stake_mut(id).is_some_and(|stake| stake.include(height))
            {
                changes.push(StakeChange::Included(id));
            }
        }
        changes
    }

    fn judge_input(
        &mut self,
        transaction: &Transaction,
        input: &TxIn,
        txid: &mut Option<Txid>,
        height: u32,
        changes: &mut Vec<StakeChange>,
    ) {
        let spent = input.previous_output;
        let which = |id: StakeId| Some((id, self.stake(id)?.which(spent)?));
        let Some((id, output)) = self.by_txid.of(&spent.txid).find_map(which) else { return };
        let txid = *txid.get_or_insert_with(|| transaction.compute_txid());
        let Some(stake) = self.stake_mut(id) else { return };
        if !stake.spent(output, input, txid, height) {
            return;
        }
        let next = [stake.unbonding_output(), stake.refund_output()];
        let spend = stake.spend(output);
        for output in next.into_iter().flatten() {
            self.by_txid.add(&output.txid, id);
        }
        if let Some(spend) = spend {
            let transaction = Box::new(transaction.clone());
            changes.push(StakeChange::Spent { stake: id, output, spend, transaction });
        }
    }

    /// Goes on after this block, as if those before it had nothing.
    pub(crate) fn leap(&mut self, to: ChainTip) {
        self.tip = to;
    }

    /// Forgets what blocks above the fork point had, which is the last block now. Returns the stakes that
    /// this concerns.
    pub fn disconnect(&mut self, fork_point: ChainTip) -> Vec<StakeId> {
        self.tip = fork_point;
        let height = fork_point.height.to_u32();
        let stakes = self.stakes.iter_mut().enumerate();
        let changed = stakes.filter_map(|(number, stake)| {
            (stake.is_above(height) && stake.disconnect(height)).then(|| StakeId(saturated(number)))
        });
        changed.collect()
    }
}

/// There are never so many.
fn saturated(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
