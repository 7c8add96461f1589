//! A covenant member's signing record: one line of JSON for each staking output. While the committee stays
//! the same, an output is the same under several versions of the parameters, so only the record prevents two
//! unbonding transactions of one stake from being signed.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use bitcoin::{OutPoint, Txid};
use serde::{Deserialize, Serialize};
use staking_scripts::CovenantRecord;
use staking_scripts::delegation::{MemoryCovenantRecord, RecordVerdict, SignedStake};

use crate::args::secret::check_name;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    staking_output: OutPoint,
    unbonding: Txid,
    slashing: Txid,
    unbonding_slashing: Txid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    extends: Option<OutPoint>,
}

impl From<&SignedStake> for Entry {
    fn from(stake: &SignedStake) -> Self {
        let SignedStake { staking_output, unbonding, slashing, unbonding_slashing, extends } = *stake;
        Self { staking_output, unbonding, slashing, unbonding_slashing, extends }
    }
}

impl From<&Entry> for SignedStake {
    fn from(entry: &Entry) -> Self {
        let Entry { staking_output, unbonding, slashing, unbonding_slashing, extends } = *entry;
        Self { staking_output, unbonding, slashing, unbonding_slashing, extends }
    }
}

/// An open record, locked for this process.
pub(super) struct Record {
    file: File,
    /// Where it must stay; `None` for one that is forgotten.
    path: Option<PathBuf>,
    signed: MemoryCovenantRecord,
    /// Why a write failed: nothing is signed after it.
    failed: Option<String>,
}

impl Record {
    /// Opens the record, or creates it. Two different lines for one output are refused: nobody knows which of
    /// them was signed.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        if let Ok(found) = std::fs::metadata(path) {
            // A device may never end, and a pipe keeps nothing.
            ensure!(found.is_file(), "it is not a regular file; must be one");
        }
        check_name(path)?;
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        lock(&file)?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        if text.is_empty() {
            sync_folder(path)?;
        }
        // A run that was killed may have written a line and not synced it; it counts as signed from now on.
        file.sync_all()?;
        // What is not whole was never signed: the line is durable before the signature is made.
        ensure!(
            text.is_empty() || text.ends_with('\n'),
            "the last line is incomplete; must end with a newline (look at it, then remove it)"
        );
        let mut signed = MemoryCovenantRecord::default();
        for (number, line) in (1..).zip(text.lines()) {
            // What serde found is not printed: a key file that is given by mistake holds a secret.
            ensure!(
                line.starts_with('{'),
                "line {number} is not a JSON object; must be an entry of a record"
            );
            let entry: Entry = serde_json::from_str(line).with_context(|| format!("line {number}"))?;
            let stake = SignedStake::from(&entry);
            if let RecordVerdict::Conflict(_) = signed.check_and_record(&stake)? {
                bail!(
                    "line {number} has other transactions for {}, or another extension, than an earlier line; must have the same",
                    stake.staking_output
                );
            }
        }
        Ok(Self { file, path: Some(path.to_owned()), signed, failed: None })
    }

    /// Returns a record that is forgotten with the process.
    pub(super) fn forgotten() -> anyhow::Result<Self> {
        let file = tempfile::tempfile()?;
        Ok(Self { file, path: None, signed: MemoryCovenantRecord::default(), failed: None })
    }

    /// Appends a line durably. One that cannot be written whole is cut off again, so that it is not taken for
    /// the beginning of the next.
    fn append(&mut self, line: &[u8]) -> std::io::Result<()> {
        let before = self.file.metadata()?.len();
        let written = self.file.write_all(line).and_then(|()| self.file.sync_all());
        if written.is_err() {
            // Where this fails too, the next run names the torn line.
            let _cut = self.file.set_len(before).and_then(|()| self.file.sync_all());
        }
        written
    }
}

impl CovenantRecord for Record {
    type Error = std::io::Error;

    /// Records, durably, that this stake is about to be signed, unless another was recorded for its output.
    fn check_and_record(&mut self, stake: &SignedStake) -> Result<RecordVerdict, Self::Error> {
        if let Some(error) = &self.failed {
            return Err(std::io::Error::other(format!("an earlier write to it failed: {error}")));
        }
        let verdict = self.signed.verdict(stake);
        if verdict != RecordVerdict::New {
            return Ok(verdict);
        }
        // A line in a file that the next run does not find is no record.
        if let Some(path) = &self.path
            && !is_at(&self.file, path)?
        {
            let why = "it was moved or replaced since it was opened; must stay in its place";
            self.failed = Some(why.to_owned());
            return Err(std::io::Error::other(why));
        }
        let mut line = serde_json::to_vec(&Entry::from(stake))?;
        line.push(b'\n');
        if let Err(error) = self.append(&line) {
            self.failed = Some(error.to_string());
            return Err(error);
        }
        let Ok(verdict) = self.signed.check_and_record(stake);
        Ok(verdict)
    }
}

