//! A chain in memory with one finality provider, its signer, and who listens.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use babylon::client::Pace;
use babylon::node::{Answer, BlockHeader, ChainNode, Executed, NodeError, NodeStatus, Query};
use babylon::testing::ScriptedChain;
use babylon::{Account, AccountKey, AccountState, GasPrice, Message, Transaction, query};
use eots::{SecretKey, SecretRandomness};
use finality::{
    ConsumerHeight, FinalityVote, RandomnessSchedule, RandomnessTree, Signer, SignerChain, SigningContext,
    VoteMessage,
};
use signer::protection::{ChangeKind, LaneChange, MemoryStore, Store as _};
use signer::session::{ProtectedSigner, VoteRules};

use crate::provider::{
    ProviderAlert, ProviderDaemon, ProviderEvent, ProviderObserver, ProviderParts, ProviderPolicy,
    ProviderStep,
};

/// Everything that happened.
#[derive(Debug, Default)]
pub(super) struct Log(Mutex<Vec<ProviderEvent>>);

impl ProviderObserver for Log {
    fn observe(&self, event: &ProviderEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
}

impl Log {
    pub(super) fn events(&self) -> Vec<ProviderEvent> {
        self.0.lock().unwrap().clone()
    }

    /// Why an alert was raised, each time, and how often it was cleared.
    pub(super) fn told_of(&self, alert: ProviderAlert) -> (Vec<String>, usize) {
        let (mut reasons, mut cleared) = (Vec::new(), 0);
        for event in self.events() {
            match event {
                ProviderEvent::Raised { alert: found, reason } if found == alert => reasons.push(reason),
                ProviderEvent::Cleared(found) if found == alert => cleared += 1,
                _ => {}
            }
        }
        (reasons, cleared)
    }
}

pub(super) struct World {
    pub(super) chain: ScriptedChain,
    pub(super) account: AccountKey,
    pub(super) signer: ProtectedSigner,
    pub(super) log: Log,
}

/// Small numbers, so that much happens.
pub(super) fn policy() -> ProviderPolicy {
    ProviderPolicy {
        heights: 100,
        timestamping_delay: 50,
        most_votes: 7,
        unjail: true,
        least_coverage: 5,
        least_balance: 10,
        look_every: Duration::ZERO,
        ..ProviderPolicy::default()
    }
}

impl World {
    /// The provider is registered, and has stakes from the first block on.
    pub(super) fn new() -> Self {
        Self::with_signer_of("bbn-1")
    }

    /// Whose signer derives the randomness of another chain.
    pub(super) fn with_signer_of(chain_id: &str) -> Self {
        let chain = ScriptedChain::new("bbn-1");
        let account = AccountKey::from_bytes(&[9; 32]).unwrap();
        let address = account.address().unwrap();
        chain.open_account(&address, 3, 0);
        chain.set_balance(&address, 1_000);
        let key = SecretKey::from_bytes(&[1; 32]).unwrap();
        chain.register(*key.public_key(), &address);
        chain.stake(1, 500_000);
        let store = Arc::new(MemoryStore::default());
        let rules = VoteRules { committed_only: true, most_above: u64::MAX };
        let signer = ProtectedSigner::new(key, SignerChain::genesis(chain_id), store.clone(), rules);
        let kind = ChangeKind::Register(ConsumerHeight(0));
        store.change(vec![LaneChange { lane: signer.lane().clone(), kind }]).unwrap();
        Self { chain, account, signer, log: Log::default() }
    }

