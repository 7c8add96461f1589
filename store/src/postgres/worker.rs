//! The thread that has the connection, and its runtime. With one of its own a store can be asked from
//! anywhere, also from a task of another runtime, where waiting for a second one would panic.

use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::database::Database;
use crate::error::{Place, StoreError};

type Job = Box<dyn FnOnce(&Runtime, &mut Database) + Send>;

/// The thread. It ends when this is dropped.
pub(super) struct Worker {
    /// None at the end.
    jobs: Option<UnboundedSender<Job>>,
    thread: Option<JoinHandle<()>>,
    place: Place,
}

impl Worker {
    /// Starts the thread, and returns when its database is open.
    pub(super) fn start(mut database: Database) -> Result<Self, StoreError> {
        let place = database.place();
        let (jobs, mut asked) = unbounded_channel::<Job>();
        let (opened, is_open) = mpsc::sync_channel(1);
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(move || {
            let runtime = match Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(cause) => return drop(opened.send(Err(StoreError::Thread(cause)))),
            };
            let _told = opened.send(runtime.block_on(database.open()));
            // The connection is looked after while nobody asks, so that its end is noticed.
            while let Some(job) = runtime.block_on(asked.recv()) {
                job(&runtime, &mut database);
            }
            runtime.block_on(database.close());
        });
        let worker = Self { jobs: Some(jobs), thread: Some(thread.map_err(StoreError::Thread)?), place };
        worker.wait(&is_open)?;
        Ok(worker)
    }

    /// Has the thread do something, and returns where its result will be.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Runtime, &mut Database) -> T + Send + 'static,
    ) -> Receiver<T> {
        let (done, result) = mpsc::sync_channel(1);
        if let Some(jobs) = &self.jobs {
            // Who does not wait for it, or asks a thread that ended, gets none.
            let _asked = jobs.send(Box::new(move |runtime, database| {
                let _given = done.send(job(runtime, database));
            }));
        }
        result
    }

    /// Waits for a result.
    pub(super) fn wait<T>(&self, result: &Receiver<Result<T, StoreError>>) -> Result<T, StoreError> {
        result.recv().unwrap_or_else(|_| Err(StoreError::Lost(self.place.clone())))
    }

    /// Has the thread do something, and waits for it.
    pub(super) fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Runtime, &mut Database) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.wait(&self.ask(job))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}
