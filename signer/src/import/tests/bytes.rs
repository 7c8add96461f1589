//! Every byte of small files, changed: an error or entries, in bounded time.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::encoder::{BUCKET, VALUE, Writer, bucket, inline, leaf, pairs};
use super::reference::REFERENCE;
use super::{Counted, read};
use crate::import::{Database, DatabaseError};

/// What came of the changes.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Outcomes {
    not_opened: u32,
    failed: u32,
    read: u32,
    /// Which bytes, changed, hid entries without a word.
    hidden: BTreeSet<usize>,
}

/// Reads everything that can be found in `file`, and checks that it is in order and that no page is read
/// twice.
fn read_all(file: Vec<u8>, outcomes: &mut Outcomes) {
    let length = file.len() as u64;
    let file = Counted::new(file);
    let bytes_read = Rc::clone(&file.read);
    let mut database = match Database::from_reader(file) {
        Ok(database) => database,
        Err(DatabaseError::NoMeta { .. } | DatabaseError::Truncated { .. }) => {
            outcomes.not_opened += 1;
            return;
        }
        Err(other) => panic!("{other}"),
    };
    let mut all_read = true;
    let names = database.bucket_names().unwrap_or_else(|_| {
        all_read = false;
        vec![b"b".to_vec(), b"small".to_vec(), b"signRecord".to_vec()]
    });
    for path in names.iter().flat_map(|name| [vec![name.as_slice()], vec![name.as_slice(), b"inner"]]) {
        bytes_read.set(0);
        match read(&mut database, &path) {
            Ok(entries) => assert!(entries.is_sorted_by(|before, after| before.0 < after.0)),
            Err(error) => {
                assert!(!error.to_string().is_empty());
                // The name that is tried everywhere is only in one bucket.
                all_read &= path.len() == 2;
            }
        }
        // A page that is refused is read once more before it is.
        let read = bytes_read.get();
        assert!(read <= length + 65536, "{read} bytes read of {length}");
    }
    if let Ok(records) = database.sign_records() {
        all_read &= records.fold(true, |good, record| good & record.is_ok());
    }
    if all_read { outcomes.read += 1 } else { outcomes.failed += 1 }
}

/// Returns whether a bucket is read without an error, but has not as many entries as it should.
fn hides(file: &[u8], counts: &[(&[u8], usize)]) -> bool {
    let Ok(mut database) = Database::from_reader(Counted::new(file.to_vec())) else { return false };
    database.damaged_meta().is_none()
        && counts.iter().any(|(bucket, count)| {
            read(&mut database, &[bucket]).is_ok_and(|entries| entries.len() != *count)
        })
}

/// Returns what comes of changing each byte of `file` in turn, at the places that `among` picks, where the
/// buckets have these numbers of entries.
fn change_each(file: &[u8], counts: &[(&[u8], usize)], among: impl Fn(usize) -> bool) -> Outcomes {
    assert!(!hides(file, counts));
    let mut outcomes = Outcomes::default();
    for at in (0..file.len()).filter(|at| among(*at)) {
        let byte = file[at];
        for with in [byte ^ 1, byte ^ 0x80, !byte, byte.wrapping_add(1), byte.wrapping_sub(1), 0, 2] {
            if with != byte {
                let mut changed = file.to_vec();
                changed[at] = with;
                if hides(&changed, counts) {
                    outcomes.hidden.insert(at);
                }
                read_all(changed, &mut outcomes);
            }
        }
    }
    outcomes
}

#[test]
fn every_byte_of_a_small_file() {
    let mut writer = Writer::new(1024);
    let root = writer.tree(&pairs(30, 40));
    let nested = writer.add(leaf(&[(BUCKET, b"inner", &inline(&leaf(&[(VALUE, b"x", b"y")])))]));
    let small = inline(&leaf(&[(VALUE, b"x", b"y")]));
    let file =
        writer.with_buckets(&[(b"b", &bucket(root)), (b"nested", &bucket(nested)), (b"small", &small)]);
    let top = file.len() - 2048;
    let counts: [(&[u8], usize); 3] = [(b"b", 30), (b"nested", 1), (b"small", 1)];
    let outcomes = change_each(&file, &counts, |_| true);
    // Each meta page has a good one beside it, so the file is always opened.
    assert!(outcomes.not_opened == 0 && outcomes.failed > 2000 && outcomes.read > 10_000, "{outcomes:?}");
    // What is not seen is the number of a root page that leads to another page: in the values of the first
    // two of three buckets, behind the header, the list of elements and their names.
    let values = top + 16 + 3 * 16;
    assert_eq!(outcomes.hidden, BTreeSet::from([values + 1, values + 1 + 16 + 6]));

    // Without meta page 0, changes of the other are seen.
    let mut one_meta = file;
    one_meta[16..80].fill(0);
    let outcomes = change_each(&one_meta, &[], |at| (1024 + 16..1024 + 80).contains(&at));
    assert!(outcomes.not_opened > 300 && outcomes.failed == 0 && outcomes.read == 0, "{outcomes:?}");
}

#[test]
fn bytes_of_the_reference() {
    // Of the pages in use: the header, the first elements of the list, and a stretch that reaches the data.
    let among = |at: usize| at < 13 * 4096 && (at % 4096 < 100 || at % 4096 / 8 == 40);
    let outcomes = change_each(REFERENCE, &[(b"fpKeyNames", 3), (b"signRecord", 67)], among);
    assert!(outcomes.failed > 3000 && outcomes.read > 3000, "{outcomes:?}");
    assert_eq!(outcomes.hidden, BTreeSet::new());
}

#[test]
fn bytes_that_are_no_database() {
    let mut outcomes = Outcomes::default();
    for length in [0, 1, 79, 80, 1024, 4096, 5000, 8192, 200_000] {
        for byte in [0, 1, 0xed, 0xff] {
            read_all(vec![byte; length], &mut outcomes);
        }
    }
    assert_eq!((outcomes.not_opened, outcomes.failed, outcomes.read), (36, 0, 0));
}
