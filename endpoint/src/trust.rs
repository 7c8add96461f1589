//! Whose certificates are taken for a node's.

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// The authorities whose certificates a node may show: those that browsers trust, or those of a file alone.
#[derive(Debug, Clone, Default)]
pub struct Trust(Option<Vec<CertificateDer<'static>>>);

/// No authority is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be PEM with one certificate or more")]
pub struct InvalidTrust;

impl Trust {
    /// Returns the trust in the authorities of this PEM, and in no others.
    ///
    /// # Errors
    /// [`InvalidTrust`] when it has no certificate, or one that is broken.
    pub fn from_pem(pem: &[u8]) -> Result<Self, InvalidTrust> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let read = read.map_err(|_| InvalidTrust)?;
        // Each must be one that a certificate could be of.
        let (_, ignored) = RootCertStore::empty().add_parsable_certificates(read.iter().cloned());
        if read.is_empty() || ignored != 0 { Err(InvalidTrust) } else { Ok(Self(Some(read))) }
    }

    /// For questions over HTTP.
    pub(crate) fn for_http(&self) -> TlsConfig {
        let roots = match &self.0 {
            None => RootCerts::WebPki,
            Some(own) => {
                let own: Vec<_> = own.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
                RootCerts::new_with_certs(&own)
            }
        };
        TlsConfig::builder().root_certs(roots).build()
    }

    /// For subscriptions.
    #[cfg(feature = "subscriptions")]
    pub(crate) fn for_subscriptions(&self) -> Result<std::sync::Arc<rustls::ClientConfig>, rustls::Error> {
        let mut roots = RootCertStore::empty();
        match &self.0 {
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            Some(own) => {
                roots.add_parsable_certificates(own.iter().cloned());
            }
        }
        use rustls::ClientConfig;
        use std::sync::Arc;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
    }
}
