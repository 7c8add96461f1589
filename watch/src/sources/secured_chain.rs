//! What the secured chain says: every stake and all evidence from page to page, and what happens in its
//! blocks from then on.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use babylon::event::ChainEvent;
use babylon::node::{ChainNode, NodeError};
use babylon::query::{self, DelegationStatus, ListedPage, ListedStake};
use bitcoin::Txid;
use finality::{ConsumerHeight, Evidence};
use staking_scripts::Delegation;

/// How often all evidence is asked for: it is short, and an event may be missed.
const EVIDENCE_EVERY: Duration = Duration::from_secs(60);
/// How often all stakes are asked for where blocks say what happened.
const LIST_EVERY: Duration = Duration::from_secs(6 * 3600);
/// When a list that is not understood is begun anew.
const AGAIN_AFTER: Duration = Duration::from_secs(60);
/// How often where they do not.
const LIST_EVERY_WITHOUT_EVENTS: Duration = Duration::from_secs(600);
/// How many blocks are read, and how many stakes asked for, in one step.
const AT_ONCE: usize = 20;
/// How often a stake is asked for that the node does not have.
const MOST_ABSENT: u32 = 20;
/// And after how long it is asked for again: a block of the chain takes some seconds.
const ASK_AGAIN: Duration = Duration::from_secs(5);
/// How many stakes wait to be asked for. Where there are more, all are listed again.
const MOST_ASKED: usize = 10_000;
/// How far behind its node a block must be that the node does not have any more.
const PRUNED_BEHIND: u64 = 100;
/// How many pages a list may have: a node that never ends is left, and begun anew later.
const MOST_PAGES: u32 = 100_000;

/// In this order one that goes on while they are listed is met later again, rather than never.
const STATUSES: [DelegationStatus; 5] = [
    DelegationStatus::Pending,
    DelegationStatus::Verified,
    DelegationStatus::Active,
    DelegationStatus::Unbonded,
    DelegationStatus::Expired,
];

/// Something that the chain says.
#[derive(Debug)]
pub enum Heard {
    /// A stake.
    Stake {
        /// Its delegation.
        delegation: Box<Delegation>,
        /// What the chain says of it, where that was said beside it.
        status: Option<DelegationStatus>,
        /// The height of the Bitcoin block that it is in, by the chain's word.
        start_height: Option<u32>,
        /// Whether it was registered just now, while the chain's blocks were followed.
        is_new: bool,
    },
    /// Another status of a stake.
    Status {
        /// Its staking transaction.
        stake: Txid,
        /// What the chain says of it.
        status: DelegationStatus,
    },
    /// Evidence of equivocation.
    Evidence(Box<Evidence>),
    /// Something that cannot be read. It stops nothing else.
    Unreadable {
        /// What it is, and what is wrong with it.
        what: String,
    },
}

/// Returns a height, which is 0 where it is not known.
fn known(height: u32) -> Option<u32> {
    (height > 0).then_some(height)
}

/// Lists that are read page by page, from time to time.
#[derive(Debug, Default)]
struct Walk {
    /// Where it is, while it is read.
    at: Option<Place>,
    /// When it is read next; at once, where nothing is said.
    due: Option<Instant>,
    was_read: bool,
}

#[derive(Debug, Default)]
struct Place {
    /// Which of the lists.
    list: usize,
    key: Vec<u8>,
    pages: u32,
}

impl Walk {
    /// Returns the list and the key of the next page; `None` while there is none to be read.
    fn next(&mut self, now: Instant) -> Option<(usize, Vec<u8>)> {
        if self.at.is_none() && self.due.is_none_or(|due| now >= due) {
            self.at = Some(Place::default());
        }
        self.at.as_ref().map(|place| (place.list, place.key.clone()))
    }

    /// Takes note of the page that was asked for. A list that is not understood is begun anew later; one that
    /// did not come is asked for again.
    fn took<T>(&mut self, page: Result<ListedPage<T>, NodeError>, now: Instant) -> Result<Vec<T>, NodeError> {
        let error = match (page, &mut self.at) {
            (Ok(page), Some(place)) if place.pages < MOST_PAGES => {
                let pages = place.pages.saturating_add(1);
                *place = match page.next {
                    Some(key) => Place { list: place.list, key, pages },
                    None => Place { list: place.list.saturating_add(1), ..Place::default() },
                };
                return Ok(page.entries);
            }
            (Ok(_), _) => NodeError::Answer { what: format!("more than {MOST_PAGES} pages") },
            (Err(error), _) => error,
        };
        if matches!(error, NodeError::Answer { .. } | NodeError::Refused(_)) {
            self.ended(now, AGAIN_AFTER);
        }
        Err(error)
    }