    pub(super) fn daemon<'a>(
        &'a self,
        node: &'a dyn ChainNode,
        second: Option<&'a dyn ChainNode>,
        policy: ProviderPolicy,
    ) -> ProviderDaemon<'a, ProtectedSigner> {
        let price = "0.002ubbn".parse().unwrap();
        let pace =
            Pace { between: Duration::from_millis(1), patience: Duration::from_millis(300), blocks: 12 };
        let account = Account::open(&self.chain, &self.account, "bbn-1", price).unwrap().with_pace(pace);
        ProviderDaemon::new(ProviderParts {
            node,
            second,
            account,
            signer: &self.signer,
            observer: &self.log,
            policy,
        })
        .unwrap()
    }

    /// A daemon with another signer.
    pub(super) fn daemon_of<'a>(
        &'a self,
        signer: &'a ProtectedSigner,
        policy: ProviderPolicy,
    ) -> ProviderDaemon<'a, ProtectedSigner> {
        let parts = self.daemon(&self.chain, None, policy).into_parts();
        ProviderDaemon::new(ProviderParts { signer, ..parts }).unwrap()
    }

    /// Steps until the chain is so far, with every epoch but the last two timestamped.
    pub(super) fn run<S: Signer>(&self, daemon: &mut ProviderDaemon<'_, S>, height: u64) {
        let mut again = 0;
        while self.chain.height() < height {
            self.chain.finalize_epoch((self.chain.height() / 10).saturating_sub(2));
            again = if daemon.step(Instant::now()) == ProviderStep::Again { again + 1 } else { 0 };
            assert!(again < 100, "a busy loop: {:?}", self.log.events().last());
        }
    }

    /// Another transaction of the account, which is on its way.
    pub(super) fn pay(&self) {
        let from = self.account.address().unwrap();
        let price: GasPrice = "0.002ubbn".parse().unwrap();
        let numbers = query::account(&self.chain, &from).unwrap().unwrap();
        let account =
            AccountState { chain_id: "bbn-1".to_owned(), number: numbers.number, sequence: numbers.sequence };
        let payment = Transaction::new(vec![Message::send(&from, &from, 1, "ubbn")]);
        let _waiting =
            self.chain.broadcast(payment.sign(&self.account, &account, &price.fee(100_000)).bytes());
    }

    /// A vote for another block, by whoever has the key too.
    pub(super) fn equivocate(&self, height: ConsumerHeight) {
        let key = SecretKey::from_bytes(&[1; 32]).unwrap();
        let committed = query::commitments(&self.chain, key.public_key()).unwrap();
        let covers = |found: &&query::CommittedRandomness| {
            let start = found.commitment.start_height.to_u64();
            (start..start + found.commitment.count).contains(&height.to_u64())
        };
        let found = committed.iter().find(covers).unwrap().commitment;
        let count = u32::try_from(found.count).unwrap();
        let range = RandomnessSchedule::new(found.start_height, count, 1).unwrap();
        let tree = RandomnessTree::derive(&key, b"bbn-1", range, NonZeroUsize::MIN, |_| {}).unwrap();
        let message = VoteMessage::new(SigningContext::GENESIS, height, [0xdd; 32]);
        let randomness = SecretRandomness::derive(&key, b"bbn-1", height.to_u64());
        let vote = FinalityVote::sign(&key, randomness, message, tree.prove(height).unwrap()).unwrap();
        let price = "0.002ubbn".parse().unwrap();
        let account = Account::open(&self.chain, &self.account, "bbn-1", price).unwrap();
        let pace = Pace { between: Duration::from_millis(1), ..Pace::default() };
        account
            .with_pace(pace)
            .send(&[Message::vote(&self.account.address().unwrap(), &vote).unwrap()])
            .unwrap();
    }

    /// The heights with power that have no vote, but for the last few, whose votes are on their way.
    pub(super) fn missed(&self) -> Vec<u64> {
        let (voted, last) = (self.chain.voted(), self.chain.height().saturating_sub(30));
        self.chain.powered().into_iter().filter(|at| *at < last && !voted.contains(at)).collect()
    }
}

/// A node that does not say what the chain is.
#[derive(Debug)]
pub(super) struct Liar<'a> {
    pub(super) chain: &'a ScriptedChain,
    /// Heights at which it has another block.
    pub(super) lies: fn(u64) -> bool,
    pub(super) is_lying: AtomicBool,
    /// Whether it shows a block before it has executed it.
    pub(super) is_early: AtomicBool,
    /// Whether it answers at all.
    pub(super) is_away: AtomicBool,
    /// Whether it is still catching up.
    pub(super) is_behind: AtomicBool,
    /// By how many blocks it says to be further than it is.
    pub(super) boasts: AtomicU64,
    /// What it says of its last block, as long as no other comes.
    pub(super) stands_at: Mutex<Option<NodeStatus>>,
}

impl<'a> Liar<'a> {
    pub(super) fn new(chain: &'a ScriptedChain, lies: fn(u64) -> bool) -> Self {
        Self {
            chain,
            lies,
            is_lying: AtomicBool::new(true),
            is_early: AtomicBool::new(false),
            is_away: AtomicBool::new(false),
            is_behind: AtomicBool::new(false),
            boasts: AtomicU64::new(0),
            stands_at: Mutex::default(),
        }
    }

    fn here(&self) -> Result<&'a ScriptedChain, NodeError> {
        if self.is_away.load(Ordering::Relaxed) { Err(NodeError::Nobody) } else { Ok(self.chain) }
    }
}

impl ChainNode for Liar<'_> {
    fn status(&self) -> Result<NodeStatus, NodeError> {
        let here = self.here()?;
        if let Some(last) = self.stands_at.lock().unwrap().clone() {
            return Ok(last);
        }
        let status = here.status()?;
        let early = u64::from(self.is_early.load(Ordering::Relaxed));
        let is_catching_up = self.is_behind.load(Ordering::Relaxed);
        let height = status.height.saturating_add(early).saturating_add(self.boasts.load(Ordering::Relaxed));
        Ok(NodeStatus { height, is_catching_up, ..status })
    }

    fn header(&self, height: ConsumerHeight) -> Result<Option<BlockHeader>, NodeError> {
        let header = self.here()?.header(height)?;
        let is_lie = self.is_lying.load(Ordering::Relaxed) && (self.lies)(height.to_u64());
        Ok(header.map(|header| if is_lie { BlockHeader { app_hash: [0xee; 32], ..header } } else { header }))
    }

    fn query(&self, query: &Query) -> Result<Answer, NodeError> {
        self.here()?.query(query)
    }

    fn broadcast(&self, transaction: &[u8]) -> Result<(), NodeError> {
        self.here()?.broadcast(transaction)
    }

    fn executed(&self, hash: [u8; 32]) -> Result<Option<Executed>, NodeError> {
        self.here()?.executed(hash)
    }
}
