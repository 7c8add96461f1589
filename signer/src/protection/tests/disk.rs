//! Disks that are full, or broken: nothing leaves that is not recorded.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::released::Release;
use super::scene::{Scene, text};
use super::{ask, height, is_long, is_new, refusal};
use crate::protection::{ChangeKind, LaneChange, Outcome, Refusal, SqliteStore, Store as _};

/// A page of the database, and a page in its log.
const PAGE: u64 = 1024;
const FRAME: u64 = PAGE + 24;

/// Lets no file of this process grow beyond a length.
fn limit_files(length: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: length.or(maximum), maximum }).unwrap();
}

fn length(file: &Path) -> u64 {
    std::fs::metadata(file).unwrap().len()
}

/// The process whose files cannot grow.
#[test]
#[ignore = "a part of the tests below, which run it"]
fn limited() {
    let Some((scene, work)) = Scene::of_this_process() else { return };
    let log = scene.file("signing.db-wal");
    let store = scene.open();
    let [one, two] = &Scene::providers();
    scene.ask(&store, &[(one, 20, b"a"), (two, 20, b"a")]);
    if work != "refused" {
        // No trace of the end but what the disk has.
        setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).unwrap();
        limit_files(Some(length(&log) + work.parse::<u64>().unwrap()));
        for at in 21..200 {
            scene.ask(&store, &[(one, at, b"a"), (two, at, b"a")]);
        }
        return;
    }
    // Less than the least that is written: two pages.
    limit_files(Some(length(&log) + FRAME + 200));
    let long = vec![1; 200_000];
    for message in [long.as_slice(), b"a"] {
        let requests = vec![two.request(21, b"c"), one.request(21, message)];
        assert!(store.check_and_record(requests).is_err());
    }
    let raise = LaneChange { lane: (*one.lane).clone(), kind: ChangeKind::RaiseLow(height(60)) };
    assert!(store.change(vec![raise.clone()]).is_err());
    assert_eq!(store.state(&one.lane).unwrap().watermarks.low, Some(height(9)));
    assert!(store.back_up(&scene.file("backup.db")).is_err());
    // What was signed is answered: nothing is written for it.
    assert!(!is_new(&ask(&store, one, 20, b"a")));
    assert!(matches!(refusal(ask(&store, one, 20, b"b")), Refusal::DoubleSign { .. }));
    limit_files(None);
    // What failed was signed for nobody.
    let outcomes = scene.ask(&store, &[(one, 21, b"b"), (two, 21, b"b")]);
    assert!(outcomes.iter().all(is_new));
    assert_eq!(store.change(vec![raise]).unwrap().len(), 1);
    store.back_up(&scene.file("backup.db")).unwrap();
    store.check_integrity().unwrap();
    println!("limited: done");
}

fn begun() -> Scene {
    let scene = Scene::new();
    let store = scene.initialise(10, 0);
    let [one, two] = &Scene::providers();
    for at in 10..20 {
        scene.ask(&store, &[(one, at, b"a"), (two, at, b"a")]);
    }
    drop(store);
    scene
}

#[test]
fn files_that_cannot_grow_release_no_signature() {
    let scene = begun();
    let inner = scene.other_process("disk::limited", "refused");
    // A process that ignores the signal is told by an error, and Rust itself does not ignore it.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(inner.get_program()).args(inner.get_args());
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("limited: done"), "{}", text(&output));
    let mut names: Vec<_> =
        std::fs::read_dir(scene.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["backup.db", "released", "signing.db", "signing.db.guard", "signing.db.lock"]);
    scene.check(&scene.open(), "after a limit");
}

/// The process is killed in the middle of a write, which leaves the beginning of what it wrote.
#[test]
fn write_that_is_torn_is_as_none() {
    let whole = begun();
    let step = if is_long() { 7 } else { 367 };
    let mut torn = 0;
    for more in (0_usize..4_000).step_by(step) {
        let scene = whole.copy();
        let output = scene.other_process("disk::limited", &more.to_string()).output().unwrap();
        // SIGXFSZ.
        assert_eq!(output.status.signal(), Some(25), "{}", text(&output));
        torn += usize::from(length(&scene.file("signing.db-wal")) % FRAME != 32);
        scene.check(&scene.open(), &format!("torn {more} bytes further"));
    }
    assert!(torn > 5, "{torn}");
}

/// The database may have so many pages and no more: the place where it fails moves from write to write.
#[test]
fn database_that_cannot_grow_releases_no_signature() {
    let scene = begun();
    let [one, two] = &Scene::providers();
    let pages = u32::try_from(length(&scene.paths().database) / PAGE).unwrap();
    for more in 0..if is_long() { 60 } else { 5 } {
        let scene = scene.copy();
        let store = scene.open();
        store.limit_pages(pages + more).unwrap();
        // Longer and longer messages, beside a short one in one batch.
        let failed = (30..60_u64).find(|at| {
            let long = vec![2; usize::try_from((at - 29) * 700).unwrap()];
            store.check_and_record(vec![one.request(*at, b"a"), two.request(*at, &long)]).is_err()
        });
        let failed = failed.unwrap();
        store.limit_pages(1_000_000).unwrap();
        for provider in [one, two] {
            assert!(is_new(&ask(&store, provider, failed, b"b")), "{more}");
        }
        drop(store);
        scene.check(&scene.open(), "a full database");
    }
}

/// The guard must know of a vote before it leaves, also of one that is asked for again because the guard
/// could not be written the first time: otherwise an old copy of the database would pass for the newest.
#[test]
fn broken_guard_releases_no_signature() {
    let scene = begun();
    std::fs::copy(scene.paths().database, scene.file("old")).unwrap();
    let [one, two] = &Scene::providers();
    let store = scene.open();
    store.break_guard(true);
    for _ in 0..2 {
        assert!(store.check_and_record(vec![one.request(30, b"a")]).is_err());
        assert!(store.check_and_record(vec![two.request(30, b"a")]).is_err());
    }
    // Not even a refusal.
    assert!(store.check_and_record(vec![one.request(30, b"b")]).is_err());
    store.break_guard(false);
    // The vote itself is recorded; the guard knows of it, and of the others, when it leaves.
    let outcome = ask(&store, one, 30, b"a");
    let Outcome::Signed(verdict) = &outcome else { panic!("{outcome:?}") };
    Release::of(one, 30, b"a", *verdict.signature()).append(&scene.file("released"));
    assert!(!is_new(&outcome));
    std::mem::forget(store);
    let restored = scene.copy();
    std::fs::remove_file(restored.file("signing.db-wal")).unwrap();
    std::fs::copy(restored.file("old"), restored.paths().database).unwrap();
    assert!(SqliteStore::open(&restored.paths()).is_err(), "an old copy");
    let store = restored.initialise(31, 31);
    assert!(matches!(refusal(ask(&store, one, 30, b"b")), Refusal::BelowLowWatermark { .. }));
}
