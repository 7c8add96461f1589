//! `tx stake`: builds the staking transaction.

use anyhow::Context;
use eots::XOnlyPublicKey;
use staking_scripts::delegation::NewDelegation;
use staking_scripts::transactions::NewStake;
use staking_scripts::{
    Delegation, Parameters, ParametersAt, ParametersHistory, StakingOutput, StakingTransaction,
};

use crate::args::argument::{self, Argument};
use crate::args::delegation;
use crate::args::input;
use crate::args::mainnet;
use crate::args::network::NetworkName;
use crate::args::new_stake::{NewStakeArgs, Provider, provider_parser, staked_to};
use crate::args::psbt::OriginArgs;
use crate::view::output::Printout;
use crate::view::transaction::{self, BuiltTransaction};

#[derive(clap::Args)]
#[command(
    after_help = "The delegation, with all pre-signed transactions, is written to --out; the PSBT printed is for the wallet that \
    has the coins. Sign it last, and broadcast the stake only once a covenant quorum has signed.\n\nExample:\n  btcstake tx stake \
    --params params.json --height 900000 --staker 531fe6068134503d2723133227c867ac8fa6c83c537e9a44c3c5bdbdcb1fe337 \
    --finality-provider 1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f --amount-sat 500000 --staking-time 64000 \
    --coin 0707070707070707070707070707070707070707070707070707070707070707:0:900000:5120462779ad4aad39514614751a71085f2f10e1c7a593e4e030efb5b8721ce55b0b \
    --network regtest --change bcrt1p5e6v9v2j5wp3y6c79gaqdqltq7jdv45fswnnm7exmmp2020mqepspf6x45 --fee-rate 5 --out my-stake.json"
)]
pub(crate) struct Args {
    /// A parameters file, all versions: as the nodes of Babylon Genesis print it, as the staking API's
    /// network info has it, as `params show --all --json` does, or your own; - is standard input. On
    /// mainnet it must have every version that is built in and active at --height.
    #[arg(long, value_name = "FILE", value_parser = delegation::parameters_file())]
    params: Argument<ParametersHistory<Parameters>>,
    /// The staker's public key.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::public_key))]
    staker: Argument<XOnlyPublicKey>,
    /// The finality provider's public key; for consumer chains CHAIN=KEY, once for each.
    #[arg(long, value_name = "KEY", value_parser = provider_parser(), required = true)]
    finality_provider: Vec<Argument<Provider>>,
    /// Add the OP_RETURN output of phase-1 stakes, with this tag of 8 hex digits.
    #[arg(long, value_name = "TAG", value_parser = tag)]
    op_return_tag: Option<[u8; 4]>,
    /// The Bitcoin network of the stake.
    #[arg(long, default_value = "mainnet")]
    network: NetworkName,
    #[command(flatten)]
    new_stake: NewStakeArgs,
    #[command(flatten)]
    origins: OriginArgs,
}

fn tag(text: &str) -> anyhow::Result<[u8; 4]> {
    let mut tag = [0; 4];
    hex::decode_to_slice(text, &mut tag).context("a tag must be 8 hex digits").map(|()| tag)
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let Self { params, staker, finality_provider, op_return_tag, network, new_stake, origins } = self;
        let (name, params, staker) = (params.name(), params.read()?, staker.read()?);
        mainnet::check(network, &params, &name, new_stake.height)?;
        let parameters = new_stake.parameters(&params)?;
        let staked_to = staked_to(&finality_provider)?;
        let output =
            StakingOutput::new(parameters.parties(staker, staked_to.keys())?, new_stake.staking_time)?;
        let (amount, change, rate) = (new_stake.amount(), new_stake.change(network)?, new_stake.fee_rate);
        let mut staking = StakingTransaction::build(NewStake {
            output,
            amount,
            coins: &new_stake.coin,
            change,
            fee_rate: rate,
            op_return_tag,
        })?;
        origins.iter().for_each(|(key, source)| staking.add_key_origin(key, source));
        let (funded, unsigned) = (staking.staking_output(), staking.without_witnesses());
        let delegation = Delegation::new(&NewDelegation {
            staked_to: &staked_to,
            staking: &funded,
            transaction: &unsigned,
            parameters,
            parameters_at: ParametersAt::Height(new_stake.height),
        })?;
        let warnings = transaction::fixed_fee_warnings(&delegation.presigned(parameters)?, rate);
        delegation::write_new(&new_stake.out, &delegation.to_json())?;
        let built = BuiltTransaction::unsigned(staking.psbt(), staking.fee(), Some(staking.vsize()));
        let built = BuiltTransaction { txid: staking.txid().to_string(), warnings, ..built };
        built.question_fee(Some(rate)).print(new_stake.format.form())
    }
}
