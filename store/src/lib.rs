#![cfg_attr(feature = "sqlite", doc = include_str!("../README.md"))]
#![cfg_attr(not(feature = "sqlite"), doc = "Durable storage for programs that hold their state in memory.")]

mod changes;
mod error;
#[cfg(feature = "postgres")]
mod postgres;
mod schema;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
#[cfg(feature = "testing")]
pub mod testing;

pub use self::changes::{Change, ChangeSet};
pub use self::error::{Place, StoreError};
#[cfg(feature = "postgres")]
pub use self::postgres::{PostgresConnection, PostgresOptions, PostgresStore};
pub use self::schema::{MOST_KEY_BYTES, MOST_VALUE_BYTES, Schema};
#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteStore;
pub use self::store::{Each, Store};

#[cfg(test)]
mod tests;
