//! The daemon: opens the signing database, unlocks keys, listens, and stops without losing anything.

mod chains;
mod clients;
mod error;
mod listener;
mod observer;
mod reload;
mod source;
mod store;
mod tls;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use self::error::StartError;
use self::listener::Incoming;
use self::observer::DaemonObserver;
use self::reload::reload;
use self::source::KeystoreSource;
pub use self::store::OpenedStore;
pub use self::tls::TlsError;
use self::tls::TlsFiles;
use crate::auth::{Authenticator, Clock, Nonces, SystemClock};
use crate::config::{ChainSettings, ClientSettings, Configuration, StoreSettings};
use crate::grpc::{AuthenticationLayer, Limits, METHODS, routes};
use crate::http::{Observed, serve};
use crate::keystore::Keystore;
use crate::metrics::{MetricLabels, Metrics};
use crate::protection::{Lane, SqlitePaths, check_highest_vote};
use crate::service::{Parts, SignerService};
use crate::session::RandomnessAhead;

/// How long requests may take to end when the daemon stops. Who is answered later is not answered: what was
/// recorded for it is answered again.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// How many requests of one connection are served at a time.
const STREAMS: u32 = 256;
const MAX_HEADER_BYTES: u32 = 16 << 10;
const KEEPALIVE: Duration = Duration::from_secs(20);

/// A daemon that runs. Whoever drops it stops it at once; [`stop`](Self::stop) lets requests end.
pub struct Daemon {
    service: Arc<SignerService>,
    grpc: SocketAddr,
    metrics: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<Result<(), tonic::transport::Error>>,
    others: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for Daemon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Daemon({})", self.grpc)
    }
}

impl Daemon {
    /// Starts the daemon: when this returns, it listens.
    ///
    /// # Errors
    /// [`StartError`]: the signing database is missing, older than its guard, in use, or behind the chain; a
    /// key cannot be unlocked; a file of secrets or certificates cannot be read; an address cannot be
    /// listened at.
    pub async fn start(configuration: Configuration) -> Result<Self, StartError> {
        Self::start_with_clock(configuration, Arc::new(SystemClock::default())).await
    }

    /// Starts the daemon with another clock.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_with_clock(
        configuration: Configuration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        for warning in &configuration.warnings {
            tracing::warn!("{warning}");
        }
        // It blocks: files, a database, passphrases.
        let made = tokio::task::spawn_blocking(move || Made::new(configuration, clock)).await;
        let Made { configuration, service, authenticator, clients, metrics, observer, tls } =
            made.map_err(|_| StartError::Panicked)??;
        let bind = |address| async move {
            let listener = TcpListener::bind(address).await;
            listener.map_err(|cause| StartError::Listen { address, cause })
        };
        let listener = bind(configuration.listen.grpc).await?;
        let address = |cause| StartError::Listen { address: configuration.listen.grpc, cause };
        let grpc = listener.local_addr().map_err(address)?;
        let (stop, stopping) = watch::channel(false);
        let mut others = Vec::new();
        let metrics = match configuration.listen.metrics {
            None => None,
            Some(address) => {
                let listener = bind(address).await?;
                let at = listener.local_addr().map_err(|cause| StartError::Listen { address, cause })?;
                let observed = observed(service.clone(), metrics, &configuration.store);
                let stopped = until_stopped(stopping.clone());
                others.push(tokio::spawn(async move {
                    if let Err(error) = serve(listener, observed, stopped).await {
                        tracing::error!(%error, "metrics are not served any more");
                    }
                }));
                Some(at)
            }
        };
        others.push(tokio::spawn(reload(clients, tls.clone(), stopping.clone())));
        let most = usize::try_from(configuration.limits.connections).unwrap_or(usize::MAX);
        let incoming = Incoming::accept(listener, tls, most);
        let layer = AuthenticationLayer::new(authenticator, observer, Limits::default());
        let server = tonic::transport::Server::builder()
            .max_concurrent_streams(STREAMS)
            .http2_keepalive_interval(Some(KEEPALIVE))
            .http2_keepalive_timeout(Some(KEEPALIVE))
            .http2_max_header_list_size(MAX_HEADER_BYTES)
            .layer(layer)
            .add_routes(routes(&service))
            .serve_with_incoming_shutdown(incoming, until_stopped(stopping));
        let serving = tokio::spawn(server);
        tracing::info!(%grpc, metrics = ?metrics, "the signer listens");
        Ok(Self { service, grpc, metrics, stop, serving, others })
    }

    /// Returns the address of the gRPC interface.
    pub const fn grpc_address(&self) -> SocketAddr {
        self.grpc
    }

    /// Returns the address of metrics and health.
    pub const fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// Returns the service.
    pub const fn service(&self) -> &Arc<SignerService> {
        &self.service
    }

    /// Ends when serving has ended by itself.
    pub async fn ended(&mut self) {
        let _ended = (&mut self.serving).await;
    }

    /// Stops: lets no request in any more, and waits, for some seconds, until those that are in have ended.
    pub async fn stop(mut self) {
        tracing::info!("the signer stops");
        let _gone = self.stop.send(true);
        if !self.serving.is_finished() && tokio::time::timeout(STOP_WITHIN, &mut self.serving).await.is_err()
        {
            tracing::warn!("requests that did not end in time are not answered");
            self.serving.abort();
            let _aborted = (&mut self.serving).await;
        }
        for other in std::mem::take(&mut self.others) {
            other.abort();
            let _aborted = other.await;
        }
        let service = self.service.clone();
        drop(self);
        // The last one closes the signing database, which blocks.
        let _closed = tokio::task::spawn_blocking(move || drop(service)).await;
        tracing::info!("the signer has stopped");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.serving.abort();
        self.others.iter().for_each(JoinHandle::abort);
    }
}

