//! `covenant run`: the covenant member's daemon.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use rand_core::{OsRng, RngCore as _};
use roles::covenant::{
    CovenantAlert, CovenantDaemon, CovenantEvent, CovenantMetrics, CovenantObserver, CovenantParts,
    CovenantPolicy, CovenantStep,
};
use serde::{Deserialize, Serialize};
use signer::http::Observed;

use super::record::Record;
use crate::args::account::{AccountArgs, account_key};
use crate::args::network::NetworkName;
use crate::args::node::NodeArgs;
use crate::args::secret::{SecretKeyFile, SecretKeyPath, shown_path};
use crate::args::secured_chain::ChainNodeArgs;
use crate::process::print_started;
use crate::running::{DaemonArgs, Health, Next};
use crate::view::output::{Exit, Printout};

/// Each time, all stakes are listed that wait; Bitcoin is slow.
const POLL: Duration = Duration::from_secs(5);

#[derive(clap::Args)]
#[command(
    after_help = "It asks the chain for stakes and extensions that wait for the committee, checks every rule under the chain's parameters, writes each into the signing record, signs and submits. \
    What breaks a rule is refused, with every reason in the log; one that is bad stops no other. Nothing is signed while the Bitcoin node and the chain's view of Bitcoin differ by more than two blocks, \
    or while either is stale. It ends at SIGTERM or SIGINT, and may be killed at any time.\n\n\
    Example:\n  btcstake covenant run --secret-key-file keystore:member --record member.record --node URL --cookie-file FILE --chain-id bbn-1 --chain-node URL \
    --account operator --metrics 127.0.0.1:2114"
)]
pub(crate) struct Args {
    /// File with the covenant member's secret key, 64 hex digits, or keystore:NAME; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = SecretKeyFile)]
    secret_key_file: SecretKeyPath,
    /// The signing record, created when it does not exist: a second set of transactions for a staking output
    /// is refused.
    #[arg(long, value_name = "FILE")]
    record: PathBuf,
    /// The Bitcoin network, which --node must be on.
    #[arg(long, default_value = "mainnet")]
    network: NetworkName,
    #[command(flatten)]
    node: NodeArgs,
    /// The chain's id, which the node must have.
    #[arg(long)]
    chain_id: String,
    #[command(flatten)]
    nodes: ChainNodeArgs,
    #[command(flatten)]
    account: AccountArgs,
    /// The most stakes of one transaction.
    #[arg(long, value_name = "STAKES", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=200))]
    stakes_at_once: u16,
    /// Raise an alert below this balance of the account, in the smallest unit of its coin.
    #[arg(long, value_name = "AMOUNT", default_value_t = CovenantPolicy::default().least_balance)]
    least_balance: u128,
    #[command(flatten)]
    daemon: DaemonArgs,
}

/// A daemon that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The member's public key.
    pub public_key: String,
    /// The account that pays.
    pub account: String,
    /// The address of metrics and health; null where they are off.
    pub metrics: Option<String>,
}

/// Writes the log.
#[derive(Debug)]
struct Log;

impl CovenantObserver for Log {
    fn observe(&self, event: &CovenantEvent) {
        match event {
            CovenantEvent::Raised { alert, reason } => tracing::warn!(%alert, reason, "raised"),
            CovenantEvent::Cleared(alert) => tracing::info!(%alert, "cleared"),
            CovenantEvent::Submitted(stake) => tracing::info!(%stake, "submitted"),
            CovenantEvent::Refused { stake, reason } => tracing::warn!(%stake, reason, "refused"),
            CovenantEvent::Unreadable { reason } => {
                tracing::warn!(reason, "the chain's list has what is no stake")
            }
            other => tracing::info!(?other),
        }
    }
}

/// Alerts after which it is asked less often.
const TROUBLE: [CovenantAlert; 4] =
    [CovenantAlert::Node, CovenantAlert::BitcoinNode, CovenantAlert::Sending, CovenantAlert::Record];

fn fresh() -> [u8; 32] {
    let mut bytes = [0; 32];
    OsRng.fill_bytes(&mut bytes);
    bytes
}

impl Args {
    /// Runs the daemon. What it prints, it prints when everything it needs has answered.
    pub(crate) fn run(self, json: bool) -> anyhow::Result<Printout> {
        let paying = account_key(&self.account.path("--account-key-file")?)?;
        let key = self.secret_key_file.read()?;
        let node = self.nodes.node()?.of_chain(&self.chain_id);
        let account = self.account.open(&node, &paying, &self.chain_id).context(self.nodes.flag())?;
        let bitcoin = self.node.connect_for_daemon(self.network)?;
        let name = || format!("--record {}", shown_path(&self.record.display().to_string()));
        let record = Record::open(&self.record).with_context(name)?;
        let metrics = Arc::new(CovenantMetrics::new()?);
        let health = Health::new();
        let (shown, looked) = (metrics.clone(), health.clone());
        let running =
            self.daemon.start(POLL, Observed::new(move || shown.render(), move || looked.is_well()))?;
        let output = Output {
            public_key: key.public_key().to_string(),
            account: account.address().to_string(),
            metrics: running.metrics.map(|address| address.to_string()),
        };
        let policy = CovenantPolicy {
            most_stakes: self.stakes_at_once.into(),
            least_balance: self.least_balance,
            ..CovenantPolicy::default()
        };
        let mut daemon = CovenantDaemon::new(CovenantParts {
            node: &node,
            bitcoin: &bitcoin,
            network: self.network.into(),
            account,
            key: &key,
            record,
            fresh: &fresh,
            observer: &Log,
            policy,
        });
        print_started(&output, json, &format!("signs as {}", output.public_key))?;
        running.run(|| {
            let step = daemon.step(SystemTime::now());
            let raised: Vec<_> = daemon.alerts().collect();
            metrics.set(daemon.facts(), raised.iter().copied());
            health.note(raised.iter().map(|alert| alert.as_str()));
            match step {
                CovenantStep::Again => Next::Again,
                CovenantStep::Wait if raised.iter().any(|alert| TROUBLE.contains(alert)) => Next::Troubled,
                CovenantStep::Wait => Next::Wait,
            }
        });
        Ok(Printout::lines(std::iter::empty(), Exit::Success))
    }
}
