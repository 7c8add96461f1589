//! Good files of every shape are read as they were written.

use std::rc::Rc;

use super::encoder::{BUCKET, Pair, VALUE, Writer, branch, bucket, database, inline, leaf, pairs};
use super::{Counted, open, read};
use crate::import::{Database, Entry, ReadError};

#[test]
fn buckets_of_no_and_of_one_record() {
    for page_size in [4096, 16384] {
        let one = vec![(b"k".to_vec(), b"v".to_vec())];
        assert_eq!(read(&mut open(database(page_size, &[])), &[b"b"]).unwrap(), []);
        assert_eq!(read(&mut open(database(page_size, &one)), &[b"b"]).unwrap(), one);
        let file = Writer::new(page_size).with_buckets(&[
            (b"empty", &inline(&leaf(&[]))),
            (b"one", &inline(&leaf(&[(VALUE, b"k", b"v")]))),
        ]);
        let mut database = open(file);
        assert_eq!(read(&mut database, &[b"empty"]).unwrap(), []);
        assert_eq!(read(&mut database, &[b"one"]).unwrap(), one);
        assert_eq!(database.bucket_names().unwrap(), [b"empty".to_vec(), b"one".to_vec()]);
    }
}

#[test]
fn a_database_of_no_buckets() {
    let mut database = open(Writer::new(4096).with_buckets(&[]));
    assert_eq!(database.bucket_names().unwrap(), [] as [Vec<u8>; 0]);
    let error = read(&mut database, &[b"sign\xffRecord"]).unwrap_err();
    assert_eq!(error.to_string(), "the database has no bucket sign\\xffRecord");
}

#[test]
fn trees_of_one_to_four_levels() {
    // At 100 bytes of data an element, a page of 1024 bytes has 8 entries, and a branch page 36 children.
    for page_size in [1024, 4096, 16384, 65536] {
        for count in [2, 8, 9, 40, 400, 20_000] {
            let written = pairs(count, 88);
            let file = database(page_size, &written);
            let length = file.len() as u64;
            let file = Counted::new(file);
            let bytes_read = Rc::clone(&file.read);
            let mut database = Database::from_reader(file).unwrap();
            assert_eq!(read(&mut database, &[b"b"]).unwrap(), written, "{count} of {page_size}");
            // Every page is read once, and the meta pages' first 80 bytes: no page twice.
            assert!(bytes_read.get() <= length, "{count} of {page_size}");
        }
    }
}

#[test]
fn values_of_any_length_beside_each_other() {
    for page_size in [4096, 16384] {
        let lengths = [0, 1, page_size - 49, page_size, 3 << 20, 0, 17, (3 << 20) + 1, 5 * page_size];
        let written: Vec<Pair> =
            (1..).zip(lengths).map(|(number, length)| (vec![number], vec![number ^ 0x55; length])).collect();
        assert_eq!(read(&mut open(database(page_size, &written)), &[b"b"]).unwrap(), written);
    }
}

#[test]
fn the_longest_keys() {
    let written: Vec<Pair> =
        (0..40).map(|number| ([vec![b'k'; 32767], vec![number]].concat(), vec![number])).collect();
    assert_eq!(read(&mut open(database(4096, &written)), &[b"b"]).unwrap(), written);
}

#[test]
fn buckets_in_buckets() {
    let mut writer = Writer::new(4096);
    let inner = writer.tree(&pairs(300, 60));
    let small = inline(&leaf(&[(VALUE, b"x", b"y")]));
    let outer = writer.add(leaf(&[
        (BUCKET, b"inner", &bucket(inner)),
        (BUCKET, b"small", &small),
        (VALUE, b"z", b"value"),
    ]));
    let mut database = open(writer.with_buckets(&[(b"outer", &bucket(outer))]));
    assert_eq!(read(&mut database, &[b"outer", b"inner"]).unwrap(), pairs(300, 60));
    assert_eq!(read(&mut database, &[b"outer", b"small"]).unwrap(), [(b"x".to_vec(), b"y".to_vec())]);
    let entries: Vec<_> = database.entries(&[b"outer"]).unwrap().map(Result::unwrap).collect();
    assert_eq!(
        entries,
        [
            Entry::Bucket { name: b"inner".to_vec() },
            Entry::Bucket { name: b"small".to_vec() },
            Entry::Value { key: b"z".to_vec(), value: b"value".to_vec() },
        ]
    );
    assert_eq!(read(&mut database, &[]).unwrap(), [(b"outer".to_vec(), b"(bucket)".to_vec())]);
    let error = read(&mut database, &[b"outer", b"z"]).unwrap_err();
    assert!(matches!(error, ReadError::NotABucket { ref name } if name == b"z"), "{error}");
}

#[test]
fn the_first_error_is_the_last_item() {
    let mut writer = Writer::new(4096);
    let good = writer.tree(&pairs(1, 1));
    let root = writer.add(branch(&[(b"key-0", good), (b"l", 99), (b"m", 98)]));
    let mut database = open(writer.with_buckets(&[(b"b", &bucket(root))]));
    let mut entries = database.entries(&[b"b"]).unwrap();
    assert!(matches!(entries.next(), Some(Ok(_))));
    assert!(matches!(entries.next(), Some(Err(_))));
    assert!(entries.next().is_none() && entries.next().is_none());
}

#[test]
fn many_buckets_at_the_top() {
    let mut writer = Writer::new(1024);
    let names: Vec<Vec<u8>> = pairs(100, 0).into_iter().map(|(name, _)| name).collect();
    let small = inline(&leaf(&[(VALUE, b"x", b"y")]));
    let level: Vec<(&[u8], u64)> = names
        .chunks(10)
        .map(|names| {
            let buckets: Vec<_> =
                names.iter().map(|name| (BUCKET, name.as_slice(), small.as_slice())).collect();
            (names[0].as_slice(), writer.add(leaf(&buckets)))
        })
        .collect();
    let root = writer.add(branch(&level));
    let mut database = open(writer.finish(root));
    assert_eq!(database.bucket_names().unwrap(), names);
    assert_eq!(read(&mut database, &[&names[57]]).unwrap(), [(b"x".to_vec(), b"y".to_vec())]);
}
