//! `eots vote`: votes for a block, by what is voted for on its chain.

use std::time::Duration;

use anyhow::{Context, ensure};
use babylon::VotedBlock;
use babylon::node::{ChainNode as _, CometBft};
use endpoint::Url;
use finality::ConsumerHeight;
use serde::{Deserialize, Serialize};

use crate::args::argument::{self, Argument};
use crate::args::block::block_file;
use crate::args::input::Bytes;
use crate::args::vote_signing::SigningArgs;
use crate::view::output::{CommandOutput, Printout};

/// How long a node may take.
const WITHIN: Duration = Duration::from_secs(20);

#[derive(clap::Args)]
#[command(
    after_help = "On Babylon Genesis, and on every chain of CometBFT, a vote is over the AppHash in the block's header, on rollups over the hash of the block. \
    Which it is is read of the block, so no bare hash is taken: the chain takes a vote for a wrong hash without a word, and a mistaken vote counts as the vote. \
    The right one after it reveals the secret key.\n\nExamples:\n  \
    btcstake eots vote --secret-key-file provider.key --chain-id bbn-1 --block block.json --protection signing.db\n  \
    btcstake eots vote --signer URL --signer-secret-file operator.secret --chain-id bbn-1 --chain-node URL --height 2410001"
)]
#[group(id = "source", required = true, args = ["block", "chain_node"])]
pub(crate) struct Args {
    #[command(flatten)]
    signing: SigningArgs,
    /// The block, as the chain itself prints it: the finality module's (`babylond query finality block`, or
    /// the gateway's `finality/v1/blocks/H`), a header or a block of CometBFT, or one of Ethereum's RPC; - is
    /// standard input.
    #[arg(long, value_name = "FILE", value_parser = argument::file(block_file))]
    block: Option<Argument<VotedBlock>>,
    /// A node of the chain to ask in place of --block, by CometBFT's RPC: http://127.0.0.1:26657.
    #[arg(long, value_name = "URL", requires = "height")]
    chain_node: Option<Url>,
    /// With --chain-node: the height of the block. With --block: the height that it must have.
    #[arg(long)]
    height: Option<u64>,
}

/// A vote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The finality provider's public key.
    pub public_key: String,
    /// The height of the block.
    pub height: u64,
    /// What the vote is for: the AppHash, or the hash of the block of a rollup; 32 bytes in hex.
    pub voted_hash: String,
    /// Whether that is the AppHash.
    pub is_app_hash: bool,
    /// The public randomness of the height.
    pub public_randomness: String,
    /// The signature, 32 bytes in hex.
    pub signature: String,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        let what = if self.is_app_hash { "app hash  " } else { "block hash" };
        format!(
            "public key         {}\nheight             {}\n{what}         {}\npublic randomness  {}\nsignature          {}",
            self.public_key, self.height, self.voted_hash, self.public_randomness, self.signature
        )
    }
}

impl Args {
    fn voted(&self) -> anyhow::Result<VotedBlock> {
        match (&self.block, &self.chain_node, self.height) {
            (Some(block), _, height) => {
                let block = block.read()?;
                let found = block.height;
                let is_it = height.is_none_or(|height| height == found.to_u64());
                ensure!(is_it, "--block has height {found}; must have --height");
                Ok(block)
            }
            (None, Some(url), Some(height)) => {
                let node = CometBft::new(url.clone(), WITHIN);
                let header = node.header(ConsumerHeight(height)).context("--chain-node")?;
                let header = header.with_context(|| format!("--chain-node: it has no block {height} yet"))?;
                Ok(header.into())
            }
            _ => anyhow::bail!("--block is absent; must be given, or --chain-node"),
        }
    }

    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let block = self.voted()?;
        if let Some(found) = block.chain_id.as_ref().filter(|found| **found != self.signing.chain_id) {
            anyhow::bail!(
                "the block is of the chain {found:?}; must be of --chain-id, {:?}",
                self.signing.chain_id
            );
        }
        // On Babylon Genesis no such block is voted on.
        ensure!(
            block.is_app_hash || self.signing.signing_context.is_some(),
            "the block is a rollup's, which has a signing context; --signing-context must be given"
        );
        let height = block.height.to_u64();
        let message = Bytes([height.to_be_bytes().as_slice(), &block.hash].concat());
        let made = self.signing.sign(height, &message)?;
        Printout::of(&Output {
            public_key: made.public_key.to_string(),
            height,
            voted_hash: hex::encode(block.hash),
            is_app_hash: block.is_app_hash,
            public_randomness: made.public_randomness.to_string(),
            signature: made.signature.to_string(),
        })
    }
}
