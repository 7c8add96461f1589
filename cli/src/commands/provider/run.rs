//! `provider run`: the finality provider's daemon.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use babylon::node::{ChainNode, CometBft, NewBlocks, Several};
use endpoint::{Trust, Url};
use finality::{Signer as _, SigningContext};
use roles::provider::{
    ProviderAlert, ProviderDaemon, ProviderEvent, ProviderMetrics, ProviderObserver, ProviderParts,
    ProviderPolicy, ProviderStep,
};
use serde::{Deserialize, Serialize};
use signer::http::Observed;

use crate::args::account::{AccountArgs, account_key};
use crate::args::secured_chain::ChainNodeArgs;
use crate::args::vote_signing::SigningArgs;
use crate::process::print_started;
use crate::running::{Bell, DaemonArgs, Health, Next};
use crate::view::output::{Exit, Printout};

/// A block takes some seconds: a vote for it waits so long at most.
const POLL: Duration = Duration::from_secs(1);
/// How long the second node may take for one answer.
const WITHIN: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
#[command(
    after_help = "It commits to randomness far enough ahead for its timestamp, votes at every height at which the provider has power, in batches while it catches up, \
    and logs and shows whatever somebody should know (docs/provider.md has every alert). It keeps nothing: it may be killed at any time, and two of them on one signer are \
    harmless. It ends at SIGTERM or SIGINT, and when the provider was slashed (exit code 1). Rewards are not its business.\n\n\
    Example:\n  btcstake provider run --signer URL --signer-secret-file provider.secret --chain-id bbn-1 --chain-node URL --second-chain-node URL --account operator \
    --metrics 127.0.0.1:2115"
)]
pub(crate) struct Args {
    #[command(flatten)]
    signing: SigningArgs,
    #[command(flatten)]
    nodes: ChainNodeArgs,
    /// Another node, by CometBFT's RPC, which must say the same of every block that is voted for. Of several,
    /// the next is asked where one does not answer.
    #[arg(long, value_name = "URL")]
    second_chain_node: Vec<Url>,
    #[command(flatten)]
    account: AccountArgs,
    /// How many heights one commitment to randomness has.
    #[arg(long, value_name = "HEIGHTS", default_value_t = ProviderPolicy::default().heights)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    randomness_heights: u32,
    /// How many blocks a commitment may take to count, by its timestamp on Bitcoin: it is made so far ahead.
    #[arg(long, value_name = "BLOCKS", default_value_t = ProviderPolicy::default().timestamping_delay)]
    #[arg(value_parser = clap::value_parser!(u64).range(..160_000))]
    timestamping_delay: u64,
    /// The most votes of one transaction.
    #[arg(long, value_name = "VOTES", default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1_000))]
    votes_at_once: u16,
    /// Unjail the provider when it was jailed for missed votes, as soon as the chain lets it. The account
    /// must be the one that registered it.
    #[arg(long)]
    unjail: bool,
    /// Raise an alert below this many heights of timestamped randomness ahead.
    #[arg(long, value_name = "HEIGHTS", default_value_t = ProviderPolicy::default().least_coverage)]
    least_coverage: u64,
    /// Raise an alert below this balance of the account, in the smallest unit of its coin.
    #[arg(long, value_name = "AMOUNT", default_value_t = ProviderPolicy::default().least_balance)]
    least_balance: u128,
    #[command(flatten)]
    daemon: DaemonArgs,
}

/// A daemon that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The finality provider's public key.
    pub public_key: String,
    /// The account that pays.
    pub account: String,
    /// The address of metrics and health; null where they are off.
    pub metrics: Option<String>,
}

/// Writes the log.
#[derive(Debug)]
struct Log;

impl ProviderObserver for Log {
    fn observe(&self, event: &ProviderEvent) {
        match event {
            ProviderEvent::Raised { alert, reason } => tracing::warn!(%alert, reason, "raised"),
            ProviderEvent::Cleared(alert) => tracing::info!(%alert, "cleared"),
            ProviderEvent::Voted { first, last, count } => tracing::info!(%first, %last, count, "voted"),
            ProviderEvent::Committed { first, count } => {
                tracing::info!(%first, count, "committed to randomness")
            }
            ProviderEvent::LeftOut { height, reason } => tracing::warn!(%height, reason, "left out"),
            ProviderEvent::Unjailed => tracing::info!("unjailed"),
            other => tracing::info!(?other),
        }
    }
}

/// How long nobody listens after a ring.
const BETWEEN_RINGS: Duration = Duration::from_millis(50);
/// How long one that is not told of new blocks waits before it subscribes again.
const SUBSCRIBE_AGAIN: Duration = Duration::from_secs(30);