    fn ended(&mut self, now: Instant, every: Duration) {
        (self.at, self.due) = (None, now.checked_add(every));
    }
}

/// A stake that is to be asked for.
#[derive(Debug, Clone, Copy)]
struct Asked {
    stake: Txid,
    /// How often the node did not have it, or did not say.
    times: u32,
    /// When it is asked for again.
    due: Option<Instant>,
}

/// The secured chain as a source. It keeps nothing: after a restart all is listed again.
pub struct SecuredChain<'a> {
    node: &'a dyn ChainNode,
    stakes: Walk,
    evidence: Walk,
    /// The next block whose events are read.
    next: Option<ConsumerHeight>,
    has_events: bool,
    /// Stakes of which something happened.
    asked: VecDeque<Asked>,
    /// Those of them that were registered meanwhile.
    new: BTreeSet<Txid>,
}

impl std::fmt::Debug for SecuredChain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecuredChain").field("next", &self.next).finish_non_exhaustive()
    }
}

impl<'a> SecuredChain<'a> {
    /// Returns the chain that a node is of. Nothing is asked yet.
    pub fn new(node: &'a dyn ChainNode) -> Self {
        Self {
            node,
            stakes: Walk::default(),
            evidence: Walk::default(),
            next: None,
            has_events: true,
            asked: VecDeque::new(),
            new: BTreeSet::new(),
        }
    }

    /// Returns whether all stakes were listed once.
    pub const fn is_listed(&self) -> bool {
        self.stakes.was_read
    }

    /// Asks for some of what is new, and returns whether more waits. What fails in one part keeps no other
    /// from being asked for.
    ///
    /// # Errors
    /// [`NodeError`], of the first part that failed: what was asked for is asked for again.
    pub fn step(&mut self, now: Instant, each: &mut dyn FnMut(Heard)) -> Result<bool, NodeError> {
        // Evidence is what matters most: it comes before stakes, as it may.
        let evidence = self.list_evidence(now, each);
        let stakes = self.list_stakes(now, each);
        let followed = self.follow(now, each);
        Ok(evidence? | stakes? | followed?)
    }

    fn list_evidence(&mut self, now: Instant, each: &mut dyn FnMut(Heard)) -> Result<bool, NodeError> {
        let Some((list, key)) = self.evidence.next(now) else { return Ok(false) };
        if list > 0 {
            self.evidence.ended(now, EVIDENCE_EVERY);
            return Ok(false);
        }
        let page = query::evidence_page(self.node, ConsumerHeight(0), &key);
        for listed in self.evidence.took(page, now)? {
            each(match listed.evidence {
                Ok(evidence) => Heard::Evidence(Box::new(evidence)),
                Err(error) => {
                    let error = babylon::with_causes(&error);
                    Heard::Unreadable { what: format!("evidence against {:?}: {error}", listed.provider) }
                }
            });
        }
        Ok(true)
    }

    fn list_stakes(&mut self, now: Instant, each: &mut dyn FnMut(Heard)) -> Result<bool, NodeError> {
        let Some((list, key)) = self.stakes.next(now) else { return Ok(false) };
        if self.next.is_none() {
            // What happens while they are listed is read afterwards.
            self.next = Some(ConsumerHeight(self.node.status()?.height.0.saturating_add(1)));
        }
        let Some(status) = STATUSES.get(list).copied() else {
            let every = if self.has_events { LIST_EVERY } else { LIST_EVERY_WITHOUT_EVENTS };
            self.stakes.was_read = true;
            self.stakes.ended(now, every);
            return Ok(false);
        };
        let page = query::delegation_page(self.node, status, &key);
        for listed in self.stakes.took(page, now)? {
            each(match listed.stake {
                Ok(delegation) => {
                    let delegation = Box::new(delegation);
                    let start_height = known(listed.start_height);
                    Heard::Stake { delegation, status: Some(status), start_height, is_new: false }
                }
                Err(error) => {
                    let txid =
                        listed.txid.map_or_else(|| "without an id".to_owned(), |txid| txid.to_string());
                    Heard::Unreadable { what: format!("the stake {txid}: {}", babylon::with_causes(&error)) }
                }
            });
        }
        Ok(true)
    }

