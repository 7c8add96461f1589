//! `watch run`: the watchtower's daemon.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use babylon::node::ChainNode;
use chain::BlockHeight;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use signer::http::Observed;
use watch::daemon::{
    DaemonObserver, DaemonParts, WatchDaemon, WatchFacts, WatchFault, WatchMetrics, WatchStep,
};
use watch::sources::FollowedFiles;
use watch::{Alert, Observer, Settings, Told, Verdict, WatchedNode, output_name};

use super::bitcoin::BitcoinArgs;
use super::notify::{Notifier, NotifyArgs};
use super::posting::PostArgs;
use super::rules::{Rules, RulesArgs};
use super::store::StoreArgs;
use crate::process::print_started;
use crate::running::{DaemonArgs, Health, Next};
use crate::view::output::{Exit, Printout, warn};

/// How many records that are left out are told of one by one, and after how many one is told of then.
const MOST_LEFT_OUT: u64 = 1_000;
/// Bitcoin is slow; its mempool and the secured chain are not.
const POLL: Duration = Duration::from_secs(2);

#[derive(clap::Args)]
#[command(
    after_help = "It follows Bitcoin's blocks and knows every stake's state by them. When it hears of evidence, it extracts the finality provider's key, completes the slashing transactions of all its stakes \
    and hands them to the node until each is deep enough. It needs no permission and has no secret; it may be killed at any time. docs/watch.md has every alert.\n\n\
    Parameters and depth are the chain's, or --params and --depth. --config FILE has flags as keys in TOML (store = \"watch.db\"); those of the command line come first.\n\n\
    Example:\n  btcstake watch run --store watch.db --node URL --cookie-file FILE --chain-id bbn-1 --chain-node URL --metrics 127.0.0.1:2116"
)]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    bitcoin: BitcoinArgs,
    #[command(flatten)]
    rules: RulesArgs,
    /// A file with a delegation on each line, one with a single one (*.json), or a folder with such files;
    /// what is added is read. - is standard input.
    #[arg(long, value_name = "PATH")]
    delegations: Vec<PathBuf>,
    /// A file with evidence on each line, or as --delegations.
    #[arg(long, value_name = "PATH")]
    evidence: Vec<PathBuf>,
    /// Where a new store begins: no stake is in this block or a lower one [default: below the first height
    /// of the parameters].
    #[arg(long, value_name = "HEIGHT", value_parser = clap::value_parser!(u32).range(..500_000_000))]
    start_height: Option<u32>,
    /// Hand nothing to the node: what would be sent is in the log.
    #[arg(long)]
    no_broadcast: bool,
    /// Have the own node prefer a slashing transaction that it refuses for its fee to what pays more
    /// (prioritisetransaction): for whoever mines with it. Other nodes hear nothing of it.
    #[arg(long, conflicts_with = "no_broadcast")]
    prioritise: bool,
    #[command(flatten)]
    post: PostArgs,
    #[command(flatten)]
    notify: NotifyArgs,
    #[command(flatten)]
    daemon: DaemonArgs,
}

/// A daemon that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// How many blocks must be on one for what it has to count as final.
    pub depth: u32,
    /// The number of parameters versions.
    pub parameters_versions: usize,
    /// Whether slashing transactions are handed to the node.
    pub broadcasts: bool,
    /// The address of metrics and health; null where they are off.
    pub metrics: Option<String>,
}

/// Writes the log, counts, and notifies.
struct Log {
    notifier: Notifier,
    /// How many records were left out.
    left_out: AtomicU64,
    metrics: Arc<WatchMetrics>,
}

impl Observer for Log {
    fn told(&self, told: &Told<'_>) {
        match told {
            Told::Alert(alert) => {
                let (kind, text) = (alert.kind(), alert.to_string());
                match alert {
                    Alert::Slashed { .. } => tracing::info!(alert = kind, "{text}"),
                    _ => tracing::warn!(alert = kind, "{text}"),
                }
                self.metrics.alert(kind);
                self.notifier.notify(kind, &text, json!({ "key": alert.key() }));
            }
            Told::Sent { stake, output, transaction, verdict } => {
                let (txid, output) = (transaction.compute_txid(), output_name(*output));
                match verdict {
                    None => tracing::info!(%stake, output, %txid, "would send a slashing transaction"),
                    Some(Verdict::Taken) => {
                        self.metrics.sent("taken");
                        tracing::info!(%stake, output, %txid, "the node has the slashing transaction");
                    }
                    Some(Verdict::Refused { class, reason }) => {
                        self.metrics.sent("refused");
                        tracing::warn!(%stake, output, %txid, %class, reason, "the node refuses the slashing transaction");
                    }
                    Some(Verdict::Unanswered) => {
                        self.metrics.sent("unanswered");
                        tracing::warn!(%stake, output, %txid, "the node did not answer");
                    }
                }
            }
            Told::Block(at) => tracing::debug!(height = %at.height, hash = %at.hash, "block"),
            Told::Disconnected(at) => tracing::warn!(height = %at.height, "reorg: disconnected down to"),
            Told::Behind(at) => tracing::info!(height = %at.height, "the node is behind"),
            Told::LooksBack { from, stakes } => tracing::info!(from, stakes, "looks at blocks again"),
            _ => {}
        }
    }
}

impl DaemonObserver for Log {
    fn raised(&self, fault: WatchFault, reason: &str) {
        tracing::warn!(%fault, reason, "raised");
        self.notifier.notify("raised", &format!("{fault}: {reason}"), json!({ "fault": fault.as_str() }));
    }

