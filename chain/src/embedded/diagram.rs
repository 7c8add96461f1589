//! Fee rate diagrams: which of two sets of transactions is the better one to mine, at every size of a block.

use std::collections::BTreeSet;

use bitcoin::Txid;

/// Up to so many transactions of one cluster are put into the best order there is.
const MAX_EXACT: usize = 14;

/// A transaction of a cluster.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) txid: Txid,
    /// The unconfirmed transactions whose outputs it spends.
    pub(super) parents: BTreeSet<Txid>,
    /// In satoshis.
    pub(super) fee: u64,
    /// In weight units.
    pub(super) weight: u64,
}

/// Transactions that are mined together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Chunk {
    fee: u64,
    weight: u64,
}

impl Chunk {
    fn with(self, other: Self) -> Self {
        let (fee, weight) = (self.fee.saturating_add(other.fee), self.weight.saturating_add(other.weight));
        Self { fee, weight }
    }

    /// Returns whether this one pays a higher fee rate, or the same with less weight.
    fn is_before(self, other: Self) -> bool {
        let product = |fee: u64, weight: u64| u128::from(fee).saturating_mul(u128::from(weight));
        let (this, that) = (product(self.fee, other.weight), product(other.fee, self.weight));
        this > that || (this == that && self.weight < other.weight)
    }
}

/// Returns the chunks of these transactions, in the order in which a miner takes them.
///
/// Of a connected part with at most 14 transactions the best order is found; of a larger one, the order by
/// each transaction's fee rate with its ancestors, which may be worse.
pub(super) fn diagram(mut nodes: Vec<Node>) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    while let Some(node) = nodes.first() {
        let mut part = BTreeSet::from([node.txid]);
        // As long as something is connected with the part, it belongs to it.
        loop {
            let size = part.len();
            for node in &nodes {
                if part.contains(&node.txid) || !node.parents.is_disjoint(&part) {
                    part.insert(node.txid);
                    let here = node.parents.iter().filter(|parent| nodes.iter().any(|n| n.txid == **parent));
                    part.extend(here);
                }
            }
            if part.len() == size {
                break;
            }
        }
        let (mut inside, outside): (Vec<_>, Vec<_>) =
            nodes.into_iter().partition(|node| part.contains(&node.txid));
        nodes = outside;
        let mut taken = Vec::new();
        while let Some((next, chunk)) = best(&inside) {
            inside.retain(|node| !next.contains(&node.txid));
            taken.push(chunk);
        }
        chunks.extend(merge(taken));
    }
    chunks.sort_by(|a, b| {
        if a.is_before(*b) {
            std::cmp::Ordering::Less
        } else if b.is_before(*a) {
            std::cmp::Ordering::Greater
        } else {
            std::cmp::Ordering::Equal
        }
    });
    chunks
}

/// The transactions with the highest fee rate that can be mined next: none of them without its parents.
fn best(nodes: &[Node]) -> Option<(BTreeSet<Txid>, Chunk)> {
    let mut sets: Vec<BTreeSet<Txid>> = Vec::new();
    if nodes.len() <= MAX_EXACT {
        for choice in 1..1_u32.checked_shl(u32::try_from(nodes.len()).ok()?)? {
            let chosen = nodes
                .iter()
                .zip(0_u32..)
                .filter(|(_, bit)| choice.checked_shr(*bit).is_some_and(|c| c & 1 == 1));
            sets.push(chosen.map(|(node, _)| node.txid).collect());
        }
    } else {
        sets.extend(nodes.iter().map(|node| with_ancestors(node, nodes)));
    }
    let mut best: Option<(BTreeSet<Txid>, Chunk)> = None;
    for set in sets {
        let members = nodes.iter().filter(|node| set.contains(&node.txid));
        let is_closed = members.clone().all(|node| {
            node.parents.iter().all(|parent| set.contains(parent) || nodes.iter().all(|n| n.txid != *parent))
        });
        if !is_closed {
            continue;
        }
        let chunk = members
            .fold(Chunk::default(), |sum, node| sum.with(Chunk { fee: node.fee, weight: node.weight }));
        if best.as_ref().is_none_or(|(_, other)| chunk.is_before(*other)) {
            best = Some((set, chunk));
        }
    }
    best
}

fn with_ancestors(node: &Node, nodes: &[Node]) -> BTreeSet<Txid> {
    let (mut found, mut waiting) = (BTreeSet::new(), vec![node]);
    while let Some(node) = waiting.pop() {
        if found.insert(node.txid) {
            waiting.extend(nodes.iter().filter(|other| node.parents.contains(&other.txid)));
        }
    }
    found
}

/// Joins neighbours of which the later pays more, so that the rates fall.
fn merge(chunks: Vec<Chunk>) -> Vec<Chunk> {
    let mut merged: Vec<Chunk> = Vec::new();
    for mut chunk in chunks {
        while let Some(last) = merged.pop_if(|last| chunk.is_before(*last)) {
            chunk = last.with(chunk);
        }
        merged.push(chunk);
    }
    merged
}

