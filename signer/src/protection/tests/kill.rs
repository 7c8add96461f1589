//! The process is killed at every step of every write.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt as _;
use std::sync::Arc;

use super::scene::{Scene, text};
use super::{Provider, height, is_long};
use crate::protection::steps::KILL_AT;
use crate::protection::{
    ChangeKind, HeightRange, LaneChange, OpenError, SigningRecord, SqlitePaths, SqliteStore, Store as _,
};

/// The process that is killed.
#[test]
#[ignore = "a part of the tests below, which run it"]
fn victim() {
    let Some((scene, work)) = Scene::of_this_process() else { return };
    let (work, number) = work.split_once(':').unwrap_or((&work, ""));
    match work {
        "begin" => drop(scene.initialise(10, 0)),
        "sign" => sign(&scene),
        "change" => change(&scene),
        "back up" => scene.open().back_up(&scene.file("backup.db")).unwrap(),
        "take over" => drop(scene.initialise(40, 60)),
        "storm" => storm(&scene, number.parse().unwrap()),
        other => panic!("{other}"),
    }
}

fn sign(scene: &Scene) {
    let [one, two] = &Scene::providers();
    let store = scene.open();
    scene.ask(&store, &[(one, 10, b"a")]);
    scene.ask(&store, &[(one, 11, b"a"), (two, 11, b"a"), (one, 11, b"b"), (two, 12, b"a"), (one, 11, b"a")]);
    scene.ask(&store, &[(one, 10, b"b")]);
    scene.ask(&store, &[(two, 11, b"b"), (two, u64::MAX, b"a")]);
}

fn change(scene: &Scene) {
    let [one, two] = &Scene::providers();
    let store = scene.open();
    let of = |provider: &Provider, kind| LaneChange { lane: (*provider.lane).clone(), kind };
    let record = |at| SigningRecord {
        height: height(at),
        message: b"c".to_vec(),
        signature: Some(one.signature(at, b"c")),
    };
    let range = HeightRange { first: height(1), last: height(99) };
    let changes = [
        vec![of(one, ChangeKind::RaiseLow(height(12))), of(two, ChangeKind::SetHigh(Some(height(90))))],
        vec![of(one, ChangeKind::Prune(height(14)))],
        vec![of(one, ChangeKind::Committed(range)), of(two, ChangeKind::Register(height(15)))],
        vec![of(one, ChangeKind::Import(vec![record(20), record(22)]))],
        vec![of(&Provider::new(3, b"bbn-1"), ChangeKind::Register(height(5)))],
    ];
    for (number, change) in (30..).zip(changes) {
        store.change(change).unwrap();
        scene.ask(&store, &[(one, number, b"a")]);
    }
}

/// Threads that ask for as many messages at the same heights.
fn storm(scene: &Scene, round: u64) {
    let store = scene.open();
    std::thread::scope(|scope| {
        for thread in 0..4_u8 {
            let store = &store;
            scope.spawn(move || {
                let message = [&round.to_be_bytes()[..], &[thread]].concat();
                for at in (0..12).map(|at| 10 + (4 * round + at) % 180) {
                    for provider in &Scene::providers() {
                        scene.ask(store, &[(provider, at, &message)]);
                    }
                }
            });
        }
    });
}

/// Runs some work on copies of a scene, killed at its first step, at its second one, and so on, and has each
/// copy checked. Returns the steps.
fn kill_everywhere(scene: &Scene, work: &str, check: impl Fn(&Scene, &str)) -> Vec<String> {
    let mut steps = Vec::new();
    loop {
        let copy = scene.copy();
        let mut command = copy.other_process("kill::victim", work);
        let output = command.env(KILL_AT, (steps.len() + 1).to_string()).output().unwrap();
        if output.status.success() {
            check(&copy, &format!("{work}: not killed"));
            return steps;
        }
        assert_eq!(output.status.signal(), Some(9), "{}", text(&output));
        let errors = String::from_utf8(output.stderr).unwrap();
        let step = errors.lines().find_map(|line| line.strip_prefix("killed: ")).unwrap().to_owned();
        check(&copy, &format!("{work}, killed at step {}: {step}", steps.len() + 1));
        steps.push(step);
    }
}

#[track_caller]
fn assert_steps(found: &[String], expected: &[&str]) {
    let found: BTreeSet<_> = found.iter().map(String::as_str).collect();
    assert_eq!(found, expected.iter().copied().collect());
}

/// The steps of each transaction.
const TRANSACTION: [&str; 6] = [
    "log settled",
    "transaction begun",
    "generation raised",
    "transaction committed",
    "lane noted",
    "generation noted",
];

/// A scene in which some votes have left.
fn begun() -> Scene {
    let scene = Scene::in_memory();
    drop(scene.initialise(10, 0));
    scene
}

fn signed(scene: &Scene, heights: std::ops::Range<u64>, message: &[u8]) {
    let store = scene.open();
    for at in heights {
        for provider in &Scene::providers() {
            scene.ask(&store, &[(provider, at, message)]);
        }
    }
}

#[test]
fn killed_votes_are_never_signed_twice() {
    let steps = kill_everywhere(&begun(), "sign", |scene, context| scene.check(&scene.open(), context));
    let expected = [&TRANSACTION[..], &["vote decided", "record written", "votes noted"]].concat();
    assert_steps(&steps, &expected);
    assert!(steps.len() > 30, "{}", steps.len());
}

