//! The tree that a commitment is the root of.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use sha2::{Digest, Sha256};

use super::{InclusionProof, RandomnessCommitment, inner_hash, leaf_hash};
use crate::key::SecretKey;
use crate::randomness::{PublicRandomness, RandomnessSchedule, SecretRandomness};

/// How many heights a thread takes at a time, between two reports of progress.
const PORTION: usize = 1024;

/// The Merkle tree over a list of public randomness; it keeps every hash, so that a proof costs no hashing.
#[derive(Debug, Clone)]
pub struct RandomnessTree {
    start_height: u64,
    /// The hashes level by level, from the leaves up; the last level is the root. The last node of an odd level moves up as it is,
    /// which builds the tree that splits at the largest power of two.
    levels: Vec<Vec<[u8; 32]>>,
}

impl RandomnessTree {
    /// Derives the public randomness of `key` on the chain `chain_id` at every height of `schedule`, on `threads` threads, and builds the
    /// tree over it. `progress` is told, from any of the threads, how many heights are done.
    ///
    /// Keeps about 64 bytes for each height; 50 000 heights take half a second on two cores.
    pub fn derive(
        key: &SecretKey,
        chain_id: &[u8],
        schedule: RandomnessSchedule,
        threads: NonZeroUsize,
        progress: impl Fn(u64) + Sync,
    ) -> Self {
        let heights: Vec<u64> = schedule.heights().collect();
        let mut leaves = vec![[0; 32]; heights.len()];
        let done = AtomicU64::new(0);
        // Portions are dealt out in turn, so that all threads end at about the same time.
        let mut hands: Vec<Vec<_>> = (0..threads.get()).map(|_| Vec::new()).collect();
        for ((heights, leaves), hand) in
            heights.chunks(PORTION).zip(leaves.chunks_mut(PORTION)).zip((0..threads.get()).cycle())
        {
            if let Some(hand) = hands.get_mut(hand) {
                hand.push((heights, leaves));
            }
        }
        let work = |hand: Vec<(&[u64], &mut [[u8; 32]])>| {
            for (heights, leaves) in hand {
                for (height, leaf) in heights.iter().zip(leaves) {
                    *leaf = leaf_hash(SecretRandomness::derive(key, chain_id, *height).public_randomness());
                }
                let portion = u64::try_from(heights.len()).unwrap_or(u64::MAX);
                progress(done.fetch_add(portion, Ordering::Relaxed).saturating_add(portion));
            }
        };
        thread::scope(|scope| {
            for hand in hands {
                scope.spawn(|| work(hand));
            }
        });
        Self::from_leaf_hashes(schedule.start_height(), leaves)
    }

    /// The tree over `leaves`, whose first is for `start_height` and each next for the height after.
    pub fn new(start_height: u64, leaves: &[PublicRandomness]) -> Self {
        Self::from_leaf_hashes(start_height, leaves.iter().map(leaf_hash).collect())
    }

    fn from_leaf_hashes(start_height: u64, leaves: Vec<[u8; 32]>) -> Self {
        let mut levels = vec![leaves];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            let level = below
                .chunks(2)
                .filter_map(|pair| match pair {
                    [left, right] => Some(inner_hash(left, right)),
                    [single] => Some(*single),
                    _ => None,
                })
                .collect();
            levels.push(level);
        }
        Self { start_height, levels }
    }

    /// The commitment to publish.
    pub fn commitment(&self) -> RandomnessCommitment {
        let root = self.levels.last().and_then(|level| level.first()).copied();
        // The root of an empty tree is the hash of nothing.
        let root = root.unwrap_or_else(|| Sha256::digest(b"").into());
        RandomnessCommitment { start_height: self.start_height, count: self.count(), root }
    }

    /// How many leaves there are.
    fn count(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| u64::try_from(leaves.len()).unwrap_or(u64::MAX))
    }

    /// The proof for the public randomness at `height`; `None` when the tree has none for it.
    pub fn prove(&self, height: u64) -> Option<InclusionProof> {
        let index = height.checked_sub(self.start_height)?;
        let mut position = usize::try_from(index).ok()?;
        let leaf_hash = *self.levels.first()?.get(position)?;
        let mut aunts = Vec::with_capacity(self.levels.len());
        for level in &self.levels {
            // Absent where the node moved up alone, and above the root.
            if let Some(aunt) = level.get(position ^ 1) {
                aunts.push(*aunt);
            }
            position >>= 1;
        }
        Some(InclusionProof { total: self.count(), index, leaf_hash, aunts })
    }

    /// The proofs of all leaves, in the order of their heights.
    pub fn prove_all(&self) -> impl Iterator<Item = InclusionProof> {
        (0..self.count()).filter_map(|index| self.prove(self.start_height.checked_add(index)?))
    }
}
