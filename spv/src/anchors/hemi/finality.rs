//! How final a keystone is by Bitcoin: the confirmations of itself and of its descendants.

use std::collections::{BTreeMap, HashMap, HashSet};

use bitcoin::BlockHash;

use super::keystone::{Keystone, KeystoneHash};

/// From so many effective confirmations on, a keystone is *super final* (heminetwork 7e74ba9a,
/// `BitcoinSuperFinality`). Texts about Hemi also say six and nine.
pub const SUPER_FINALITY: u32 = 10;

/// With so many, descendants are not searched any further.
const ENOUGH: u32 = 20;

/// Keystones of Hemi's chain, and where each is published on Bitcoin.
///
/// Which keystones are of the chain, only a node of Hemi's says: anybody can publish one that names another
/// as the one before it. So [`add`](Self::add) those that the node has. Whoever adds all that were published
/// learns how deep *some* commitment to a keystone is, which is less.
#[derive(Debug, Clone, Default)]
pub struct KeystoneFinality {
    keystones: HashMap<KeystoneHash, Keystone>,
    /// By the EP hash of the keystone before them.
    children: HashMap<[u8; 12], Vec<KeystoneHash>>,
    /// By keystone, the heights of the blocks that publish it.
    published: HashMap<KeystoneHash, BTreeMap<u32, BlockHash>>,
}

/// How final a keystone is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeystoneConfirmations {
    /// How many blocks are on top of the publication that is deepest among the keystone's own and its
    /// descendants': 0 for the tip, and without any.
    pub effective_confirmations: u32,
    /// Whether these are at least [`SUPER_FINALITY`].
    pub super_finality: bool,
    /// That publication: the height and hash of its block, and which keystone it is of.
    pub publication: Option<(u32, BlockHash, KeystoneHash)>,
}

impl KeystoneFinality {
    /// Returns a record of no keystone.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a keystone of Hemi's chain. Returns its hash.
    pub fn add(&mut self, keystone: Keystone) -> KeystoneHash {
        let hash = keystone.hash();
        if self.keystones.insert(hash, keystone).is_none() {
            self.children.entry(keystone.previous_keystone_ep_hash).or_default().push(hash);
        }
        hash
    }

    /// Notes that a block of Bitcoin's best chain publishes a keystone, whether the keystone is known yet or
    /// not.
    pub fn publish(&mut self, hash: KeystoneHash, height: u32, block: BlockHash) {
        self.published.entry(hash).or_default().insert(height, block);
    }

    /// Forgets the publications in blocks above this height, which left the best chain.
    pub fn disconnect_above(&mut self, height: u32) {
        self.published.retain(|_, blocks| {
            blocks.retain(|at, _| *at <= height);
            !blocks.is_empty()
        });
    }

    /// Returns how final a keystone is when Bitcoin's best block is at `best_height`; `None` for a keystone
    /// that was not added. The search over its descendants stops at the first that is 20 deep, so that the
    /// number is not the greatest above that.
    ///
    /// A descendant has the keystone's EP hash as that of the keystone before it, or a descendant's, and is
    /// higher. Publications above the best height do not count.
    pub fn confirmations(&self, hash: KeystoneHash, best_height: u32) -> Option<KeystoneConfirmations> {
        self.keystones.get(&hash)?;
        let mut deepest = None::<(u32, u32, BlockHash, KeystoneHash)>;
        // Keystones with the same EP hash have the same descendants, which are looked at once.
        let (mut queue, mut next, mut seen) = (vec![hash], 0, HashSet::from([hash]));
        while let Some(&hash) = queue.get(next) {
            next = next.saturating_add(1);
            let first = self.published.get(&hash).and_then(|blocks| blocks.first_key_value());
            let depth = first.and_then(|(height, _)| best_height.checked_sub(*height));
            if let (Some((height, block)), Some(depth)) = (first, depth)
                && deepest.is_none_or(|(most, ..)| depth > most)
            {
                deepest = Some((depth, *height, *block, hash));
                if depth >= ENOUGH {
                    break;
                }
            }
            let Some(parent) = self.keystones.get(&hash) else { continue };
            let children = self.children.get(&parent.ep_hash).into_iter().flatten();
            queue.extend(children.filter(|child| {
                let child_height = self.keystones.get(child).map(|child| child.l2_block_number);
                child_height.is_some_and(|height| height > parent.l2_block_number) && seen.insert(**child)
            }));
        }
        let effective_confirmations = deepest.map_or(0, |(depth, ..)| depth);
        Some(KeystoneConfirmations {
            effective_confirmations,
            super_finality: effective_confirmations >= SUPER_FINALITY,
            publication: deepest.map(|(_, height, block, hash)| (height, block, hash)),
        })
    }
}