async fn until_stopped(mut stopping: watch::Receiver<bool>) {
    // Whoever has dropped the daemon has stopped it.
    let _stopped = stopping.wait_for(|stop| *stop).await;
}

/// An error as what the log shows with its causes.
fn as_error<E: std::error::Error + 'static>(error: &E) -> &(dyn std::error::Error + 'static) {
    error
}

/// What metrics and health show.
fn observed(service: Arc<SignerService>, metrics: Arc<Metrics>, store: &StoreSettings) -> Observed {
    let database: Option<PathBuf> = match store {
        StoreSettings::Sqlite { database, .. } => Some(database.clone()),
        StoreSettings::Postgres { .. } => None,
    };
    let asked = service.clone();
    let render = move || {
        for lane in asked.lanes() {
            if let Ok(state) = asked.store().state(&lane) {
                metrics.set_lane(&lane, &state);
            }
        }
        // Its size, without opening it.
        let size =
            database.as_ref().and_then(|path| std::fs::metadata(path).ok()).map_or(0, |file| file.len());
        if let Ok(generation) = asked.store().generation() {
            metrics.set_store(size, generation);
        }
        metrics.render()
    };
    let places = Places::of(store);
    // What is wrong with the database is not for everybody.
    let health = move || match service.store().generation() {
        Ok(_) if !places.are_as_at_the_start() => {
            Err("the signing database or its guard is not where it was at the start".to_owned())
        }
        Ok(_) if service.is_failing() => Err("the last vote could not be recorded".to_owned()),
        Ok(_) => Ok(()),
        Err(_) => Err("the signing database does not answer".to_owned()),
    };
    Observed::new(render, health)
}

/// The files of the store, as they were at the start. Whoever moves one away takes what later starts need,
/// while this process writes on into it.
struct Places(Vec<(PathBuf, Option<FileId>)>);

type FileId = (u64, u64);

impl Places {
    fn of(store: &StoreSettings) -> Self {
        let paths = match store {
            StoreSettings::Sqlite { database, guard } => {
                let guard = guard.clone().unwrap_or_else(|| SqlitePaths::beside(database).guard);
                vec![database.clone(), guard]
            }
            StoreSettings::Postgres { guard, .. } => vec![guard.clone()],
        };
        Self(paths.into_iter().map(|path| (path.clone(), file_id(&path))).collect())
    }

