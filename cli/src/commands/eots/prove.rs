//! `eots prove`: proves that a public randomness is in a commitment.

use anyhow::Context;
use eots::PublicRandomness;
use finality::{RandomnessProof, RandomnessTree};
use serde::{Deserialize, Serialize};

use crate::args::randomness_range::RandomnessRangeArgs;
use crate::view::output::{CommandOutput, Exit, Printout};

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  btcstake eots prove --secret-key-file provider.key --chain-id bbn-1 --height 100 --count 1000 --index 7\n  \
    btcstake eots prove --secret-key-file provider.key --chain-id bbn-1 --height 100 --count 1000 --all"
)]
pub(crate) struct Args {
    #[command(flatten)]
    range: RandomnessRangeArgs,
    /// The index of the height, from 0.
    #[arg(long, allow_negative_numbers = true, required_unless_present = "all")]
    index: Option<u64>,
    /// Prove all heights, as JSON lines: one object for each height, in order.
    #[arg(long, conflicts_with = "index")]
    all: bool,
}

/// A proof, which `eots check-proof` reads. With `--all`, there is one for each height.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The public randomness, in hex.
    pub public_randomness: String,
    /// The number of leaves of the tree.
    pub total: u64,
    /// The leaf's index, from 0.
    pub index: u64,
    /// The leaf's hash, in hex.
    pub leaf_hash: String,
    /// The sibling hashes in hex, from the leaf up to the root.
    pub aunts: Vec<String>,
    /// The proof as protobuf, in hex, which the chain reads.
    pub protobuf: String,
    /// The height, for the text.
    #[serde(skip)]
    height: u64,
}

impl Output {
    fn new(height: u64, public_randomness: PublicRandomness, proof: &RandomnessProof) -> Self {
        Self {
            public_randomness: public_randomness.to_string(),
            total: proof.total,
            index: proof.index,
            leaf_hash: hex::encode(proof.leaf_hash),
            aunts: proof.aunts.iter().map(hex::encode).collect(),
            protobuf: hex::encode(proof.to_protobuf()),
            height,
        }
    }
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        format!(
            "public randomness of height {}\n{}\nproof\n{}",
            self.height, self.public_randomness, self.protobuf
        )
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        // The list gives the tree and the leaves, derived once.
        let start_height = self.range.height;
        let leaves = self.range.leaves()?;
        let tree = RandomnessTree::new(start_height, &leaves)?;
        let Some(index) = self.index else {
            let count = u64::try_from(leaves.len())?;
            let lines = (0..count).zip(leaves).filter_map(move |(index, public)| {
                let height = start_height.checked_add(index)?;
                serde_json::to_string(&Output::new(height.0, public, &tree.prove(height)?)).ok()
            });
            return Ok(Printout::lines(lines, Exit::Success));
        };
        let absent = || format!("--index is {index}; must be below the count, {}", self.range.count);
        let public = usize::try_from(index).ok().and_then(|index| leaves.get(index)).with_context(absent)?;
        let height = start_height.checked_add(index).with_context(absent)?;
        Printout::of(&Output::new(height.0, *public, &tree.prove(height).with_context(absent)?))
    }
}
