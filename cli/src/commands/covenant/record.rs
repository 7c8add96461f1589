//! A covenant member's signing record: one line of JSON for each staking output. While the committee stays
//! the same, an output is the same under several versions of the parameters, so only the record prevents two
//! unbonding transactions of one stake from being signed.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, bail, ensure};
use bitcoin::{OutPoint, Txid};
use serde::{Deserialize, Serialize};
use staking_scripts::CovenantRecord;
use staking_scripts::delegation::{RecordVerdict, SignedStake};

#[derive(PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    staking_output: OutPoint,
    unbonding: Txid,
    slashing: Txid,
    unbonding_slashing: Txid,
}

impl From<&SignedStake> for Entry {
    fn from(stake: &SignedStake) -> Self {
        let SignedStake { staking_output, unbonding, slashing, unbonding_slashing } = *stake;
        Self { staking_output, unbonding, slashing, unbonding_slashing }
    }
}

impl From<&Entry> for SignedStake {
    fn from(entry: &Entry) -> Self {
        let Entry { staking_output, unbonding, slashing, unbonding_slashing } = *entry;
        Self { staking_output, unbonding, slashing, unbonding_slashing }
    }
}

/// An open record, locked for this process.
pub(super) struct Record {
    file: File,
    entries: BTreeMap<OutPoint, Entry>,
}

impl Record {
    /// Opens the record, or creates it. Two different lines for one output are refused: nobody knows which of
    /// them was signed.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        if let Ok(found) = std::fs::metadata(path) {
            // A device may never end, and a pipe keeps nothing.
            ensure!(found.is_file(), "it is not a regular file; must be one");
        }
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        lock(&file)?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        if text.is_empty() {
            sync_folder(path)?;
        }
        // What is not whole was never signed: the line is durable before the signature is made.
        ensure!(
            text.is_empty() || text.ends_with('\n'),
            "the last line is incomplete; must end with a newline (look at it, then remove it)"
        );
        let mut entries = BTreeMap::new();
        for (number, line) in (1..).zip(text.lines()) {
            // What serde found is not printed: a key file that is given by mistake holds a secret.
            ensure!(
                line.starts_with('{'),
                "line {number} is not a JSON object; must be an entry of a record"
            );
            let entry: Entry = serde_json::from_str(line).with_context(|| format!("line {number}"))?;
            let output = entry.staking_output;
            if entries.get(&output).is_some_and(|earlier| *earlier != entry) {
                bail!(
                    "line {number} has other transactions for {output} than an earlier line; must have the same"
                );
            }
            entries.insert(output, entry);
        }
        Ok(Self { file, entries })
    }
}

impl CovenantRecord for Record {
    type Error = std::io::Error;

    /// Records, durably, that this stake is about to be signed, unless another was recorded for its output.
    fn check_and_record(&mut self, stake: &SignedStake) -> Result<RecordVerdict, Self::Error> {
        let own = Entry::from(stake);
        if let Some(entry) = self.entries.get(&own.staking_output) {
            return Ok(match *entry == own {
                true => RecordVerdict::Again,
                false => RecordVerdict::Conflict(entry.into()),
            });
        }
        let mut line = serde_json::to_vec(&own)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.file.sync_all()?;
        self.entries.insert(own.staking_output, own);
        Ok(RecordVerdict::New)
    }
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
