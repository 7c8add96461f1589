//! The database that bbolt wrote (see `fixtures/README.md`), entry by entry.

use std::io::Cursor;

use serde_json::Value;

use super::read;
use crate::import::{Database, NamedKey, SignRecord};

pub(super) const REFERENCE: &[u8] = include_bytes!("../../../fixtures/reference.db");
const ENTRIES: &str = include_str!("../../../fixtures/reference.json");

fn bytes(entry: &Value, field: &str) -> Vec<u8> {
    hex::decode(entry[field].as_str().unwrap()).unwrap()
}

fn listed(bucket: &str) -> Vec<Value> {
    let entries: Value = serde_json::from_str(ENTRIES).unwrap();
    assert_eq!(entries.as_object().unwrap().len(), 2);
    entries[bucket].as_array().unwrap().clone()
}

fn database() -> Database<Cursor<&'static [u8]>> {
    Database::from_reader(Cursor::new(REFERENCE)).unwrap()
}

#[test]
fn entries_are_as_bbolt_reads_them() {
    let mut database = database();
    assert_eq!(database.damaged_meta(), None);
    assert_eq!(database.bucket_names().unwrap(), [b"fpKeyNames".to_vec(), b"signRecord".to_vec()]);
    for (bucket, count) in [("fpKeyNames", 3), ("signRecord", 67)] {
        let expected: Vec<_> =
            listed(bucket).iter().map(|entry| (bytes(entry, "key"), bytes(entry, "value"))).collect();
        assert_eq!(expected.len(), count);
        assert_eq!(read(&mut database, &[bucket.as_bytes()]).unwrap(), expected);
    }
}

#[test]
fn records_are_as_they_were_made() {
    let mut database = database();
    let records: Vec<SignRecord> = database.sign_records().unwrap().map(Result::unwrap).collect();
    let listed = listed("signRecord");
    assert_eq!(records.len(), listed.len());
    for (record, entry) in records.iter().zip(&listed) {
        assert_eq!(record.chain_id, bytes(entry, "chain_id"));
        assert_eq!(record.public_key.serialize().as_slice(), bytes(entry, "public_key"));
        assert_eq!(record.height, entry["height"].as_u64().unwrap());
        assert_eq!(record.message, bytes(entry, "message"));
        assert_eq!(record.signature.as_slice(), bytes(entry, "signature"));
        assert_eq!(record.timestamp_ms, entry["timestamp_ms"].as_i64().unwrap());
    }
    // What the fixture is for.
    let has = |what: fn(&SignRecord) -> bool| records.iter().any(what);
    assert!(has(|record| record.height == 0) && has(|record| record.height == u64::MAX));
    assert!(has(|record| record.chain_id.is_empty()) && has(|record| record.message.is_empty()));
    assert!(has(|record| record.chain_id == [0xff, 0xfe, 0x00, 0x80]));
    assert!(has(|record| record.message.len() == 5000) && has(|record| record.timestamp_ms == 0));
}

#[test]
fn names_are_as_they_were_made() {
    let names: Vec<NamedKey> = database().key_names().unwrap().map(Result::unwrap).collect();
    let names: Vec<_> = names.iter().map(|name| name.name.as_str()).collect();
    assert_eq!(names, ["alice", "bob", "carol-é"]);
}
