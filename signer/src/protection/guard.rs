//! The guard against an old copy of the database: a file beside it, or elsewhere, with the generation and
//! the highest heights that were reached.
//!
//! Whoever restores yesterday's database restores a signer that has forgotten today's votes. The guard
//! notices: its generation is ahead of the database's. It is written after each commit, without waiting for
//! the disk, so that it survives the death of the process, and synced every second and at the end; only after
//! a power loss within that second is it behind, and then the database, which is always synced, is ahead of
//! it, as it should be. It never opens the database file: closing that would drop SQLite's locks. The second
//! is measured by a clock that never jumps; neither here nor in any rule of a store does the time of day
//! matter.
//!
//! The file has slots of 64 bytes, two for each lane, written in turn, so that a torn one leaves the other;
//! the first two are the store's own.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use finality::ConsumerHeight;
use sha2::{Digest as _, Sha256};

use super::lock::Locked;
use super::steps::passed;
use super::types::Lane;

const SLOT: usize = 64;
/// How often the file is synced.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// Far more lanes than any signer has.
const MAX_BYTES: u64 = 1 << 20;

/// The name of a store: random bytes, in the database and in the guard.
pub(crate) type StoreId = [u8; 16];

/// The guard cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GuardError {
    /// The file cannot be read or written.
    #[error("the guard {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        cause: std::io::Error,
    },
    /// The file is not a guard.
    #[error("{} is not a guard: {rule}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found, and what must be.
        rule: &'static str,
    },
    /// Another store has it open.
    #[error("the guard {} is open in another process; must be in one", .0.display())]
    InUse(PathBuf),
}

/// What a slot says: of the store itself, or of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot {
    /// The store's id, or the lane's hash.
    name: [u8; 16],
    /// The generation at which it was written.
    generation: u64,
    /// The highest height of a lane; of the store itself 0.
    height: u64,
    /// Whether it is of a lane.
    is_lane: bool,
}

impl Slot {
    fn to_bytes(self) -> [u8; SLOT] {
        let mut bytes = [0; SLOT];
        let kind = if self.is_lane { b"btcstake-lane-01" } else { b"btcstake-guard01" };
        let parts = [kind.as_slice(), &self.name, &self.generation.to_be_bytes(), &self.height.to_be_bytes()];
        let content = parts.concat();
        let sum = Sha256::digest(&content);
        for (place, byte) in bytes.iter_mut().zip(content.iter().chain(&sum)) {
            *place = *byte;
        }
        bytes
    }

    /// Returns the slot of these bytes, unless they are torn.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let is_lane = bytes.starts_with(b"btcstake-lane-01");
        let name = bytes.get(16..32)?.try_into().ok()?;
        let number = |from: usize, to: usize| Some(u64::from_be_bytes(bytes.get(from..to)?.try_into().ok()?));
        let slot = Self { name, generation: number(32, 40)?, height: number(40, 48)?, is_lane };
        (slot.to_bytes() == bytes).then_some(slot)
    }
}

/// A lane's place in the guard.
fn lane_name(lane: &Lane) -> [u8; 16] {
    let hash =
        Sha256::new().chain_update(lane.public_key.serialize()).chain_update(&lane.chain_id).finalize();
    let mut name = [0; 16];
    name.iter_mut().zip(hash).for_each(|(place, byte)| *place = byte);
    name
}

/// Two slots of one name, of which the older one is written next.
#[derive(Debug, Clone, Copy)]
struct Pair {
    number: u64,
    slot: Slot,
    /// Which of the two is written next: the first or the second.
    next: u64,
}

impl Pair {
    /// Reads a pair; `None` when both slots are torn.
    fn from_bytes(number: u64, bytes: &[u8]) -> Option<Self> {
        let slots = bytes.chunks(SLOT).zip([1, 0]).filter_map(|(slot, next)| {
            let slot = Slot::from_bytes(slot)?;
            Some(Self { number, slot, next })
        });
        slots.max_by_key(|pair| (pair.slot.generation, pair.slot.height))
    }

    fn write(&mut self, file: &mut File, slot: Slot) -> std::io::Result<()> {
        let width = u64::try_from(SLOT).unwrap_or(u64::MAX);
        let place = self.number.saturating_mul(2).saturating_add(self.next);
        file.seek(SeekFrom::Start(place.saturating_mul(width)))?;
        file.write_all(&slot.to_bytes())?;
        self.slot = slot;
        self.next ^= 1;
        Ok(())
    }
}

/// An open guard.
#[derive(Debug)]
pub(crate) struct Guard {
    file: Locked,
    path: PathBuf,
    store: Pair,
    lanes: BTreeMap<[u8; 16], Pair>,
    synced: Instant,
}

impl Guard {
    /// Opens the guard of a path, which nobody else may have open; `None` when there is no file.
    pub(crate) fn open_alone(path: &Path) -> Result<Option<Self>, GuardError> {
        Self::read(path, |file| lock(file, path))
    }

    /// Opens the guard of a path; `None` when there is no file.
    #[cfg(test)]
    pub(crate) fn open(path: &Path) -> Result<Option<Self>, GuardError> {
        Self::read(path, |file| Ok(Locked(file)))
    }

