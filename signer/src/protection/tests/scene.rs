//! A folder with a store, which other processes work on, are killed, and leave behind.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use tempfile::{TempDir, tempdir, tempdir_in};

use super::released::{Release, revealed_heights};
use super::{Provider, height};
use crate::protection::{FirstHeight, Outcome, SqlitePaths, SqliteStore, Store as _, Verdict, VoteRequest};

/// Tell the other process what it works on, and what it does.
const FOLDER: &str = "SIGNER_TEST_FOLDER";
const WORK: &str = "SIGNER_TEST_WORK";

/// Where another message is asked for at the end, beside the heights that were signed.
const HEIGHTS: [u64; 10] = [0, 9, 10, 12, 20, 22, 31, 45, 66, 200];

/// A folder with a store, and the file of all signatures that left it.
pub(super) struct Scene {
    path: PathBuf,
    /// Whether it is in memory, where no sync of a disk takes time. A killed process is told no difference.
    is_in_memory: bool,
    /// Removed at the end, but not by the other process.
    _folder: Option<TempDir>,
}

impl Scene {
    pub(super) fn new() -> Self {
        Self::at(false)
    }

    /// Returns one in memory, where there is such a folder.
    pub(super) fn in_memory() -> Self {
        Self::at(true)
    }

    fn at(is_in_memory: bool) -> Self {
        let memory = is_in_memory.then(|| tempdir_in("/dev/shm").ok()).flatten();
        let folder = memory.unwrap_or_else(|| tempdir().unwrap());
        Self { path: folder.path().to_owned(), is_in_memory, _folder: Some(folder) }
    }

    /// Returns the folder and the work of this process, when it is the other one that a test has started.
    pub(super) fn of_this_process() -> Option<(Self, String)> {
        let path = std::env::var_os(FOLDER)?.into();
        Some((Self { path, is_in_memory: false, _folder: None }, std::env::var(WORK).ok()?))
    }

    /// Returns a command that runs an ignored test, by its name after `protection::tests`, in another
    /// process.
    pub(super) fn other_process(&self, test: &str, work: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let module = module_path!().split_once("::").unwrap().1.trim_end_matches("::scene");
        command.args([
            &format!("{module}::{test}"),
            "--exact",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ]);
        command.env(FOLDER, &self.path).env(WORK, work);
        command
    }

    /// Returns a copy of it, as it lies there.
    pub(super) fn copy(&self) -> Self {
        let copy = Self::at(self.is_in_memory);
        for entry in std::fs::read_dir(&self.path).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), copy.file(entry.file_name().to_str().unwrap())).unwrap();
        }
        copy
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(super) fn paths(&self) -> SqlitePaths {
        SqlitePaths::beside(self.file("signing.db"))
    }

    pub(super) fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.paths()).unwrap()
    }

    pub(super) fn initialise(&self, one: u64, two: u64) -> SqliteStore {
        SqliteStore::initialise(&self.paths(), &Self::first(one, two)).unwrap()
    }

    pub(super) fn first(one: u64, two: u64) -> [FirstHeight; 2] {
        let [first, second] = Self::providers();
        [(first, one), (second, two)]
            .map(|(provider, at)| FirstHeight { lane: (*provider.lane).clone(), height: height(at) })
    }

    /// Two providers, each on a chain.
    pub(super) fn providers() -> [Arc<Provider>; 2] {
        [Provider::new(1, b"bbn-1"), Provider::new(2, b"bbn-2")]
    }

    /// Asks for a batch of votes, and appends what leaves to the file.
    pub(super) fn ask(&self, store: &SqliteStore, votes: &[(&Arc<Provider>, u64, &[u8])]) -> Vec<Outcome> {
        let requests: Vec<VoteRequest> =
            votes.iter().map(|(provider, at, message)| provider.request(*at, message)).collect();
        let outcomes = store.check_and_record(requests).unwrap();
        for ((provider, at, message), outcome) in votes.iter().zip(&outcomes) {
            if let Outcome::Signed(verdict) = outcome {
                Release::of(provider, *at, message, *verdict.signature()).append(&self.file("released"));
            }
        }
        outcomes
    }

    pub(super) fn released(&self) -> Vec<Release> {
        Release::read_all(&self.file("released"))
    }

    /// Checks that the store has what left it, and that nothing that leaves it from now on reveals a key.
    pub(super) fn check(&self, store: &SqliteStore, context: &str) {
        let mut released = self.released();
        for release in &released {
            let provider = release.provider();
            let low = store.state(&provider.lane).unwrap().watermarks.low;
            let record = store.records(&provider.lane, height(release.at), 1).unwrap().into_iter().next();
            let is_recorded = record.is_some_and(|record| {
                (record.height.to_u64(), record.message, record.signature)
                    == (release.at, release.message.clone(), Some(release.signature))
            });
            assert!(is_recorded || low >= Some(height(release.at)), "{context}: {release:?}");
        }
        let again: Vec<_> = released.iter().map(|it| it.provider().request(it.at, &it.message)).collect();
        for (release, outcome) in released.iter().zip(store.check_and_record(again).unwrap()) {
            match outcome {
                Outcome::Signed(Verdict::Again(signature)) => assert_eq!(signature, release.signature),
                Outcome::Refused(_) => {}
                other => panic!("{context}: {release:?}: {other:?}"),
            }
        }
        let heights: BTreeSet<_> = released.iter().map(|it| it.at).chain(HEIGHTS).collect();
        for provider in Self::providers() {
            let others = heights.iter().map(|at| provider.request(*at, b"another message")).collect();
            for (&at, outcome) in heights.iter().zip(store.check_and_record(others).unwrap()) {
                if let Outcome::Signed(verdict) = outcome {
                    released.push(Release::of(&provider, at, b"another message", *verdict.signature()));
                }
            }
        }
        assert_eq!(revealed_heights(&released), 0, "{context}");
        store.check_integrity().unwrap();
    }
}

/// Both streams of another process, for the text of a failure.
pub(super) fn text(output: &Output) -> String {
    let streams = [&output.stdout, &output.stderr].map(|stream| String::from_utf8_lossy(stream).into_owned());
    format!("{}\n{}", output.status, streams.join("\n"))
}
