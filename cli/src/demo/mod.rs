//! `demo`: plays a stake's life with every role, on a chain that Bitcoin Core validates.

pub mod attempts;
mod cast;
mod consumer_chain;
#[cfg(feature = "signer")]
mod own_signer;
mod page;
mod record;
mod report;
mod scenarios;
mod stage;
mod voting;
#[cfg(feature = "watch")]
mod watching;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, bail};
use bitcoin::Network;
use chain::Node;
use clap::ValueEnum;
use rand_core::{OsRng, RngCore};

use self::cast::Cast;
use self::record::Background;
pub use self::report::{Output, ScenarioReport, Step};
use self::scenarios::Scenario;
use self::stage::Stage;
use crate::args::argument::{self, Argument, read_optional};
use crate::args::new_file::NewFile;
use crate::args::node::CredentialArgs;
use crate::args::{input, node};
use crate::view::output::Printout;

/// Plays a stake's life.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  btcstake demo\n  btcstake demo --scenario unbond --json\n  btcstake demo --scenario signer\n  btcstake demo --scenario watch\n  btcstake demo --report stake.html"
)]
pub(crate) struct Args {
    /// The scenario to play.
    #[arg(long, default_value = "all")]
    scenario: ScenarioName,
    /// The node to play on: `embedded`, or the URL of a bitcoind on regtest, http://host:port.
    #[arg(long, default_value = "embedded", value_name = "NODE")]
    node: String,
    #[command(flatten)]
    credentials: CredentialArgs,
    /// 32 bytes from which all keys are derived: the same seed gives the same transactions. Fresh ones when
    /// absent.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::bytes32))]
    seed: Option<Argument<[u8; 32]>>,
    /// Also write a report for the browser: a new HTML file that loads nothing else.
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
}

/// A scenario, as it is named on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[non_exhaustive]
pub enum ScenarioName {
    /// A finality provider equivocates, and the staking output is slashed.
    Slash,
    /// A finality provider equivocates while the stake unbonds, and the unbonding output is slashed.
    SlashUnbonding,
    /// The staker leaves early, with the covenant committee's consent.
    Unbond,
    /// The staking time ends.
    Expire,
    /// The stake is extended, and then its staking time ends.
    Extend,
    /// A signer refuses to equivocate, until its key is taken by force.
    Signer,
    /// A watchtower slashes two stakes, killed in between and against a reorg.
    Watch,
    /// All but `signer` and `watch`, one after the other on one chain.
    All,
}

impl ScenarioName {
    /// Returns the scenarios that the name stands for.
    fn scenarios(self) -> anyhow::Result<&'static [Scenario]> {
        Ok(match self {
            Self::Slash => &[Scenario::Slash],
            Self::SlashUnbonding => &[Scenario::SlashUnbonding],
            Self::Unbond => &[Scenario::Unbond],
            Self::Expire => &[Scenario::Expire],
            Self::Extend => &[Scenario::Extend],
            #[cfg(feature = "signer")]
            Self::Signer => &[Scenario::Signer],
            #[cfg(not(feature = "signer"))]
            Self::Signer => bail!(
                "--scenario signer: this btcstake was built without the feature `signer`, so it has no signer; install \
                it with `cargo install --path cli --features signer`"
            ),
            #[cfg(feature = "watch")]
            Self::Watch => &[Scenario::Watch],
            #[cfg(not(feature = "watch"))]
            Self::Watch => bail!(
                "--scenario watch: this btcstake was built without the feature `watch`, so it has no watchtower; \
                install it with `cargo install --path cli --features watch`"
            ),
            Self::All => &Scenario::ALL,
        })
    }
}

impl Args {
    /// Plays the demo, writes the page if it is asked for, and returns what to print.
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let start = Instant::now();
        // Before a file is begun or a node is asked.
        self.scenario.scenarios()?;
        let seed = read_optional(self.seed.as_ref())?.unwrap_or_else(|| {
            let mut seed = [0; 32];
            OsRng.fill_bytes(&mut seed);
            seed
        });
        let file = self.report.as_deref().map(|path| NewFile::begin("--report", path)).transpose()?;
        let (node, name) = self.node()?;
        let played = play(node.as_ref(), &name, &seed, self.scenario)
            .with_context(|| format!("the demo failed; --seed {} plays the same again", hex::encode(seed)))?;
        let background = Background::new(&Cast::new(&seed)?);
        let written = file.map(|file| file.write(&page::page(&played, &background))).transpose()?;
        let written = written.map_or_else(String::new, |path| format!("The report is in {path}.\n"));
        let memory =
            peak_memory_mib().map_or_else(String::new, |mib| format!(", {mib:.0} MB of memory at most"));
        let closing = format!("{written}It took {:.2} s{memory}.", start.elapsed().as_secs_f64());
        Printout::new(played.text(&closing), &played)
    }

    /// Returns the node to play on, and its name for the reader.
    fn node(&self) -> anyhow::Result<(Box<dyn Node>, String)> {
        if self.node == "embedded" {
            if let Some(flag) = self.credentials.given() {
                bail!("{flag}: must be given with the URL of a bitcoind in --node");
            }
            return Ok((node::embedded()?, "Bitcoin Core's own engine, embedded, on regtest".to_owned()));
        }
        let node = node::bitcoind(&self.node, &self.credentials, node::Calls::Command(None))?;
        Ok((node, "bitcoind, on regtest".to_owned()))
    }
}

/// Plays a scenario, or all of them, on `node`, called `name` in the report, with keys derived from `seed`.
///
/// # Errors
/// When this build lacks the scenario, or the node is not on regtest, fails, refuses what it must accept, or
/// accepts what it must refuse.
pub fn play(node: &dyn Node, name: &str, seed: &[u8; 32], scenario: ScenarioName) -> anyhow::Result<Output> {
    let scenarios = scenario.scenarios()?;
    if node.network() != Network::Regtest {
        bail!("the node is on {}; must be on regtest, because the demo mines its own blocks", node.network());
    }
    let cast = Cast::new(seed)?;
    Stage::new(node, &cast).fund_wallet(scenarios.iter().map(|scenario| scenario.stakes()).sum())?;
    let scenarios = scenarios.iter().map(|scenario| {
        scenario.play(node, &cast).with_context(|| format!("in the scenario {}", scenario.name()))
    });
    Ok(Output {
        seed: hex::encode(seed),
        node: name.to_owned(),
        scenarios: scenarios.collect::<anyhow::Result<_>>()?,
    })
}

/// Returns the most memory that this process has used, where the system tells (Linux).
fn peak_memory_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib: u32 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?
        .trim()
        .strip_suffix(" kB")?
        .parse()
        .ok()?;
    Some(f64::from(kib) / 1024.0)
}
