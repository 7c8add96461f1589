//! The nonces that were seen, so that no request is served twice: in memory, and in a file across restarts.
//!
//! A nonce is forgotten two minutes after it came, by a clock that does not jump, and from then on no request
//! is served whose time is not above that of every forgotten one. One whose time is ahead of the clock stays.
//! So a clock that jumps back serves nothing again, and one that jumps ahead and back shuts nobody out.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::clock::Clock;
use crate::protection::with_ending;

/// How long a nonce is kept: longer than any request is valid.
const KEPT: Duration = Duration::from_secs(120);
/// The most nonces of one client that are kept, and how many more than those that are kept the file has
/// before it is written anew.
const MOST: usize = 1 << 18;
/// Time, name, and a checksum.
const RECORD: usize = 32;
/// Far more than the nonces of two minutes take.
const MAX_BYTES: u64 = 1 << 27;
/// The name in the record of the highest time that is forgotten.
const FORGOTTEN: [u8; 16] = [0; 16];

/// A request whose nonce is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NonceError {
    /// It was served before.
    #[error("the nonce was used before; must be new for each request")]
    Again,
    /// Requests of its time are forgotten.
    #[error("the time is {found}; must be above {forgotten}, until which requests are forgotten")]
    Forgotten {
        /// The request's time.
        found: u64,
        /// The highest time that is forgotten.
        forgotten: u64,
    },
    /// Too many are kept.
    #[error("{MOST} nonces of this client's last two minutes are kept; must wait")]
    TooMany,
    /// The file of nonces cannot be read or written.
    #[error("the file of nonces {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        cause: std::io::Error,
    },
}

/// A nonce that was seen.
#[derive(Debug)]
struct Spent {
    came: Duration,
    time: u64,
    name: [u8; 16],
    /// `None` where it comes from the file.
    client: Option<Arc<str>>,
}

/// The nonces that were seen.
#[derive(Debug)]
pub struct Nonces(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    names: HashSet<[u8; 16]>,
    /// The oldest first.
    order: VecDeque<Spent>,
    /// How many are kept of each client.
    counts: HashMap<Arc<str>, usize>,
    /// The highest time of those that are forgotten.
    forgotten: Option<u64>,
    file: Option<(PathBuf, File)>,
    /// How many records the file has.
    written: usize,
}

impl Nonces {
    /// Returns one that forgets everything with the process.
    pub fn in_memory() -> Self {
        Self(Mutex::default())
    }

    /// Opens the file of nonces, which is made when it is not there. Nobody else may have it open.
    ///
    /// # Errors
    /// [`NonceError::File`].
    pub fn open(path: &Path) -> Result<Self, NonceError> {
        let failed = |cause| NonceError::File { path: path.to_owned(), cause };
        let mut bytes = Vec::new();
        match File::open(path) {
            Ok(file) => file.take(MAX_BYTES).read_to_end(&mut bytes).map(drop).map_err(failed)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        // What would not be read could be served again.
        if u64::try_from(bytes.len()).is_ok_and(|length| length == MAX_BYTES) {
            return Err(failed(std::io::ErrorKind::FileTooLarge.into()));
        }
        // What a crash has torn is at the end, and of a request that was not served.
        let records: Vec<_> = bytes.chunks(RECORD).filter_map(from_record).collect();
        let newest = records.iter().map(|(time, _)| *time).max();
        let kept_from = newest.map(|newest| newest.saturating_sub(KEPT.as_secs().saturating_mul(3)));
        let mut seen = Seen::default();
        for (time, name) in records {
            if Some(time) < kept_from || name == FORGOTTEN {
                seen.forgotten = seen.forgotten.max(Some(time));
            } else if seen.names.insert(name) {
                seen.order.push_back(Spent { came: Duration::ZERO, time, name, client: None });
            }
        }
        seen.write_anew(path)?;
        Ok(Self(Mutex::new(seen)))
    }

    /// Checks that a nonce of a client was not seen yet, as far as is known before it is noted.
    ///
    /// # Errors
    /// [`NonceError::Again`].
    pub fn check(&self, client: &str, time: u64, nonce: [u8; 16]) -> Result<(), NonceError> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.names.contains(&name(client, time, nonce)) { Err(NonceError::Again) } else { Ok(()) }
    }

