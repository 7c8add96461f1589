//! Copies of a store that works.
//!
//! SQLite's own backup copies the pages in parts, on the store's thread, and between the parts votes are
//! signed. What the same connection commits meanwhile SQLite writes to the copy too, so that the copy is the
//! database as it is at the last part. After a transaction that failed the copy begins anew. A second
//! connection could not do it: the store has its file for itself, and closing another one would drop its
//! locks.
//!
//! All else is done on the caller's thread, which also brings each part to the disk before the next but one
//! is copied: votes wait for the disk too, and never behind the whole copy. A copy gets its name when it is
//! whole, marked and on the disk; what a killed process left is no copy.

use std::ffi::c_int;
use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::PoisonError;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::SqliteStore;
use super::database::{Database, failed};
use crate::protection::guard::sync_folder;
use crate::protection::lock::with_ending;
use crate::protection::steps::passed;
use crate::protection::store::StoreError;
use crate::protection::worker::Worker;

/// How long the store's thread copies before it signs what waits.
const PART: Duration = Duration::from_millis(2);
/// How many pages a part has at most: 1 MiB.
const PAGES: c_int = 256;
/// How many pages are copied before the clock is looked at.
const PAGES_AT_ONCE: c_int = if cfg!(test) { 1 } else { 16 };
/// How often a copy begins anew, at most: the database fails then.
const MOST_RESTARTS: u32 = 8;
/// How long the store's thread waits for votes while the disk is behind.
const PATIENCE: Duration = Duration::from_millis(1);

fn io(cause: std::io::Error) -> StoreError {
    StoreError::Database(Box::new(cause))
}

impl SqliteStore {
    /// Copies the store to a new file while it works, and marks the copy: [`open`](Self::open) refuses it, as
    /// nobody knows what was signed since. What was signed before the call is in the copy, and votes are
    /// signed meanwhile.
    ///
    /// # Errors
    /// [`StoreError`] when the file is there already, or cannot be written.
    pub fn back_up(&self, to: &Path) -> Result<(), StoreError> {
        // Two of one name would write the same unfinished file.
        let _alone = self.copying.lock().unwrap_or_else(PoisonError::into_inner);
        if to.symlink_metadata().is_ok() {
            return Err(io(std::io::ErrorKind::AlreadyExists.into()));
        }
        // The check of a log beside a database takes its name as text too.
        if to.to_str().is_none() {
            return Err(io(std::io::Error::new(std::io::ErrorKind::InvalidInput, "its name is not UTF-8")));
        }
        let unfinished = with_ending(to, ".part");
        let _left = remove(&unfinished);
        // Readable by the owner alone, before anything is in it.
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&unfinished).map_err(io)?;
        passed("backup file made");
        // Unlike a renaming, a link never replaces a file.
        let copied = self.copy(&unfinished, &file).and_then(|()| {
            std::fs::hard_link(&unfinished, to).map_err(io)?;
            passed("backup named");
            Ok(())
        });
        let removed = remove(&unfinished);
        copied.and_then(|()| removed.and_then(|()| sync_folder(to)).map_err(io))
    }

    fn copy(&self, to: &Path, file: &File) -> Result<(), StoreError> {
        let mut copy = connect(to).map_err(failed)?;
        // One part waits to be synced, at most.
        let (part, parts) = sync_channel(1);
        let copied = self.handle.begin_long(move |worker| {
            copy_pages(worker, &mut copy, &part)?;
            Ok(copy)
        })?;
        let synced = parts.into_iter().try_for_each(|()| file.sync_data());
        let copied = copied.recv().map_err(|_| StoreError::Closed)?;
        synced.map_err(io)?;
        let copy = copied?;
        passed("backup copied");
        mark(&copy)?;
        copy.close().map_err(|(_, error)| failed(error))?;
        passed("backup marked");
        file.sync_all().map_err(io)
    }
}

/// Removes a file that is not finished, and what SQLite may have left beside it.
fn remove(unfinished: &Path) -> std::io::Result<()> {
    let endings = ["-wal", "-shm", "-journal", ""];
    endings.iter().try_for_each(|ending| match std::fs::remove_file(with_ending(unfinished, ending)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    })
}

/// Opens a copy to be written, of which no half is ever used: nothing is rolled back, and its pages do not
/// wait in memory.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let copy = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    copy.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    copy.pragma_update(None, "journal_mode", "OFF")?;
    copy.pragma_update(None, "synchronous", "OFF")?;
    copy.pragma_update(None, "cache_size", PAGES_AT_ONCE)?;
    Ok(copy)
}

/// Copies all pages, and serves what waits between parts of them. The next part waits while the disk has not
/// the last one.
fn copy_pages(
    worker: &mut Worker<Database>,
    to: &mut Connection,
    part: &SyncSender<()>,
) -> Result<(), StoreError> {
    let source = worker.database().connection();
    let backup = Backup::new(&source, to).map_err(failed)?;
    let (mut copied, mut restarts) = (0, 0_u32);
    loop {
        let begun = Instant::now();
        let mut pages = 0;
        while pages < PAGES && begun.elapsed() < PART {
            match backup.step(PAGES_AT_ONCE).map_err(failed)? {
                StepResult::Done => return Ok(()),
                StepResult::More => passed("part of a backup copied"),
                // Nobody else has either file.
                _ => return Err(io(std::io::ErrorKind::ResourceBusy.into())),
            }
            pages = pages.saturating_add(PAGES_AT_ONCE);
            let progress = backup.progress();
            let now = progress.pagecount.saturating_sub(progress.remaining);
            restarts = restarts.saturating_add((now <= copied).into());
            copied = now;
        }
        if restarts > MOST_RESTARTS {
            return Err(StoreError::Database(
                "transactions failed while it was copied, again and again".into(),
            ));
        }
        worker.serve_waiting(Duration::ZERO);
        loop {
            match part.try_send(()) {
                Ok(()) => break,
                Err(TrySendError::Full(())) => worker.serve_waiting(PATIENCE),
                // The disk failed, as who asked has found.
                Err(TrySendError::Disconnected(())) => return Err(StoreError::Closed),
            }
        }
    }
}

/// Has SQLite look at the pages, which were copied as they are, and marks the copy.
fn mark(copy: &Connection) -> Result<(), StoreError> {
    let found: String = copy.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if found != "ok" {
        return Err(StoreError::Damaged(found));
    }
    // It has no log, which would lie beside it.
    copy.pragma_update(None, "journal_mode", "OFF").map_err(failed)?;
    // Another store's name: a log of this one that lies beside it later is not taken for its own.
    copy.execute("UPDATE store SET is_backup = 1, id = randomblob(16)", []).map_err(failed)?;
    Ok(())
}