    fn read(
        path: &Path,
        lock: impl FnOnce(File) -> Result<Locked, GuardError>,
    ) -> Result<Option<Self>, GuardError> {
        let failed = |cause| GuardError::File { path: path.to_owned(), cause };
        let damaged = |rule| GuardError::Damaged { path: path.to_owned(), rule };
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(failed)?,
        };
        let file = lock(file)?;
        let mut bytes = Vec::new();
        (&file.0).take(MAX_BYTES).read_to_end(&mut bytes).map_err(failed)?;
        let mut pairs =
            (0_u64..).zip(bytes.chunks(2 * SLOT)).filter_map(|(number, pair)| Pair::from_bytes(number, pair));
        let store = pairs
            .next()
            .filter(|pair| pair.number == 0 && !pair.slot.is_lane)
            .ok_or_else(|| damaged("its first slots are torn or of something else"))?;
        let lanes = pairs.filter(|pair| pair.slot.is_lane).map(|pair| (pair.slot.name, pair)).collect();
        Ok(Some(Self { lanes, path: path.to_owned(), store, file, synced: Instant::now() }))
    }

    /// Makes the guard of a store, whole or not at all. The caller has looked that there is none, or wants it
    /// replaced.
    pub(crate) fn create(path: &Path, id: StoreId) -> Result<Self, GuardError> {
        let failed = |cause| GuardError::File { path: path.to_owned(), cause };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        // It gets its name when it is whole: half a guard would be one that nobody can open.
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".new");
        let mut file = lock(options.open(&unfinished).map_err(failed)?, path)?;
        passed("guard file made");
        let slot = Slot { name: id, generation: 0, height: 0, is_lane: false };
        let mut store = Pair { number: 0, slot, next: 0 };
        store.write(&mut file.0, slot).and_then(|()| store.write(&mut file.0, slot)).map_err(failed)?;
        passed("guard written");
        file.0.sync_all().and_then(|()| std::fs::rename(&unfinished, path)).map_err(failed)?;
        passed("guard named");
        sync_folder(path).map_err(failed)?;
        let (path, lanes, synced) = (path.to_owned(), BTreeMap::new(), Instant::now());
        Ok(Self { file, path, store, lanes, synced })
    }

    /// Makes it the guard of another store, and keeps what it knows of lanes.
    pub(crate) fn adopt(&mut self, id: StoreId) -> Result<(), GuardError> {
        self.store.slot.name = id;
        let slot = self.store.slot;
        // Both slots: the older one must not be read as the other store's.
        let written = self.store.write(&mut self.file.0, slot).and_then(|()| {
            passed("guard half adopted");
            self.store.write(&mut self.file.0, slot)
        });
        passed("guard adopted");
        written.map_err(|cause| GuardError::File { path: self.path.clone(), cause })?;
        self.sync()
    }

    /// Returns the id of the store that the guard is of.
    pub(crate) const fn id(&self) -> StoreId {
        self.store.slot.name
    }

    /// Returns the path of the file.
    #[cfg(any(test, feature = "postgres"))]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the generation that the store had reached.
    pub(crate) const fn generation(&self) -> u64 {
        self.store.slot.generation
    }

    /// Returns the highest height of a lane that the store had reached.
    pub(crate) fn highest(&self, lane: &Lane) -> Option<ConsumerHeight> {
        self.lanes.get(&lane_name(lane)).map(|pair| ConsumerHeight(pair.slot.height))
    }

    /// Notes what the store has reached: its generation, and the highest heights of lanes.
    pub(crate) fn advance(
        &mut self,
        generation: u64,
        highest: &[(&Lane, ConsumerHeight)],
    ) -> Result<(), GuardError> {
        let Self { file: Locked(file), path, store, lanes, .. } = self;
        let mut written = Ok(());
        for (lane, height) in highest {
            let name = lane_name(lane);
            // The first pair is the store's own.
            let last = lanes.values().map(|pair| pair.number).max();
            let number = last.unwrap_or_default().saturating_add(1);
            let slot = Slot { name, generation, height: height.to_u64(), is_lane: true };
            let is_new = !lanes.contains_key(&name);
            let pair = lanes.entry(name).or_insert(Pair { number, slot, next: 0 });
            let slot = Slot { height: slot.height.max(pair.slot.height), ..slot };
            written = written.and_then(|()| pair.write(file, slot));
            passed("lane noted");
            // Both slots at first, so that one is left when the other is torn.
            if is_new {
                written = written.and_then(|()| pair.write(file, slot));
            }
        }
        let generation = generation.max(store.slot.generation);
        written
            .and_then(|()| store.write(file, Slot { generation, ..store.slot }))
            .map_err(|cause| GuardError::File { path: path.clone(), cause })?;
        passed("generation noted");
        if self.synced.elapsed() >= SYNC_EVERY {
            self.sync()?;
        }
        Ok(())
    }

    /// Waits until the disk has what was written.
    pub(crate) fn sync(&mut self) -> Result<(), GuardError> {
        self.synced = Instant::now();
        self.file.0.sync_data().map_err(|cause| GuardError::File { path: self.path.clone(), cause })
    }

    /// Makes every write fail, or work again: a disk that breaks.
    #[cfg(test)]
    pub(crate) fn set_broken(&mut self, is_broken: bool) {
        let file = OpenOptions::new().read(true).write(!is_broken).open(&self.path);
        self.file = Locked(file.unwrap());
    }
}

/// Keeps others out, as long as the file is open.
fn lock(file: File, path: &Path) -> Result<Locked, GuardError> {
    Locked::new(file).map_err(|error| match error {
        TryLockError::WouldBlock => GuardError::InUse(path.to_owned()),
        TryLockError::Error(cause) => GuardError::File { path: path.to_owned(), cause },
    })
}

/// Makes the name of a new file as durable as its content.
pub(crate) fn sync_folder(path: &Path) -> std::io::Result<()> {
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        return File::open(folder.unwrap_or_else(|| Path::new("."))).and_then(|folder| folder.sync_all());
    }
    Ok(())
}
