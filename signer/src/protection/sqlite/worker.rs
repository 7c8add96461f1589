//! The thread that owns the database, and serves all that wait in one transaction.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use super::database::{Database, Done};
use crate::protection::guard::Guard;
use crate::protection::steps::passed;
use crate::protection::store::{self, ChangeKind, Changed, LaneChange, StoreError};
use crate::protection::types::VoteRequest;

/// The most requests that one transaction has.
const MOST_IN_BATCH: usize = 512;

/// Where an answer goes.
pub(super) type Reply<T> = SyncSender<Result<T, StoreError>>;

/// What the thread does.
pub(super) enum Job {
    Votes(Vec<VoteRequest>, store::Reply),
    Change(Vec<LaneChange>, Reply<Vec<Changed>>),
    /// Something that only reads.
    Read(Box<dyn FnOnce(&Database) + Send>),
    #[cfg(test)]
    BreakGuard(bool),
}

/// The thread of a store.
pub(super) struct Worker {
    pub(super) database: Database,
    pub(super) guard: Guard,
    /// Whether the guard does not know all that the database does: the last writing of it failed.
    pub(super) is_behind: bool,
}

impl Worker {
    pub(super) fn run(mut self, queue: &Receiver<Job>) {
        let mut next = queue.recv().ok();
        while let Some(job) = next.take() {
            match job {
                Job::Votes(requests, reply) => next = self.votes(requests, reply, queue),
                Job::Change(changes, reply) => {
                    let _gone = reply.send(self.change(changes));
                }
                Job::Read(read) => read(&self.database),
                #[cfg(test)]
                Job::BreakGuard(is_broken) => self.guard.set_broken(is_broken),
            }
            if next.is_none() {
                next = queue.recv().ok();
            }
        }
        let _synced = self.guard.sync();
        let _closed = self.database.close();
    }

    /// Changes lanes. One that the database does not know, and the guard does, was lost with an earlier
    /// database: it begins above what it had reached.
    fn change(&mut self, mut changes: Vec<LaneChange>) -> Result<Vec<Changed>, StoreError> {
        let (asked, known) = (changes.len(), self.database.lanes());
        let lost = changes.iter().filter(|change| !known.contains(&change.lane)).filter_map(|change| {
            let kind = ChangeKind::RaiseLow(self.guard.highest(&change.lane)?);
            Some(LaneChange { lane: change.lane.clone(), kind })
        });
        let lost: Vec<_> = lost.collect();
        changes.extend(lost);
        let done = self.database.change(changes)?;
        let mut changed = self.noted(done)?;
        passed("change noted");
        changed.truncate(asked);
        Ok(changed)
    }

    /// Serves these requests and all others that wait; returns a job of another kind that was among them.
    fn votes(
        &mut self,
        requests: Vec<VoteRequest>,
        reply: store::Reply,
        queue: &Receiver<Job>,
    ) -> Option<Job> {
        let (mut all, mut replies, mut other) = (requests, Vec::new(), None);
        replies.push((all.len(), reply));
        while all.len() < MOST_IN_BATCH {
            match queue.try_recv() {
                Ok(Job::Votes(more, reply)) => {
                    replies.push((more.len(), reply));
                    all.extend(more);
                }
                Ok(job) => {
                    other = Some(job);
                    break;
                }
                Err(_) => break,
            }
        }
        let recorded = self.database.check_and_record(all).and_then(|done| self.noted(done));
        match recorded {
            Ok(outcomes) => {
                passed("votes noted");
                let mut outcomes = outcomes.into_iter();
                for (count, reply) in replies {
                    reply(Ok(outcomes.by_ref().take(count).collect()));
                }
            }
            Err(error) => {
                let text = Arc::new(error);
                for (_, reply) in replies {
                    reply(Err(StoreError::Shared(text.clone())));
                }
            }
        }
        other
    }

    /// Notes in the guard what a transaction has reached, before anything of it is released.
    fn noted<T>(&mut self, done: Done<T>) -> Result<T, StoreError> {
        let Done { result, generation, highest } = done;
        let highest: Vec<_> = match generation {
            // What could not be noted after an earlier transaction is noted now: a vote of it may be asked
            // for again, and released.
            _ if self.is_behind => self.database.highest().collect(),
            Some(_) => highest.iter().map(|(lane, height)| (lane, *height)).collect(),
            None => return Ok(result),
        };
        let noted = self.guard.advance(self.database.generation, &highest);
        self.is_behind = noted.is_err();
        noted.map(|()| result).map_err(|error| StoreError::Database(Box::new(error)))
    }
}
