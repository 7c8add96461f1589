//! `script`: the outputs of a stake.

use clap::{Args, Subcommand};
use eots::XOnlyPublicKey;
use staking_scripts::outputs::{SlashingRefundOutput, TaprootOutput};
use staking_scripts::{CovenantCommittee, Parties, StakingOutput, Timelock, UnbondingOutput};

use crate::args::argument::{self, Argument};
use crate::args::input;
use crate::args::network::NetworkName;
use crate::view::output::Printout;
use crate::view::taproot::OutputScripts;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Print the staking output.
    #[command(
        after_help = "Example:\n  btcstake script staking --staker 4d4b6cd1361032ca9bd2aeb9d900aa4d45d9ead80ac9423374c451a7254d0766 \
        --finality-provider 1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f \
        --covenant 531fe6068134503d2723133227c867ac8fa6c83c537e9a44c3c5bdbdcb1fe337 \
        --covenant 462779ad4aad39514614751a71085f2f10e1c7a593e4e030efb5b8721ce55b0b \
        --quorum 2 --timelock 64000 --network mainnet"
    )]
    Staking(StakeArgs),
    /// Print the unbonding output, which an unbonding transaction pays to.
    #[command(
        after_help = "Example:\n  btcstake script unbonding --staker 4d4b6cd1361032ca9bd2aeb9d900aa4d45d9ead80ac9423374c451a7254d0766 \
        --finality-provider 1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f \
        --covenant 531fe6068134503d2723133227c867ac8fa6c83c537e9a44c3c5bdbdcb1fe337 \
        --covenant 462779ad4aad39514614751a71085f2f10e1c7a593e4e030efb5b8721ce55b0b \
        --quorum 2 --timelock 1008 --network mainnet"
    )]
    Unbonding(StakeArgs),
    /// Print the slashing refund output, which returns to the staker what slashing leaves.
    #[command(after_help = "Example:\n  btcstake script slashing-refund \
        --staker 4d4b6cd1361032ca9bd2aeb9d900aa4d45d9ead80ac9423374c451a7254d0766 --timelock 1008 --network mainnet")]
    SlashingRefund(RefundArgs),
}

#[derive(Args)]
pub(crate) struct StakeArgs {
    #[command(flatten)]
    refund: RefundArgs,
    /// A finality provider's public key (once for each).
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::public_key), required = true)]
    finality_provider: Vec<Argument<XOnlyPublicKey>>,
    /// A covenant member's public key (once for each, in any order).
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::public_key), required = true)]
    covenant: Vec<Argument<XOnlyPublicKey>>,
    /// How many covenant members must sign.
    #[arg(long)]
    quorum: u16,
}

#[derive(Args)]
pub(crate) struct RefundArgs {
    /// The staker's public key.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::public_key))]
    staker: Argument<XOnlyPublicKey>,
    /// The timelock, after which the staker alone can spend: 1 to 65535 blocks.
    #[arg(long, value_name = "BLOCKS", value_parser = input::timelock)]
    timelock: Timelock,
    /// The Bitcoin network of the address.
    #[arg(long)]
    network: NetworkName,
}

impl StakeArgs {
    fn parties(&self) -> anyhow::Result<Parties> {
        let committee = CovenantCommittee::new(argument::read_all(&self.covenant)?, self.quorum)?;
        Ok(Parties::new(self.refund.staker.read()?, argument::read_all(&self.finality_provider)?, committee)?)
    }
}

fn describe(output: &TaprootOutput, network: NetworkName) -> anyhow::Result<Printout> {
    Printout::of(&OutputScripts::new(output, network.into()))
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
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
                let output = SlashingRefundOutput::new(args.staker.read()?, args.timelock)?;
                describe(output.taproot(), args.network)
            }
        }
    }
}
