//! What another signer brings: an interchange file, and the reference daemon's database.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use signer::import::{Database, interchange};
use signer::interchange::Interchange;
use signer::protection::{MemoryStore, Store};

#[derive(Arbitrary, Debug)]
enum Input {
    Json(String),
    /// A database, with the places of these bytes changed, where it is a copy of a good one.
    Database(Vec<u8>),
    Changed(Vec<(u16, u8)>),
}

/// A database as the daemon writes it.
const GOOD: &[u8] = include_bytes!("../../signer/fixtures/reference.db");

/// What is read can be written, read again and imported, and says the same.
fn check(read: &Interchange) {
    let again = Interchange::from_json(&read.to_json()).expect("what is written is read");
    assert_eq!(again, *read);
    let store = MemoryStore::default();
    for (lane, changed) in again.import(&store).expect("a range is checked when it is read") {
        assert_eq!(store.state(&lane).expect("memory").watermarks, changed.watermarks);
        assert!(changed.contradicted.is_empty());
    }
}

fn database(bytes: &[u8]) {
    let Ok(mut database) = Database::from_reader(Cursor::new(bytes)) else { return };
    for name in database.bucket_names().unwrap_or_default() {
        if let Ok(entries) = database.entries(&[&name]) {
            entries.for_each(drop);
        }
    }
    if let Ok(names) = database.key_names() {
        names.for_each(drop);
    }
    if let Ok(read) = interchange(&mut database) {
        check(&read);
    }
}

fuzz_target!(|input: Input| {
    match input {
        Input::Json(text) => {
            if let Ok(read) = Interchange::from_json(&text) {
                check(&read);
            }
        }
        Input::Database(bytes) => database(&bytes),
        Input::Changed(changes) => {
            let mut bytes = GOOD.to_vec();
            for (place, value) in changes {
                if let Some(byte) = bytes.get_mut(usize::from(place)) {
                    *byte = value;
                }
            }
            database(&bytes);
        }
    }
});
