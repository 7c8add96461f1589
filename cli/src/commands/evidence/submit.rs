//! `evidence submit`: reports a selective slashing.

use std::io::{BufRead as _, IsTerminal as _, Write as _, stderr, stdin};

use anyhow::{Context, bail, ensure};
use babylon::{Message, query};
use eots::XOnlyPublicKey;

use crate::args::secret::{SecretKeyFile, SecretKeyPath};
use crate::args::secured_chain::ChainNodeArgs;
use crate::args::sending::SendArgs;
use crate::view::output::Printout;

#[derive(clap::Args)]
#[command(
    after_help = "Equivocation needs no report: the chain has both votes. A slashing transaction on Bitcoin without one is a selective slashing: it reveals the provider's key \
    (`btcstake tx explain --delegation` extracts it), and whoever has that key can spend what it guards, and slash every stake of the provider.\n\n\
    Example:\n  btcstake evidence submit --selective --secret-key-file extracted.key --chain-id bbn-1 --chain-node URL --account reporter"
)]
pub(crate) struct Args {
    /// Report a selective slashing: there is no other report.
    #[arg(long, required = true)]
    selective: bool,
    /// File with the provider's secret key, which was extracted, 64 hex digits, or keystore:NAME; - is
    /// standard input. It is published.
    #[arg(long, value_name = "FILE", value_parser = SecretKeyFile)]
    secret_key_file: SecretKeyPath,
    /// Do not ask, for scripts: the secret key is public from then on.
    #[arg(long)]
    yes_publish_the_key: bool,
    /// The chain's id, which the node must have.
    #[arg(long)]
    chain_id: Option<String>,
    #[command(flatten)]
    nodes: ChainNodeArgs,
    #[command(flatten)]
    send: SendArgs,
}

/// Asks on the terminal, twice.
fn ask(public_key: &XOnlyPublicKey) -> anyhow::Result<()> {
    ensure!(
        stdin().is_terminal() && stderr().is_terminal(),
        "this publishes the secret key of {public_key}, and there is no terminal to ask on; --yes-publish-the-key must be given"
    );
    let questions = [
        (format!("This publishes the secret key of the finality provider {public_key}.\nAnswer \"publish\" to go on: "), "publish".to_owned()),
        ("Whoever reads the chain has it then, and nothing takes that back.\nType the last 8 digits of the public key to publish it: ".to_owned(), public_key.to_string().split_off(56)),
    ];
    for (question, answer) in questions {
        let _shown = write!(stderr(), "{question}").and_then(|()| stderr().flush());
        let mut line = String::new();
        stdin().lock().read_line(&mut line).context("cannot read the answer")?;
        if line.trim() != answer {
            bail!("nothing was published: the answer must be {answer:?}");
        }
    }
    Ok(())
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let sender = self.send.sender(&self.nodes)?;
        ensure!(
            self.chain_id.is_some() || !self.nodes.is_given(),
            "--chain-id is absent; must be that of the chain that is sent to"
        );
        let key = self.secret_key_file.read()?;
        ensure!(
            !sender.is_of(&key),
            "--secret-key-file is the key of the account itself; must be that of a finality provider: nothing was published"
        );
        if self.nodes.is_given() {
            let known =
                query::finality_provider(&self.nodes.node()?, key.public_key()).context(self.nodes.flag())?;
            known.with_context(|| {
                format!(
                    "--secret-key-file: {} is no finality provider of the chain; nothing was published",
                    key.public_key()
                )
            })?;
        }
        if !self.yes_publish_the_key {
            ask(key.public_key())?;
        }
        let message = Message::selective_slashing_evidence(sender.address(), &key);
        sender.print(self.chain_id.as_deref(), vec![message])
    }
}
