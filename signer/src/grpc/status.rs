//! Which gRPC code each error has.
//!
//! Existing clients look for the text "FailedPrecondition" in what their library says of an error, so that
//! code is for votes that the signing database refuses, and no text has that word.

use endpoint::with_causes;
use tonic::{Code, Status};

use crate::node::NodeError;
use crate::protection::{Refusal, StoreError};
use crate::service::{ServiceError, UnlockFailure};
use crate::session::SessionError;

/// The most bytes of a text.
const MOST_TEXT: usize = 1024;

pub(super) fn of(error: &ServiceError) -> Status {
    Status::new(code(error), text(error))
}

fn code(error: &ServiceError) -> Code {
    use ServiceError as E;
    match error {
        E::NotAllowed { .. }
        | E::UnknownChain(_)
        | E::UnknownDigest
        | E::OtherHash { .. }
        | E::OtherPossessionContext(_) => Code::PermissionDenied,
        E::InvalidKey { .. }
        | E::NotAVote(_)
        | E::OtherHeight { .. }
        | E::Length { .. }
        | E::InvalidContext
        | E::InvalidAddress(..)
        | E::LongAddress { .. }
        | E::OtherAddress(_)
        | E::ListTooLong { .. }
        | E::ListOverflow { .. }
        | E::NoInterval
        | E::DuplicateHeight(_)
        | E::BatchTooLong { .. }
        | E::BackupFolder(_)
        | E::NoDatabasePath => Code::InvalidArgument,
        E::UnknownKey(_) => Code::NotFound,
        E::KnownKey(_) => Code::AlreadyExists,
        E::Locked(_) | E::Node(_) | E::NodeBusy | E::Stopped => Code::Unavailable,
        E::Outstanding(_) | E::VoteRate(_) | E::BackupRate(_) | E::Unlocking => Code::ResourceExhausted,
        E::Unlock { cause, .. } => match cause {
            UnlockFailure::Passphrase(_) => Code::InvalidArgument,
            _ => Code::Internal,
        },
        E::Backup(cause) => backup_code(cause),
        E::NoBackup | E::NoUnsafeSigning => Code::Unimplemented,
        E::Session(error) => session_code(error),
    }
}

/// What the operator has named wrongly, and what the disk lacks, are no faults of the signer.
fn backup_code(error: &StoreError) -> Code {
    use std::io::ErrorKind as K;
    let StoreError::Backup(cause) = error else { return Code::Internal };
    match cause.kind() {
        K::NotFound | K::PermissionDenied | K::AlreadyExists | K::InvalidInput | K::NotADirectory => {
            Code::InvalidArgument
        }
        K::ReadOnlyFilesystem => Code::InvalidArgument,
        K::StorageFull | K::QuotaExceeded | K::ResourceBusy => Code::ResourceExhausted,
        _ => Code::Internal,
    }
}

const fn session_code(error: &SessionError) -> Code {
    use SessionError as E;
    match error {
        // An unknown lane is a matter of configuration, not of an earlier vote.
        E::Refused(Refusal::UnknownLane(_)) | E::Store(StoreError::UnknownLane(_)) => Code::PermissionDenied,
        E::Refused(_) => Code::FailedPrecondition,
        E::NotCommitted { .. } | E::TooFarAbove { .. } => Code::PermissionDenied,
        E::OtherContext { .. } | E::NotInCommitment { .. } | E::PastTheLastHeight | E::Commitment(_) => {
            Code::InvalidArgument
        }
        E::Store(StoreError::TooManyRanges { .. }) => Code::ResourceExhausted,
        E::Store(_) => Code::Unavailable,
        E::Sign(_) | E::NoAnswer => Code::Internal,
    }
}

/// The error with its causes, on one line; what is wrong with the signing database is for the log.
fn text(error: &ServiceError) -> String {
    match error {
        ServiceError::Session(SessionError::Store(
            StoreError::UnknownLane(_) | StoreError::TooManyRanges { .. },
        )) => {}
        ServiceError::Session(SessionError::Store(_)) => {
            return "the signing database failed: whether this was recorded is not known, and the same again tells"
                .to_owned();
        }
        // Where the node is, and what it says, is for the log.
        ServiceError::Node(NodeError::Absent { .. }) => {}
        ServiceError::Node(_) => return error.to_string(),
        _ => {}
    }
    let mut text = with_causes(error);
    // What was asked for may be in it, and is as long as the caller likes.
    let end = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= MOST_TEXT).last();
    if text.len() > MOST_TEXT {
        text.truncate(end.unwrap_or_default());
    }
    text
}
