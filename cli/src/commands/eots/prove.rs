//! `eots prove`: that one public randomness is in a commitment.

use anyhow::Context;
use eots::{InclusionProof, SecretRandomness};
use serde::Serialize;

use super::provider::Range;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  btcstake eots prove --secret-key-file provider.key --chain-id bbn-1 --height 100 --count 1000 --index 7"
)]
pub(crate) struct Args {
    #[command(flatten)]
    range: Range,
    /// Which one, from 0.
    #[arg(long, allow_negative_numbers = true)]
    index: u64,
}

/// A proof as it is printed, and read back by `check-proof`.
#[derive(Serialize)]
struct Fields {
    public_randomness: String,
    #[serde(flatten)]
    proof: InclusionProof,
    protobuf: String,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let absent = || format!("--index {} is not below the count of {}", self.index, self.range.count);
        let position = usize::try_from(self.index).ok().filter(|_| self.index < u64::from(self.range.count));
        let height = self.range.schedule()?.heights().nth(position.with_context(absent)?).with_context(absent)?;
        let key = &self.range.secret_key_file;
        let public = *SecretRandomness::derive(key, self.range.chain_id.as_bytes(), height).public_randomness();
        // The tree counts its leaves by ones from the first height, whatever the distance between two heights is.
        let leaf = self.range.height.checked_add(self.index).with_context(absent)?;
        let proof: InclusionProof = self.range.tree()?.prove(leaf).with_context(absent)?;
        let fields =
            Fields { public_randomness: public.to_string(), protobuf: hex::encode(proof.to_protobuf()), proof };
        let text =
            format!("public randomness of height {height}\n{}\nproof\n{}", fields.public_randomness, fields.protobuf);
        Output::new(text, &fields)
    }
}