/// Returns whether a block of any size earns with `new` at least what it earns with `old`, and of some size
/// more.
pub(super) fn improves(new: &[Chunk], old: &[Chunk]) -> bool {
    let (new, old) = (sums(new), sums(old));
    let weights: Vec<u64> = new.iter().chain(&old).map(|point| point.weight).collect();
    let mut is_better = false;
    for weight in weights {
        // Both as fractions: one point is at this weight, the other may be between two of its own.
        let ((new_fee, new_part), (old_fee, old_part)) = (at(&new, weight), at(&old, weight));
        let (new, old) = (new_fee.saturating_mul(old_part), old_fee.saturating_mul(new_part));
        if new < old {
            return false;
        }
        is_better |= new > old;
    }
    is_better
}

/// What the chunks have earned, and weigh, after each of them.
fn sums(chunks: &[Chunk]) -> Vec<Chunk> {
    let sums = chunks.iter().scan(Chunk::default(), |sum, chunk| {
        *sum = sum.with(*chunk);
        Some(*sum)
    });
    [Chunk::default()].into_iter().chain(sums).collect()
}

/// What a block of this weight earns, on the line between two points: a numerator and its denominator.
fn at(points: &[Chunk], weight: u64) -> (u128, u128) {
    for (before, after) in points.iter().zip(points.iter().skip(1)) {
        if weight <= after.weight {
            let length = u128::from(after.weight.saturating_sub(before.weight)).max(1);
            let rise = u128::from(after.fee.saturating_sub(before.fee));
            let run = u128::from(weight.saturating_sub(before.weight));
            let base = u128::from(before.fee).saturating_mul(length);
            return (base.saturating_add(rise.saturating_mul(run)), length);
        }
    }
    // After the last one nothing more is earned.
    (points.last().map_or(0, |last| u128::from(last.fee)), 1)
}

#[cfg(test)]
mod tests {
    use bitcoin::hashes::Hash as _;

    use super::{Chunk, Node, Txid, diagram, improves};

    fn id(number: u8) -> Txid {
        Txid::from_byte_array([number; 32])
    }

    fn node(number: u8, parents: &[u8], fee: u64, weight: u64) -> Node {
        Node { txid: id(number), parents: parents.iter().map(|&parent| id(parent)).collect(), fee, weight }
    }

    fn pairs(nodes: Vec<Node>) -> Vec<(u64, u64)> {
        diagram(nodes).into_iter().map(|Chunk { fee, weight }| (fee, weight)).collect()
    }

    #[test]
    fn diagram_joins_a_parent_with_the_child_that_pays_for_it() {
        assert_eq!(pairs(vec![]), []);
        assert_eq!(pairs(vec![node(1, &[], 1, 10), node(2, &[1], 9, 10)]), [(10, 20)]);
        assert_eq!(pairs(vec![node(1, &[], 9, 10), node(2, &[1], 1, 10)]), [(9, 10), (1, 10)]);
        // Two parts, and a parent outside, which is confirmed.
        assert_eq!(pairs(vec![node(1, &[7], 1, 10), node(2, &[], 9, 10)]), [(9, 10), (1, 10)]);
        // Two children pay for one parent together.
        let family =
            vec![node(1, &[], 0, 10), node(2, &[1], 6, 10), node(3, &[1], 5, 10), node(4, &[1], 1, 10)];
        assert_eq!(pairs(family), [(11, 30), (1, 10)]);
    }

    /// Beyond the exact search the order is still one that can be mined.
    #[test]
    fn diagram_of_a_long_chain() {
        let chain: Vec<Node> = (0..40_u8)
            .map(|number| {
                let parent = number.checked_sub(1);
                node(number, parent.as_slice(), 100 - u64::from(number), 10)
            })
            .collect();
        let found = pairs(chain);
        assert_eq!((found.len(), found[0], found[39]), (40, (100, 10), (61, 10)));
    }

    #[test]
    fn diagram_that_is_nowhere_worse_and_somewhere_better_improves() {
        let line = |pairs: &[(u64, u64)]| pairs.iter().map(|&(fee, weight)| Chunk { fee, weight }).collect();
        let improves = |new: &[(u64, u64)], old: &[(u64, u64)]| -> bool {
            let (new, old): (Vec<Chunk>, Vec<Chunk>) = (line(new), line(old));
            improves(&new, &old)
        };
        assert!(improves(&[(11, 10)], &[(10, 10)]));
        assert!(!improves(&[(10, 10)], &[(10, 10)]), "the same");
        assert!(!improves(&[(12, 20)], &[(10, 10)]), "more in all, and less for a small block");
        assert!(improves(&[(21, 20)], &[(10, 10)]));
        assert!(!improves(&[(10, 5)], &[(10, 10), (1, 10)]), "less in all");
        assert!(improves(&[(10, 5)], &[(10, 10)]), "the same in all, sooner");
    }
}