    fn cleared(&self, fault: WatchFault) {
        tracing::info!(%fault, "cleared");
        self.notifier.notify("cleared", &format!("{fault} is over"), json!({ "fault": fault.as_str() }));
    }

    fn left_out(&self, place: &str, reason: &str) {
        let before = self.left_out.fetch_add(1, Ordering::Relaxed);
        if before < MOST_LEFT_OUT {
            tracing::warn!(place, reason, "left out");
        } else if before.checked_rem(MOST_LEFT_OUT) == Some(0) {
            tracing::warn!(place, reason, count = before, "left out, as many before it");
        }
    }
}

/// What a heartbeat says.
fn pulse(facts: &WatchFacts) -> Value {
    json!({
        "height": facts.height,
        "blocks_behind": facts.blocks_behind(),
        "stakes": facts.stakes,
        "slashes_under_way": facts.slashes_under_way,
    })
}

/// Returns the block after which a new store begins.
fn start(given: Option<u32>, settings: &Settings, tip: BlockHeight) -> BlockHeight {
    let first = settings.parameters.iter().map(|version| version.activation_height().to_consensus_u32());
    let below = given.unwrap_or_else(|| first.min().unwrap_or_default().saturating_sub(1));
    BlockHeight::new(below.min(tip.to_u32()))
}

impl Args {
    /// Standard input has one kind of record; a file that is absent may come, and may be a slip.
    fn check_files(&self) -> anyhow::Result<()> {
        let is_input = |path: &PathBuf| path.as_os_str() == "-";
        ensure!(
            !(self.delegations.iter().any(is_input) && self.evidence.iter().any(is_input)),
            "--delegations and --evidence are both -; must be one of them, as each has standard input for itself"
        );
        let flags = [("--delegations", &self.delegations), ("--evidence", &self.evidence)];
        for (flag, path) in flags.iter().flat_map(|(flag, paths)| paths.iter().map(move |path| (flag, path)))
        {
            if !is_input(path) && !path.exists() {
                warn(&format!("{flag} {} is not there; it is read when it is", path.display()));
            }
        }
        Ok(())
    }

    /// Runs the daemon. What it prints, it prints when everything it needs has answered.
    pub(crate) fn run(self, json: bool) -> anyhow::Result<Printout> {
        let chain = self.rules.chain()?;
        let Rules { mut settings, is_of_chain } = self.rules.read(chain.as_ref())?;
        settings.on_selective = self.post.on_selective();
        let place = self.store.place()?;
        self.check_files()?;
        let notifier = self.notify.start()?;
        let post = self.post.post(&self.rules)?;
        let node = self.bitcoin.connect()?;
        let tip = node.tip().context("--node")?.height;
        if node.broadcasts_in_private().context("--node")? {
            warn(
                "--node keeps what it is given out of its own mempool (-privatebroadcast=1): it cannot tell what \
                 becomes of slashing transactions, and takes ones that contradict others; better without",
            );
        }
        let start = start(self.start_height, &settings, tip);
        let metrics = Arc::new(WatchMetrics::new()?);
        let health = Health::new();
        let (shown, looked) = (metrics.clone(), health.clone());
        let observed = Observed::new(move || shown.render(), move || looked.is_well());
        let running = self.daemon.start(POLL, observed)?;
        let log = Log { notifier, left_out: AtomicU64::new(0), metrics: metrics.clone() };
        // Also who cannot write to the store shall hear of it now.
        drop(place.open().context(place.flag())?);
        let output = Output {
            depth: settings.depth,
            parameters_versions: settings.parameters.iter().len(),
            broadcasts: !self.no_broadcast,
            metrics: running.metrics.map(|address| address.to_string()),
        };
        let watched: &dyn WatchedNode = &node;
        let open_store = || place.open();
        let chain = chain.map(|chain| -> Arc<dyn ChainNode> { Arc::new(chain) });
        let mut daemon = WatchDaemon::new(DaemonParts {
            settings,
            node: watched,
            chain,
            follows_parameters: is_of_chain,
            delegations: FollowedFiles::new(self.delegations),
            evidence: FollowedFiles::new(self.evidence),
            open_store: &open_store,
            observer: &log,
            post: post.as_deref(),
            start,
            sends: !self.no_broadcast,
            prioritises: self.prioritise,
        });
        print_started(&output, json, &format!("watches, {} blocks deep", output.depth))?;
        let beat: Cell<Option<Instant>> = Cell::new(None);
        running.run(|| {
            let now = Instant::now();
            let step = daemon.step(now);
            metrics.set(daemon.facts(), daemon.faults());
            // One that stands by is well: another works.
            let wrong = daemon.faults().iter().filter(|fault| **fault != WatchFault::StandsBy);
            health.note(wrong.map(|fault| fault.as_str()));
            let is_due = |every: Duration| beat.get().is_none_or(|at| now.duration_since(at) >= every);
            if self.notify.heartbeat().is_some_and(is_due) {
                beat.set(Some(now));
                log.notifier.notify("heartbeat", "the watchtower runs", pulse(daemon.facts()));
            }
            match step {
                WatchStep::Again => Next::Again,
                WatchStep::Wait => Next::Wait,
                WatchStep::Troubled => Next::Troubled,
            }
        });
        Ok(Printout::lines(std::iter::empty(), Exit::Success))
    }
}
