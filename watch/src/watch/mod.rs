//! The core: it is told what happens, and says what is to be stored and done. It does nothing itself.

mod evidence;
mod open;
mod react;

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::{Txid, XOnlyPublicKey};
use chain::ChainTip;
use eots::SecretKey;
use finality::ConsumerHeight;
use staking_scripts::delegation::SlashedOutput;
use staking_scripts::{Delegation, Parameters, ParametersHistory};
use store::ChangeSet;

use crate::alert::Alert;
use crate::complete::with_causes;
use crate::event::{Action, Event, Verdict};
use crate::facts::StakeFacts;
use crate::rows;
use crate::slasher::{AfterRefusal, Slasher};
use crate::stake::{StakeId, TrackedStake};
use crate::tracker::{Learned, Tracker};

/// How often what waits is sent again without a new block, in seconds: nobody tells when a transaction leaves
/// a mempool.
const AGAIN_AFTER: u64 = 60;
/// How many delegations are asked for at once.
const MOST_LOADED: usize = 1_000;

/// What the core goes by.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Every version of the parameters.
    pub parameters: ParametersHistory<Parameters>,
    /// How many blocks must be on one for what it has to count as final (k).
    pub depth: u32,
}

/// What comes of an event: first the changes are stored, then the actions done.
#[derive(Debug, Default)]
pub struct Output {
    /// What is to be stored, all or nothing.
    pub changes: ChangeSet,
    /// What is to be done then, in order.
    pub actions: Vec<Action>,
}

/// The watchtower's core.
///
/// It holds the providers' keys that evidence gives in memory, and stores none: they follow from the
/// evidence.
pub struct Watch {
    settings: Settings,
    tracker: Tracker,
    slasher: Slasher,
    /// The heights of the evidence that is known, by provider.
    accused: BTreeSet<(XOnlyPublicKey, ConsumerHeight)>,
    /// The keys of slashed providers.
    keys: BTreeMap<XOnlyPublicKey, SecretKey>,
    /// The staking transactions that wait in the mempool.
    waiting: BTreeSet<Txid>,
    /// What was told.
    told: BTreeSet<String>,
    seconds: u64,
    sent_at: u64,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch")
            .field("tip", &self.tracker.tip())
            .field("stakes", &self.tracker.stakes().len())
            .field("slashed_providers", &self.keys.len())
            .finish_non_exhaustive()
    }
}

impl Watch {
    /// Returns a core that knows nothing and has seen the blocks up to this one.
    pub fn new(settings: Settings, tip: ChainTip) -> Self {
        Self {
            settings,
            tracker: Tracker::new(tip),
            slasher: Slasher::default(),
            accused: BTreeSet::new(),
            keys: BTreeMap::new(),
            waiting: BTreeSet::new(),
            told: BTreeSet::new(),
            seconds: 0,
            sent_at: 0,
        }
    }

    /// Returns what is tracked.
    pub const fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    /// Returns what the core goes by.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the providers whose key is known.
    pub fn slashed_providers(&self) -> impl Iterator<Item = &XOnlyPublicKey> {
        self.keys.keys()
    }

    /// Takes note of an event.
    pub fn handle(&mut self, event: Event<'_>) -> Output {
        let mut output = Output::default();
        match event {
            Event::Connected { block, at } => {
                let changes = self.tracker.connect(block, at);
                rows::put_tip(&mut output.changes, at);
                rows::put_passed(&mut output.changes, at);
                self.changed(changes, &mut output);
                self.send(&mut output);
            }
            Event::Disconnected { fork_point } => self.disconnected(fork_point, &mut output),
            Event::LookedBack { block, height } => {
                let changes = self.tracker.look_back(block, height);
                self.changed(changes, &mut output);
            }
            Event::LookBackDone { stakes } => {
                for stake in stakes {
                    rows::delete_look_back(&mut output.changes, stake);
                    if let Some(id) = self.tracker.find(stake).filter(|id| self.slasher.is_wanted(*id)) {
                        self.send_one(id, &mut output);
                    }
                }
            }
            Event::Waiting { txids } => self.waiting(txids, &mut output),
            Event::Delegation { delegation, since } => self.learned(delegation, since, &mut output),
            Event::Evidence { evidence } => self.accused(evidence, &mut output),
            Event::Loaded { delegations } => self.loaded(delegations, &mut output),
            Event::Verdict { stake, output: which, verdict } => {
                self.judged(stake, which, verdict, &mut output);
            }
            Event::Tick { seconds } => {
                self.seconds = seconds;
                if seconds.saturating_sub(self.sent_at) >= AGAIN_AFTER {
                    self.send(&mut output);
                }
            }
        }
        output
    }

