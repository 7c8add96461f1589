//! Schemas, the ends of prefixes, and what is shown.

use crate::schema::Layout;
use crate::store::prefix_end;
use crate::testing::MemoryDatabase;
use crate::{ChangeSet, Schema, StoreError};

#[test]
fn schemas_that_cannot_be_are_refused() {
    const LONG: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let tables: &[&[&str]] = &[&["a"]];
    let invalid: [(&str, &'static [&'static [&'static str]]); 16] = [
        ("", &[&["a"]]),
        ("Watch", &[&["a"]]),
        ("a b", &[&["a"]]),
        ("a\"", &[&["a"]]),
        ("1a", &[&["a"]]),
        ("_a", &[&["a"]]),
        ("pg_watch", &[&["a"]]),
        ("\u{e9}t\u{e9}", &[&["a"]]),
        (LONG, &[&["a"]]),
        ("watch", &[]),
        ("watch", &[&[]]),
        ("watch", &[&["a"], &[]]),
        ("watch", &[&["a", "a"]]),
        ("watch", &[&["a"], &["b", "a"]]),
        ("watch", &[&["_store"]]),
        ("watch", &[&["sqlite_a"]]),
    ];
    for (program, versions) in invalid {
        let refused = MemoryDatabase::new().open(&Schema { program, versions }).unwrap_err();
        assert!(matches!(refused, StoreError::InvalidSchema { .. }), "{program:?} {versions:?}: {refused}");
    }
    assert!(Layout::new(&Schema { program: &LONG[1..], versions: &[&["a", "select"], &["b_2"]] }).is_ok());
    assert!(Layout::new(&Schema { program: "w", versions: &[&["a"]] }).is_ok() && tables.len() == 1);
}

#[test]
fn tables_are_those_of_their_versions() {
    let schema = Schema { program: "watch", versions: &[&["a", "b"], &["c"], &["d"]] };
    let layout = Layout::new(&schema).unwrap();
    let tables = |above, to| layout.tables(above, to).collect::<Vec<_>>();
    assert_eq!(layout.version(), 3);
    assert_eq!(tables(0, 3), ["a", "b", "c", "d"]);
    assert_eq!(tables(0, 1), ["a", "b"]);
    assert_eq!(tables(1, 3), ["c", "d"]);
    assert_eq!((tables(3, 3), tables(0, 0), tables(2, 99)), (vec![], vec![], vec!["d"]));
}

/// Files and locks of earlier programs are found again: the numbers never change.
#[test]
fn numbers_of_programs_are_fixed() {
    let number = |program| {
        let layout = Layout::new(&Schema { program, versions: &[&["a"]] }).unwrap();
        [layout.number("btcstake-store file"), layout.number("btcstake-store lead")]
    };
    assert_eq!(number("btcstake_watch"), [-6829668978727875587, -4477427758728914120]);
    assert_ne!(number("btcstake_gadget"), number("btcstake_watch"));
}

#[test]
fn prefixes_end_below_what_does_not_begin_with_them() {
    let cases: [(&[u8], Option<&[u8]>); 8] = [
        (b"", None),
        (b"\xff", None),
        (b"\xff\xff\xff", None),
        (b"\0", Some(b"\x01")),
        (b"a", Some(b"b")),
        (b"a\xff", Some(b"b")),
        (b"\xff\xfe\xff\xff", Some(b"\xff\xff")),
        (b"\xfe\xff", Some(b"\xff")),
    ];
    for (prefix, end) in cases {
        assert_eq!(prefix_end(prefix).as_deref(), end, "{prefix:02x?}");
    }
}

/// Rows may be secrets.
#[test]
fn change_sets_are_shown_without_their_rows() {
    let mut changes = ChangeSet::new();
    changes.put("stakes", [171; 32], [171; 32]).put("stakes", [172; 32], []).delete("order", [173; 32]);
    assert_eq!(format!("{changes:?}"), "ChangeSet {\"order\": 1, \"stakes\": 2}");
    let shown = format!("{:?}", changes.iter().collect::<Vec<_>>());
    assert!(shown.contains("Put { table: \"stakes\", key: \"32 bytes\", value: \"0 bytes\" }"), "{shown}");
    assert!(!["171", "172", "173"].iter().any(|part| shown.contains(part)), "{shown}");
}
