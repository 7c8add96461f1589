//! The thread that owns a database, and serves all that wait in one transaction (group commit).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SendError, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use finality::ConsumerHeight;

use super::guard::Guard;
use super::steps::passed;
use super::store::{self, ChangeKind, Changed, LaneChange, StoreError};
use super::types::{Lane, Outcome, VoteRequest};

/// The most requests that one transaction has, but for those of one caller.
const MOST_IN_BATCH: usize = 512;
/// The most bytes of messages that one transaction has, but for those of one caller.
const MOST_BYTES_IN_BATCH: usize = 16 << 20;
/// The most that is done between two parts of what takes long, so that it ends however much is asked for.
const MOST_BETWEEN: usize = 16;

/// What a transaction has done.
pub(crate) struct Done<T> {
    pub(crate) result: T,
    /// The generation after it, where something was written.
    pub(crate) generation: Option<u64>,
    /// The highest height of each lane that was written to.
    pub(crate) highest: Vec<(Lane, ConsumerHeight)>,
}

/// A database that one thread owns. What its calls write is durable when they return.
///
/// They are given the guard, for a database that others write to as well: it may have become an old copy
/// meanwhile.
pub(crate) trait Backend: Sized + 'static {
    /// Checks and records in one exclusive transaction.
    fn check_and_record(
        &mut self,
        guard: &Guard,
        requests: Vec<VoteRequest>,
    ) -> Result<Done<Vec<Outcome>>, StoreError>;

    /// Changes lanes, all or none.
    fn change(&mut self, guard: &Guard, changes: Vec<LaneChange>) -> Result<Done<Vec<Changed>>, StoreError>;

    /// Returns every lane, ascending.
    fn lanes(&mut self, guard: &Guard) -> Result<Vec<Lane>, StoreError>;

    /// Closes the database.
    fn close(self);
}

/// Where an answer goes.
type Reply<T> = SyncSender<Result<T, StoreError>>;

/// Something that only reads.
type Read<B> = Box<dyn FnOnce(&mut B, &Guard) + Send>;

/// Something that takes long, and serves what waits between its parts.
type Long<B> = Box<dyn FnOnce(&mut Worker<B>) + Send>;

/// What the thread does.
enum Job<B> {
    Votes(Vec<VoteRequest>, store::Reply),
    Change(Vec<LaneChange>, Reply<Vec<Changed>>),
    Read(Read<B>),
    Long(Long<B>),
    #[cfg(test)]
    BreakGuard(bool),
}

/// Why the thread of a store is not at work.
pub(crate) enum StartError<E> {
    /// There is no thread.
    Thread(std::io::Error),
    /// The database was not opened.
    Open(E),
    /// Opening it ended the thread.
    Ended,
}

/// The door to the thread of a store. Dropping it finishes what was asked for.
pub(crate) struct Handle<B> {
    jobs: Option<Sender<Job<B>>>,
    thread: Option<JoinHandle<()>>,
}

impl<B> std::fmt::Debug for Handle<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("thread", &self.thread).finish_non_exhaustive()
    }
}

impl<B: Backend> Handle<B> {
    /// Starts the thread, which opens its database itself.
    pub(crate) fn start<E: Send + 'static>(
        open: impl FnOnce() -> Result<(B, Guard), E> + Send + 'static,
    ) -> Result<Self, StartError<E>> {
        let (jobs, queue) = channel();
        let (ready, opened) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("signing-store".to_owned())
            .spawn(move || match open() {
                Ok((database, guard)) => {
                    let _waits = ready.send(Ok(()));
                    Worker { database, guard, unnoted: Unnoted::default(), queue, next: None }.run();
                }
                Err(error) => {
                    let _waits = ready.send(Err(error));
                }
            })
            .map_err(StartError::Thread)?;
        match opened.recv() {
            Ok(Ok(())) => Ok(Self { jobs: Some(jobs), thread: Some(thread) }),
            Ok(Err(error)) => {
                // Whatever it held is free when this returns.
                let _ended = thread.join();
                Err(StartError::Open(error))
            }
            Err(_) => Err(StartError::Ended),
        }
    }

    fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job<B>) -> Result<T, StoreError> {
        let (reply, answer) = sync_channel(1);
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.send(job(reply)).map_err(|_| StoreError::Closed)?;
        answer.recv().map_err(|_| StoreError::Closed)?
    }

    pub(crate) fn votes(&self, requests: Vec<VoteRequest>) -> Result<Vec<Outcome>, StoreError> {
        self.ask(|answer| {
            let reply = move |outcomes| {
                // Who asked may have gone.
                let _gone = answer.send(outcomes);
            };
            Job::Votes(requests, Box::new(reply))
        })
    }

    /// Asks without waiting for the answer.
    pub(crate) fn submit(&self, requests: Vec<VoteRequest>, reply: store::Reply) {
        match &self.jobs {
            None => reply(Err(StoreError::Closed)),
            Some(jobs) => {
                if let Err(SendError(Job::Votes(_, reply))) = jobs.send(Job::Votes(requests, reply)) {
                    reply(Err(StoreError::Closed));
                }
            }
        }
    }

    /// Lets every write of the guard fail.
    #[cfg(test)]
    pub(crate) fn break_guard(&self, is_broken: bool) {
        self.jobs.as_ref().unwrap().send(Job::BreakGuard(is_broken)).unwrap();
    }

    pub(crate) fn change(&self, changes: Vec<LaneChange>) -> Result<Vec<Changed>, StoreError> {
        self.ask(|reply| Job::Change(changes, reply))
    }

    pub(crate) fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut B, &Guard) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.ask(|reply| {
            Job::Read(Box::new(move |database, guard| {
                // Who asked may have gone.
                let _gone = reply.send(read(database, guard));
            }))
        })
    }

    /// Has what takes long done, which calls [`Worker::serve_waiting`] between its parts, and returns where
    /// its answer comes.
    pub(crate) fn begin_long<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Worker<B>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Receiver<Result<T, StoreError>>, StoreError> {
        let (reply, answer) = sync_channel(1);
        let job = Job::Long(Box::new(move |worker| {
            // Who asked may have gone.
            let _gone = reply.send(work(worker));
        }));
        self.jobs.as_ref().ok_or(StoreError::Closed)?.send(job).map_err(|_| StoreError::Closed)?;
        Ok(answer)
    }
}

