//! Certificates and secret keys in PEM files.

use std::path::{Path, PathBuf};

use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;

use super::secret::PrivateFile;
use crate::keystore::{PrivateFileError, read_public};

/// Far more than a chain of certificates has.
const MAX_BYTES: usize = 256 * 1024;

/// A PEM file cannot be used. It shows nothing of a secret key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PemError {
    /// It cannot be read.
    #[error("cannot read {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        cause: PrivateFileError,
    },
    /// It has no certificate, or damaged ones.
    #[error("{} has no certificate in PEM, or a damaged one; must have one or more", .path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// Certificate and secret key do not belong together, or are of a kind that is not supported.
    #[error("it is not the secret key of listen.tls.certificate")]
    Pair(#[source] tokio_rustls::rustls::Error),
    /// It has no secret key, or a damaged one.
    #[error("{} has no secret key in PEM, or a damaged one; must have one, not encrypted", .path.display())]
    NoSecretKey {
        /// The file.
        path: PathBuf,
    },
}

/// Reads the certificates of a PEM file, in its order: at least one.
///
/// # Errors
/// [`PemError`] when it cannot be read, has none, or a damaged one.
pub fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let bytes =
        read_public(path, MAX_BYTES).map_err(|cause| PemError::File { path: path.to_owned(), cause })?;
    let none = || PemError::NoCertificate { path: path.to_owned() };
    let found: Vec<_> =
        CertificateDer::pem_slice_iter(&bytes).collect::<Result<_, _>>().map_err(|_| none())?;
    if found.is_empty() { Err(none()) } else { Ok(found) }
}

/// Reads the first secret key of a private PEM file.
///
/// # Errors
/// [`PemError`] when it cannot be read or has none.
pub fn read_secret_key_pem(file: &PrivateFile) -> Result<PrivateKeyDer<'static>, PemError> {
    let path = file.path().to_owned();
    let bytes = file.read(MAX_BYTES).map_err(|cause| PemError::File { path: path.clone(), cause })?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| PemError::NoSecretKey { path })
}

/// Checks that a secret key is that of a certificate.
pub(super) fn check_pair(
    chain: Vec<CertificateDer<'static>>,
    secret_key: PrivateKeyDer<'static>,
) -> Result<(), PemError> {
    CertifiedKey::from_der(chain, secret_key, &default_provider()).map(drop).map_err(PemError::Pair)
}