    /// Reads what happened in some blocks.
    fn follow(&mut self, now: Instant, each: &mut dyn FnMut(Heard)) -> Result<bool, NodeError> {
        let Some(mut next) = self.next.filter(|_| self.has_events) else { return Ok(false) };
        let mut is_more = self.ask_for_stakes(now, each);
        let height = self.node.status()?.height;
        for _ in 0..AT_ONCE {
            if next > height {
                break;
            }
            let events = match self.node.block_events(next) {
                Err(NodeError::NotOffered { .. }) => {
                    self.has_events = false;
                    let again = now.checked_add(LIST_EVERY_WITHOUT_EVENTS);
                    self.stakes.due = self.stakes.due.min(again);
                    return Ok(false);
                }
                events => events?,
            };
            let Some(events) = events else {
                // It comes with time, and not by asking.
                if height.0.saturating_sub(next.0) > PRUNED_BEHIND {
                    // What happened there is in the list, if anywhere.
                    (self.next, self.stakes.due) = (Some(height), None);
                }
                return Ok(is_more);
            };
            for event in &events {
                match ChainEvent::read(event) {
                    Ok(Some(event)) => self.happened(event, each),
                    Ok(None) => {}
                    Err(error) => each(Heard::Unreadable {
                        what: format!("an event at height {next}: {}", babylon::with_causes(&error)),
                    }),
                }
            }
            next = ConsumerHeight(next.0.saturating_add(1));
            self.next = Some(next);
        }
        is_more |= self.ask_for_stakes(now, each);
        Ok(next <= height || is_more)
    }

    fn happened(&mut self, event: ChainEvent, each: &mut dyn FnMut(Heard)) {
        let mut status = |stake, status| each(Heard::Status { stake, status });
        match event {
            ChainEvent::ProviderSlashed(evidence) => each(Heard::Evidence(evidence)),
            ChainEvent::StakeRegistered { stake, .. } => {
                self.new.insert(stake);
                self.ask_later(stake);
            }
            // The signatures are in the stake.
            ChainEvent::QuorumReached { stake } => self.ask_later(stake),
            ChainEvent::StakeIncluded { stake, .. } => status(stake, DelegationStatus::Active),
            ChainEvent::StakeUnbonded { stake, .. } => status(stake, DelegationStatus::Unbonded),
            ChainEvent::StakeExpired { stake } => status(stake, DelegationStatus::Expired),
            ChainEvent::StakeStatus { stake, status: found } => status(stake, found),
            _ => {}
        }
    }

    fn ask_later(&mut self, stake: Txid) {
        if self.asked.len() >= MOST_ASKED {
            // They are in the list too.
            self.asked.clear();
            self.new.clear();
            self.stakes.due = None;
        }
        self.asked.push_back(Asked { stake, times: 0, due: None });
    }

    /// Asks for some of them, and returns whether more may be asked for at once. One that fails keeps no
    /// other back: it is asked for again later, and then left to the list.
    fn ask_for_stakes(&mut self, now: Instant, each: &mut dyn FnMut(Heard)) -> bool {
        for _ in 0..AT_ONCE.min(self.asked.len()) {
            let Some(asked) = self.asked.pop_front() else { break };
            let Asked { stake, times, due } = asked;
            if due.is_some_and(|due| now < due) {
                self.asked.push_back(asked);
                continue;
            }
            let reason = match query::listed_delegation(self.node, stake) {
                Ok(Some(ListedStake { stake: Ok(delegation), start_height, .. })) => {
                    let (is_new, start_height) = (self.new.remove(&stake), known(start_height));
                    let delegation = Box::new(delegation);
                    each(Heard::Stake { delegation, status: None, start_height, is_new });
                    continue;
                }
                // The node that is asked may be behind the one that told.
                Ok(_) => "the node has none".to_owned(),
                Err(error) => babylon::with_causes(&error),
            };
            if times < MOST_ABSENT {
                let due = now.checked_add(ASK_AGAIN);
                self.asked.push_back(Asked { stake, times: times.saturating_add(1), due });
            } else {
                self.new.remove(&stake);
                each(Heard::Unreadable { what: format!("the stake {stake}: {reason}") });
            }
        }
        self.asked.iter().any(|asked| asked.due.is_none_or(|due| now >= due))
    }
}
