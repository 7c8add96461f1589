//! Meta pages, whole files, and the lock.

use std::fs::File;

use tempfile::TempDir;

use super::encoder::{database, pairs, seal};
use super::{Counted, open, read};
use crate::import::{Database, DatabaseError, MetaFault, ReadError};

/// Where meta pages have what, from the start of the page.
const MAGIC: usize = 16;
const VERSION: usize = 20;
const PAGE_SIZE: usize = 24;
const HIGH_WATER: usize = 56;
const TRANSACTION_ID: usize = 64;
const CHECKSUM: usize = 72;

fn refused(bytes: Vec<u8>) -> DatabaseError {
    Database::from_reader(Counted::new(bytes)).unwrap_err()
}

/// Returns a good file with meta page `page` changed at `field`, and `sealed` with a checksum that fits.
fn changed(page: usize, field: usize, with: &[u8], sealed: bool) -> Vec<u8> {
    let mut file = database(4096, &pairs(3, 3));
    let at = page * 4096;
    file[at + field..at + field + with.len()].copy_from_slice(with);
    if sealed {
        seal(&mut file, at);
    }
    file
}

#[test]
fn the_later_of_two_good_meta_pages_counts() {
    for page_size in [4096, 16384] {
        let mut file = database(page_size, &pairs(3, 3));
        let mut newer_second = open(file.clone());
        assert_eq!(newer_second.damaged_meta(), None);
        assert_eq!(read(&mut newer_second, &[b"b"]).unwrap(), pairs(3, 3));
        // Meta page 0, of an empty database, becomes the later one.
        file[TRANSACTION_ID..TRANSACTION_ID + 8].copy_from_slice(&8_u64.to_le_bytes());
        seal(&mut file, 0);
        let mut newer_first = open(file);
        assert_eq!(newer_first.damaged_meta(), None);
        assert!(matches!(read(&mut newer_first, &[b"b"]), Err(ReadError::NoBucket { .. })));
    }
}

#[test]
fn a_torn_meta_page_leaves_the_other() {
    for page_size in [1024, 4096, 16384, 65536] {
        let mut file = database(page_size, &pairs(3, 3));
        file[CHECKSUM] ^= 1;
        let mut second_left = open(file.clone());
        assert!(matches!(second_left.damaged_meta(), Some(MetaFault::Checksum { .. })));
        assert_eq!(read(&mut second_left, &[b"b"]).unwrap(), pairs(3, 3));

        file[page_size + CHECKSUM] ^= 1;
        let error = refused(file.clone());
        assert!(
            matches!(
                error,
                DatabaseError::NoMeta {
                    first: MetaFault::Checksum { .. },
                    second: MetaFault::Checksum { .. }
                }
            ),
            "{error}"
        );

        file[CHECKSUM] ^= 1;
        let mut first_left = open(file);
        assert!(matches!(first_left.damaged_meta(), Some(MetaFault::Checksum { .. })));
        assert!(matches!(read(&mut first_left, &[b"b"]), Err(ReadError::NoBucket { .. })));
    }
}

#[test]
fn a_meta_page_says_what_is_wrong_with_it() {
    let fault = |field, with: &[u8], sealed| open(changed(1, field, with, sealed)).damaged_meta().unwrap();
    assert_eq!(fault(MAGIC, &[0; 4], false), MetaFault::Magic { found: 0 });
    assert_eq!(fault(VERSION, &[3], false), MetaFault::Version { found: 3 });
    assert!(matches!(fault(HIGH_WATER, &[99], false), MetaFault::Checksum { .. }));
    for size in [0_u32, 1, 512, 4095, 4097, 1 << 17, 1 << 31, u32::MAX] {
        assert_eq!(fault(PAGE_SIZE, &size.to_le_bytes(), true), MetaFault::PageSize { found: size });
    }
    let moved = fault(PAGE_SIZE, &8192_u32.to_le_bytes(), true);
    assert_eq!(moved, MetaFault::Misplaced { found: 8192, position: 4096 });
    // With meta page 0 damaged as well, meta page 1 is sought at every page size.
    let mut file = database(4096, &pairs(3, 3));
    file[MAGIC] ^= 1;
    file[4096 + MAGIC] ^= 1;
    let error = refused(file);
    assert_eq!(
        error.to_string(),
        "not a bbolt database, or a damaged one: meta page 0: magic number is ed0cdaec; must be ed0cdaed; \
         meta page 1: not found at any page size from 1024 to 65536"
    );
}

