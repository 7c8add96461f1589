//! What tests of programs with a store need: one in memory that fails when it is told to.

mod memory;

pub use self::memory::{Fault, MemoryDatabase, MemoryStore};
