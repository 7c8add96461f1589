//! Secrets and certificates that are replaced without a stop.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::as_error;
use super::clients::ClientFiles;
use super::tls::TlsFiles;

/// How often the files of secrets and certificates are read again.
const RELOAD_EVERY: Duration = Duration::from_secs(5);

/// Reads secrets and certificates again, so that they are replaced without a stop. What cannot be read leaves
/// what was there before.
pub(super) async fn reload(
    clients: ClientFiles,
    tls: Option<Arc<TlsFiles>>,
    mut stopping: watch::Receiver<bool>,
) {
    let clients = Arc::new(clients);
    let mut hangup = Hangup::new();
    loop {
        let was_asked = tokio::select! {
            _ = stopping.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(RELOAD_EVERY) => false,
            () = hangup.received() => true,
        };
        let (clients, tls) = (clients.clone(), tls.clone());
        let reloaded = tokio::task::spawn_blocking(move || {
            let mut are_all_read = clients.reload();
            if let Some(Err(error)) = tls.as_deref().map(TlsFiles::reload) {
                tracing::error!(error = as_error(&error), "TLS keeps the files read before");
                are_all_read = false;
            }
            match (was_asked, are_all_read) {
                (true, true) => tracing::info!("the files of secrets and certificates were read again"),
                (true, false) => tracing::warn!("not all files of secrets and certificates were read again"),
                _ => {}
            }
        });
        let _done = reloaded.await;
    }
}

/// The signal by which a service manager asks that files are read again at once.
struct Hangup {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangup {
    fn new() -> Self {
        Self {
            #[cfg(unix)]
            signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok(),
        }
    }

    async fn received(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal {
            signal.recv().await;
            return;
        }
        std::future::pending().await
    }
}