#[test]
fn the_last_page_must_be_in_the_file() {
    let file = database(4096, &pairs(200, 60));
    for length in 0..file.len() {
        // Every length near a boundary, and some of the others.
        if length % 4096 > 90 && length % 4096 < 4090 && length % 97 != 0 {
            continue;
        }
        let error = refused(file[..length].to_vec());
        match length {
            0..80 => assert!(
                matches!(
                    error,
                    DatabaseError::NoMeta { first: MetaFault::Short, second: MetaFault::NotFound }
                ),
                "{length}: {error}"
            ),
            _ => assert!(matches!(error, DatabaseError::Truncated { found, .. } if found == length as u64)),
        }
    }
    // What bbolt allocates ahead is behind the last page.
    let mut longer = file.clone();
    longer.resize(file.len() + 100_000, 0);
    assert_eq!(read(&mut open(longer), &[b"b"]).unwrap(), pairs(200, 60));
    // The product with the page size has more than 64 bits.
    let error = refused(changed(1, HIGH_WATER, &u64::MAX.to_le_bytes(), true));
    assert!(matches!(error, DatabaseError::Truncated { pages: u64::MAX, page_size: 4096, .. }), "{error}");
}

/// Returns a directory with a good database in it, and its path.
fn on_disk() -> (TempDir, std::path::PathBuf) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("eots.db");
    std::fs::write(&path, database(4096, &pairs(200, 60))).unwrap();
    (directory, path)
}

#[test]
fn a_database_in_use_is_refused() {
    let (_directory, path) = on_disk();
    let daemon = File::options().read(true).write(true).open(&path).unwrap();
    daemon.try_lock().unwrap();
    let error = Database::open(&path).unwrap_err();
    assert!(matches!(error, DatabaseError::InUse), "{error}");
    assert_eq!(error.to_string(), "the database is in use by another process; stop the daemon");
    drop(daemon);
    assert_eq!(read(&mut Database::open(&path).unwrap(), &[b"b"]).unwrap(), pairs(200, 60));
}

#[test]
fn the_lock_is_kept_as_long_as_the_database() {
    let (_directory, path) = on_disk();
    let daemon = File::options().read(true).write(true).open(&path).unwrap();
    let mut database = Database::open(&path).unwrap();
    assert_eq!(read(&mut database, &[b"b"]).unwrap(), pairs(200, 60));
    assert!(daemon.try_lock().is_err());
    // Another reader is no danger.
    let second = Database::open(&path).unwrap();
    drop(database);
    assert!(daemon.try_lock().is_err());
    drop(second);
    daemon.try_lock().unwrap();
}

#[test]
fn only_a_file_is_opened() {
    let (directory, path) = on_disk();
    assert!(matches!(Database::open(directory.path()), Err(DatabaseError::NotAFile)));
    assert!(matches!(Database::open(path.with_extension("none")), Err(DatabaseError::Io(_))));
    #[cfg(unix)]
    assert!(matches!(Database::open("/dev/zero"), Err(DatabaseError::NotAFile)));
}

#[test]
fn a_file_cut_while_it_is_read() {
    let (_directory, path) = on_disk();
    let mut database = Database::open(&path).unwrap();
    let cut = File::options().write(true).open(&path).unwrap();
    cut.set_len(2 * 4096 + 100).unwrap();
    let error = read(&mut database, &[b"b"]).unwrap_err();
    assert!(
        matches!(&error, ReadError::Io { source, .. } if source.kind() == std::io::ErrorKind::UnexpectedEof)
    );
}
