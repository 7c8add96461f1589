//! `tx stake`: the staking transaction.

use anyhow::Context;
use eots::XOnlyPublicKey;
use staking_scripts::{DelegationFile, Parameters, StakingOutput, StakingTransaction, Versions};

use super::built::{self, Fields, OriginArgs};
use super::terms::{Provider, TermsArgs, provider, staked_to};
use crate::commands::NetworkName;
use crate::files;
use crate::input;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "The delegation, with all transactions that are signed in advance, is written to --out; the PSBT printed is for the wallet that \
    holds the coins. Sign it last: broadcast the stake only once the covenant committee has answered.\n\nExample:\n  btcstake tx stake \
    --params params.json --height 900000 --staker 531fe6068134503d2723133227c867ac8fa6c83c537e9a44c3c5bdbdcb1fe337 \
    --finality-provider 1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f --amount-sat 500000 --staking-time 64000 \
    --coin 0707070707070707070707070707070707070707070707070707070707070707:0:900000:5120462779ad4aad39514614751a71085f2f10e1c7a593e4e030efb5b8721ce55b0b \
    --network regtest --change bcrt1p5e6v9v2j5wp3y6c79gaqdqltq7jdv45fswnnm7exmmp2020mqepspf6x45 --fee-rate 5 --out my-stake.json"
)]
pub(crate) struct Args {
    /// A parameters file, all versions: as the secured chain's nodes print it, as `params show --all --json`
    /// does, or your own; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = files::parameters)]
    params: Versions<Parameters>,
    /// The staker's public key.
    #[arg(long, value_name = "BYTES", value_parser = input::public_key)]
    staker: XOnlyPublicKey,
    /// The finality provider's public key; for consumer chains CHAIN=KEY, once for each.
    #[arg(long, value_name = "KEY", value_parser = provider, required = true)]
    finality_provider: Vec<Provider>,
    /// Announce the stake on Bitcoin to the network of this tag, 8 hex digits, with an OP_RETURN output, as
    /// the stakes of phase 1 did.
    #[arg(long, value_name = "TAG", value_parser = tag)]
    announce: Option<[u8; 4]>,
    /// The Bitcoin network of the stake.
    #[arg(long, default_value = "mainnet")]
    network: NetworkName,
    #[command(flatten)]
    terms: TermsArgs,
    #[command(flatten)]
    origins: OriginArgs,
}

fn tag(text: &str) -> anyhow::Result<[u8; 4]> {
    let mut tag = [0; 4];
    hex::decode_to_slice(text, &mut tag).context("a tag is 8 hex digits").map(|()| tag)
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let Self { params, staker, finality_provider, announce, network, terms, origins } = self;
        let parameters = terms.parameters(&params)?;
        let staked_to = staked_to(&finality_provider)?;
        let output = StakingOutput::new(parameters.parties(staker, staked_to.keys())?, terms.staking_time)?;
        let (amount, change, rate) = (terms.amount(), terms.change(network)?, terms.fee_rate);
        let mut staking = match announce {
            None => StakingTransaction::build(output, amount, &terms.coin, change, rate)?,
            Some(tag) => StakingTransaction::build_announced(tag, output, amount, &terms.coin, change, rate)?,
        };
        origins.iter().for_each(|(key, source)| staking.add_key_origin(key, source));
        let (funded, transaction) = (staking.staking_output(), staking.without_witnesses());
        let height = terms.height.to_consensus_u32();
        let delegation = DelegationFile::draft(&staked_to, &funded, &transaction, parameters, height)?;
        let warnings = built::fixed_fee_warnings(&delegation.planned(parameters)?, rate);
        files::write_new(&terms.out, &delegation.to_json())?;
        let fields = Fields::unsigned(staking.psbt(), staking.fee(), Some(staking.vsize()));
        Fields { txid: staking.txid().to_string(), warnings, ..fields }.question_fee(Some(rate)).output()
    }
}
