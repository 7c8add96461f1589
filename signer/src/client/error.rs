//! Why a remote signer did not sign.

use finality::{CommitmentError, SignerError};
use tonic::{Code, Status};

/// A remote signer refused, failed, or was not there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// The URL is not one of a signer.
    #[error("the signer's URL is {found}; must be http://HOST:PORT on loopback, or https://HOST:PORT")]
    Url {
        /// The URL.
        found: String,
    },
    /// The certificates or the key of TLS are not usable.
    #[error("the certificates for the signer are not usable")]
    Tls(#[source] tonic::transport::Error),
    /// The signer is not reached.
    #[error("cannot reach the signer at {url}")]
    Connect {
        /// The URL.
        url: String,
        /// What went wrong.
        #[source]
        cause: tonic::transport::Error,
    },
    /// The system has no randomness for a nonce.
    #[error("no randomness for a nonce")]
    Randomness(#[source] rand_core::Error),
    /// The runtime does not start.
    #[error("cannot start the client")]
    Runtime(#[source] std::io::Error),
    /// The signer refuses: by its signing database, or a rule.
    #[error("the signer refuses: {message}")]
    Refused {
        /// What it says.
        message: String,
    },
    /// The signer does not know this client.
    #[error("the signer does not know this client: {message}")]
    Unauthenticated {
        /// What it says.
        message: String,
    },
    /// The signer does not allow this client this.
    #[error("the signer does not allow it: {message}")]
    NotAllowed {
        /// What it says.
        message: String,
    },
    /// The signer, or the connection, failed.
    #[error("the signer failed ({code:?}): {message}")]
    Failed {
        /// The code.
        code: Code,
        /// What it says.
        message: String,
    },
    /// The answer is not valid.
    #[error("the signer's answer is not valid")]
    Answer(#[from] InvalidAnswer),
}

/// An answer that is not valid, or a request that has none.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAnswer {
    /// Something has another length.
    #[error("the {what} has {found} bytes; must have {expected}")]
    Length {
        /// What it is.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length it must have.
        expected: usize,
    },
    /// A public key is not valid.
    #[error("a public key is not valid")]
    PublicKey,
    /// A signature is not valid.
    #[error("the signature is not valid for what was asked")]
    Signature,
    /// A commitment's signature is not valid.
    #[error("the commitment is not valid")]
    Commitment(#[source] CommitmentError),
    /// A vote is not proven.
    #[error("the proof of the randomness is absent, or not of the height in the commitment")]
    Proof,
    /// A commitment to heights that are not consecutive was asked for.
    #[error("the interval is {interval}; must be 1, as commitments cover consecutive heights")]
    Sparse {
        /// The interval.
        interval: u64,
    },
}

impl RemoteError {
    /// Returns the name that the signing database's refusal has ([`Refusal::as_str`]); `None` where it is
    /// another's. Only its text comes from there.
    ///
    /// [`Refusal::as_str`]: crate::protection::Refusal::as_str
    pub fn refusal(&self) -> Option<&'static str> {
        let Self::Refused { message } = self else { return None };
        let is_of = |mark: &str| message.starts_with("the height is ") && message.ends_with(mark);
        match message {
            message if message.starts_with("double sign: ") => Some("double_sign"),
            _ if is_of(", the low watermark") => Some("below_low_watermark"),
            _ if is_of(", the high watermark") => Some("above_high_watermark"),
            _ => None,
        }
    }
}

impl SignerError for RemoteError {
    fn is_refusal(&self) -> bool {
        matches!(self.refusal(), Some("double_sign" | "below_low_watermark"))
    }
}

impl From<Status> for RemoteError {
    fn from(status: Status) -> Self {
        let message = status.message().to_owned();
        match status.code() {
            Code::FailedPrecondition => Self::Refused { message },
            Code::Unauthenticated => Self::Unauthenticated { message },
            Code::PermissionDenied => Self::NotAllowed { message },
            code => Self::Failed { code, message },
        }
    }
}

#[cfg(test)]
mod tests {
    use eots::XOnlyPublicKey;
    use finality::{ConsumerHeight, SignerError as _};

    use super::RemoteError;
    use crate::protection::{Lane, Refusal, SigningRecord};

    /// The texts are the database's own.
    #[test]
    fn refusals_are_told_by_their_texts() {
        let (height, low, high) = (ConsumerHeight(7), ConsumerHeight(9), ConsumerHeight(5));
        let key = "1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f";
        let public_key: XOnlyPublicKey = key.parse().unwrap();
        let unknown = Refusal::UnknownLane(Box::new(Lane { public_key, chain_id: Vec::new() }));
        let earlier = SigningRecord { height, message: vec![1], signature: None };
        let remote = |refusal: &Refusal| RemoteError::Refused { message: refusal.to_string() };
        for (refusal, is_final) in [
            (Refusal::DoubleSign { earlier }, true),
            (Refusal::BelowLowWatermark { height, low }, true),
            (Refusal::AboveHighWatermark { height, high }, false),
        ] {
            let error = remote(&refusal);
            assert_eq!((error.refusal(), error.is_refusal()), (Some(refusal.as_str()), is_final));
        }
        assert_eq!((remote(&unknown).refusal(), remote(&unknown).is_refusal()), (None, false));
    }
}
