//! `script`: the outputs of a stake.

use std::collections::BTreeMap;
use std::fmt;

use bitcoin::Network;
use clap::{Args, Subcommand, ValueEnum};
use eots::XOnlyPublicKey;
use serde::Serialize;
use staking_scripts::{
    CovenantCommittee, Parties, SlashingRefundOutput, StakingOutput, TaprootOutput, Timelock, UnbondingOutput,
};

use crate::input;
use crate::output::{FAINT, Output};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// The output that a stake is locked in.
    #[command(
        after_help = "Example:\n  btcstake script staking --staker 4d4b6cd1361032ca9bd2aeb9d900aa4d45d9ead80ac9423374c451a7254d0766 \
        --finality-provider 1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f \
        --covenant 531fe6068134503d2723133227c867ac8fa6c83c537e9a44c3c5bdbdcb1fe337 \
        --covenant 462779ad4aad39514614751a71085f2f10e1c7a593e4e030efb5b8721ce55b0b \
        --quorum 2 --timelock 64000 --network mainnet"
    )]
    Staking(StakeArgs),
    /// The output that an unbonding stake waits in.
    #[command(
        after_help = "Example:\n  btcstake script unbonding --staker 4d4b6cd1361032ca9bd2aeb9d900aa4d45d9ead80ac9423374c451a7254d0766 \
        --finality-provider 1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f \
        --covenant 531fe6068134503d2723133227c867ac8fa6c83c537e9a44c3c5bdbdcb1fe337 \
        --covenant 462779ad4aad39514614751a71085f2f10e1c7a593e4e030efb5b8721ce55b0b \
        --quorum 2 --timelock 1008 --network mainnet"
    )]
    Unbonding(StakeArgs),
    /// The output that returns to the staker what slashing left.
    #[command(after_help = "Example:\n  btcstake script slashing-refund \
        --staker 4d4b6cd1361032ca9bd2aeb9d900aa4d45d9ead80ac9423374c451a7254d0766 --timelock 1008 --network mainnet")]
    SlashingRefund(RefundArgs),
}

#[derive(Args)]
pub(crate) struct StakeArgs {
    #[command(flatten)]
    refund: RefundArgs,
    /// A finality provider's public key (once for each).
    #[arg(long, value_name = "BYTES", value_parser = input::public_key, required = true)]
    finality_provider: Vec<XOnlyPublicKey>,
    /// A covenant member's public key (once for each, in any order).
    #[arg(long, value_name = "BYTES", value_parser = input::public_key, required = true)]
    covenant: Vec<XOnlyPublicKey>,
    /// How many covenant members must sign.
    #[arg(long)]
    quorum: u16,
}

#[derive(Args)]
pub(crate) struct RefundArgs {
    /// The staker's public key.
    #[arg(long, value_name = "BYTES", value_parser = input::public_key)]
    staker: XOnlyPublicKey,
    /// After how many blocks the staker alone can spend, 1 to 65535.
    #[arg(long, value_name = "BLOCKS", value_parser = input::timelock)]
    timelock: Timelock,
    /// For which network the address is.
    #[arg(long)]
    network: NetworkName,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum NetworkName {
    Mainnet,
    Testnet4,
    Signet,
    Regtest,
}

impl fmt::Display for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mainnet => "mainnet",
            Self::Testnet4 => "testnet4",
            Self::Signet => "signet",
            Self::Regtest => "regtest",
        })
    }
}

impl From<NetworkName> for Network {
    fn from(name: NetworkName) -> Self {
        match name {
            NetworkName::Mainnet => Self::Bitcoin,
            NetworkName::Testnet4 => Self::Testnet4,
            NetworkName::Signet => Self::Signet,
            NetworkName::Regtest => Self::Regtest,
        }
    }
}

impl StakeArgs {
    fn parties(&self) -> anyhow::Result<Parties> {
        let committee = CovenantCommittee::new(self.covenant.clone(), self.quorum)?;
        Ok(Parties::new(self.refund.staker, self.finality_provider.clone(), committee)?)
    }
}

/// What there is to say of an output.
#[derive(Serialize)]
pub(super) struct Fields {
    address: String,
    script_pubkey: String,
    descriptor: String,
    merkle_root: Option<String>,
    leaves: BTreeMap<String, String>,
    control_blocks: BTreeMap<String, String>,
}

/// A line of text: what it says, and of what.
pub(super) fn line(name: &str, value: impl ToString) -> String {
    format!("{name:<19}{}", value.to_string())
}

impl Fields {
    pub(super) fn new(output: &TaprootOutput, network: NetworkName) -> Self {
        Self {
            address: output.address(network.into()).to_string(),
            script_pubkey: output.script_pubkey().to_hex_string(),
            descriptor: output.descriptor().to_string(),
            merkle_root: output.merkle_root().map(|root| root.to_string()),
            leaves: output
                .leaves()
                .map(|leaf| (leaf.keys.path().to_string(), leaf.script.to_hex_string()))
                .collect(),
            control_blocks: output
                .leaves()
                .map(|leaf| (leaf.keys.path().to_string(), hex::encode(leaf.control_block.serialize())))
                .collect(),
        }
    }

    pub(super) fn text(&self, output: &TaprootOutput) -> String {
        let mut lines = vec![
            line("address", &self.address),
            line("script pubkey", &self.script_pubkey),
            line("descriptor", &self.descriptor),
            line("merkle root", self.merkle_root.as_deref().unwrap_or_default()),
        ];
        for leaf in output.leaves() {
            lines.push(line(&format!("{} leaf", leaf.keys.path()), leaf.script.to_hex_string()));
            lines.push(format!("{FAINT}{}{FAINT:#}", line("  asm", leaf.script.to_asm_string())));
            lines.push(line("  control block", hex::encode(leaf.control_block.serialize())));
        }
        lines.join("\n")
    }
}

fn describe(output: &TaprootOutput, network: NetworkName) -> anyhow::Result<Output> {
    let fields = Fields::new(output, network);
    Output::new(fields.text(output), &fields)
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        match self {
            Self::Staking(args) => {
                let output = StakingOutput::new(args.parties()?, args.refund.timelock)?;
                describe(output.taproot(), args.refund.network)
            }
            Self::Unbonding(args) => {
                let output = UnbondingOutput::new(args.parties()?, args.refund.timelock)?;
                describe(output.taproot(), args.refund.network)
            }
            Self::SlashingRefund(args) => {
                let output = SlashingRefundOutput::new(args.staker, args.timelock)?;
                describe(output.taproot(), args.network)
            }
        }
    }
}
