//! `covenant submit`: submits a member's signatures to the chain.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use babylon::Message;
use staking_scripts::CovenantSignatures;

use crate::args::argument::Argument;
use crate::args::delegation::{DelegationArgs, covenant_signatures_file};
use crate::args::sending::SendArgs;
use crate::view::output::Printout;
use crate::view::violation::Refused;

#[derive(clap::Args)]
#[command(
    after_help = "The signatures are verified first. The chain takes a member's signatures for a stake once, from any account.\n\n\
    Example:\n  btcstake covenant submit --delegation signed.json --params params.json --covenant-signatures covenant1.json --chain-id bbn-1 --chain-node URL \
    --account member"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    /// A file with what `covenant sign --json` printed (once for each member); - is standard input.
    #[arg(long, value_name = "FILE", value_parser = covenant_signatures_file(), required = true)]
    covenant_signatures: Vec<Argument<CovenantSignatures>>,
    /// The chain's id, which the node must have.
    #[arg(long)]
    chain_id: Option<String>,
    #[command(flatten)]
    send: SendArgs,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let sender = self.send.sender(&self.files.nodes)?;
        let files = self.files.read()?;
        let (transactions, stake) =
            (files.transactions()?, files.delegation.staking_transaction.compute_txid());
        let mut messages = Vec::with_capacity(self.covenant_signatures.len());
        let mut members = BTreeSet::new();
        for file in &self.covenant_signatures {
            let signatures = file.read()?;
            let verdicts = transactions.verify_covenant_signatures(std::slice::from_ref(&signatures));
            let verified: Result<(), _> = verdicts.into_iter().collect();
            verified
                .with_context(|| format!("--covenant-signatures {}", file.shown().escape_debug()))
                .map_err(|error| Refused::because("covenant_signatures", format!("{error:#}")))?;
            let member = signatures.unbonding.member;
            ensure!(
                members.insert(member),
                "--covenant-signatures {}: those of the member {member} are given twice; must be once",
                file.shown().escape_debug()
            );
            messages.push(Message::add_covenant_signatures(sender.address(), stake, &signatures));
        }
        sender.print(self.chain_id.as_deref(), messages)
    }
}
