//! `eots prove`: the proof that a public randomness was committed to.

use anyhow::Context;
use eots::{InclusionProof, PublicRandomness, RandomnessTree};
use serde::Serialize;

use super::provider::Range;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  btcstake eots prove --secret-key-file provider.key --chain-id bbn-1 --height 100 --count 1000 --index 7\n  \
    btcstake eots prove --secret-key-file provider.key --chain-id bbn-1 --height 100 --count 1000 --all"
)]
pub(crate) struct Args {
    #[command(flatten)]
    range: Range,
    /// Which one, from 0.
    #[arg(long, allow_negative_numbers = true, required_unless_present = "all")]
    index: Option<u64>,
    /// All of them, as JSON lines: one object for each height, in order.
    #[arg(long, conflicts_with = "index")]
    all: bool,
}

/// A proof as it is printed, and read back by `check-proof`.
#[derive(Serialize)]
struct Fields {
    public_randomness: PublicRandomness,
    #[serde(flatten)]
    proof: InclusionProof,
    protobuf: String,
}

impl Fields {
    fn new(public_randomness: PublicRandomness, proof: InclusionProof) -> Self {
        Self { public_randomness, protobuf: hex::encode(proof.to_protobuf()), proof }
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        // The list gives the tree and the leaves, derived once.
        let start_height = self.range.height;
        let leaves = self.range.leaves()?;
        let tree = RandomnessTree::new(start_height, &leaves)?;
        let Some(index) = self.index else {
            let count = u64::try_from(leaves.len())?;
            return Ok(Output::lines((0..count).zip(leaves).filter_map(move |(index, public)| {
                let proof = tree.prove(start_height.checked_add(index)?)?;
                serde_json::to_string(&Fields::new(public, proof)).ok()
            })));
        };
        let absent = || format!("--index {index} is not below the count of {}", self.range.count);
        let public = usize::try_from(index).ok().and_then(|index| leaves.get(index)).with_context(absent)?;
        let height = start_height.checked_add(index).with_context(absent)?;
        let fields = Fields::new(*public, tree.prove(height).with_context(absent)?);
        let text = format!(
            "public randomness of height {height}\n{}\nproof\n{}",
            fields.public_randomness, fields.protobuf
        );
        Output::new(text, &fields)
    }
}