impl<B> Drop for Handle<B> {
    fn drop(&mut self) {
        // The thread ends when nobody can ask any more, and has then done all that was asked.
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

/// What the thread of a store has.
pub(crate) struct Worker<B> {
    database: B,
    guard: Guard,
    unnoted: Unnoted,
    queue: Receiver<Job<B>>,
    /// What was taken out of the queue, and is done next.
    next: Option<Job<B>>,
}

/// What transactions have reached, and the guard does not know.
#[derive(Default)]
struct Unnoted {
    generation: Option<u64>,
    highest: BTreeMap<Lane, ConsumerHeight>,
}

impl<B: Backend> Worker<B> {
    fn run(mut self) {
        while let Some(job) = self.next.take().or_else(|| self.queue.recv().ok()) {
            self.serve(job);
        }
        let _synced = self.guard.sync();
        self.database.close();
    }

    fn serve(&mut self, job: Job<B>) {
        match job {
            Job::Votes(requests, reply) => self.votes(requests, reply),
            Job::Change(changes, reply) => {
                let _gone = reply.send(self.change(changes));
            }
            Job::Read(read) => read(&mut self.database, &self.guard),
            Job::Long(work) => work(self),
            #[cfg(test)]
            Job::BreakGuard(is_broken) => self.guard.set_broken(is_broken),
        }
    }

    /// Serves what waits, though no more than some of it. Where nothing does, it waits for it this long.
    pub(crate) fn serve_waiting(&mut self, mut patience: Duration) {
        for _ in 0..MOST_BETWEEN {
            let job = self.next.take().or_else(|| self.queue.recv_timeout(patience).ok());
            let Some(job) = job else { return };
            self.serve(job);
            patience = Duration::ZERO;
        }
    }

    /// Returns the database.
    pub(crate) const fn database(&self) -> &B {
        &self.database
    }

    /// Changes lanes. One that the database does not know, and the guard does, was lost with an earlier
    /// database: it begins above what it had reached.
    fn change(&mut self, mut changes: Vec<LaneChange>) -> Result<Vec<Changed>, StoreError> {
        let (asked, known) = (changes.len(), self.database.lanes(&self.guard)?);
        let lost = changes.iter().filter(|change| !known.contains(&change.lane)).filter_map(|change| {
            let kind = ChangeKind::RaiseLow(self.guard.highest(&change.lane)?);
            Some(LaneChange { lane: change.lane.clone(), kind })
        });
        let lost: Vec<_> = lost.collect();
        changes.extend(lost);
        let done = self.database.change(&self.guard, changes)?;
        let mut changed = self.noted(done)?;
        passed("change noted");
        changed.truncate(asked);
        Ok(changed)
    }

    /// Serves these requests and all others that wait, up to a job of another kind among them.
    fn votes(&mut self, requests: Vec<VoteRequest>, reply: store::Reply) {
        let bytes_of = |requests: &[VoteRequest]| -> usize {
            requests.iter().fold(0, |sum, request| sum.saturating_add(request.message.len()))
        };
        let (mut all, mut replies) = (requests, Vec::new());
        let mut bytes = bytes_of(&all);
        replies.push((all.len(), reply));
        while all.len() < MOST_IN_BATCH && bytes < MOST_BYTES_IN_BATCH {
            match self.queue.try_recv() {
                Ok(Job::Votes(more, reply)) => {
                    replies.push((more.len(), reply));
                    bytes = bytes.saturating_add(bytes_of(&more));
                    all.extend(more);
                }
                Ok(job) => {
                    self.next = Some(job);
                    break;
                }
                Err(_) => break,
            }
        }
        let recorded = self.database.check_and_record(&self.guard, all).and_then(|done| self.noted(done));
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
    }

    /// Notes in the guard what a transaction has reached, before anything of it is released.
    fn noted<T>(&mut self, done: Done<T>) -> Result<T, StoreError> {
        let Done { result, generation, highest } = done;
        // What could not be noted after an earlier transaction is noted now: a vote of it may be asked for
        // again, and released.
        let unnoted = &mut self.unnoted;
        unnoted.generation = unnoted.generation.max(generation);
        for (lane, height) in highest {
            let known = unnoted.highest.entry(lane).or_insert(height);
            *known = height.max(*known);
        }
        let Some(generation) = unnoted.generation else { return Ok(result) };
        let highest: Vec<_> = unnoted.highest.iter().map(|(lane, height)| (lane, *height)).collect();
        let noted = self.guard.advance(generation, &highest);
        noted.map_err(|error| StoreError::Database(Box::new(error)))?;
        self.unnoted = Unnoted::default();
        Ok(result)
    }
}
