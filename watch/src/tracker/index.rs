//! Which stakes a transaction may concern, by its id.

use std::hash::{BuildHasher as _, RandomState};

use bitcoin::Txid;
use hashbrown::HashTable;

use crate::stake::StakeId;

/// The stakes by the ids of transactions whose outputs are theirs: 16 bytes each.
///
/// Ids are hashed with a key of this process: nobody can choose transactions whose ids meet in the table.
#[derive(Debug, Default)]
pub(super) struct TxidIndex {
    hasher: RandomState,
    entries: HashTable<(u64, StakeId)>,
}

impl TxidIndex {
    /// Adds a stake under a transaction, once.
    pub(super) fn add(&mut self, txid: &Txid, stake: StakeId) {
        let hash = self.hasher.hash_one(txid);
        let entry = (hash, stake);
        if self.entries.find(hash, |found| *found == entry).is_none() {
            self.entries.insert_unique(hash, entry, |(hash, _)| *hash);
        }
    }

    /// Returns the stakes under a transaction. Whoever asks looks whether they are: another transaction may
    /// have the same hash, and one that a reorg undid is still here.
    pub(super) fn of(&self, txid: &Txid) -> impl Iterator<Item = StakeId> {
        let hash = self.hasher.hash_one(txid);
        self.entries.iter_hash(hash).filter(move |(found, _)| *found == hash).map(|(_, stake)| *stake)
    }

    pub(super) fn reserve(&mut self, count: usize) {
        self.entries.reserve(count, |(hash, _)| *hash);
    }
}