    fn are_as_at_the_start(&self) -> bool {
        self.0.iter().all(|(path, id)| file_id(path) == *id)
    }
}

/// Tells a file from others of its path, where the system has numbers for that.
#[cfg(unix)]
fn file_id(path: &std::path::Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn file_id(path: &std::path::Path) -> Option<FileId> {
    path.exists().then_some((0, 0))
}

/// What a daemon is made of, before it listens.
struct Made {
    configuration: Configuration,
    service: Arc<SignerService>,
    authenticator: Arc<Authenticator>,
    clients: clients::ClientFiles,
    metrics: Arc<Metrics>,
    observer: Arc<DaemonObserver>,
    tls: Option<Arc<TlsFiles>>,
}

impl Made {
    fn new(configuration: Configuration, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let keystore = Keystore::open(&configuration.keystore)?;
        let mut keys = Vec::with_capacity(configuration.keys.len());
        for key in &configuration.keys {
            let public_key = keystore.public_key(&key.name);
            keys.push((
                key.name.to_string(),
                public_key.map_err(|cause| StartError::Key(key.name.to_string(), cause))?,
            ));
        }
        let opened = OpenedStore::open(&configuration.store)?;
        let lane = |name: &str, chain: &ChainSettings| {
            let key = keys.iter().find(|(key, _)| key == name).map(|(_, public_key)| *public_key)?;
            Some(Lane { public_key: key, chain_id: chain.chain.chain_id.clone().into_bytes() })
        };
        for chain in &configuration.chains {
            for vote in &chain.highest_votes {
                if let Some(lane) = lane(vote.key.as_str(), chain) {
                    check_highest_vote(&*opened.store, &lane, vote.height)?;
                }
            }
        }
        let labels = MetricLabels {
            keys: keys.iter().map(|(_, key)| *key).collect(),
            chain_ids: configuration.chains.iter().map(|chain| chain.chain.chain_id.clone()).collect(),
            clients: configuration.clients.iter().map(|client| client.name.clone()).collect(),
            methods: METHODS.map(str::to_owned).to_vec(),
        };
        let metrics = Arc::new(Metrics::new(labels, SystemTime::now())?);
        let observer = Arc::new(DaemonObserver::new(metrics.clone()));
        let (known, clients) = clients::open(&configuration, &keys)?;
        let nonces = Nonces::open(opened.nonces())?;
        let authenticator = Arc::new(Authenticator::new(known, nonces, clock.clone()));
        let need_certificate = configuration.clients.iter().all(ClientSettings::has_certificate_alone);
        let tls = configuration.listen.tls.clone().map(|tls| TlsFiles::open(tls, need_certificate));
        let tls = tls.transpose()?.map(Arc::new);
        let served: Vec<_> = configuration.chains.iter().map(chains::served).collect();
        chains::check_nodes(&served)?;
        let service = Arc::new(SignerService::new(Parts {
            store: opened.store.clone(),
            keys: keys.clone(),
            key_source: Arc::new(KeystoreSource(keystore.clone())),
            chains: served,
            back_up: opened.back_up,
            clock,
            observer: observer.clone(),
            ahead: Some(RandomnessAhead::start().map_err(StartError::Thread)?),
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        }));
        for (_, public_key) in &keys {
            metrics.set_locked(public_key, true);
        }
        for key in &configuration.keys {
            let Some(origin) = &key.passphrase else { continue };
            let passphrase =
                origin.read().map_err(|cause| StartError::Passphrase(key.name.to_string(), cause))?;
            let unlocked = keystore.unlock(&key.name, &passphrase);
            let unlocked = unlocked.map_err(|cause| StartError::Unlock(key.name.to_string(), cause))?;
            service.install(unlocked.key().public_key(), unlocked.key())?;
        }
        let registered = opened.store.lanes()?;
        for lane in service.lanes().filter(|lane| !registered.contains(lane)) {
            tracing::warn!(%lane, "the signing database does not know this lane: `btcstake signer init` registers it");
        }
        Ok(Self { configuration, service, authenticator, clients, metrics, observer, tls })
    }
}
