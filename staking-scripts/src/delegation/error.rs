//! The error of a delegation that cannot be read or used.

use std::error::Error;

use super::rules::StakeViolation;
use crate::parameters::ParametersError;
use crate::transactions::error::BuildError;

/// The cause of an error, which can be downcast.
pub(crate) type Cause = Box<dyn Error + Send + Sync + 'static>;

/// The delegation cannot be read, or lacks what a step needs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DelegationError {
    /// The text is not a delegation.
    #[error("not a delegation: {0}")]
    Form(String),
    /// The JSON is not of the form of a delegation.
    #[error("not a delegation")]
    Json(#[source] serde_json::Error),
    /// The chain's JSON or protobuf cannot be read.
    #[error("not a delegation of the chain")]
    Chain {
        /// The path of the field in the chain's names, lists from 0; absent where it is the whole input.
        path: Option<String>,
        /// The value found, and the rule.
        #[source]
        cause: Cause,
    },
    /// The delegation is no message that registers a stake: the cause names what it lacks.
    #[error("the stake cannot be registered with the chain as it is")]
    Registration {
        /// The path of the field in the chain's names.
        path: Option<String>,
        /// What it lacks, or must not have.
        #[source]
        cause: Cause,
    },
    /// The delegation does not name a parameters version.
    #[error("the delegation names no parameters version; must name one")]
    Unstated,
    /// A field cannot be used.
    #[error("{field}")]
    Field {
        /// The field, by its JSON key.
        field: &'static str,
        /// The reason.
        #[source]
        cause: Cause,
    },
    /// A field that this step needs is absent.
    #[error("{0} is absent; this step needs it")]
    Absent(&'static str),
    /// A transaction of the stake cannot be built.
    #[error(transparent)]
    Build(BuildError),
    /// The pre-signed transactions break rules: every one.
    #[error("{}", texts(.0))]
    Broken(Vec<StakeViolation>),
    /// A pre-signed transaction is not the one that the other fields determine.
    #[error("{field} is the transaction {found}; must be {expected}, which the other fields make")]
    OtherTransaction {
        /// The field, by its JSON key.
        field: &'static str,
        /// The id of the transaction given.
        found: bitcoin::Txid,
        /// The id of the transaction that the other fields determine.
        expected: bitcoin::Txid,
    },
    /// No parameters version is in force at the delegation's height.
    #[error("parameters_height")]
    NotInForce(#[source] ParametersError),
    /// The history has no parameters version of this number.
    #[error("parameters_version is {version}; must be 0 to {last}")]
    NoSuchVersion {
        /// The version.
        version: u32,
        /// The last version.
        last: usize,
    },
}

fn texts(broken: &[StakeViolation]) -> String {
    broken.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Adds the field's name to the error of a result.
pub(crate) fn field<T, E: Into<Cause>>(
    field: &'static str,
    read: Result<T, E>,
) -> Result<T, DelegationError> {
    read.map_err(|error| DelegationError::Field { field, cause: error.into() })
}
