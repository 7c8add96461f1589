//! Checkpoints of Babylon Genesis: an epoch's last block, signed by its validators, in the OP_RETURN outputs
//! of two transactions.

mod payload;
mod submission;
mod timestamps;
#[cfg(feature = "checkpoints")]
mod validators;

pub use self::payload::{Checkpoint, CheckpointError, CheckpointTag, FirstPart, SecondPart};
pub use self::submission::{
    OtherCheckpoint, PartPlace, PartProof, Submission, SubmissionError, VerifiedSubmission,
    checkpoint_payload,
};
pub use self::timestamps::{
    EpochTimestamp, Forgotten, RecordError, TimestampDepths, TimestampStatus, TimestampedEpochs, Timestamps,
};
#[cfg(feature = "checkpoints")]
pub use self::validators::{
    CheckpointSignatureError, EpochValidator, ValidatorOrder, ValidatorSet, ValidatorSetError,
};