    /// Tells somebody, once.
    fn tell(&mut self, alert: Alert, output: &mut Output) {
        let key = alert.key();
        if self.told.insert(key.clone()) {
            rows::put_told(&mut output.changes, &key);
            output.actions.push(Action::Alert(alert));
        }
    }

    /// Stores a stake as it is now.
    fn put(&self, id: StakeId, output: &mut Output) {
        if let Some(stake) = self.tracker.stake(id) {
            rows::put_stake(&mut output.changes, stake, &self.tracker);
        }
    }

    fn disconnected(&mut self, fork_point: ChainTip, output: &mut Output) {
        let blocks = self.tracker.height().saturating_sub(fork_point.height.to_u32());
        let changed = self.tracker.disconnect(fork_point);
        rows::put_tip(&mut output.changes, fork_point);
        rows::delete_passed(&mut output.changes, self.tracker.height(), blocks);
        for id in changed {
            self.put(id, output);
        }
        if blocks >= self.settings.depth {
            self.tell(Alert::DeepReorg { blocks, fork_height: fork_point.height.to_u32() }, output);
        }
    }

    fn learned(&mut self, delegation: &Delegation, since: u32, output: &mut Output) {
        let facts = match StakeFacts::of(delegation, &self.settings.parameters) {
            Ok(facts) => facts,
            Err(error) => {
                let stake = delegation.staking_transaction.compute_txid();
                return self.tell(Alert::InvalidDelegation { stake, reason: with_causes(&error) }, output);
            }
        };
        let stake = facts.outpoint.txid;
        let id = match self.tracker.learn(&facts) {
            Learned::Known(_) => return,
            Learned::Otherwise(_) => return self.tell(Alert::OtherDelegation { stake }, output),
            Learned::New(id) | Learned::Instead(id) => {
                rows::put_look_back(&mut output.changes, &stake, since);
                output.actions.push(Action::LookBack { stakes: vec![(stake, since)] });
                id
            }
            Learned::More(id) => id,
        };
        rows::put_delegation(&mut output.changes, delegation);
        self.put(id, output);
        let key = facts.providers.iter().find_map(|provider| self.keys.get(provider)).cloned();
        if let Some(key) = key {
            self.slasher.want(id);
            self.complete(id, delegation, &key, output);
        }
    }

    /// Asks for the delegations of the stakes of a provider whose key is known.
    fn want_all(&mut self, provider: &XOnlyPublicKey, output: &mut Output) {
        let stakes: Vec<_> = self.tracker.stakes_of(provider).collect();
        let wanted = stakes.into_iter().filter(|id| self.slasher.want(*id));
        let txids = wanted.collect::<Vec<_>>().into_iter();
        let txids: Vec<_> =
            txids.filter_map(|id| self.tracker.stake(id).map(|stake| stake.outpoint.txid)).collect();
        for stakes in txids.chunks(MOST_LOADED) {
            output.actions.push(Action::Load { stakes: stakes.to_vec() });
        }
    }

    fn judged(&mut self, stake: Txid, which: SlashedOutput, verdict: Verdict, output: &mut Output) {
        let Some(id) = self.tracker.find(&stake) else { return };
        let (class, reason) = match verdict {
            Verdict::Taken => return self.slasher.taken(id),
            Verdict::Unanswered => return,
            Verdict::Refused { class, reason } => (class, reason),
        };
        match self.slasher.refused(id, which, class) {
            AfterRefusal::Wait => {}
            AfterRefusal::Tell => self.tell(Alert::Refused { stake, output: which, class, reason }, output),
            AfterRefusal::TryOther => {
                let other = SlashedOutput::Unbonding;
                if let Some(Ok(transaction)) = self.slasher.transaction(id, other) {
                    let transaction = transaction.clone();
                    output.actions.push(Action::Broadcast { stake, output: other, transaction });
                }
            }
        }
    }

    /// Returns whether it matters what waits in the mempool: a stake is to be slashed whose staking
    /// transaction is in no block.
    pub fn needs_mempool(&self) -> bool {
        let is_nowhere = |stake: &TrackedStake| stake.included_height().is_none();
        self.slasher.stakes().filter_map(|id| self.tracker.stake(id)).any(is_nowhere)
    }

    fn waiting(&mut self, txids: &[Txid], output: &mut Output) {
        let known: BTreeSet<Txid> =
            txids.iter().filter(|txid| self.tracker.find(txid).is_some()).copied().collect();
        let before = std::mem::replace(&mut self.waiting, known);
        let new: Vec<_> = self.waiting.difference(&before).copied().collect();
        for txid in new {
            if let Some(id) = self.tracker.find(&txid).filter(|id| self.slasher.is_wanted(*id)) {
                self.send_one(id, output);
            }
        }
    }
}
