//! One suite for every store, and what each promises beyond it.

#![allow(clippy::arithmetic_side_effects)]

mod conformance;
#[cfg(all(feature = "sqlite", unix))]
mod disk;
#[cfg(all(feature = "sqlite", unix))]
mod kill;
mod memory;
mod names;
#[cfg(all(feature = "postgres", unix))]
mod postgres;
#[cfg(all(feature = "sqlite", unix))]
mod process;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::ops::ControlFlow;

use crate::{ChangeSet, Schema, Store, StoreError};

/// A schema with a word of SQL among its names.
pub(super) const FIRST: Schema = Schema { program: "btcstake_test", versions: &[&["stakes", "order"]] };
/// A later version of it.
pub(super) const SECOND: Schema =
    Schema { program: "btcstake_test", versions: &[&["stakes", "order"], &["headers", "tips"]] };
/// One of another program.
pub(super) const OTHER: Schema = Schema { program: "btcstake_other", versions: &[&["stakes", "order"]] };

pub(super) type Rows = Vec<(Vec<u8>, Vec<u8>)>;

/// Whether the long form of the tests is wanted, which takes minutes.
pub(super) fn is_long() -> bool {
    std::env::var_os("CHAOS").is_some()
}

/// Returns the rows of a table whose keys begin with a prefix.
pub(super) fn try_rows(store: &mut dyn Store, table: &str, prefix: &[u8]) -> Result<Rows, StoreError> {
    let mut rows = Vec::new();
    store.scan(table, prefix, &mut |key, value| {
        rows.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

pub(super) fn rows(store: &mut dyn Store, table: &str, prefix: &[u8]) -> Rows {
    try_rows(store, table, prefix).unwrap()
}

/// Returns a change set that puts one row.
pub(super) fn put(table: &'static str, key: &[u8], value: &[u8]) -> ChangeSet {
    let mut changes = ChangeSet::new();
    changes.put(table, key, value);
    changes
}

/// The error with all its causes, as a line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The numbers of a generator that is the same each time.
pub(super) struct Random(pub(super) u64);

impl Random {
    /// Returns a number below another one.
    pub(super) fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    /// Returns one of several.
    pub(super) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(u64::try_from(of.len()).unwrap())).unwrap()]
    }
}
