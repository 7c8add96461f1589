//! Several nodes, of which the first that answers is asked.

use std::sync::atomic::{AtomicUsize, Ordering};

use finality::ConsumerHeight;

use super::{Answer, BlockHeader, ChainNode, Executed, NodeError, NodeStatus, Query};

/// Several nodes of one chain. Whichever answered last is asked first; one that does not answer, or not as it
/// must, leaves the question to the next. What the chain refuses is refused.
#[derive(Debug)]
pub struct Several {
    nodes: Vec<Box<dyn ChainNode>>,
    first: AtomicUsize,
}

impl Several {
    /// Returns these nodes as one.
    pub fn new(nodes: Vec<Box<dyn ChainNode>>) -> Self {
        Self { nodes, first: AtomicUsize::new(0) }
    }

    fn ask<T>(&self, ask: impl Fn(&dyn ChainNode) -> Result<T, NodeError>) -> Result<T, NodeError> {
        let (count, first) = (self.nodes.len(), self.first.load(Ordering::Relaxed));
        let mut last = NodeError::Nobody;
        for (number, node) in self.nodes.iter().enumerate().cycle().skip(first).take(count) {
            match ask(&**node) {
                Err(error) if error.is_of_this_node() => last = error,
                answer => {
                    self.first.store(number, Ordering::Relaxed);
                    return answer;
                }
            }
        }
        match count {
            0 | 1 => Err(last),
            count => Err(NodeError::None { count, last: Box::new(last) }),
        }
    }
}

impl ChainNode for Several {
    fn status(&self) -> Result<NodeStatus, NodeError> {
        self.ask(|node| node.status())
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
}
