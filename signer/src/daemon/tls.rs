//! TLS from files that are read again, so that certificates are replaced without a stop.

use std::sync::{Arc, PoisonError, RwLock};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::config::{PemError, TlsSettings, read_certificates, read_secret_key_pem};

/// The files of TLS are not usable together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file is not usable.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// Certificate and secret key do not belong together, or are of a kind that is not supported.
    #[error("the certificate and its secret key are not usable")]
    Certificate(#[source] tokio_rustls::rustls::Error),
    /// The authorities are not usable.
    #[error("the authorities of clients' certificates are not usable")]
    Authorities(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The files of TLS, and what they have said last.
pub(super) struct TlsFiles {
    settings: TlsSettings,
    need_certificate: bool,
    current: RwLock<TlsAcceptor>,
}

impl TlsFiles {
    /// Reads the files. With `need_certificate`, whoever has no client's certificate is not let in; without,
    /// it has to show a secret.
    pub(super) fn open(settings: TlsSettings, need_certificate: bool) -> Result<Self, TlsError> {
        let current = RwLock::new(load(&settings, need_certificate)?);
        Ok(Self { settings, need_certificate, current })
    }

    /// Reads the files again. Connections that are open stay as they are.
    pub(super) fn reload(&self) -> Result<(), TlsError> {
        let acceptor = load(&self.settings, self.need_certificate)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = acceptor;
        Ok(())
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn load(settings: &TlsSettings, need_certificate: bool) -> Result<TlsAcceptor, TlsError> {
    let certificates = read_certificates(&settings.certificate)?;
    let secret_key = read_secret_key_pem(&settings.secret_key)?;
    let provider = Arc::new(default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Certificate)?;
    let builder = match &settings.client_authorities {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for authority in read_certificates(path)? {
                roots.add(authority).map_err(|error| TlsError::Authorities(Box::new(error)))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = if need_certificate { verifier } else { verifier.allow_unauthenticated() };
            let verifier = verifier.build().map_err(|error| TlsError::Authorities(Box::new(error)))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_single_cert(certificates, secret_key).map_err(TlsError::Certificate)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
