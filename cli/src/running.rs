//! What the daemons that ask a chain have in common: their flags, metrics and health, and how fast they step.

use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::ValueEnum;
use signer::http::{Observed, serve};
use tokio::net::TcpListener;
use tracing_subscriber::filter::LevelFilter;

use crate::process::{Signals, start_log};

/// The longest wait after something went wrong.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// This part of the time between two questions passes however often the bell is rung.
const LEAST_PART: u32 = 20;

/// How a daemon runs.
#[derive(clap::Args)]
pub(crate) struct DaemonArgs {
    /// Where metrics and health are served over HTTP, on loopback: 127.0.0.1:2115. Absent, they are not.
    #[arg(long, value_name = "IP:PORT")]
    metrics: Option<SocketAddr>,
    /// How often the chain is asked for what is new [default: 1000 for a provider, 2000 for a
    /// watchtower, 5000 for a covenant member].
    #[arg(long, value_name = "MILLISECONDS")]
    #[arg(value_parser = clap::value_parser!(u64).range(10..=3_600_000))]
    poll: Option<u64>,
    /// How the log is written, to standard error.
    #[arg(long, value_enum, default_value_t = LogForm::Text)]
    log_format: LogForm,
    /// What is logged: error, warn, info, debug or trace.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: LevelFilter,
}

/// The forms of a log.
#[derive(Clone, Copy, ValueEnum)]
enum LogForm {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What a daemon does after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The next step at once.
    Again,
    /// It waits for something new.
    Wait,
    /// Something is wrong: it waits longer each time.
    Troubled,
    /// Nothing is left to do.
    End,
}

/// How long a step may take: a transaction is waited for.
const LONGEST_STEP: Duration = Duration::from_secs(240);

/// When the last step ended, and what was wrong then.
#[derive(Clone)]
pub(crate) struct Health(Arc<Mutex<(Instant, Result<(), String>)>>);

impl Health {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new((Instant::now(), Err("it has not looked yet".to_owned())))))
    }

    /// Takes note of the end of a step, and of the alerts that are raised then.
    pub(crate) fn note<'a>(&self, raised: impl Iterator<Item = &'a str>) {
        let names: Vec<_> = raised.collect();
        let is_well = if names.is_empty() { Ok(()) } else { Err(names.join(", ")) };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (Instant::now(), is_well);
    }

    /// Returns whether all is well: also that it still steps.
    pub(crate) fn is_well(&self) -> Result<(), String> {
        let health = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = health.0.elapsed();
        match since > LONGEST_STEP {
            true => Err(format!("the last step ended {} seconds ago", since.as_secs())),
            false => health.1.clone(),
        }
    }
}

/// What ends a daemon's wait before its time.
#[derive(Default)]
struct Wake {
    state: Mutex<WakeState>,
    changed: Condvar,
}

#[derive(Default)]
struct WakeState {
    /// Somebody has told it to stop.
    is_told: bool,
    /// There is something new.
    is_rung: bool,
}

impl Wake {
    fn change(&self, change: impl FnOnce(&mut WakeState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    /// Waits, and returns whether to stop. The bell is not heard before `least` is over: whoever rings it
    /// again and again makes nothing busy.
    fn wait(&self, least: Duration, time: Duration) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(state, least.min(time), |state| !state.is_told);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let rest = time.saturating_sub(least);
        let waited = self.changed.wait_timeout_while(state, rest, |state| !state.is_told && !state.is_rung);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_rung = false;
        state.is_told
    }
}

/// Tells a daemon that there is something new.
#[derive(Clone)]
pub(crate) struct Bell(Arc<Wake>);

impl Bell {
    pub(crate) fn ring(&self) {
        self.0.change(|state| state.is_rung = true);
    }
}

/// A daemon that is about to run.
pub(crate) struct Running {
    runtime: tokio::runtime::Runtime,
    wake: Arc<Wake>,
    poll: Duration,
    /// Where metrics are served.
    pub(crate) metrics: Option<SocketAddr>,
}

impl DaemonArgs {
    /// Starts the log, serves what is observed, and waits for signals from now on. Between two steps it waits
    /// for `poll`, where nobody says otherwise.
    pub(crate) fn start(&self, poll: Duration, observed: Observed) -> anyhow::Result<Running> {
        if let Some(address) = self.metrics {
            ensure!(
                address.ip().is_loopback(),
                "--metrics is {address}; must be on loopback, as nobody is authenticated there"
            );
        }
        start_log(self.log_level, matches!(self.log_format, LogForm::Json));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.context("cannot start the daemon's threads")?;
        let metrics = match self.metrics {
            None => None,
            Some(address) => {
                let listener = runtime.block_on(TcpListener::bind(address));
                let listener = listener.with_context(|| format!("--metrics: cannot listen at {address}"))?;
                let at = listener.local_addr().context("--metrics")?;
                runtime.spawn(async move {
                    if let Err(error) = serve(listener, observed, std::future::pending()).await {
                        tracing::error!(%error, "metrics are not served any more");
                    }
                });
                Some(at)
            }
        };
        let wake = Arc::new(Wake::default());
        let told = wake.clone();
        let mut signals = runtime.block_on(async { Signals::new() })?;
        runtime.spawn(async move {
            signals.wait().await;
            tracing::info!("stopping; a second signal ends it at once");
            told.change(|state| state.is_told = true);
            signals.wait().await;
            std::process::exit(130);
        });
        Ok(Running { runtime, wake, poll: self.poll.map_or(poll, Duration::from_millis), metrics })
    }
}

impl Running {
    /// Returns what ends a wait before its time.
    pub(crate) fn bell(&self) -> Bell {
        Bell(self.wake.clone())
    }

    /// Takes one step after another, until one is the last or somebody says stop.
    pub(crate) fn run(self, mut step: impl FnMut() -> Next) {
        let mut wait = self.poll;
        loop {
            let next = step();
            wait = match next {
                Next::End => break,
                Next::Again => Duration::ZERO,
                Next::Wait => self.poll,
                Next::Troubled => wait.max(self.poll).saturating_mul(2).min(LONGEST_WAIT.max(self.poll)),
            };
            // Something new mends nothing that is wrong, and a transaction that fails may cost its fee each
            // time.
            let least =
                if next == Next::Wait { self.poll.checked_div(LEAST_PART).unwrap_or_default() } else { wait };
            if self.wake.wait(least, wait) {
                break;
            }
        }
        self.runtime.shutdown_timeout(Duration::from_secs(1));
    }
}
