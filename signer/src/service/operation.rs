//! What is known of keys and chains, and copies of the signing database.

use std::path::{Path, PathBuf};

use eots::XOnlyPublicKey;

use super::{Event, ServiceError, SignerService, blocking};
use crate::auth::{Client, Operation};
use crate::protection::{Lane, LaneState, StoreError};

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStatus {
    /// Its name.
    pub name: String,
    /// The public key.
    pub public_key: XOnlyPublicKey,
    /// Whether it signs.
    pub unlocked: bool,
    /// What is known of it on each chain.
    pub lanes: Vec<LaneStatus>,
}

/// What is known of a key on a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneStatus {
    /// The lane.
    pub lane: Lane,
    /// Whether the signing database knows it.
    pub registered: bool,
    /// What it knows.
    pub state: LaneState,
}

/// How many names are tried for a backup within one second.
const MOST_NAMES: u32 = 100;

impl SignerService {
    /// Returns what is known of the keys and chains that a client may use.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn status(&self, client: &Client) -> Result<Vec<KeyStatus>, ServiceError> {
        self.allow(client, Operation::Status)?;
        let permissions = client.permissions();
        let keys = self.keys.values().filter(|key| permissions.keys.contains(&key.public_key));
        let keys: Vec<_> = keys.map(|key| (key.name.clone(), key.public_key, key.is_unlocked())).collect();
        let chains: Vec<_> =
            self.chains.keys().filter(|id| permissions.chains.contains(id)).cloned().collect();
        let store = self.store.clone();
        blocking(move || {
            let known = store.lanes()?;
            let mut statuses = Vec::with_capacity(keys.len());
            for (name, public_key, unlocked) in keys {
                let mut lanes = Vec::with_capacity(chains.len());
                for chain_id in &chains {
                    let lane = Lane { public_key, chain_id: chain_id.clone() };
                    let state = store.state(&lane)?;
                    lanes.push(LaneStatus { registered: known.contains(&lane), lane, state });
                }
                statuses.push(KeyStatus { name, public_key, unlocked, lanes });
            }
            Ok(statuses)
        })
        .await
    }

    /// Copies the signing database to a new file in a folder, which is made in an existing one when it is not
    /// there, and returns the file's name.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn back_up(&self, client: &Client, folder: &str) -> Result<String, ServiceError> {
        self.allow(client, Operation::Backup)?;
        let Some(back_up) = self.back_up.clone() else { return Err(ServiceError::NoBackup) };
        let path = PathBuf::from(folder);
        if !path.is_absolute() {
            return Err(ServiceError::BackupFolder(folder.to_owned()));
        }
        let taken = self.backups.take(1, self.clock.monotonic());
        taken.map_err(ServiceError::BackupRate)?;
        let alone = self.copying.clone().acquire_owned().await.map_err(|_| ServiceError::Stopped)?;
        let stamp = stamp(self.clock.unix_seconds());
        let name = blocking(move || {
            // To the end, also when the client is gone.
            let _alone = alone;
            if !path.is_dir() {
                // What lies beside a database has a point in its name: none of that is ever made a folder.
                let name = path.file_name().map(|name| name.as_encoded_bytes());
                if name.is_none_or(|name| name.contains(&b'.')) {
                    return Err(ServiceError::BackupFolder(path.display().to_string()));
                }
                make_folder(&path).map_err(|cause| ServiceError::Backup(StoreError::Backup(cause)))?;
            }
            // Nothing is written over: two in one second have names of their own.
            let names = (0..MOST_NAMES).map(|number| match number {
                0 => format!("eots_{stamp}.db"),
                number => format!("eots_{stamp}_{number}.db"),
            });
            let free = names.into_iter().find(|name| !path.join(name).exists());
            let name = free.ok_or(ServiceError::Stopped)?;
            let copy = back_up.begin_backup(&path.join(&name)).map_err(ServiceError::Backup)?;
            // A folder that hangs keeps no store open.
            drop(back_up);
            copy.publish().map_err(ServiceError::Backup)?;
            Ok(name)
        });
        let name = name.await?;
        let file = format!("{folder}/{name}");
        self.observer.observe(&Event::BackedUp { client: client.name(), file: &file });
        Ok(name)
    }
}

fn make_folder(path: &Path) -> std::io::Result<()> {
    #[cfg_attr(not(unix), allow(unused_mut, reason = "it has no mode there"))]
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Returns a time as `YYYYMMDD_HHMMSS`, in UTC.
fn stamp(unix_seconds: u64) -> String {
    let seconds = i64::try_from(unix_seconds).unwrap_or(i64::MAX);
    let at = time::OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    let (hour, minute, second) = at.to_hms();
    format!("{year:04}{month:02}{day:02}_{hour:02}{minute:02}{second:02}")
}
