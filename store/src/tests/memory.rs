//! The store in memory: it conforms, and fails as it is told.

use super::conformance::suite;
use super::{FIRST, put, rows};
use crate::testing::{Fault, MemoryDatabase};
use crate::{Store as _, StoreError};

#[test]
fn memory_store_conforms() {
    suite(&|_| {
        let database = MemoryDatabase::new();
        Box::new(move |schema| Ok(Box::new(database.open(schema)?)))
    });
}

#[test]
fn faults_are_as_those_of_a_database() {
    let database = MemoryDatabase::new();
    let mut store = database.open(&FIRST).unwrap();
    assert!(store.try_lead().unwrap());
    database.fail_next(Fault::Failed);
    assert!(matches!(store.apply(&put("stakes", b"a", b"1")), Err(StoreError::Failed { .. })));
    assert_eq!(rows(&mut store, "stakes", b""), []);
    store.apply(&put("stakes", b"a", b"1")).unwrap();
    for (fault, value) in [(Fault::UnknownNotWritten, b"1"), (Fault::UnknownWritten, b"2")] {
        database.fail_next(fault);
        assert!(matches!(store.apply(&put("stakes", b"a", b"2")), Err(StoreError::Unknown { .. })));
        assert!(matches!(store.apply(&put("stakes", b"a", b"3")), Err(StoreError::Lost(_))));
        assert!(store.try_lead().is_err() && store.get("stakes", b"a").is_err());
        drop(store);
        store = database.open(&FIRST).unwrap();
        assert!(store.try_lead().unwrap());
        assert_eq!(store.get("stakes", b"a").unwrap().unwrap(), value);
    }
}

#[test]
fn one_of_several_leads() {
    let database = MemoryDatabase::new();
    let (mut one, mut two) = (database.open(&FIRST).unwrap(), database.open(&FIRST).unwrap());
    assert!(one.try_lead().unwrap() && one.try_lead().unwrap() && !two.try_lead().unwrap());
    assert!(matches!(two.apply(&put("stakes", b"a", b"2")), Err(StoreError::StandingBy(_))));
    one.apply(&put("stakes", b"a", b"1")).unwrap();
    assert_eq!(two.get("stakes", b"a").unwrap().unwrap(), b"1");
    database.end_lead();
    assert!(two.try_lead().unwrap());
    let deposed = one.apply(&put("stakes", b"a", b"1")).unwrap_err();
    assert!(matches!(deposed, StoreError::Deposed { own: 1, found: 2, .. }), "{deposed}");
    assert!(matches!(one.try_lead(), Err(StoreError::Lost(_))));
    drop(one);
    assert!(two.try_lead().unwrap());
    database.end_lead();
    assert!(matches!(two.apply(&put("stakes", b"a", b"2")), Err(StoreError::Lost(_))));
}
