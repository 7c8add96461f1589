//! From the daemon's database to a store.

use std::io::Cursor;

use super::reference::REFERENCE;
use crate::import::{Database, ImportError, interchange};
use crate::protection::{MemoryStore, Store as _};

#[test]
fn records_of_the_daemon_protect_here() {
    let mut database = Database::from_reader(Cursor::new(REFERENCE)).unwrap();
    let all: Vec<_> = database.sign_records().unwrap().map(Result::unwrap).collect();
    let read = interchange(&mut database).unwrap();
    assert_eq!(read.lanes.iter().map(|lane| lane.records.len()).sum::<usize>(), all.len());
    assert!(read.lanes.len() > 3 && read.lanes.is_sorted_by_key(|history| history.lane.clone()));
    let store = MemoryStore::default();
    let merged = read.clone().import(&store).unwrap();
    for ((lane, changed), history) in merged.iter().zip(&read.lanes) {
        assert_eq!((lane, changed.contradicted.len()), (&history.lane, 0));
        assert_eq!(changed.records, u64::try_from(history.records.len()).unwrap());
        let highest = history.records.last().map(|record| record.height);
        assert_eq!(changed.watermarks.low, highest);
        let kept = store.records(lane, finality::ConsumerHeight(0), 1000).unwrap();
        assert_eq!(kept, history.records);
    }
    // It travels in the file too.
    let again = crate::interchange::Interchange::from_json(&read.to_json()).unwrap();
    assert_eq!(again, read);
}

/// Half of the records are no protection: nothing is returned.
#[test]
fn damaged_database_is_not_imported_in_part() {
    let mut cut = REFERENCE.to_vec();
    // The last page that is in use: its checksum-free content is overwritten.
    let from = cut.len() - 4096 * 8;
    cut[from..].fill(0xff);
    let refused = Database::from_reader(Cursor::new(cut)).map_or(true, |mut database| {
        matches!(interchange(&mut database), Err(ImportError::Read(_) | ImportError::Record(_)))
    });
    assert!(refused);
}
