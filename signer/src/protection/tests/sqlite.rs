//! The store in a file: what is left of it after every kind of end, and which copies of it are refused.

use std::path::Path;

use rusqlite::Connection;
use tempfile::{TempDir, tempdir};

use super::conformance::suite;
use super::{Provider, ask, height, is_new, refusal};
use crate::protection::guard::Guard;
use crate::protection::{
    ChangeKind, FirstHeight, Lane, LaneChange, OpenError, Refusal, SigningRecord, SqlitePaths, SqliteStore,
    Store as _, StoreError, check_highest_vote,
};

/// A folder with a store on which a provider is registered from height 10 on.
struct Place {
    folder: TempDir,
    paths: SqlitePaths,
    provider: std::sync::Arc<Provider>,
}

fn first(lane: &Lane, at: u64) -> Vec<FirstHeight> {
    vec![FirstHeight { lane: lane.clone(), height: height(at) }]
}

impl Place {
    fn new() -> Self {
        let folder = tempdir().unwrap();
        let paths = SqlitePaths::beside(folder.path().join("signing.db"));
        let provider = Provider::new(1, b"bbn-1");
        drop(SqliteStore::initialise(&paths, &first(&provider.lane, 10)).unwrap());
        Self { folder, paths, provider }
    }

    fn open(&self) -> Result<SqliteStore, OpenError> {
        SqliteStore::open(&self.paths)
    }

    fn sign(&self, heights: std::ops::Range<u64>) {
        let store = self.open().unwrap();
        for at in heights {
            assert!(is_new(&ask(&store, &self.provider, at, b"a")));
        }
    }

    fn keep(&self, name: &str) {
        std::fs::copy(&self.paths.database, self.folder.path().join(name)).unwrap();
    }

    fn restore(&self, name: &str) {
        std::fs::copy(self.folder.path().join(name), &self.paths.database).unwrap();
    }
}

#[test]
fn sqlite_store_conforms() {
    let folder = tempdir().unwrap();
    suite(&|name| {
        let paths = SqlitePaths::beside(folder.path().join(name));
        Box::new(SqliteStore::initialise(&paths, &[]).unwrap())
    });
}

