//! Lists of public randomness.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eots::PublicRandomness;
use finality::{ConsumerHeight, RandomnessSchedule, RandomnessTree};

use super::{Cancel, Event, ServiceError, SignerService, blocking};
use crate::auth::{Client, Operation, Outstanding};
use crate::session::ProtectedSigner;

/// The most heights in a list: what fits an answer of 16 MiB, at 34 bytes each.
pub const MOST_IN_LIST: u32 = 493_400;

/// How many heights are derived before the client is looked for again.
const PORTION: u32 = 4096;

impl SignerService {
    /// Returns the public randomness of `count` heights, and remembers the digest of the commitment to it
    /// when they are consecutive. They are outstanding until the answer is with the client.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn randomness(
        &self,
        client: &Arc<Client>,
        uid: &[u8],
        chain_id: &[u8],
        start: u64,
        count: u32,
        interval: u64,
    ) -> Result<(Vec<PublicRandomness>, Outstanding), ServiceError> {
        if count > MOST_IN_LIST {
            return Err(ServiceError::ListTooLong { found: count });
        }
        let session = self.session(client, Operation::Randomness, uid, chain_id)?;
        let schedule = RandomnessSchedule::new(ConsumerHeight(start), count, interval)
            .map_err(|_| ServiceError::ListOverflow { start, count })?;
        let last = schedule.heights().last();
        let outstanding = client
            .reserve(u64::from(count))
            .ok_or_else(|| ServiceError::Outstanding(client.name().to_owned()))?;
        // Stops the derivation when the request is dropped.
        let cancel = Cancel::default();
        let stop = cancel.flag();
        let turn = self.deriving.clone().acquire_owned().await.map_err(|_| ServiceError::Stopped)?;
        let (threads, deriving) = (self.threads, session.clone());
        let (list, commitment) = blocking(move || {
            let _turn = turn;
            let list = derive(&deriving, threads, schedule, &stop)?;
            let tree = (interval == 1).then(|| RandomnessTree::new(schedule.start_height(), &list));
            Ok((list, tree.and_then(Result::ok).map(|tree| tree.commitment())))
        })
        .await?;
        let lane = session.lane();
        if let Some(commitment) = commitment {
            let context = session.chain().commitment_context;
            self.digests.keep(client, lane.public_key, &lane.chain_id, commitment, context);
        }
        if let Some(last) = last {
            self.observer.observe(&Event::Randomness { lane, count, last });
        }
        Ok((list, outstanding))
    }
}

/// Derives a list in portions, and stops where nobody waits for it any more.
fn derive(
    session: &ProtectedSigner,
    threads: NonZeroUsize,
    schedule: RandomnessSchedule,
    stop: &AtomicBool,
) -> Result<Vec<PublicRandomness>, ServiceError> {
    let mut list = Vec::with_capacity(usize::try_from(schedule.count()).unwrap_or_default());
    let mut done = 0;
    while done < schedule.count() {
        if stop.load(Ordering::Relaxed) {
            return Err(ServiceError::Stopped);
        }
        let count = schedule.count().saturating_sub(done).min(PORTION);
        let ahead = u64::from(done).saturating_mul(schedule.interval());
        let start = schedule.start_height().saturating_add(ahead);
        let portion = RandomnessSchedule::new(start, count, schedule.interval());
        let portion = portion.map_err(|_| ServiceError::ListOverflow { start: start.to_u64(), count })?;
        list.extend(session.public_randomness_on(threads, portion));
        done = done.saturating_add(count);
    }
    Ok(list)
}
