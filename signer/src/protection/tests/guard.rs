//! The guard: what it has reached is there after every kind of end.

use std::path::Path;

use tempfile::tempdir;

use super::{Provider, height};
use crate::protection::guard::{Guard, GuardError};

const ID: [u8; 16] = [3; 16];

fn opened(path: &Path) -> Guard {
    Guard::open(path).unwrap().unwrap()
}

#[test]
fn guard_knows_what_was_reached() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("guard");
    assert!(Guard::open(&path).unwrap().is_none());
    let (one, two) = (Provider::new(1, b"bbn-1"), Provider::new(2, b"bbn-1"));
    let mut guard = Guard::create(&path, ID).unwrap();
    assert_eq!((guard.id(), guard.generation(), guard.highest(&one.lane)), (ID, 0, None));
    guard.advance(1, &[(&one.lane, height(5))]).unwrap();
    guard.advance(2, &[(&two.lane, height(u64::MAX)), (&one.lane, height(9))]).unwrap();
    // Neither falls.
    guard.advance(1, &[(&one.lane, height(3))]).unwrap();
    drop(guard);
    let mut guard = opened(&path);
    assert_eq!((guard.id(), guard.generation()), (ID, 2));
    assert_eq!(
        (guard.highest(&one.lane), guard.highest(&two.lane)),
        (Some(height(9)), Some(height(u64::MAX)))
    );
    for generation in 3..50 {
        guard.advance(generation, &[(&one.lane, height(generation + 10))]).unwrap();
        let again = opened(&path);
        assert_eq!(
            (again.generation(), again.highest(&one.lane)),
            (generation, Some(height(generation + 10)))
        );
        assert_eq!(again.highest(&two.lane), Some(height(u64::MAX)));
    }
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 6 * 64);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    guard.adopt([4; 16]).unwrap();
    let again = opened(&path);
    assert_eq!(
        (again.id(), again.generation(), again.highest(&two.lane)),
        ([4; 16], 49, Some(height(u64::MAX)))
    );
}

/// Of two slots one survives whatever happens to the other.
#[test]
fn guard_with_a_torn_slot_knows_what_was_before() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("guard");
    let provider = Provider::new(1, b"bbn-1");
    let mut guard = Guard::create(&path, ID).unwrap();
    for generation in 1..=8 {
        guard.advance(generation, &[(&provider.lane, height(100 + generation))]).unwrap();
    }
    drop(guard);
    let whole = std::fs::read(&path).unwrap();
    for place in 0..whole.len() {
        let mut torn = whole.clone();
        torn[place] ^= 0x41;
        std::fs::write(&path, &torn).unwrap();
        let guard = opened(&path);
        assert!((7..=8).contains(&guard.generation()), "byte {place}");
        assert!(guard.highest(&provider.lane) >= Some(height(107)), "byte {place}");
        assert_eq!(guard.id(), ID);
    }
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        match Guard::open(&path) {
            Ok(guard) => assert!(length >= 64 && guard.unwrap().generation() >= 7),
            Err(GuardError::Damaged { .. }) => assert!(length < 128, "{length}"),
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn file_of_something_else_is_no_guard() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("guard");
    for content in [b"".to_vec(), vec![0; 64], vec![0xff; 1000], b"SQLite format 3\0".repeat(100)] {
        std::fs::write(&path, &content).unwrap();
        let error = Guard::open(&path).unwrap_err();
        assert!(error.to_string().contains("is not a guard"), "{error}");
    }
    assert!(matches!(Guard::open(folder.path()), Err(GuardError::File { .. })));
}
