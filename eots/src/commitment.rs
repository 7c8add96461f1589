//! Commitments to public randomness: the root of a Merkle tree (RFC 6962, section 2.1, as CometBFT builds it).

use sha2::{Digest, Sha256};

use crate::randomness::PublicRandomness;

/// The most siblings an inclusion proof may have: more than any tree of 64-bit size needs.
const MAX_AUNTS: usize = 100;

/// What a finality provider commits to before it votes: `count` public randomness from `start_height` on, by their Merkle root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RandomnessCommitment {
    /// The height that the first public randomness is for.
    pub start_height: u64,
    /// How many there are.
    pub count: u64,
    /// The Merkle root over them in the order of their heights.
    pub root: [u8; 32],
}

/// The path from one public randomness to the root of its commitment (`tendermint.crypto.Proof`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    /// How many leaves the tree has.
    pub total: u64,
    /// Which leaf this is, from 0.
    pub index: u64,
    /// The leaf's hash.
    pub leaf_hash: [u8; 32],
    /// The sibling hashes, from the leaf up to the root.
    pub aunts: Vec<[u8; 32]>,
}

/// The public randomness is not the one committed to for this height.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommitmentError {
    /// The height is not among those committed to.
    #[error("height {height} is not among the {count} from {start_height} on that are committed to")]
    HeightNotCommitted {
        /// The height of the vote.
        height: u64,
        /// The first height committed to.
        start_height: u64,
        /// How many are.
        count: u64,
    },
    /// The proof speaks of another leaf.
    #[error("the proof is for leaf {index} of {total}, not for leaf {expected_index} of {expected_total}")]
    WrongLeaf {
        /// The leaf that the proof is for.
        index: u64,
        /// The leaves its tree has.
        total: u64,
        /// The leaf of the vote's height.
        expected_index: u64,
        /// The leaves committed to.
        expected_total: u64,
    },
    /// The leaf hash is not that of the public randomness.
    #[error("the proof's leaf is not the public randomness {0}")]
    WrongPublicRandomness(PublicRandomness),
    /// The path has the wrong length for its tree, or leads to another root.
    #[error("the proof does not lead to the committed root")]
    WrongRoot,
}

/// The Merkle tree over a list of public randomness; it keeps every hash, so that a proof costs no hashing.
#[derive(Debug, Clone)]
pub struct RandomnessTree {
    start_height: u64,
    /// The hashes level by level, from the leaves up; the last level is the root. The last node of an odd level moves up as it is,
    /// which builds the tree that splits at the largest power of two.
    levels: Vec<Vec<[u8; 32]>>,
}

fn leaf_hash(leaf: &PublicRandomness) -> [u8; 32] {
    Sha256::new().chain_update([0]).chain_update(leaf.as_bytes()).finalize().into()
}

fn inner_hash(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

impl RandomnessTree {
    /// The tree over `leaves`, whose first is for `start_height` and each next for the height after.
    pub fn new(start_height: u64, leaves: &[PublicRandomness]) -> Self {
        let mut levels = vec![leaves.iter().map(leaf_hash).collect::<Vec<_>>()];
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
}

impl RandomnessCommitment {
    /// Verifies that `public_randomness` is the one committed to for `height`.
    ///
    /// # Errors
    /// [`CommitmentError`] names what does not fit.
    pub fn verify(
        &self,
        height: u64,
        public_randomness: &PublicRandomness,
        proof: &InclusionProof,
    ) -> Result<(), CommitmentError> {
        let (start_height, count) = (self.start_height, self.count);
        let expected_index = height
            .checked_sub(start_height)
            .filter(|index| *index < count)
            .ok_or(CommitmentError::HeightNotCommitted { height, start_height, count })?;
        if proof.index != expected_index || proof.total != count {
            return Err(CommitmentError::WrongLeaf {
                index: proof.index,
                total: proof.total,
                expected_index,
                expected_total: count,
            });
        }
        if proof.leaf_hash != leaf_hash(public_randomness) {
            return Err(CommitmentError::WrongPublicRandomness(*public_randomness));
        }
        if proof.root() == Some(self.root) { Ok(()) } else { Err(CommitmentError::WrongRoot) }
    }
}

impl InclusionProof {
    /// The root that the path leads to; `None` when it has the wrong length for its tree.
    fn root(&self) -> Option<[u8; 32]> {
        if self.aunts.len() > MAX_AUNTS || self.index >= self.total {
            return None;
        }
        let mut aunts = self.aunts.iter();
        let (mut hash, mut position, mut last) = (self.leaf_hash, self.index, self.total.checked_sub(1)?);
        while last > 0 {
            if position % 2 == 1 {
                hash = inner_hash(aunts.next()?, &hash);
            } else if position < last {
                hash = inner_hash(&hash, aunts.next()?);
            }
            position >>= 1;
            last >>= 1;
        }
        // A path that is longer than its tree is high proves nothing.
        aunts.next().is_none().then_some(hash)
    }
}