#[test]
fn killed_changes_are_made_or_not() {
    let scene = begun();
    signed(&scene, 10..18, b"a");
    let steps = kill_everywhere(&scene, "change", |scene, context| {
        let store = scene.open();
        let low = |provider: &Arc<Provider>| store.state(&provider.lane).unwrap().watermarks.low;
        let [one, two] = &Scene::providers();
        // Of one change all or nothing.
        let (low, high) = (low(one), store.state(&two.lane).unwrap().watermarks.high);
        assert_eq!(low >= Some(height(12)), high == Some(height(90)), "{context}");
        scene.check(&store, context);
    });
    let others = [
        "watermark written",
        "records forgotten",
        "committed heights written",
        "record written",
        "lane inserted",
        "change noted",
        "vote decided",
        "votes noted",
    ];
    assert_steps(&steps, &[&TRANSACTION[..], &others].concat());
}

/// Who was killed while a store was made makes it by the same call.
#[test]
fn killed_initialisation_is_repeated() {
    let steps = kill_everywhere(&Scene::in_memory(), "begin", |scene, context| {
        let store = match SqliteStore::open(&scene.paths()) {
            Ok(store) => store,
            Err(OpenError::Absent(_) | OpenError::GuardAbsent(_)) => scene.initialise(10, 0),
            Err(other) => panic!("{context}: {other}"),
        };
        drop(store);
        let store = scene.open();
        assert_eq!(store.lanes().unwrap().len(), 2, "{context}");
        scene.check(&store, context);
    });
    for step in ["database file made", "tables made", "guard file made", "guard written", "guard named"] {
        assert!(steps.iter().any(|found| found == step), "{step}: {steps:?}");
    }
}

/// A backup has its name when it is whole and marked.
#[test]
fn killed_backup_is_whole_or_not_there() {
    let scene = begun();
    signed(&scene, 10..18, b"a");
    let steps = kill_everywhere(&scene, "back up", |scene, context| {
        let store = scene.open();
        let backup = scene.file("backup.db");
        if !backup.exists() {
            store.back_up(&backup).unwrap();
        }
        scene.check(&store, context);
        let paths = SqlitePaths { database: backup, guard: scene.paths().guard };
        drop(store);
        let refused = SqliteStore::open(&paths).unwrap_err();
        assert!(matches!(refused, OpenError::Backup(_)), "{context}: {refused}");
        let restored = SqliteStore::initialise(&paths, &Scene::first(300, 300)).unwrap();
        let [one, _] = Scene::providers();
        assert_eq!(restored.records(&one.lane, height(0), 100).unwrap().len(), 8, "{context}");
    });
    let all =
        ["backup file made", "part of a backup copied", "backup copied", "backup marked", "backup named"];
    for step in all {
        assert!(steps.iter().any(|found| found == step), "{step}: {steps:?}");
    }
}

/// An old copy, a lost database, a backup without its guard, and another store's database: whoever was killed
/// while they were taken over does it again by the same call.
#[test]
fn killed_taking_over_is_repeated() {
    let stale = begun();
    signed(&stale, 10..14, b"a");
    std::fs::copy(stale.paths().database, stale.file("old")).unwrap();
    stale.open().back_up(&stale.file("backup.db")).unwrap();
    signed(&stale, 14..20, b"a");
    let lost = stale.copy();
    let backup = stale.copy();
    let other = stale.copy();
    std::fs::copy(stale.file("old"), stale.paths().database).unwrap();
    std::fs::remove_file(lost.paths().database).unwrap();
    std::fs::rename(backup.file("backup.db"), backup.paths().database).unwrap();
    std::fs::remove_file(backup.paths().guard).unwrap();
    let another = begun();
    std::fs::copy(another.paths().database, other.paths().database).unwrap();
    let mut steps = Vec::new();
    for scene in [stale, lost, backup, other] {
        assert!(SqliteStore::open(&scene.paths()).is_err());
        steps.extend(kill_everywhere(&scene, "take over", |scene, context| {
            let store = SqliteStore::open(&scene.paths()).unwrap_or_else(|_| scene.initialise(40, 60));
            scene.check(&store, context);
            drop(store);
            scene.open();
        }));
    }
    let all = [
        "first heights registered",
        "guard half adopted",
        "guard adopted",
        "generation reached",
        "mark of a backup changed",
    ];
    for step in all {
        assert!(steps.iter().any(|found| found == step), "{step}: {steps:?}");
    }
}

/// Process after process, killed somewhere while its threads contradict each other and all before them.
#[test]
fn storm_of_killed_processes_reveals_nothing() {
    let scene = begun();
    let mut number: u64 = 0x9e37_79b9;
    let rounds = if is_long() { 4000 } else { 8 };
    let mut killed = 0;
    for round in 0..rounds {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let step = 1 + (number >> 33) % 150;
        let mut command = scene.other_process("kill::victim", &format!("storm:{round}"));
        let output = command.env(KILL_AT, step.to_string()).output().unwrap();
        assert!(output.status.success() || output.status.signal() == Some(9), "{}", text(&output));
        killed += u64::from(!output.status.success());
    }
    assert!(killed > rounds / 4, "{killed} of {rounds}");
    let released = scene.released();
    assert!(released.len() > 20, "{}", released.len());
    scene.check(&scene.open(), &format!("{killed} killed, {} released", released.len()));
}
