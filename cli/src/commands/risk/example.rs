//! `risk example`: an input of the other commands.

use crate::args::risk::{RiskInput, RiskInputChain, RiskInputProvider};
use crate::view::output::{CommandOutput, Printout};

#[derive(clap::Args)]
#[command(
    after_help = "Its numbers are made up: write your own in their place. A value is what whoever corrupts the chain gains, in satoshis (value_sat), or in a unit of your own (value, unit) of \
    which units_per_btc says how many are worth one bitcoin. A chain without secured_by is secured by all. A threshold is the share of the power that corrupts the chain, [1, 3] when absent.\n\n\
    Example:\n  btcstake risk example > risk.json"
)]
pub(crate) struct Args {}

impl CommandOutput for RiskInput {
    fn text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let Self {} = self;
        Printout::of(&example())
    }
}

/// Two operators with five providers, and three who run one each; three chains.
fn example() -> RiskInput {
    let provider = |name: &str, operator: Option<&str>, btc: u64| RiskInputProvider {
        name: name.to_owned(),
        operator: operator.map(str::to_owned),
        stake_sat: Some(btc.saturating_mul(100_000_000)),
    };
    let chain = |name: &str| RiskInputChain {
        name: name.to_owned(),
        value_sat: None,
        value: None,
        unit: None,
        threshold: None,
        secured_by: None,
    };
    let some = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    RiskInput {
        slashing_rate: "0.001".to_owned(),
        units_per_btc: [("USD".to_owned(), 100_000)].into(),
        providers: vec![
            provider("north-1", Some("north"), 900),
            provider("north-2", Some("north"), 600),
            provider("south-1", Some("south"), 500),
            provider("south-2", Some("south"), 400),
            provider("south-3", Some("south"), 300),
            provider("anna", None, 700),
            provider("bela", None, 350),
            provider("cato", None, 250),
        ],
        chains: vec![
            RiskInputChain { value_sat: Some(40_000_000), ..chain("payments") },
            RiskInputChain {
                value: Some(25_000),
                unit: Some("USD".to_owned()),
                secured_by: some(&["north-1", "south-1", "south-2", "anna", "bela"]),
                ..chain("games")
            },
            RiskInputChain {
                value_sat: Some(30_000_000),
                threshold: Some([2, 3]),
                secured_by: some(&["north-1", "north-2", "anna", "cato"]),
                ..chain("rollup")
            },
        ],
    }
}
