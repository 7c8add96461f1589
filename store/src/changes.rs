//! What a program asks to be written at once.

use std::collections::BTreeMap;
use std::fmt;

/// One row of a change set. It is shown without its bytes, as they may be a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    /// The row has this value afterwards, whether it was there or not.
    Put {
        /// The table.
        table: &'static str,
        /// The key.
        key: &'a [u8],
        /// The value.
        value: &'a [u8],
    },
    /// There is no such row afterwards, whether there was one or not.
    Delete {
        /// The table.
        table: &'static str,
        /// The key.
        key: &'a [u8],
    },
}

impl fmt::Debug for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = |bytes: &[u8]| format!("{} bytes", bytes.len());
        match self {
            Self::Put { table, key, value } => {
                let mut put = f.debug_struct("Put");
                put.field("table", table).field("key", &bytes(key)).field("value", &bytes(value)).finish()
            }
            Self::Delete { table, key } => {
                f.debug_struct("Delete").field("table", table).field("key", &bytes(key)).finish()
            }
        }
    }
}

/// Rows to put and to delete, all of them or none. Of several changes of one key the last one counts. It is
/// shown without its rows, as they may be secrets.
///
/// ```
/// let mut changes = store::ChangeSet::new();
/// changes.put("stakes", b"a", b"active").put("stakes", b"b", b"active").delete("stakes", b"a");
/// assert_eq!(changes.len(), 2);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ChangeSet {
    /// The rows, in the order in which they are written; no value where a row is deleted.
    tables: BTreeMap<&'static str, BTreeMap<Vec<u8>, Option<Vec<u8>>>>,
}

impl fmt::Debug for ChangeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.tables.iter().map(|(table, rows)| (table, rows.len()));
        f.write_str("ChangeSet ").and_then(|()| f.debug_map().entries(rows).finish())
    }
}

impl ChangeSet {
    /// Returns one without changes.
    pub const fn new() -> Self {
        Self { tables: BTreeMap::new() }
    }

    /// Has a row put.
    pub fn put(
        &mut self,
        table: &'static str,
        key: impl Into<Vec<u8>>,
        value: impl Into<Vec<u8>>,
    ) -> &mut Self {
        self.tables.entry(table).or_default().insert(key.into(), Some(value.into()));
        self
    }

    /// Has a row deleted.
    pub fn delete(&mut self, table: &'static str, key: impl Into<Vec<u8>>) -> &mut Self {
        self.tables.entry(table).or_default().insert(key.into(), None);
        self
    }

    /// Adds the changes of another one, which count as later ones.
    pub fn merge(&mut self, later: Self) -> &mut Self {
        for (table, rows) in later.tables {
            self.tables.entry(table).or_default().extend(rows);
        }
        self
    }

    /// Returns how many rows it changes.
    pub fn len(&self) -> usize {
        self.tables.values().map(BTreeMap::len).sum()
    }

    /// Returns whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Returns the changes, by table and key.
    pub fn iter(&self) -> impl Iterator<Item = Change<'_>> {
        self.tables().flat_map(|(table, rows)| {
            rows.map(move |(key, value)| match value {
                Some(value) => Change::Put { table, key, value },
                None => Change::Delete { table, key },
            })
        })
    }

    /// Returns the rows of each table, without values where they are deleted.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (&'static str, impl Iterator<Item = Row<'_>>)> {
        self.tables
            .iter()
            .map(|(table, rows)| (*table, rows.iter().map(|(key, value)| (key.as_slice(), value.as_deref()))))
    }
}

/// A key, and its value unless the row is deleted.
pub(crate) type Row<'a> = (&'a [u8], Option<&'a [u8]>);