#[test]
fn records_outlive_the_store() {
    let place = Place::new();
    place.sign(10..13);
    let store = place.open().unwrap();
    assert!(!is_new(&ask(&store, &place.provider, 12, b"a")));
    assert!(matches!(refusal(ask(&store, &place.provider, 12, b"b")), Refusal::DoubleSign { .. }));
    assert!(matches!(refusal(ask(&store, &place.provider, 9, b"b")), Refusal::BelowLowWatermark { .. }));
    assert_eq!(store.state(&place.provider.lane).unwrap().highest, Some(height(12)));
    drop(store);
    // Nothing is left beside the database but its guard and its lock, readable by the owner alone.
    let mut names: Vec<_> = std::fs::read_dir(place.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["signing.db", "signing.db.guard", "signing.db.lock"]);
    #[cfg(unix)]
    for name in names {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(place.folder.path().join(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn second_opener_is_kept_out() {
    let place = Place::new();
    let store = place.open().unwrap();
    assert!(matches!(place.open(), Err(OpenError::InUse(_))));
    assert!(matches!(SqliteStore::initialise(&place.paths, &[]), Err(OpenError::InUse(_))));
    assert!(is_new(&ask(&store, &place.provider, 10, b"a")));
    drop(store);
    place.open().unwrap();
}

/// Yesterday's copy of the file, the whole of a session or the middle of one.
#[test]
fn old_copy_is_refused_until_it_is_initialised_above_what_was_signed() {
    let place = Place::new();
    place.sign(10..12);
    place.keep("old");
    place.sign(12..15);
    place.restore("old");
    let stale = place.open().unwrap_err();
    assert!(matches!(stale, OpenError::Stale { .. }), "{stale}");
    // The guard knows the highest height.
    for below in [0, 12, 14] {
        let refused = SqliteStore::initialise(&place.paths, &first(&place.provider.lane, below)).unwrap_err();
        assert!(matches!(refused, OpenError::BelowKnown { known, .. } if known == height(14)), "{refused}");
        assert!(place.open().is_err(), "a refused initialisation changes nothing");
    }
    let store = SqliteStore::initialise(&place.paths, &first(&place.provider.lane, 15)).unwrap();
    for forgotten in [12, 13, 14] {
        let refused = refusal(ask(&store, &place.provider, forgotten, b"b"));
        assert_eq!(refused, Refusal::BelowLowWatermark { height: height(forgotten), low: height(14) });
    }
    assert!(
        !is_new(&ask(&store, &place.provider, 11, b"a")) && is_new(&ask(&store, &place.provider, 15, b"b"))
    );
    drop(store);
    place.open().unwrap();
    place.restore("old");
    assert!(matches!(place.open(), Err(OpenError::Stale { .. })), "the old copy is old for ever");
}

/// An old copy whose generation somebody raised: the guard knows the highest heights too.
#[test]
fn copy_that_has_forgotten_votes_is_refused_by_their_height() {
    let place = Place::new();
    place.sign(10..12);
    place.keep("old");
    place.sign(12..15);
    place.restore("old");
    let old = Connection::open(&place.paths.database).unwrap();
    old.execute("UPDATE store SET generation = 1000", []).unwrap();
    drop(old);
    let refused = place.open().unwrap_err();
    let OpenError::Forgotten { lane, found, known, .. } = &refused else { panic!("{refused}") };
    assert_eq!((&**lane, *found, *known), (&*place.provider.lane, height(11), height(14)));
}

/// A copy of the file while the store is open, restored after the process has died.
#[test]
fn copy_of_the_same_session_is_refused() {
    let place = Place::new();
    let store = place.open().unwrap();
    assert!(is_new(&ask(&store, &place.provider, 10, b"a")));
    store.back_up(&place.folder.path().join("copy")).unwrap();
    // As a copy of the file system would be: not marked.
    let copy = Connection::open(place.folder.path().join("copy")).unwrap();
    let id = Guard::open(&place.paths.guard).unwrap().unwrap().id();
    copy.execute("UPDATE store SET is_backup = 0, id = ?1", [id.as_slice()]).unwrap();
    drop(copy);
    assert!(is_new(&ask(&store, &place.provider, 11, b"a")));
    // No end of the session: nothing is synced or closed.
    std::mem::forget(store);
    let elsewhere = tempdir().unwrap();
    let paths =
        SqlitePaths { database: elsewhere.path().join("signing.db"), guard: elsewhere.path().join("guard") };
    std::fs::copy(place.folder.path().join("copy"), &paths.database).unwrap();
    std::fs::copy(&place.paths.guard, &paths.guard).unwrap();
    assert!(matches!(SqliteStore::open(&paths), Err(OpenError::Stale { .. })));
}

#[test]
fn backup_is_marked_and_refused_as_it_is() {
    let place = Place::new();
    place.sign(10..11);
    let store = place.open().unwrap();
    let to = place.folder.path().join("backup.db");
    store.back_up(&to).unwrap();
    assert!(matches!(store.back_up(&to), Err(StoreError::Backup(_))), "nothing is overwritten");
    assert!(store.back_up(Path::new("/nowhere/backup.db")).is_err());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(is_new(&ask(&store, &place.provider, 11, b"a")), "the store works on");
    drop(store);
    place.restore("backup.db");
    assert!(matches!(place.open(), Err(OpenError::Backup(_))));
    // On a new machine, without the guard: a height is demanded, and taken at its word.
    std::fs::remove_file(&place.paths.guard).unwrap();
    assert!(matches!(place.open(), Err(OpenError::GuardAbsent(_))));
    let store = SqliteStore::initialise(&place.paths, &first(&place.provider.lane, 100)).unwrap();
    assert!(!is_new(&ask(&store, &place.provider, 10, b"a")));
    assert!(matches!(refusal(ask(&store, &place.provider, 11, b"b")), Refusal::BelowLowWatermark { .. }));
    assert!(is_new(&ask(&store, &place.provider, 100, b"a")));
}

#[test]
fn missing_files_stop_the_start() {
    let place = Place::new();
    place.sign(10..20);
    std::fs::remove_file(&place.paths.database).unwrap();
    assert!(matches!(place.open(), Err(OpenError::DatabaseAbsent(_))));
    // An empty file is none.
    std::fs::write(&place.paths.database, "").unwrap();
    assert!(matches!(place.open(), Err(OpenError::DatabaseAbsent(_))));
    // A new database: a lane that nobody names is unknown, and cannot be named below what the guard knows.
    let other = Provider::new(2, b"bbn-1");
    let store = SqliteStore::initialise(&place.paths, &first(&other.lane, 0)).unwrap();
    assert!(matches!(refusal(ask(&store, &place.provider, 30, b"a")), Refusal::UnknownLane(_)));
    drop(store);
    let refused = SqliteStore::initialise(&place.paths, &first(&place.provider.lane, 19)).unwrap_err();
    assert!(matches!(refused, OpenError::BelowKnown { .. }), "{refused}");
    let store = SqliteStore::initialise(&place.paths, &first(&place.provider.lane, 20)).unwrap();
    assert!(is_new(&ask(&store, &place.provider, 20, b"a")));
    drop(store);
    let nothing = tempdir().unwrap();
    let absent = SqliteStore::open(&SqlitePaths::beside(nothing.path().join("db"))).unwrap_err();
    assert!(matches!(absent, OpenError::Absent(_)), "{absent}");
    assert_eq!(std::fs::read_dir(nothing.path()).unwrap().count(), 1, "the lock alone");
}

#[test]
fn database_of_another_store_is_refused() {
    let (one, two) = (Place::new(), Place::new());
    two.sign(10..30);
    std::fs::copy(&two.paths.database, &one.paths.database).unwrap();
    assert!(matches!(one.open(), Err(OpenError::OtherStore(_))));
    // SQLite takes a file of one byte for an empty database; a key file is a mistake that is easily made.
    for content in [b"x".to_vec(), b"01".repeat(32), b"no database at all".repeat(200)] {
        std::fs::write(&one.paths.database, &content).unwrap();
        for error in [one.open().unwrap_err(), SqliteStore::initialise(&one.paths, &[]).unwrap_err()] {
            assert!(error.to_string().ends_with("it does not begin as one of SQLite's"), "{error}");
        }
        assert_eq!(std::fs::read(&one.paths.database).unwrap(), content, "it is left as it is");
    }
    std::fs::remove_file(&one.paths.database).unwrap();
    let other = Connection::open(&one.paths.database).unwrap();
    other.execute_batch("CREATE TABLE other (number INTEGER)").unwrap();
    drop(other);
    let error = one.open().unwrap_err().to_string();
    assert!(error.contains("is not a signing database: it is a database of another program"), "{error}");
    // Of a later version of this program.
    std::fs::copy(&two.paths.database, &one.paths.database).unwrap();
    let later = Connection::open(&one.paths.database).unwrap();
    later.pragma_update(None, "user_version", 99).unwrap();
    drop(later);
    let error = one.open().unwrap_err().to_string();
    assert!(error.contains("its version is 99; must be at most 1"), "{error}");
}

/// The disk is full at some write, sooner or later: no signature leaves, and what was signed stays.
#[test]
fn full_disk_releases_no_signature() {
    let place = Place::new();
    place.sign(10..11);
    let full = Connection::open(&place.paths.database).unwrap();
    let pages: i64 = full.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    drop(full);
    let store = place.open().unwrap();
    store.limit_pages(u32::try_from(pages).unwrap()).unwrap();
    let long = vec![1; 100_000];
    let refused = store.check_and_record(vec![place.provider.request(11, &long)]).unwrap_err();
    assert!(matches!(refused, StoreError::Shared(_)), "{refused}");
    // There is room again, for another message too: the first one was never signed for anybody.
    store.limit_pages(100_000).unwrap();
    assert!(is_new(&ask(&store, &place.provider, 11, b"b")));
    assert!(!is_new(&ask(&store, &place.provider, 10, b"a")));
    drop(store);
    let store = place.open().unwrap();
    assert!(matches!(refusal(ask(&store, &place.provider, 11, &long)), Refusal::DoubleSign { .. }));
}

#[test]
fn highest_vote_of_the_chain_must_be_known() {
    let place = Place::new();
    place.sign(10..20);
    let store = place.open().unwrap();
    let lane = &place.provider.lane;
    check_highest_vote(&store, lane, height(19)).unwrap();
    check_highest_vote(&store, lane, height(3)).unwrap();
    let behind = check_highest_vote(&store, lane, height(20)).unwrap_err().to_string();
    assert!(behind.contains("knows of no vote above 19; must know of 20"), "{behind}");
    let raise = LaneChange { lane: (**lane).clone(), kind: ChangeKind::RaiseLow(height(20)) };
    store.change(vec![raise]).unwrap();
    check_highest_vote(&store, lane, height(20)).unwrap();
    let stranger = Provider::new(7, b"bbn-1");
    assert!(
        check_highest_vote(&store, &stranger.lane, height(0)).unwrap_err().to_string().contains("above none")
    );
}

/// Of an old copy every lane has forgotten its votes, not only the one that is named.
#[test]
fn every_lane_of_a_database_that_is_taken_over_must_be_named() {
    let place = Place::new();
    let other = Provider::new(2, b"bbn-1");
    let store = place.open().unwrap();
    let register = LaneChange { lane: (*other.lane).clone(), kind: ChangeKind::Register(height(0)) };
    store.change(vec![register]).unwrap();
    drop(store);
    place.keep("old");
    let store = place.open().unwrap();
    for provider in [&place.provider, &other] {
        assert!(is_new(&ask(&store, provider, 20, b"a")));
    }
    drop(store);
    place.restore("old");
    let refused = SqliteStore::initialise(&place.paths, &first(&place.provider.lane, 21)).unwrap_err();
    assert!(matches!(&refused, OpenError::NotNamed(lane) if **lane == *other.lane), "{refused}");
    assert!(matches!(place.open(), Err(OpenError::Stale { .. })), "nothing was changed");
    // Without its guard too.
    std::fs::rename(&place.paths.guard, place.folder.path().join("guard")).unwrap();
    let refused = SqliteStore::initialise(&place.paths, &first(&place.provider.lane, 21)).unwrap_err();
    assert!(matches!(refused, OpenError::NotNamed(_)), "{refused}");
    std::fs::rename(place.folder.path().join("guard"), &place.paths.guard).unwrap();
    let both = [first(&place.provider.lane, 21), first(&other.lane, 21)].concat();
    let store = SqliteStore::initialise(&place.paths, &both).unwrap();
    for provider in [&place.provider, &other] {
        assert!(matches!(refusal(ask(&store, provider, 20, b"b")), Refusal::BelowLowWatermark { .. }));
    }
    drop(store);
    // A sound one takes a lane alone.
    let third = Provider::new(3, b"bbn-1");
    SqliteStore::initialise(&place.paths, &first(&third.lane, 0)).unwrap();
}

/// A lane that was lost with its database begins above what the guard knows, however it comes back.
#[test]
fn lane_that_was_lost_begins_above_what_the_guard_knows() {
    let record = |provider: &Provider| SigningRecord {
        height: height(11),
        message: b"a".to_vec(),
        signature: Some(provider.signature(11, b"a")),
    };
    let kinds: [&dyn Fn(&Provider) -> ChangeKind; 4] = [
        &|_| ChangeKind::Register(height(0)),
        &|_| ChangeKind::RaiseLow(height(3)),
        &|_| ChangeKind::Prune(height(3)),
        &|provider| ChangeKind::Import(vec![record(provider)]),
    ];
    for kind in kinds {
        let place = Place::new();
        place.sign(10..20);
        std::fs::remove_file(&place.paths.database).unwrap();
        let other = Provider::new(2, b"bbn-1");
        let store = SqliteStore::initialise(&place.paths, &first(&other.lane, 0)).unwrap();
        let change = LaneChange { lane: (*place.provider.lane).clone(), kind: kind(&place.provider) };
        assert_eq!(store.change(vec![change]).unwrap().len(), 1);
        let refused = refusal(ask(&store, &place.provider, 19, b"b"));
        assert_eq!(refused, Refusal::BelowLowWatermark { height: height(19), low: height(19) });
        assert!(is_new(&ask(&store, &place.provider, 20, b"b")));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn backup_under_a_name_that_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStrExt as _;
    let place = Place::new();
    let store = place.open().unwrap();
    let name = std::ffi::OsStr::from_bytes(b"odd-\xff.db");
    assert!(store.back_up(&place.folder.path().join(name)).is_err());
    let left = std::fs::read_dir(place.folder.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("odd-"));
    assert_eq!(left.count(), 0);
}
