//! A database of every version of the tables that a program ever wrote opens, and protects what it has.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::scene::Scene;
use super::{ask, height, is_new, refusal};
use crate::protection::sqlite::VERSION;
use crate::protection::{
    ChangeKind, HeightRange, LaneChange, OpenError, Refusal, SqliteStore, Store as _, Watermarks,
};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/protection/tests/fixtures")
}

/// Writes the fixture of the present version: once, when the version is new.
#[test]
#[ignore = "writes into the source"]
fn write_fixture() {
    if std::env::var_os("SIGNER_WRITE_FIXTURE").is_none() {
        return;
    }
    let scene = Scene::new();
    let [one, two] = &Scene::providers();
    let store = scene.initialise(10, 0);
    let of = |lane: &crate::protection::Lane, kind| LaneChange { lane: lane.clone(), kind };
    scene.ask(&store, &[(one, 10, b"a"), (one, 11, b"b"), (two, 0, b""), (two, u64::MAX, b"a")]);
    let changes = vec![
        of(&one.lane, ChangeKind::Committed(HeightRange { first: height(10), last: height(99) })),
        of(&one.lane, ChangeKind::SetHigh(Some(height(50)))),
    ];
    store.change(changes).unwrap();
    drop(store);
    let name = format!("version-{VERSION}.db");
    std::fs::copy(scene.paths().database, fixtures().join(&name)).unwrap();
    std::fs::copy(scene.paths().guard, fixtures().join(format!("{name}.guard"))).unwrap();
}

/// Returns a scene with a copy of a version's fixture.
fn scene_of(version: usize) -> Scene {
    let scene = Scene::new();
    let name = format!("version-{version}.db");
    std::fs::copy(fixtures().join(&name), scene.paths().database).unwrap();
    std::fs::copy(fixtures().join(format!("{name}.guard")), scene.paths().guard).unwrap();
    scene
}

fn version(scene: &Scene) -> i64 {
    let connection = Connection::open(scene.paths().database).unwrap();
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

#[test]
fn every_version_is_brought_to_the_present_one() {
    let present = i64::try_from(VERSION).unwrap();
    for old in 1..=VERSION {
        let scene = scene_of(old);
        assert_eq!(version(&scene), i64::try_from(old).unwrap());
        let store = scene.open();
        let [one, two] = &Scene::providers();
        let state = store.state(&one.lane).unwrap();
        assert_eq!(state.watermarks, Watermarks { low: Some(height(9)), high: Some(height(50)) });
        assert_eq!(state.highest, Some(height(11)));
        assert_eq!(state.committed, [HeightRange { first: height(10), last: height(99) }]);
        for (provider, at, message) in [(one, 10, b"a".as_slice()), (one, 11, b"b"), (two, 0, b"")] {
            assert!(!is_new(&ask(&store, provider, at, message)), "version {old}");
            let other = refusal(ask(&store, provider, at, b"c"));
            assert!(matches!(other, Refusal::DoubleSign { .. }), "version {old}: {other}");
        }
        assert!(!is_new(&ask(&store, two, u64::MAX, b"a")));
        assert!(is_new(&ask(&store, one, 12, b"a")) && is_new(&ask(&store, two, 1, b"a")));
        assert!(matches!(refusal(ask(&store, one, 9, b"a")), Refusal::BelowLowWatermark { .. }));
        store.check_integrity().unwrap();
        drop(store);
        assert_eq!(version(&scene), present);
        scene.open();
    }
    let files = std::fs::read_dir(fixtures()).unwrap().count();
    assert_eq!(files, 2 * VERSION + 1, "a database and its guard for each version, and the README");
}

/// What a later program wrote may say what this one cannot read: it is refused, and left as it is.
#[test]
fn later_versions_are_refused() {
    for later in [i64::try_from(VERSION).unwrap() + 1, 1000, i64::from(i32::MAX)] {
        let scene = scene_of(VERSION);
        let connection = Connection::open(scene.paths().database).unwrap();
        connection.pragma_update(None, "user_version", later).unwrap();
        drop(connection);
        for refused in [
            SqliteStore::open(&scene.paths()).unwrap_err(),
            SqliteStore::initialise(&scene.paths(), &Scene::first(100, 100)).unwrap_err(),
        ] {
            assert!(matches!(refused, OpenError::OtherFile { .. }), "{refused}");
            let rule = format!("its version is {later}; must be at most {VERSION}");
            assert!(refused.to_string().contains(&rule), "{refused}");
        }
        assert_eq!(version(&scene), later);
    }
    // Nor is one that no program wrote.
    let scene = scene_of(VERSION);
    Connection::open(scene.paths().database).unwrap().pragma_update(None, "user_version", -1).unwrap();
    assert!(matches!(SqliteStore::open(&scene.paths()), Err(OpenError::OtherFile { .. })));
}
