//! The tables of a program, and how their names and keys are bounded.

use sha2::{Digest as _, Sha256};

use crate::changes::ChangeSet;
use crate::error::StoreError;

/// The most bytes of a key: an index of PostgreSQL has room for about 2700.
pub const MOST_KEY_BYTES: usize = 1024;
/// The most bytes of a value.
pub const MOST_VALUE_BYTES: usize = 1 << 24;
/// The most letters of a name: PostgreSQL cuts off what is beyond 63.
const MOST_LETTERS: usize = 48;

/// The tables of a program, and in which version of it they came.
///
/// What was released stays: a later version is added at the end, with the tables that are new in it. A store
/// of an earlier version gets them when it is opened; one of a later version is refused.
///
/// ```
/// use store::Schema;
///
/// const SCHEMA: Schema = Schema {
///     program: "btcstake_watch",
///     versions: &[&["stakes", "headers"], &["broadcasts"]],
/// };
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// The program. SQLite's file is marked with it, and PostgreSQL's schema has its name. As for tables: 1
    /// to 48 lower-case letters, digits and underscores, of which the first is a letter, and without `pg_` or
    /// `sqlite_` before it.
    pub program: &'static str,
    /// The names of the tables that each version adds, at least one; the first version first.
    pub versions: &'static [&'static [&'static str]],
}

/// A schema whose names were checked, so that they may stand in SQL.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    schema: Schema,
    version: u32,
}

/// Returns what is wrong with a name.
fn fault(name: &str) -> Option<&'static str> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !(1..=MOST_LETTERS).contains(&name.len()) || !name.bytes().all(is_plain) {
        return Some("must be 1 to 48 lower-case letters, digits and underscores");
    }
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        return Some("must begin with a letter");
    }
    ["pg_", "sqlite_"].iter().any(|own| name.starts_with(own)).then_some("must not begin as a database's own")
}

impl Layout {
    /// Checks a schema.
    pub(crate) fn new(schema: &Schema) -> Result<Self, StoreError> {
        let Schema { program, versions } = *schema;
        let invalid = |rule| Err(StoreError::InvalidSchema { program, rule });
        if let Some(rule) = fault(program) {
            return invalid(format!("the program's name is {program:?}; {rule}"));
        }
        let mut seen = Vec::new();
        for (version, tables) in (1_u32..).zip(versions) {
            if tables.is_empty() {
                return invalid(format!("version {version} adds no table; must add one"));
            }
            for table in *tables {
                if let Some(rule) = fault(table) {
                    return invalid(format!("the name of a table is {table:?}; {rule}"));
                }
                if seen.contains(table) {
                    return invalid(format!("the table {table:?} is there twice; must be there once"));
                }
                seen.push(table);
            }
        }
        match i32::try_from(versions.len()).ok().and_then(|version| u32::try_from(version).ok()) {
            Some(version) if version > 0 => Ok(Self { schema: *schema, version }),
            _ => invalid("it has no version; must have one".to_owned()),
        }
    }

    pub(crate) const fn program(&self) -> &'static str {
        self.schema.program
    }

    pub(crate) const fn version(&self) -> u32 {
        self.version
    }

    /// Returns the tables of the versions above one and up to another.
    pub(crate) fn tables(&self, above: u32, to: u32) -> impl Iterator<Item = &'static str> {
        let versions = (1..).zip(self.schema.versions);
        let wanted =
            versions.filter(move |(version, _)| (above..to).contains(&u32::saturating_sub(*version, 1)));
        wanted.flat_map(|(_, tables)| tables.iter().copied())
    }

    /// Returns the table of a name.
    pub(crate) fn table(&self, name: &str) -> Result<&'static str, StoreError> {
        let found =
            self.schema.versions.iter().flat_map(|tables| tables.iter()).find(|table| **table == name);
        let unknown = || StoreError::UnknownTable { program: self.program(), table: name.to_owned() };
        found.copied().ok_or_else(unknown)
    }

    /// Refuses changes of a table that is not there, or of rows that are too long.
    pub(crate) fn check(&self, changes: &ChangeSet) -> Result<(), StoreError> {
        for (table, rows) in changes.tables() {
            let table = self.table(table)?;
            for (key, value) in rows {
                for (what, length, most) in [
                    ("key", key.len(), MOST_KEY_BYTES),
                    ("value", value.map_or(0, <[u8]>::len), MOST_VALUE_BYTES),
                ] {
                    if length > most {
                        return Err(StoreError::TooLong { what, table, length, most });
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns a number that is the program's own, for `purpose`.
    pub(crate) fn number(&self, purpose: &str) -> i64 {
        let hash =
            Sha256::new().chain_update(purpose).chain_update(":").chain_update(self.program()).finalize();
        hash.first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes))
    }
}