/// Returns whether a path still names this open file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;

    let (own, found) = (file.metadata()?, std::fs::metadata(path));
    match found {
        Ok(found) => Ok((own.dev(), own.ino()) == (found.dev(), found.ino())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> std::io::Result<bool> {
    Ok(path.exists())
}

/// Makes the name of a new file as durable as its content.
#[cfg(unix)]
fn sync_folder(path: &Path) -> anyhow::Result<()> {
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).context("its folder cannot be synced")
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> anyhow::Result<()> {
    Ok(())
}

/// One signer at a time.
fn lock(file: &File) -> anyhow::Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => bail!("another process has this record open; must be one"),
        Err(TryLockError::Error(error)) => Err(error).context("it cannot be locked"),
    }
}

#[cfg(test)]
mod tests {
    use bitcoin::hashes::Hash;

    use super::*;

    fn stake(number: u8) -> SignedStake {
        let txid = Txid::from_byte_array([number; 32]);
        let staking_output = OutPoint::new(txid, 0);
        SignedStake {
            staking_output,
            unbonding: txid,
            slashing: txid,
            unbonding_slashing: txid,
            extends: None,
        }
    }

    /// The kernel's own full disk: nothing is signed after a write that failed, though there be room again.
    #[cfg(target_os = "linux")]
    #[test]
    fn record_whose_write_failed_is_used_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        let mut record = Record::open(&path).unwrap();
        assert_eq!(record.check_and_record(&stake(1)).unwrap(), RecordVerdict::New);
        let sound = record.file.try_clone().unwrap();
        record.file = OpenOptions::new().append(true).open("/dev/full").unwrap();
        record.path = Some("/dev/full".into());
        let failed = record.check_and_record(&stake(2)).unwrap_err();
        assert_eq!(failed.kind(), std::io::ErrorKind::StorageFull);
        (record.file, record.path) = (sound, Some(path.clone()));
        for number in [1, 2, 3] {
            let refused = record.check_and_record(&stake(number)).unwrap_err().to_string();
            assert!(refused.contains("an earlier write to it failed"), "{refused}");
        }
        drop(record);
        let mut again = Record::open(&path).unwrap();
        assert_eq!(again.check_and_record(&stake(1)).unwrap(), RecordVerdict::Again);
        assert_eq!(again.check_and_record(&stake(2)).unwrap(), RecordVerdict::New);
    }

    /// A line in a file that the next run does not find is no record.
    #[cfg(unix)]
    #[test]
    fn record_that_was_moved_is_used_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let [path, away] = ["record", "away"].map(|name| folder.path().join(name));
        for replaced in [false, true] {
            let mut record = Record::open(&path).unwrap();
            std::fs::rename(&path, &away).unwrap();
            if replaced {
                std::fs::write(&path, "").unwrap();
            }
            let refused = record.check_and_record(&stake(1)).unwrap_err().to_string();
            assert!(refused.contains("it was moved or replaced since it was opened"), "{refused}");
            std::fs::rename(&away, &path).unwrap();
            assert!(record.check_and_record(&stake(1)).is_err(), "nothing is signed after it");
        }
        assert_eq!(std::fs::read(&path).unwrap(), b"");
    }

    /// A member signs for years: the time to open a record is linear.
    #[test]
    fn record_of_many_stakes_opens_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        let many = 50_000_u32;
        let stakes = (0..many).map(|number| SignedStake {
            staking_output: OutPoint::new(Txid::from_byte_array([1; 32]), number),
            extends: Some(OutPoint::new(Txid::from_byte_array([2; 32]), number)),
            ..stake(3)
        });
        let lines: Vec<_> =
            stakes.map(|stake| serde_json::to_string(&Entry::from(&stake)).unwrap() + "\n").collect();
        std::fs::write(&path, lines.concat()).unwrap();
        let start = std::time::Instant::now();
        let mut record = Record::open(&path).unwrap();
        // Another extension of a stake in the middle.
        let extends = Some(OutPoint::new(Txid::from_byte_array([2; 32]), many / 2));
        let verdict = record.check_and_record(&SignedStake { extends, ..stake(4) }).unwrap();
        assert!(matches!(verdict, RecordVerdict::Conflict(earlier) if earlier.extends == extends));
        assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
    }
}