    /// Notes a nonce of a client.
    ///
    /// # Errors
    /// [`NonceError`]: the request must not be served.
    pub fn spend(
        &self,
        client: &str,
        time: u64,
        nonce: [u8; 16],
        clock: &dyn Clock,
    ) -> Result<(), NonceError> {
        let now = clock.monotonic();
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.forget(now, clock.unix_seconds());
        if let Some(forgotten) = seen.forgotten.filter(|forgotten| time <= *forgotten) {
            return Err(NonceError::Forgotten { found: time, forgotten });
        }
        let name = name(client, time, nonce);
        if seen.names.contains(&name) {
            return Err(NonceError::Again);
        }
        let client: Arc<str> = client.into();
        if seen.counts.get(&client).is_some_and(|kept| *kept >= MOST) {
            return Err(NonceError::TooMany);
        }
        seen.append(time, name)?;
        seen.names.insert(name);
        let kept = seen.counts.entry(client.clone()).or_default();
        *kept = kept.saturating_add(1);
        seen.order.push_back(Spent { came: now, time, name, client: Some(client) });
        Ok(())
    }
}

impl Seen {
    fn forget(&mut self, now: Duration, unix_seconds: u64) {
        while self.order.front().is_some_and(|spent| now.saturating_sub(spent.came) > KEPT) {
            let Some(spent) = self.order.pop_front() else { return };
            // It came while the clock was ahead: forgotten, it would shut out everybody until then.
            if spent.time > unix_seconds {
                self.order.push_back(Spent { came: now, ..spent });
                continue;
            }
            self.names.remove(&spent.name);
            if let Some(kept) = spent.client.and_then(|client| self.counts.get_mut(&client)) {
                *kept = kept.saturating_sub(1);
            }
            self.forgotten = self.forgotten.max(Some(spent.time));
        }
    }

    /// Writes a record before its request is served: it outlives the process.
    fn append(&mut self, time: u64, name: [u8; 16]) -> Result<(), NonceError> {
        if self.written >= self.order.len().saturating_add(MOST)
            && let Some((path, _)) = &self.file
        {
            let path = path.clone();
            self.write_anew(&path)?;
        }
        if let Some((path, file)) = &mut self.file {
            let written = file.write_all(&to_record(time, name));
            // After half a record, the file is written anew before the next.
            self.written = if written.is_ok() { self.written.saturating_add(1) } else { usize::MAX };
            written.map_err(|cause| NonceError::File { path: path.clone(), cause })?;
        }
        Ok(())
    }

    /// Writes what is kept to a new file, in place of the old one.
    fn write_anew(&mut self, path: &Path) -> Result<(), NonceError> {
        let failed = |cause| NonceError::File { path: path.to_owned(), cause };
        let new = with_ending(path, ".new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&new).map_err(failed)?;
        let mut bytes = Vec::with_capacity(self.order.len().saturating_mul(RECORD));
        // What is forgotten stays so: one record of its time.
        if let Some(forgotten) = self.forgotten {
            bytes.extend(to_record(forgotten, FORGOTTEN));
        }
        self.order.iter().for_each(|spent| bytes.extend(to_record(spent.time, spent.name)));
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(failed)?;
        std::fs::rename(&new, path).map_err(failed)?;
        self.written = self.order.len();
        self.file = Some((path.to_owned(), file));
        Ok(())
    }
}

/// A nonce's name: clients do not use up each other's.
fn name(client: &str, time: u64, nonce: [u8; 16]) -> [u8; 16] {
    let hash = Sha256::new().chain_update(time.to_be_bytes()).chain_update(nonce).chain_update(client);
    first_bytes(&hash.finalize())
}

fn first_bytes<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut first = [0; N];
    first.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
    first
}

fn to_record(time: u64, name: [u8; 16]) -> [u8; RECORD] {
    let content = [time.to_be_bytes().as_slice(), &name].concat();
    let sum: [u8; 8] = first_bytes(&Sha256::digest(&content));
    first_bytes(&[content.as_slice(), &sum].concat())
}

fn from_record(bytes: &[u8]) -> Option<(u64, [u8; 16])> {
    let time = u64::from_be_bytes(bytes.get(..8)?.try_into().ok()?);
    let name = bytes.get(8..24)?.try_into().ok()?;
    (to_record(time, name) == bytes).then_some((time, name))
}
