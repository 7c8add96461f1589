//! `descriptor`: recognizes a descriptor as an output of a stake.

use std::collections::BTreeMap;

use anyhow::ensure;
use serde::{Deserialize, Serialize};
use staking_scripts::Parties;
use staking_scripts::outputs::ProtocolOutput;

use crate::args::argument::{self, Argument};
use crate::args::input;
use crate::args::network::NetworkName;
use crate::view::output::{CommandOutput, Exit, Printout};
use crate::view::taproot::OutputScripts;
use crate::view::text::{STRONG, line};
use crate::view::verdict::Verdict;

#[derive(clap::Args)]
#[command(
    after_help = "Quote the descriptor, because parentheses and braces are special in shells. Exit code 1 when it is not a staking output, \
    an unbonding output or a slashing refund output.\n\nExample:\n  btcstake descriptor --network mainnet \
    'tr(50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0,and_v(v:pk(4d4b6cd1361032ca9bd2aeb9d900aa4d45d9ead80ac9423374c451a7254d0766),older(1008)))#yc4c5avt'"
)]
pub(crate) struct Args {
    /// The descriptor, with its checksum or without: the text itself, or @FILE for a file that has it, or -
    /// for standard input. Keys may be x-only or compressed, have an origin before them, or be one child of
    /// an extended public key; sortedmulti_a is read as the ascending multi_a that it means.
    #[arg(value_name = "DESCRIPTOR", value_parser = argument::value(descriptor))]
    descriptor: Argument<String>,
    /// The Bitcoin network of the address.
    #[arg(long)]
    network: NetworkName,
}

fn descriptor(text: &str) -> anyhow::Result<String> {
    let text = input::text(text)?;
    ensure!(!text.trim().is_empty(), "it is empty");
    Ok(text)
}

/// The output of a stake that a descriptor is, or why it is not one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Output {
    /// An output of a stake.
    Recognized(Box<Recognized>),
    /// Another descriptor.
    Other(Verdict),
}

/// An output of a stake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Recognized {
    /// Always true.
    pub valid: bool,
    /// `staking`, `unbonding` or `slashing-refund`.
    pub output: String,
    /// The staker's public key.
    pub staker: String,
    /// The finality providers' public keys; a slashing refund output has none.
    pub finality_providers: Vec<String>,
    /// The covenant members' public keys; a slashing refund output has none.
    pub covenant: Vec<String>,
    /// How many covenant members must sign; null for a slashing refund output.
    pub quorum: Option<u16>,
    /// The timelock in blocks.
    pub timelock: u16,
    /// The address, on the network asked for.
    pub address: String,
    /// The script pubkey, in hex.
    pub script_pubkey: String,
    /// The descriptor, with its checksum.
    pub descriptor: String,
    /// The Merkle root of the script tree (BIP-341), in hex.
    pub merkle_root: Option<String>,
    /// The script of each leaf in hex, by its path.
    pub leaves: BTreeMap<String, String>,
    /// The control block of each leaf in hex, by its path.
    pub control_blocks: BTreeMap<String, String>,
}

impl Recognized {
    fn new(output: &ProtocolOutput, network: NetworkName) -> Self {
        let parties = output.parties();
        let strings = |keys: &[eots::XOnlyPublicKey]| keys.iter().map(ToString::to_string).collect();
        let providers = parties.map(|parties| strings(parties.finality_providers().as_slice()));
        let covenant = parties.map(Parties::covenant);
        let OutputScripts { address, script_pubkey, descriptor, merkle_root, leaves, control_blocks } =
            OutputScripts::new(output.taproot(), network.into());
        Self {
            valid: true,
            output: output.as_str().to_owned(),
            staker: output.staker().to_string(),
            finality_providers: providers.unwrap_or_default(),
            covenant: covenant.map(|covenant| strings(covenant.members())).unwrap_or_default(),
            quorum: covenant.map(|covenant| covenant.quorum()),
            timelock: output.timelock().blocks(),
            address,
            script_pubkey,
            descriptor,
            merkle_root,
            leaves,
            control_blocks,
        }
    }

    fn scripts(&self) -> OutputScripts {
        OutputScripts {
            address: self.address.clone(),
            script_pubkey: self.script_pubkey.clone(),
            descriptor: self.descriptor.clone(),
            merkle_root: self.merkle_root.clone(),
            leaves: self.leaves.clone(),
            control_blocks: self.control_blocks.clone(),
        }
    }

    fn text(&self) -> String {
        let mut lines =
            vec![format!("{STRONG}{} output{STRONG:#}", self.output), line("staker", &self.staker)];
        lines.extend(self.finality_providers.iter().map(|key| line("finality provider", key)));
        lines.extend(self.covenant.iter().map(|key| line("covenant member", key)));
        let quorum = self.quorum.map(|quorum| format!("{quorum} of {}", self.covenant.len()));
        lines.extend(quorum.map(|quorum| line("covenant quorum", quorum)));
        lines.push(line("timelock", format!("{} blocks", self.timelock)));
        lines.push(self.scripts().text());
        lines.join("\n")
    }
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        match self {
            Self::Recognized(output) => output.text(),
            Self::Other(verdict) => verdict.text(),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Recognized(_) => Exit::Success,
            Self::Other(verdict) => verdict.exit(),
        }
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let output = match self.descriptor.read()?.trim().parse::<ProtocolOutput>() {
            Ok(output) => Output::Recognized(Box::new(Recognized::new(&output, self.network))),
            Err(error) => Output::Other(Verdict::new(Err(error.into()))),
        };
        Printout::of(&output)
    }
}
