//! `descriptor`: which output of the protocol a descriptor is, and whose.

use anyhow::ensure;
use serde::Serialize;
use staking_scripts::{Parties, ProtocolOutput};

use super::script::{self, NetworkName, line};
use crate::input;
use crate::output::{Output, STRONG};

#[derive(clap::Args)]
#[command(
    after_help = "A shell gives parentheses and braces a meaning, so quote the descriptor. Exit code 1 when it is none of a staking output, \
    an unbonding output or a slashing refund output.\n\nExample:\n  btcstake descriptor --network mainnet \
    'tr(50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0,and_v(v:pk(4d4b6cd1361032ca9bd2aeb9d900aa4d45d9ead80ac9423374c451a7254d0766),older(1008)))#yc4c5avt'"
)]
pub(crate) struct Args {
    /// The descriptor, with its checksum or without: the text itself, or @FILE for a file that has it, or -
    /// for standard input.
    #[arg(value_name = "DESCRIPTOR", value_parser = descriptor)]
    descriptor: String,
    /// For which network the address is.
    #[arg(long)]
    network: NetworkName,
}

fn descriptor(text: &str) -> anyhow::Result<String> {
    let text = input::text(text)?;
    ensure!(!text.trim().is_empty(), "it is empty");
    Ok(text)
}

#[derive(Serialize)]
struct Fields {
    valid: bool,
    kind: &'static str,
    staker: String,
    finality_providers: Vec<String>,
    covenant: Vec<String>,
    quorum: u16,
    timelock: u16,
    #[serde(flatten)]
    output: script::Fields,
}

impl Fields {
    fn new(output: &ProtocolOutput, network: NetworkName) -> Self {
        let parties = output.parties();
        let strings = |keys: &[eots::XOnlyPublicKey]| keys.iter().map(ToString::to_string).collect();
        let providers = parties.map(|parties| strings(parties.finality_providers().as_slice()));
        let covenant = parties.map(Parties::covenant);
        Self {
            valid: true,
            kind: output.as_str(),
            staker: output.staker().to_string(),
            finality_providers: providers.unwrap_or_default(),
            covenant: covenant.map(|covenant| strings(covenant.members())).unwrap_or_default(),
            quorum: covenant.map_or(0, |covenant| covenant.quorum()),
            timelock: output.timelock().blocks(),
            output: script::Fields::new(output.taproot(), network),
        }
    }

    fn text(&self, output: &ProtocolOutput) -> String {
        let mut lines = vec![format!("{STRONG}{} output{STRONG:#}", self.kind), line("staker", &self.staker)];
        lines.extend(self.finality_providers.iter().map(|key| line("finality provider", key)));
        lines.extend(self.covenant.iter().map(|key| line("covenant member", key)));
        if self.quorum > 0 {
            lines.push(line("covenant quorum", format!("{} of {}", self.quorum, self.covenant.len())));
        }
        lines.push(line("timelock", format!("{} blocks", self.timelock)));
        lines.push(self.output.text(output.taproot()));
        lines.join("\n")
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        match self.descriptor.trim().parse::<ProtocolOutput>() {
            Ok(output) => {
                let fields = Fields::new(&output, self.network);
                Output::new(fields.text(&output), &fields)
            }
            Err(error) => Ok(Output::verdict(Err(error.into()))),
        }
    }
}
