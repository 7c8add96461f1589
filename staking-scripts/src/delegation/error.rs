//! Why a delegation cannot be read, or a step cannot be taken with it.

use std::error::Error;

use crate::parameters::ParametersError;

/// The cause of an error, typed: it can be downcast.
pub(crate) type Cause = Box<dyn Error + Send + Sync + 'static>;

/// A delegation that cannot be read, or lacks what a step needs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DelegationError {
    /// The text is not a delegation.
    #[error("not a delegation: {0}")]
    Form(String),
    /// The JSON is not of the form of a delegation.
    #[error("not a delegation")]
    Json(#[source] serde_json::Error),
    /// What the chain has of it cannot be read; the cause names the field.
    #[error("not a delegation of the chain")]
    Chain(#[source] Cause),
    /// The delegation does not say under which parameters it is made.
    #[error("the delegation names no parameters version; must name one")]
    Unstated,
    /// A field cannot be used.
    #[error("{field}")]
    Field {
        /// The field, by its JSON key.
        field: &'static str,
        /// Why not.
        #[source]
        cause: Cause,
    },
    /// A field that this step needs is not there.
    #[error("{0} is absent; this step needs it")]
    Absent(&'static str),
    /// A pre-signed transaction is not the one that the stake's other fields make.
    #[error("{field} is the transaction {found}; must be {expected}, which the other fields make")]
    OtherTransaction {
        /// The field, by its JSON key.
        field: &'static str,
        /// The transaction given.
        found: bitcoin::Txid,
        /// The transaction that the other fields make.
        expected: bitcoin::Txid,
    },
    /// No parameters version is in force at the delegation's height.
    #[error("parameters_height")]
    NotInForce(#[source] ParametersError),
    /// The history has no parameters version of this number.
    #[error("parameters_version is {version}; must be 0 to {last}")]
    NoSuchVersion {
        /// The version asked for.
        version: u32,
        /// The last one.
        last: usize,
    },
}

/// Names the field that a result is about.
pub(crate) fn field<T, E: Into<Cause>>(
    field: &'static str,
    read: Result<T, E>,
) -> Result<T, DelegationError> {
    read.map_err(|error| DelegationError::Field { field, cause: error.into() })
}
