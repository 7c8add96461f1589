//! What tests of programs with a store need: one in memory that fails when it is told to, and a PostgreSQL
//! server.

mod memory;
#[cfg(unix)]
mod server;

pub use self::memory::{Fault, MemoryDatabase, MemoryStore};
#[cfg(unix)]
pub use self::server::{PostgresServer, REQUIRE_POSTGRES, Stop};
