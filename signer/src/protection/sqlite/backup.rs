//! Copies of a store that works.
//!
//! SQLite's own backup copies the pages in parts, on the store's thread, and between the parts votes are
//! signed. What the same connection commits meanwhile SQLite writes to the copy too, so that the copy is the
//! database as it is at the last part. After a transaction that failed the copy begins anew. A second
//! connection could not do it: the store has its file for itself, and closing another one would drop its
//! locks.
//!
//! All else is done on the caller's thread, which also brings each part to the disk before the next but one
//! is copied: votes wait for the disk too, and never behind the whole copy. The copy is made beside the
//! database, where the store's thread writes anyway, and brought to another disk, which may hang, when it is
//! whole. It gets its name when it is marked and on its disk; what a killed process left is no copy.

use std::ffi::c_int;
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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

/// The ending of the copy that is being made, beside the database.
const UNFINISHED: &str = ".unfinished-copy";
/// What lies beside a database, or may.
const OWN: [&str; 8] = ["-wal", "-shm", "-journal", ".lock", ".guard", ".nonces", ".nonces.new", UNFINISHED];
/// How many unfinished files are left beside a copy's place on another disk, at most.
const MOST_PARTS: u32 = 16;
/// How long the store's thread copies before it signs what waits.
const PART: Duration = Duration::from_millis(2);
/// How many pages a part has at most: 1 MiB where they are SQLite's usual ones, a quarter of it otherwise.
const PAGES: c_int = 256;
/// How many pages are copied before the clock is looked at.
const PAGES_AT_ONCE: c_int = if cfg!(test) { 1 } else { 16 };
/// How often a copy begins anew, at most: the database fails then.
const MOST_RESTARTS: u32 = 8;
/// How long the store's thread waits for votes while the disk is behind.
const PATIENCE: Duration = Duration::from_millis(1);

fn io(cause: std::io::Error) -> StoreError {
    StoreError::Backup(cause)
}

impl SqliteStore {
    /// Copies the store to a new file while it works, and marks the copy: [`open`](Self::open) refuses it, as
    /// nobody knows what was signed since. What was signed before the call is in the copy, and votes are
    /// signed meanwhile.
    ///
    /// # Errors
    /// [`StoreError`] when the file is there already, has the name of one of the store's own, or cannot be
    /// written; when the database's disk has not twice the database's size free.
    pub fn back_up(&self, to: &Path) -> Result<(), StoreError> {
        self.begin_backup(to)?.publish()
    }

