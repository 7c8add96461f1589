//! Randomness ready ahead: what the next votes need is derived before they are asked for, so that a vote
//! costs a lookup, a scalar operation and a durable write.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use eots::{SecretKey, SecretRandomness};
use finality::ConsumerHeight;

/// How many heights above the last vote are ready. Those as far below it are kept: votes come out of order.
const AHEAD: u64 = 64;
/// How many lanes may wait to be filled. One that finds no place is filled after its next vote.
const MOST_WAITING: usize = 256;

/// The key of a lane, with the randomness that is ready. It is erased when it is dropped.
pub(super) struct LaneKey {
    pub(super) key: SecretKey,
    pub(super) chain_id: Vec<u8>,
    ready: Mutex<Ready>,
}

#[derive(Default)]
struct Ready {
    by_height: BTreeMap<u64, SecretRandomness>,
    /// The height after the highest vote.
    next: u64,
}

impl LaneKey {
    pub(super) fn new(key: SecretKey, chain_id: Vec<u8>) -> Arc<Self> {
        Arc::new(Self { key, chain_id, ready: Mutex::default() })
    }

    /// Returns the randomness of a height, which is ready or derived.
    pub(super) fn randomness(&self, height: ConsumerHeight) -> SecretRandomness {
        let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner).take(height.to_u64());
        ready.unwrap_or_else(|| self.derive(height.to_u64()))
    }

    /// Derives the randomness of a height.
    pub(super) fn derive(&self, height: u64) -> SecretRandomness {
        SecretRandomness::derive(&self.key, &self.chain_id, height)
    }

    /// Derives what the next heights lack. Votes go on meanwhile, and heights that they have passed are left.
    fn fill(&self) {
        let lock = || self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..AHEAD {
            let Some(height) = lock().missing() else { return };
            let randomness = self.derive(height);
            lock().put(height, randomness);
        }
    }
}

impl Ready {
    /// Takes the randomness of a height, and forgets that of those far below it.
    fn take(&mut self, height: u64) -> Option<SecretRandomness> {
        self.next = self.next.max(height.saturating_add(1));
        self.by_height = self.by_height.split_off(&self.next.saturating_sub(AHEAD));
        self.by_height.remove(&height)
    }

    /// Returns the lowest of the next heights whose randomness is not ready.
    fn missing(&self) -> Option<u64> {
        (self.next..self.next.saturating_add(AHEAD)).find(|height| !self.by_height.contains_key(height))
    }

    /// Keeps the randomness of a height, unless the votes are elsewhere by now.
    fn put(&mut self, height: u64, randomness: SecretRandomness) {
        if (self.next..self.next.saturating_add(AHEAD)).contains(&height) {
            self.by_height.insert(height, randomness);
        }
    }
}

/// A thread that derives the randomness of the next heights of every lane that it is told of, while it is
/// there.
#[derive(Debug, Clone)]
pub struct RandomnessAhead {
    lanes: SyncSender<Weak<LaneKey>>,
}

impl RandomnessAhead {
    /// Starts the thread. It ends when nobody can tell it anything any more.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start() -> std::io::Result<Self> {
        let (lanes, waiting) = sync_channel(MOST_WAITING);
        let fill = move || {
            let waiting: Receiver<Weak<LaneKey>> = waiting;
            for lane in waiting {
                // A key that was locked meanwhile is gone.
                if let Some(lane) = lane.upgrade() {
                    lane.fill();
                }
            }
        };
        std::thread::Builder::new().name("randomness-ahead".to_owned()).spawn(fill)?;
        Ok(Self { lanes })
    }

    /// Has a lane filled.
    pub(super) fn fill(&self, lane: &Arc<LaneKey>) {
        // Where too many wait, its next vote tells again.
        let _full = self.lanes.try_send(Arc::downgrade(lane));
    }
}
