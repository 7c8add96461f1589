//! `provider register`: registers a finality provider.

use anyhow::ensure;
use babylon::Message;
use babylon::message::{Commission, CommissionRates};
use finality::{PossessionMessage, SigningContext};
use staking_scripts::ProofOfPossession;

use crate::args::description::DescriptionArgs;
use crate::args::provider_key::ProviderKeyArgs;
use crate::args::secured_chain::ChainNodeArgs;
use crate::args::sending::SendArgs;
use crate::view::output::Printout;

#[derive(clap::Args)]
#[command(
    after_help = "The key proves its possession to the account that sends, which is the finality provider's from then on: an account has one finality provider.\n\n\
    Examples:\n  btcstake provider register --signer URL --signer-secret-file operator.secret --moniker first --commission-rate 0.05 \
    --commission-max-rate 0.2 --commission-max-change-rate 0.01 --chain-id bbn-1 --chain-node URL --account operator\n  \
    btcstake provider register --secret-key-file provider.key --moniker first --commission-rate 0.05 --commission-max-rate 0.2 \
    --commission-max-change-rate 0.01 --unsigned --from bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm"
)]
pub(crate) struct Args {
    #[command(flatten)]
    key: ProviderKeyArgs,
    #[command(flatten)]
    description: DescriptionArgs,
    /// What it keeps of its stakers' rewards, from 0 to 1: 0.05.
    #[arg(long, value_name = "RATE")]
    commission_rate: Commission,
    /// The most that it may ever keep.
    #[arg(long, value_name = "RATE")]
    commission_max_rate: Commission,
    /// The most that the rate may change in a day.
    #[arg(long, value_name = "RATE")]
    commission_max_change_rate: Commission,
    /// The chain's id, which the node must have.
    #[arg(long)]
    chain_id: Option<String>,
    #[command(flatten)]
    nodes: ChainNodeArgs,
    #[command(flatten)]
    send: SendArgs,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let (rate, most) = (self.commission_rate, self.commission_max_rate);
        ensure!(rate <= most, "--commission-rate is {rate}; must be at most --commission-max-rate, {most}");
        let change = self.commission_max_change_rate;
        ensure!(
            change <= most,
            "--commission-max-change-rate is {change}; must be at most --commission-max-rate, {most}"
        );
        let sender = self.send.sender(&self.nodes)?;
        let asked = PossessionMessage::new(SigningContext::GENESIS, sender.address().clone())?;
        let (public_key, proof) = self.key.prove_possession(&asked)?;
        let rates = CommissionRates {
            rate: self.commission_rate,
            max_rate: self.commission_max_rate,
            max_change_rate: self.commission_max_change_rate,
        };
        let description = self.description.into();
        let possession = ProofOfPossession::Bip340(proof);
        let message = Message::create_finality_provider(
            sender.address(),
            &public_key,
            &description,
            rates,
            &possession,
        );
        sender.print(self.chain_id.as_deref(), vec![message])
    }
}
