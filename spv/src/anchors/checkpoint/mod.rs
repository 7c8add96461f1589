//! Checkpoints of Babylon Genesis: an epoch's last block, signed by its validators, in the OP_RETURN outputs
//! of two transactions.

mod payload;

pub use self::payload::{Checkpoint, CheckpointError, CheckpointTag, FirstPart, SecondPart};
