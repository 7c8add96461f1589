//! What other chains write into Bitcoin.

mod checkpoint;

pub use self::checkpoint::{Checkpoint, CheckpointError, CheckpointTag};