    /// Copies the store beside itself, for a file that [`UnpublishedBackup::publish`] makes: whoever brings
    /// it to a disk that may hang needs the store no more.
    ///
    /// # Errors
    /// As [`back_up`](Self::back_up); also while another copy is being made.
    pub fn begin_backup(&self, to: &Path) -> Result<UnpublishedBackup, StoreError> {
        // Two would write the same unfinished file.
        let alone = Alone::begin(&self.copying).ok_or_else(|| io(ErrorKind::ResourceBusy.into()))?;
        check_name(&self.database, to).map_err(io)?;
        check_space(&self.database).map_err(io)?;
        let unfinished = with_ending(&self.database, UNFINISHED);
        let _left = remove(&unfinished);
        let file = create(&unfinished).map_err(io)?;
        // From here on it is removed, whatever happens.
        let backup = UnpublishedBackup { unfinished, to: to.to_owned(), _alone: alone };
        passed("backup file made");
        self.copy(&backup.unfinished, &file)?;
        Ok(backup)
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

/// A whole copy of a store, marked and on the store's disk, which has not its name yet. Dropped, it is
/// removed.
#[derive(Debug)]
pub struct UnpublishedBackup {
    unfinished: PathBuf,
    to: PathBuf,
    _alone: Alone,
}

impl UnpublishedBackup {
    /// Brings the copy to its place, and to the disk there.
    ///
    /// # Errors
    /// [`StoreError`] when the file is there already, or cannot be written.
    pub fn publish(self) -> Result<(), StoreError> {
        publish(&self.unfinished, &self.to).map_err(io)?;
        remove(&self.unfinished).and_then(|()| sync_folder(&self.to)).map_err(io)
    }
}

impl Drop for UnpublishedBackup {
    fn drop(&mut self) {
        let _removed = remove(&self.unfinished);
    }
}

/// The only copy of a store that is being made.
#[derive(Debug)]
struct Alone(Arc<AtomicBool>);

impl Alone {
    fn begin(copying: &Arc<AtomicBool>) -> Option<Self> {
        (!copying.swap(true, Ordering::AcqRel)).then(|| Self(copying.clone()))
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Refuses a file that is there, and a name that SQLite or the store would take for its own.
fn check_name(database: &Path, to: &Path) -> std::io::Result<()> {
    let refused = |rule| Err(std::io::Error::new(ErrorKind::InvalidInput, rule));
    if to.symlink_metadata().is_ok() {
        return Err(ErrorKind::AlreadyExists.into());
    }
    // The check of a log beside a database takes its name as text too.
    if to.to_str().is_none() {
        return refused("its name is not UTF-8");
    }
    let place = |path: &Path| -> std::io::Result<PathBuf> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = std::fs::canonicalize(folder.unwrap_or(Path::new(".")))?;
        Ok(folder.join(path.file_name().unwrap_or_default()))
    };
    let (database, to) = (place(database)?, place(to)?);
    if OWN.iter().any(|ending| to == with_ending(&database, ending)) {
        return refused("its name is one of the signing database's own files; must be another");
    }
    Ok(())
}

/// Refuses to fill the disk on which votes are recorded.
#[cfg(unix)]
fn check_space(database: &Path) -> std::io::Result<()> {
    let length = std::fs::metadata(database)?.len();
    let disk = rustix::fs::statvfs(database)?;
    check_free(disk.f_bavail.saturating_mul(disk.f_frsize), length)
}

#[cfg(unix)]
fn check_free(free: u64, length: u64) -> std::io::Result<()> {
    let least = length.saturating_mul(2);
    if free >= least {
        return Ok(());
    }
    let rule = format!(
        "{free} bytes are free on the signing database's disk; must be {least}, twice its size, so that votes are still recorded"
    );
    Err(std::io::Error::new(ErrorKind::StorageFull, rule))
}

#[cfg(not(unix))]
fn check_space(_database: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Makes a file that its owner alone can read, before anything is in it.
fn create(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Gives a whole copy its name.
fn publish(whole: &Path, to: &Path) -> std::io::Result<()> {
    match name(whole, to) {
        Err(error) if error.kind() == ErrorKind::CrossesDevices => {}
        named => return named.inspect(|()| passed("backup named")),
    }
    let (there, mut file) = create_beside(to)?;
    let copied = File::open(whole)
        .and_then(|mut whole| std::io::copy(&mut whole, &mut file))
        .and_then(|_| file.sync_all())
        .and_then(|()| name(&there, to));
    copied.and(remove(&there))
}

/// Makes a file for what is not whole yet, beside its place. What is there of that name is somebody else's.
fn create_beside(to: &Path) -> std::io::Result<(PathBuf, File)> {
    let mut last = std::io::Error::from(ErrorKind::AlreadyExists);
    for number in 0..MOST_PARTS {
        let there = with_ending(to, &format!(".part{number}"));
        match create(&there) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => last = error,
            made => return made.map(|file| (there, file)),
        }
    }
    Err(last)
}

/// Gives a file another name, and never replaces one, unlike a renaming. Some file systems have no links.
fn name(from: &Path, to: &Path) -> std::io::Result<()> {
    match std::fs::hard_link(from, to) {
        #[cfg(target_os = "linux")]
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported) => {
            use rustix::fs::{CWD, RenameFlags, renameat_with};
            Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
        }
        linked => linked,
    }
}

/// Removes a file that is not finished, and what SQLite may have left beside it.
fn remove(unfinished: &Path) -> std::io::Result<()> {
    let endings = ["-wal", "-shm", "-journal", ""];
    endings.iter().try_for_each(|ending| match std::fs::remove_file(with_ending(unfinished, ending)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
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
                _ => return Err(io(ErrorKind::ResourceBusy.into())),
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

#[cfg(all(test, unix))]
mod tests {
    use super::{ErrorKind, check_free};

    #[test]
    fn copy_leaves_room_for_votes() {
        assert!(check_free(200, 100).is_ok());
        let refused = check_free(199, 100).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::StorageFull);
        assert!(refused.to_string().contains("199 bytes are free"), "{refused}");
    }
}
