//! What other chains write into Bitcoin: marks, which say that somebody knew some bytes at some time, and
//! what may be concluded from them. A mark is a commitment and never the data: whoever has lost a chain gets
//! nothing back from its anchors, and can only tell whether a copy is the right one.

mod checkpoint;
mod data;
mod formats;
mod hemi;
mod mark;
mod registry;
mod restore;
mod scan;

pub use self::checkpoint::{
    Checkpoint, CheckpointError, CheckpointTag, EpochTimestamp, FirstPart, Forgotten, OtherCheckpoint,
    PartPlace, PartProof, RecordError, SecondPart, Submission, SubmissionError, TimestampDepths,
    TimestampStatus, TimestampedEpochs, Timestamps, VerifiedSubmission, checkpoint_payload,
};
#[cfg(feature = "checkpoints")]
pub use self::checkpoint::{
    CheckpointSignatureError, EpochValidator, ValidatorOrder, ValidatorSet, ValidatorSetError,
};
pub use self::data::{PushForm, ReturnedData, op_return};
pub use self::formats::aux_pow::AuxPowTag;
pub use self::formats::babylon::{BabylonFormat, Phase1Data, formats as babylon_formats};
pub use self::formats::core_hash_power::CoreHashPower;
pub use self::formats::core_redeem::{CoreOwner, CoreRedeemScript, CoreStakeOutput};
pub use self::formats::core_staking::{CoreDelegation, CoreLiquidDelegation, CoreLock};
pub use self::formats::rsk::RskTag;
pub use self::formats::stacks::StacksBlockCommit;
pub use self::hemi::{
    Keystone, KeystoneConfirmations, KeystoneFinality, KeystoneHash, KeystonePublication, OldKeystone,
    PublicationError, PublicationTransaction, SUPER_FINALITY, first_publications,
};
pub use self::mark::{Certainty, Comparison, Conclusions, Field, Mark, MarkFormat, Place, Value};
pub use self::registry::{ExplainedData, Registry};
pub use self::restore::{
    AnchoredBlock, BoundHistory, ChainBlock, Divergence, RestoreError, compare_history, first_difference,
};
pub use self::scan::{FoundMark, explain_marks, scan_block};