/// Rings at each new block of which one of these nodes tells, as long as the process runs. Where none tells,
/// the daemon asks as often as without: whoever rings, or does not, changes nothing but when it looks.
fn listen(nodes: Vec<Url>, trust: Trust, bell: Bell) {
    std::thread::spawn(move || {
        for url in nodes.iter().cycle() {
            let ended = NewBlocks::subscribe(url, WITHIN, &trust).and_then(|mut blocks| {
                tracing::debug!(%url, "is told of new blocks");
                loop {
                    if blocks.wait(WITHIN)?.is_some() {
                        bell.ring();
                        // However often it tells.
                        std::thread::sleep(BETWEEN_RINGS);
                    }
                }
            });
            let Err::<std::convert::Infallible, _>(error) = ended;
            tracing::debug!(error = %babylon::with_causes(&error), "is not told of new blocks");
            std::thread::sleep(SUBSCRIBE_AGAIN);
        }
    });
}

/// Alerts after which it is asked less often.
const TROUBLE: [ProviderAlert; 4] =
    [ProviderAlert::Node, ProviderAlert::SecondNode, ProviderAlert::Signer, ProviderAlert::Sending];

impl Args {
    /// The second node is another one: the same says the same.
    fn check_second(&self) -> anyhow::Result<()> {
        let same = self.second_chain_node.iter().find(|url| self.nodes.has(url));
        match same {
            Some(url) => anyhow::bail!("--second-chain-node {url} is --chain-node; must be another node"),
            None => Ok(()),
        }
    }

    fn policy(&self) -> ProviderPolicy {
        ProviderPolicy {
            heights: self.randomness_heights,
            timestamping_delay: self.timestamping_delay,
            most_votes: self.votes_at_once.into(),
            unjail: self.unjail,
            least_coverage: self.least_coverage,
            least_balance: self.least_balance,
            ..ProviderPolicy::default()
        }
    }

    /// Runs the daemon. What it prints, it prints when everything it needs has answered.
    pub(crate) fn run(self, json: bool) -> anyhow::Result<Printout> {
        ensure!(
            self.signing.signing_context.is_none_or(|context| context == SigningContext::GENESIS),
            "--signing-context is given; must be absent, as only Babylon Genesis is voted on"
        );
        ensure!(
            !self.signing.is_unprotected(),
            "--dangerously-unprotected is given; must be absent: a daemon that is started again would not know what it has signed"
        );
        self.check_second()?;
        let policy = self.policy();
        policy.check()?;
        let key = account_key(&self.account.path("--account-key-file")?)?;
        let chain_id = self.signing.chain_id.clone();
        let node = self.nodes.node_beside(&self.second_chain_node)?.of_chain(&chain_id);
        let account = self.account.open(&node, &key, &chain_id).context(self.nodes.flag())?;
        let trust = self.nodes.trust(&self.second_chain_node)?;
        let second = self
            .second_chain_node
            .iter()
            .map(|url| -> Box<dyn ChainNode> { Box::new(CometBft::trusting(url.clone(), WITHIN, &trust)) });
        let second = Several::new(second.collect()).of_chain(&chain_id);
        let has_second = !self.second_chain_node.is_empty();
        let signer = self.signing.signer()?;
        let metrics = Arc::new(ProviderMetrics::new()?);
        let health = Health::new();
        let (shown, looked) = (metrics.clone(), health.clone());
        let observed = Observed::new(move || shown.render(), move || looked.is_well());
        let running = self.daemon.start(POLL, observed)?;
        listen(self.nodes.rpc().to_vec(), trust.clone(), running.bell());
        let output = Output {
            public_key: signer.public_key().to_string(),
            account: account.address().to_string(),
            metrics: running.metrics.map(|address| address.to_string()),
        };
        let second: Option<&dyn ChainNode> = if has_second { Some(&second) } else { None };
        let parts = ProviderParts { node: &node, second, account, signer: &signer, observer: &Log, policy };
        let mut daemon = ProviderDaemon::new(parts)?;
        print_started(&output, json, &format!("votes for {}", output.public_key))?;
        let mut is_slashed = false;
        running.run(|| {
            let step = daemon.step(Instant::now());
            let raised: Vec<_> = daemon.alerts().collect();
            metrics.set(daemon.facts(), raised.iter().copied());
            health.note(raised.iter().map(|alert| alert.as_str()));
            match step {
                ProviderStep::Slashed => {
                    is_slashed = true;
                    Next::End
                }
                ProviderStep::Again => Next::Again,
                ProviderStep::Wait if raised.iter().any(|alert| TROUBLE.contains(alert)) => Next::Troubled,
                ProviderStep::Wait => Next::Wait,
            }
        });
        Ok(Printout::lines(std::iter::empty(), Exit::of(!is_slashed)))
    }
}
