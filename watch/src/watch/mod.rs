//! The core: it is told what happens, and says what is to be stored and done. It does nothing itself.

mod evidence;
mod leap;
mod mempool;
mod open;
mod phase1;
mod react;
mod reports;
mod selective;
mod settings;
mod tell;

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::{Txid, XOnlyPublicKey};
use chain::ChainTip;
use eots::SecretKey;
use finality::ConsumerHeight;
use staking_scripts::delegation::SlashedOutput;
use staking_scripts::{Delegation, Parameters, ParametersHistory};
use store::ChangeSet;

pub use self::settings::{OnSelective, Settings};
use self::tell::Teller;
use crate::alert::Alert;
use crate::complete::{ReadyStake, with_causes};
use crate::event::{Action, Event, Verdict};
use crate::facts::StakeFacts;
use crate::reporter::Reporter;
use crate::rows;
use crate::slasher::{AfterRefusal, Aim, Slasher, aim};
use crate::stake::{StakeId, StakeOutput, TrackedStake};
use crate::tracker::{Learned, Tracker};

/// How often what waits is sent again without a new block, in seconds: nobody tells when a transaction leaves
/// a mempool.
const AGAIN_AFTER: u64 = 60;
/// Up to how many blocks behind the node it sends with every block.
const MOST_BEHIND: u32 = 10;
/// How many delegations are asked for at once.
const MOST_LOADED: usize = 1_000;

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
/// It holds the providers' keys that evidence and slashing transactions give in memory, and stores none: they
/// follow from the evidence, and from the transactions with their delegations.
///
/// A slashing transaction shows a key when a block has it: while it waits in the mempool nobody looks at it.
/// What it shows stays known when a reorg undoes the block.
pub struct Watch {
    settings: Settings,
    tracker: Tracker,
    slasher: Slasher,
    reporter: Reporter,
    /// The heights of the evidence that is known, by provider: of each a few.
    accused: BTreeMap<XOnlyPublicKey, BTreeSet<ConsumerHeight>>,
    /// The stakes whose slashing transactions show the key of a provider: of each a few.
    shown: BTreeMap<XOnlyPublicKey, BTreeSet<Txid>>,
    /// The keys of slashed providers.
    keys: BTreeMap<XOnlyPublicKey, SecretKey>,
    /// The staking transactions that wait in the mempool.
    waiting: BTreeSet<Txid>,
    teller: Teller,
    seconds: u64,
    sent_at: u64,
    /// From which height on blocks were leapt over, and what they have is still looked for.
    leapt_since: Option<u32>,
    /// Whether many blocks of the node are still to be told.
    is_behind: bool,
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
            reporter: Reporter::default(),
            accused: BTreeMap::new(),
            shown: BTreeMap::new(),
            keys: BTreeMap::new(),
            waiting: BTreeSet::new(),
            teller: Teller::default(),
            seconds: 0,
            sent_at: 0,
            leapt_since: None,
            is_behind: false,
        }
    }

    /// Returns what is tracked.
    pub const fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    /// Returns whether many blocks of the node are still to be told.
    pub const fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// Returns what the core goes by.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the providers whose key is known.
    pub fn slashed_providers(&self) -> impl Iterator<Item = &XOnlyPublicKey> {
        self.keys.keys()
    }

    /// Returns how many stakes are being slashed: their slashing transactions are not deep enough yet.
    pub fn slashes_under_way(&self) -> usize {
        let (tip, depth) = (self.tracker.height(), self.settings.depth);
        let stakes = self.slasher.stakes().filter_map(|id| self.tracker.stake(id));
        let is_under_way = |stake: &TrackedStake| {
            let is_seen = self.waiting.contains(&stake.outpoint().txid);
            matches!(aim(stake, is_seen, tip, depth), Aim::Slash(_))
        };
        stakes.filter(|stake| is_under_way(stake)).count()
    }

    /// Goes by these versions of the parameters from now on.
    /// What could not be completed under those before is completed again.
    pub fn set_parameters(&mut self, parameters: ParametersHistory<Parameters>) -> Output {
        self.settings.parameters = parameters;
        let mut output = Output::default();
        let incomplete: Vec<_> = self.slasher.incomplete().collect();
        let txid = |id| self.tracker.stake(id).map(|stake| stake.outpoint.txid);
        let txids: Vec<_> = incomplete.into_iter().filter_map(txid).collect();
        output.actions.extend(txids.chunks(MOST_LOADED).map(|some| Action::Load { stakes: some.to_vec() }));
        output
    }

    /// Takes note of an event.
    pub fn handle(&mut self, event: Event<'_>) -> Output {
        let mut output = Output::default();
        match event {
            Event::Connected { block, at } => {
                self.find_phase1(block, at.height.to_u32());
                let changes = self.tracker.connect(block, at);
                rows::put_tip(&mut output.changes, at);
                rows::put_passed(&mut output.changes, at);
                self.changed(changes, &mut output);
                // Far behind, what is on the chain already would be sent with every block.
                if !self.is_behind {
                    self.send(&mut output);
                }
            }
            Event::Disconnected { fork_point } => {
                let blocks = self.disconnected(fork_point, &mut output);
                if blocks >= self.settings.depth {
                    let fork_height = fork_point.height.to_u32();
                    self.tell(Alert::DeepReorg { blocks, fork_height }, &mut output);
                }
            }
            Event::Rewound { to } => {
                self.disconnected(to, &mut output);
            }
            Event::Leapt { to } => self.leapt(to, &mut output),
            Event::AllLookedBack => self.all_looked_back(&mut output),
            Event::LookedBack { block, height } => {
                self.find_phase1(block, height);
                let changes = self.tracker.look_back(block, height);
                self.changed(changes, &mut output);
            }
            Event::Behind { blocks } => {
                let was_behind = std::mem::replace(&mut self.is_behind, blocks > MOST_BEHIND);
                if was_behind && !self.is_behind {
                    self.send(&mut output);
                }
            }
            Event::LookAgain { stake, since } => {
                if let Some(id) = self.tracker.find(&stake).filter(|_| self.tracker.is_missing(&stake, since))
                {
                    self.look_back(id, stake, since, &mut output);
                    self.put(id, &mut output);
                }
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
            Event::Ready { ready, others } => self.ready(ready, others, &mut output),
            Event::Loaded { delegations } => self.loaded(delegations, &mut output),
            Event::Slashing { delegation, transaction } => {
                self.recovered(delegation, transaction, &mut output);
            }
            Event::Registered { stake, status } => self.registered(stake, status, &mut output),
            Event::Reported { report, failure } => self.reported(report, failure, &mut output),
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

    /// Stores a stake as it is now.
    fn put(&mut self, id: StakeId, output: &mut Output) {
        if let Some(stake) = self.tracker.stake(id) {
            self.reporter.note(id, stake);
            rows::put_stake(&mut output.changes, stake, &self.tracker);
        }
    }

    /// Asks for the blocks from this height on, for a stake.
    fn look_back(&mut self, id: StakeId, stake: Txid, since: u32, output: &mut Output) {
        self.tracker.searched(id, since);
        rows::put_look_back(&mut output.changes, &stake, since);
        output.actions.push(Action::LookBack { stakes: vec![(stake, since)] });
    }

    /// Returns how many blocks were disconnected.
    fn disconnected(&mut self, fork_point: ChainTip, output: &mut Output) -> u32 {
        let blocks = self.tracker.height().saturating_sub(fork_point.height.to_u32());
        let changed = self.tracker.disconnect(fork_point);
        rows::put_tip(&mut output.changes, fork_point);
        rows::delete_passed(&mut output.changes, self.tracker.height(), blocks);
        for id in changed {
            self.put(id, output);
        }
        blocks
    }

    fn learned(&mut self, delegation: &Delegation, since: u32, output: &mut Output) {
        let facts = match StakeFacts::of(delegation, &self.settings.parameters) {
            Ok(facts) => facts,
            Err(error) => {
                let stake = delegation.staking_transaction.compute_txid();
                let alert = Alert::InvalidDelegation { stake, reason: with_causes(&error) };
                return self.tell_of_untrusted(alert, output);
            }
        };
        let stake = facts.outpoint.txid;
        let learned = self.tracker.learn(&facts);
        let id = match learned {
            Learned::Known(_) => return,
            // Two that a quorum has signed are nobody's but the committee's.
            Learned::Otherwise(_) if facts.quorum_signed => {
                return self.tell(Alert::OtherDelegation { stake }, output);
            }
            Learned::Otherwise(_) => {
                return self.tell_of_untrusted(Alert::OtherDelegation { stake }, output);
            }
            Learned::New(id) | Learned::Instead(id) | Learned::More(id) => id,
        };
        // What is more may be the unbonding transaction, whose output was spent since.
        if !matches!(learned, Learned::More(_)) || self.is_spent(id) {
            self.look_back(id, stake, since, output);
        }
        rows::put_delegation(&mut output.changes, delegation);
        // Signatures that were not verified would only hold up those that were.
        let ready =
            facts.quorum_signed.then(|| ReadyStake::of(delegation, &self.settings.parameters)).flatten();
        rows::put_ready(&mut output.changes, &stake, ready.as_ref());
        self.recover_again(id, stake, output);
        self.put(id, output);
        let key = facts.providers.iter().find_map(|provider| self.keys.get(provider)).cloned();
        if let Some(key) = key {
            self.slasher.want(id);
            self.complete(id, delegation, &key, output);
        }
    }

    /// Asks for what completes the slashing transactions of a provider whose key is known.
    fn want_all(&mut self, provider: &XOnlyPublicKey, output: &mut Output) {
        let stakes: Vec<_> = self.tracker.stakes_of(provider).collect();
        let mut txids = Vec::new();
        for id in stakes {
            // Nobody signed a slashing of a phase-1 stake before it was registered.
            let Some(stake) = self.tracker.stake(id).filter(|stake| !stake.is_phase1) else { continue };
            if self.slasher.want(id) {
                txids.push(stake.outpoint.txid);
            }
        }
        // In the order in which they are stored, they are read twice as fast.
        txids.sort_unstable();
        for stakes in txids.chunks(MOST_LOADED) {
            output.actions.push(Action::Load { stakes: stakes.to_vec() });
        }
    }

    fn is_spent(&self, id: StakeId) -> bool {
        self.tracker.stake(id).is_some_and(|stake| stake.spend(StakeOutput::Staking).is_some())
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
}
