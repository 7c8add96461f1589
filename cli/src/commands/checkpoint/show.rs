//! `checkpoint show`: an epoch's checkpoint.

use anyhow::{Context, ensure};
use babylon::query::{self, CheckpointStatus, RawCheckpoint};
use finality::AccountAddress;
use serde::{Deserialize, Serialize};
use spv::anchors::{Checkpoint, CheckpointTag};

use crate::args::secured_chain::ChainNodeArgs;
use crate::view::checkpoint::status_name;
use crate::view::output::{CommandOutput, Printout};

#[derive(clap::Args)]
#[command(
    after_help = "An epoch is timestamped when two transactions with these outputs are in Bitcoin, at least one of them in a block after that of the epoch before, \
    and `checkpoint submit` has proven it. Any wallet pays them: each output is worth 0.\n\n\
    Example:\n  btcstake checkpoint show --chain-node URL --epoch 12 --submitter bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm"
)]
pub(crate) struct Args {
    #[command(flatten)]
    nodes: ChainNodeArgs,
    /// The epoch.
    #[arg(long)]
    epoch: u64,
    /// The account that sends it, which is written into the first output; nothing depends on it.
    #[arg(long, value_name = "ADDRESS")]
    submitter: AccountAddress,
}

/// A checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The epoch.
    pub epoch: u64,
    /// `ACCUMULATING`, `SEALED` (it may be sent), `SUBMITTED`, `CONFIRMED` or `FINALIZED`.
    pub status: String,
    /// The hash of the epoch's last block, in hex.
    pub block_hash: String,
    /// The tag of the network's checkpoints, in hex.
    pub tag: String,
    /// The scripts of the two outputs, in hex, in the order of the parts; null while validators still sign.
    pub script_pubkeys: Option<[String; 2]>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        let mut lines = vec![
            format!("epoch       {}", self.epoch),
            format!("status      {}", self.status),
            format!("block hash  {}", self.block_hash),
            format!("tag         {}", self.tag),
        ];
        for (part, script) in self.script_pubkeys.iter().flatten().enumerate() {
            lines.push(format!("output {part}    {script}"));
        }
        lines.join("\n")
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let node = self.nodes.node()?;
        let found = query::raw_checkpoint(&node, self.epoch).context(self.nodes.flag())?;
        let found = found
            .with_context(|| format!("{}: epoch {} has no checkpoint yet", self.nodes.flag(), self.epoch))?;
        let tag = query::checkpoint_tag(&node).context(self.nodes.flag())?;
        let submitter = self.submitter.as_bytes();
        let submitter: [u8; 20] = submitter
            .try_into()
            .ok()
            .context("--submitter: it is no account's address: it has not 20 bytes")?;
        let RawCheckpoint { epoch, block_hash, bitmap, bls_multi_signature, status } = found;
        ensure!(epoch == self.epoch, "{}: it answers of another epoch", self.nodes.flag());
        let checkpoint = Checkpoint { epoch, block_hash, bitmap, submitter, bls_multi_signature };
        let tag = CheckpointTag(tag);
        let is_signed = status >= CheckpointStatus::Sealed;
        let scripts = checkpoint.script_pubkeys(tag).map(|script| script.to_hex_string());
        Printout::of(&Output {
            epoch,
            status: status_name(status).to_owned(),
            block_hash: hex::encode(block_hash),
            tag: hex::encode(tag.0),
            script_pubkeys: is_signed.then_some(scripts),
        })
    }
}
