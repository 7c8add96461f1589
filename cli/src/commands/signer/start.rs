//! `signer start`: the daemon that holds a finality provider's keys.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use signer::config::{Configuration, LogFormat};
use signer::daemon::Daemon;
use tracing_subscriber::filter::LevelFilter;

use crate::args::keystore::refuse_flags;
use crate::args::not_opened::NotOpened;
use crate::args::secret::forbid_core_dumps;
use crate::process::{Signals, print_started, start_log};
use crate::view::output::{Exit, Printout};

#[derive(clap::Args)]
#[command(
    after_help = "It prints where it listens, logs to standard error, and ends at SIGTERM or SIGINT when what was asked is answered. At SIGHUP it reads \
    secrets and certificates again. `signer config` prints a configuration to begin with; docs/signer-operation.md has every setting.\n\nExample:\n  \
    btcstake signer start --config signer.toml"
)]
pub(crate) struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Where a signer listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The address of the gRPC interface.
    pub grpc: String,
    /// The address of metrics and health; null where they are off.
    pub metrics: Option<String>,
}

impl Args {
    /// Runs the daemon until it is told to stop. What it prints, it prints when it listens.
    pub(crate) fn run(self, json: bool) -> anyhow::Result<Printout> {
        refuse_flags(
            "the configuration has keystore, and passphrase_file or passphrase_credential of a [[key]]",
        )?;
        forbid_core_dumps()?;
        let configuration = Configuration::load(&self.config, std::env::vars_os()).context("--config")?;
        let log = &configuration.log;
        start_log(LevelFilter::from_level(log.level), log.format == LogFormat::Json);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.context("cannot start the daemon's threads")?;
        let served = runtime.block_on(serve(configuration, json));
        // A copy that hangs on another disk has nothing of the store.
        runtime.shutdown_timeout(Duration::from_secs(1));
        served?;
        Ok(Printout::lines(std::iter::empty(), Exit::Success))
    }
}

async fn serve(configuration: Configuration, json: bool) -> anyhow::Result<()> {
    // From here on a signal stops it in order.
    let mut stop = Signals::new()?;
    let store = configuration.store.clone();
    let mut daemon = Daemon::start(configuration).await.map_err(|cause| NotOpened::new(cause, &store))?;
    let output = Output {
        grpc: daemon.grpc_address().to_string(),
        metrics: daemon.metrics_address().map(|address| address.to_string()),
    };
    print_started(&output, json, &format!("listening at {}", output.grpc))?;
    let ended = tokio::select! {
        () = stop.wait() => false,
        () = daemon.ended() => true,
    };
    daemon.stop().await;
    anyhow::ensure!(!ended, "the signer has ended by itself; see its log");
    Ok(())
}
