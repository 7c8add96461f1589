//! What every store does. Each case has a database of its own, which it opens as often as it likes.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::{FIRST, OTHER, Random, SECOND, put, rows, try_rows};
use crate::{ChangeSet, MOST_KEY_BYTES, MOST_VALUE_BYTES, Schema, Store, StoreError};

/// Opens one database.
pub(super) type Open<'a> = dyn Fn(&Schema) -> Result<Box<dyn Store>, StoreError> + 'a;

type Case = fn(&Open<'_>);

/// Runs all cases, each on the database that its name is given.
pub(super) fn suite(database: &dyn Fn(&str) -> Box<Open<'static>>) {
    let cases: [(&str, Case); 11] = [
        ("changes", changes_are_read_back),
        ("prefixes", scans_are_in_order_and_of_their_prefix),
        ("early_end", scans_end_when_they_are_told),
        ("last_one", last_change_of_a_key_counts),
        ("all_or_none", refused_changes_change_nothing),
        ("unknown", unknown_tables_are_refused),
        ("sizes", keys_and_values_of_every_size_are_kept),
        ("model", store_is_as_its_model),
        ("many", many_rows_are_scanned),
        ("next", keys_next_to_one_another_are_scanned),
        ("versions", earlier_versions_get_their_tables_and_later_ones_are_refused),
    ];
    for (name, case) in cases {
        println!("{name}");
        case(&*database(name));
    }
}

/// Opens a store that leads.
pub(super) fn leading(open: &Open<'_>, schema: &Schema) -> Box<dyn Store> {
    let mut store = open(schema).unwrap();
    // Where a server takes the lead from the one before, that may take a moment.
    for _ in 0..500 {
        if store.try_lead().unwrap() {
            return store;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("it does not lead");
}

fn changes_are_read_back(open: &Open<'_>) {
    let mut store = leading(open, &FIRST);
    assert_eq!((store.get("stakes", b"a").unwrap(), store.count("stakes").unwrap()), (None, 0));
    store.apply(&ChangeSet::new()).unwrap();
    let mut changes = ChangeSet::new();
    changes.put("stakes", b"a", b"one").put("order", b"a", b"two").put("stakes", b"b", b"three");
    store.apply(&changes).unwrap();
    assert_eq!(store.get("stakes", b"a").unwrap().unwrap(), b"one");
    assert_eq!(store.get("order", b"a").unwrap().unwrap(), b"two");
    assert_eq!((store.count("stakes").unwrap(), store.count("order").unwrap()), (2, 1));
    // What is there already, and what is not there.
    let mut changes = put("stakes", b"a", b"four");
    changes.delete("order", b"a").delete("order", b"never");
    for _ in 0..2 {
        store.apply(&changes).unwrap();
        assert_eq!(store.get("stakes", b"a").unwrap().unwrap(), b"four");
        assert_eq!((store.get("order", b"a").unwrap(), store.count("stakes").unwrap()), (None, 2));
    }
    assert!(store.try_lead().unwrap());
    drop(store);
    let expected = [(b"a".to_vec(), b"four".to_vec()), (b"b".to_vec(), b"three".to_vec())];
    let mut store = leading(open, &FIRST);
    assert_eq!(rows(&mut *store, "stakes", b""), expected);
    assert_eq!(rows(&mut *store, "order", b""), []);
    assert_eq!(store.get("stakes", b"b").unwrap().unwrap(), b"three");
}

/// Keys at which ends of prefixes go wrong.
fn odd_keys() -> Vec<Vec<u8>> {
    let mut keys = vec![vec![]];
    let bytes = [0, 1, 0x7f, 0x80, 0xfe, 0xff];
    for length in 0..3 {
        let longer: Vec<_> = keys
            .iter()
            .filter(|key: &&Vec<u8>| key.len() == length)
            .flat_map(|key| bytes.map(|byte| [key.as_slice(), &[byte]].concat()))
            .collect();
        keys.extend(longer);
    }
    keys
}

fn scans_are_in_order_and_of_their_prefix(open: &Open<'_>) {
    let mut store = leading(open, &FIRST);
    let keys = odd_keys();
    let mut changes = ChangeSet::new();
    // The empty key has an empty value.
    keys.iter().for_each(|key| {
        changes.put("order", key.clone(), key.clone()).put("stakes", key.clone(), b"other");
    });
    store.apply(&changes).unwrap();
    let mut sorted = keys.clone();
    sorted.sort();
    for prefix in &keys {
        let expected =
            sorted.iter().filter(|key| key.starts_with(prefix)).map(|key| (key.clone(), key.clone()));
        assert_eq!(rows(&mut *store, "order", prefix), expected.collect::<Vec<_>>(), "{prefix:02x?}");
        assert_eq!(store.get("order", prefix).unwrap().as_ref(), Some(prefix));
    }
    assert_eq!(rows(&mut *store, "order", &[2]), []);
    assert_eq!(rows(&mut *store, "order", &[0xff; 4]), []);
    assert_eq!(rows(&mut *store, "order", &[0xff; 2000]), []);
    assert_eq!(store.get("order", &[0xff; 2000]).unwrap(), None);
}

fn scans_end_when_they_are_told(open: &Open<'_>) {
    let mut store = leading(open, &FIRST);
    let mut changes = ChangeSet::new();
    (0..3000_u16).for_each(|number| {
        changes.put("stakes", number.to_be_bytes(), vec![1; 300]);
    });
    store.apply(&changes).unwrap();
    for wanted in [1, 2, 999, 1000, 1001, 2999] {
        let mut seen = 0;
        store
            .scan("stakes", b"", &mut |_, _| {
                seen += 1;
                if seen == wanted { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .unwrap();
        assert_eq!(seen, wanted);
        // It can be written to and read at once.
        store.apply(&put("order", b"seen", &[1])).unwrap();
        assert_eq!(store.count("stakes").unwrap(), 3000);
    }
}

fn last_change_of_a_key_counts(open: &Open<'_>) {
    let mut store = leading(open, &FIRST);
    let mut changes = ChangeSet::new();
    changes.put("stakes", b"a", b"1").delete("stakes", b"a").put("stakes", b"a", b"2");
    changes.put("stakes", b"b", b"1").delete("stakes", b"b");
    let mut later = put("stakes", b"c", b"2");
    later.put("stakes", b"b", b"2").delete("stakes", b"a");
    assert_eq!((changes.len(), changes.iter().count(), later.len()), (2, 2, 3));
    store.apply(&changes).unwrap();
    assert_eq!(rows(&mut *store, "stakes", b""), [(b"a".to_vec(), b"2".to_vec())]);
    changes.put("stakes", b"c", b"1").merge(later);
    store.apply(&changes).unwrap();
    let expected = [(b"b".to_vec(), b"2".to_vec()), (b"c".to_vec(), b"2".to_vec())];
    assert_eq!(rows(&mut *store, "stakes", b""), expected);
}

fn refused_changes_change_nothing(open: &Open<'_>) {
    let mut store = leading(open, &FIRST);
    store.apply(&put("stakes", b"a", b"1")).unwrap();
    let mut changes = put("stakes", b"a", b"2");
    changes.put("stakes", b"b", b"2").delete("order", b"x");
    for refused in [
        put("headers", b"a", b"2"),
        put("stakes", &[1; MOST_KEY_BYTES + 1], b"2"),
        put("stakes", b"z", &vec![1; MOST_VALUE_BYTES + 1]),
    ] {
        let mut all = changes.clone();
        all.merge(refused);
        let error = store.apply(&all).unwrap_err();
        assert!(matches!(error, StoreError::UnknownTable { .. } | StoreError::TooLong { .. }), "{error}");
        assert_eq!(rows(&mut *store, "stakes", b""), [(b"a".to_vec(), b"1".to_vec())]);
    }
    store.apply(&changes).unwrap();
    assert_eq!(store.count("stakes").unwrap(), 2);
}

fn unknown_tables_are_refused(open: &Open<'_>) {
    let mut store = leading(open, &FIRST);
    for table in ["headers", "", "Stakes", "stakes\"; DROP TABLE stakes; --", "sqlite_schema", "_store"] {
        for error in [
            store.get(table, b"").unwrap_err(),
            store.count(table).unwrap_err(),
            try_rows(&mut *store, table, b"").unwrap_err(),
        ] {
            assert!(
                matches!(&error, StoreError::UnknownTable { table: found, .. } if found == table),
                "{error}"
            );
        }
    }
}

fn keys_and_values_of_every_size_are_kept(open: &Open<'_>) {
    let mut store = leading(open, &FIRST);
    let sizes = [0, 1, 200, 4096, 70_000, 1 << 20, MOST_VALUE_BYTES];
    let mut changes = ChangeSet::new();
    for size in sizes {
        let size_bytes = u64::try_from(size).unwrap().to_be_bytes();
        changes.put("stakes", size_bytes, vec![7; size]);
    }
    changes.put("order", vec![0xff; MOST_KEY_BYTES], vec![0xff; 3]);
    changes.put("order", vec![0xff; MOST_KEY_BYTES - 1], b"");
    store.apply(&changes).unwrap();
    drop(store);
    let mut store = leading(open, &FIRST);
    let lengths: Vec<_> = rows(&mut *store, "stakes", b"").iter().map(|(_, value)| value.len()).collect();
    assert_eq!(lengths, sizes);
    for size in sizes {
        let value = store.get("stakes", &u64::try_from(size).unwrap().to_be_bytes()).unwrap().unwrap();
        assert!(value.len() == size && value.iter().all(|byte| *byte == 7), "{size}");
    }
    let found = rows(&mut *store, "order", &[0xff; MOST_KEY_BYTES - 1]);
    assert_eq!(found.iter().map(|(_, value)| value.len()).collect::<Vec<_>>(), [0, 3]);
}

/// Random change sets beside a map, with the store opened anew between them.
fn store_is_as_its_model(open: &Open<'_>) {
    let mut random = Random(7);
    let mut model = BTreeMap::new();
    let mut store = leading(open, &FIRST);
    for round in 0..60 {
        let mut changes = ChangeSet::new();
        for _ in 0..random.below(40) {
            let length = random.below(4);
            let key: Vec<u8> = (0..length).map(|_| random.one(&[0, 1, 0xfe, 0xff])).collect();
            if random.below(3) == 0 {
                changes.delete("stakes", key.clone());
                model.remove(&key);
            } else {
                let value = vec![round; random.one(&[0, 1, 20, 50])];
                changes.put("stakes", key.clone(), value.clone());
                model.insert(key, value);
            }
        }
        store.apply(&changes).unwrap();
        if random.below(4) == 0 {
            drop(store);
            store = leading(open, &FIRST);
        }
        assert_eq!(rows(&mut *store, "stakes", b""), model.clone().into_iter().collect::<Vec<_>>());
        assert_eq!(usize::try_from(store.count("stakes").unwrap()).unwrap(), model.len());
    }
}

fn many_rows_are_scanned(open: &Open<'_>) {
    const ROWS: u64 = 20_000;
    let mut store = leading(open, &FIRST);
    let key = |number: u64| [number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes(), [3; 8]].concat();
    for part in [0..ROWS / 2, ROWS / 2..ROWS] {
        let mut changes = ChangeSet::new();
        part.for_each(|number| {
            changes.put("stakes", key(number), number.to_be_bytes());
        });
        store.apply(&changes).unwrap();
    }
    let found = rows(&mut *store, "stakes", b"");
    assert!(found.is_sorted() && store.count("stakes").unwrap() == ROWS);
    assert!(
        found.iter().all(|(found, value)| *found == key(u64::from_be_bytes(value[..].try_into().unwrap())))
    );
    let of_prefix = found.iter().filter(|(key, _)| key[0] == 0x80).cloned().collect::<Vec<_>>();
    assert_eq!(rows(&mut *store, "stakes", &[0x80]), of_prefix);
    let mut changes = ChangeSet::new();
    (0..ROWS).filter(|number| number % 2 == 0).for_each(|number| {
        changes.delete("stakes", key(number));
    });
    store.apply(&changes).unwrap();
    assert_eq!(store.count("stakes").unwrap(), ROWS / 2);
}

/// However a scan is cut into parts, some of them end between a key and the very next one.
fn keys_next_to_one_another_are_scanned(open: &Open<'_>) {
    let mut store = leading(open, &FIRST);
    let number = |number: u16| number.to_be_bytes();
    let expected: Vec<_> = (0..4000)
        .flat_map(|at| ["", "\0", "\0\0"].map(|end| ([&number(at), end.as_bytes()].concat(), vec![])))
        .collect();
    let mut changes = ChangeSet::new();
    expected.iter().for_each(|(key, _)| {
        changes.put("stakes", key.clone(), b"");
    });
    store.apply(&changes).unwrap();
    assert!(rows(&mut *store, "stakes", b"") == expected);
}

fn earlier_versions_get_their_tables_and_later_ones_are_refused(open: &Open<'_>) {
    let mut store = leading(open, &FIRST);
    store.apply(&put("stakes", b"a", b"1")).unwrap();
    drop(store);
    let refused = open(&OTHER).map(|_| ());
    // In PostgreSQL another program has a schema of its own.
    assert!(matches!(refused, Ok(()) | Err(StoreError::Other { .. })), "{refused:?}");
    for _ in 0..2 {
        let mut store = leading(open, &SECOND);
        store.apply(&put("tips", b"b", b"2")).unwrap();
        assert_eq!(rows(&mut *store, "stakes", b""), [(b"a".to_vec(), b"1".to_vec())]);
    }
    for _ in 0..2 {
        let refused = open(&FIRST).map(|_| ()).unwrap_err();
        assert!(matches!(refused, StoreError::Later { found: 2, most: 1, .. }), "{refused}");
    }
    let mut store = leading(open, &SECOND);
    assert_eq!(rows(&mut *store, "tips", b""), [(b"b".to_vec(), b"2".to_vec())]);
}
