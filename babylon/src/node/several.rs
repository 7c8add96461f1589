//! Several nodes, of which the first that answers is asked.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use finality::ConsumerHeight;

use super::{
    Answer, BlockHeader, ChainNode, Event, Executed, FoundPage, NodeError, NodeStatus, Query, Search,
};

/// After how long the first of the nodes is tried again.
const BACK_AFTER: Duration = Duration::from_secs(60);
/// How far a node may be behind the best one before another is asked.
const MOST_BEHIND: u64 = 5;

/// Several nodes of one chain, the best first. Whichever answered last is asked next, and the first one again
/// after a minute; one that does not answer, or not with what its interface answers, leaves the question to
/// the next. Of its [`status`](ChainNode::status), a node that catches up, that is behind or of another chain
/// leaves that to the next too. What the chain refuses is refused.
#[derive(Debug)]
pub struct Several {
    nodes: Vec<Box<dyn ChainNode>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Who is asked first, and since when.
    current: usize,
    since: Option<Instant>,
    /// The chain that they must be of; where nobody says it, that of the first node that answered.
    chain_id: Option<String>,
    /// The highest block that any of them had.
    best: u64,
}

impl Several {
    /// Returns these nodes as one.
    pub fn new(nodes: Vec<Box<dyn ChainNode>>) -> Self {
        Self { nodes, state: Mutex::default() }
    }

    /// Returns them as nodes of this chain: one of another leaves every [`status`](ChainNode::status) to the
    /// next.
    #[must_use]
    pub fn of_chain(self, chain_id: &str) -> Self {
        self.state(|state| state.chain_id = Some(chain_id.to_owned()));
        self
    }

    fn state<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns who is asked first: that is the first one again after a while.
    fn begin(&self) -> usize {
        self.state(|state| {
            if state.since.is_some_and(|since| since.elapsed() >= BACK_AFTER) {
                // And whoever told of a height that no other one has no longer makes all others late.
                (state.current, state.since, state.best) = (0, None, 0);
            }
            state.current
        })
    }

    fn stay(&self, number: usize) {
        self.state(|state| {
            if state.current != number {
                (state.current, state.since) = (number, (number != 0).then(Instant::now));
            }
        });
    }

    fn ask<T>(&self, ask: impl Fn(&dyn ChainNode) -> Result<T, NodeError>) -> Result<T, NodeError> {
        let (count, first) = (self.nodes.len(), self.begin());
        let mut last = NodeError::Nobody;
        for (number, node) in self.nodes.iter().enumerate().cycle().skip(first).take(count) {
            match ask(&**node) {
                Err(error) if error.is_of_this_node() => last = error,
                answer => {
                    self.stay(number);
                    return answer;
                }
            }
        }
        match count {
            0 | 1 => Err(last),
            count => Err(NodeError::None { count, last: Box::new(last) }),
        }
    }

    /// Takes note of a node's status, and returns whether another one may be better.
    fn is_worse(&self, status: &NodeStatus) -> bool {
        self.state(|state| {
            let chain_id = state.chain_id.get_or_insert_with(|| status.chain_id.clone());
            if *chain_id != status.chain_id {
                return true;
            }
            state.best = state.best.max(status.height.to_u64());
            status.is_catching_up || status.height.to_u64().saturating_add(MOST_BEHIND) < state.best
        })
    }
}

impl ChainNode for Several {
    fn status(&self) -> Result<NodeStatus, NodeError> {
        let (count, first) = (self.nodes.len(), self.begin());
        let (mut found, mut last): (Option<(usize, bool, NodeStatus)>, _) = (None, NodeError::Nobody);
        for (number, node) in self.nodes.iter().enumerate().cycle().skip(first).take(count) {
            match node.status() {
                Err(error) => last = error,
                Ok(status) => {
                    let is_worse = self.is_worse(&status);
                    let is_ours = self.state(|state| state.chain_id.as_ref() == Some(&status.chain_id));
                    let is_better = found.as_ref().is_none_or(|(_, others, other)| {
                        let is_further =
                            other.is_catching_up && !status.is_catching_up || other.height < status.height;
                        is_ours && (!others || is_further)
                    });
                    if is_better {
                        found = Some((number, is_ours, status));
                    }
                    if !is_worse {
                        break;
                    }
                }
            }
        }
        match found {
            Some((number, _, status)) => {
                self.stay(number);
                Ok(status)
            }
            None if count > 1 => Err(NodeError::None { count, last: Box::new(last) }),
            None => Err(last),
        }
    }

    fn header(&self, height: ConsumerHeight) -> Result<Option<BlockHeader>, NodeError> {
        self.ask(|node| node.header(height))
    }

    fn query(&self, query: &Query) -> Result<Answer, NodeError> {
        self.ask(|node| node.query(query))
    }

    /// A transaction that two nodes are handed is one: its hash is the same.
    fn broadcast(&self, transaction: &[u8]) -> Result<(), NodeError> {
        self.ask(|node| node.broadcast(transaction))
    }

    fn executed(&self, hash: [u8; 32]) -> Result<Option<Executed>, NodeError> {
        self.ask(|node| node.executed(hash))
    }

    fn search(&self, search: &Search, page: u32) -> Result<FoundPage, NodeError> {
        self.ask(|node| node.search(search, page))
    }

    fn block_events(&self, height: ConsumerHeight) -> Result<Option<Vec<Event>>, NodeError> {
        self.ask(|node| node.block_events(height))
    }
}
