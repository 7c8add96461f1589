//! `eots check-proof`: is a public randomness in a commitment?

use anyhow::{Context, anyhow};
use eots::{InclusionProof, PublicRandomness, RandomnessCommitment};

use crate::input::{self, Bytes};
use crate::output::Output;

#[derive(clap::Args)]
#[command(after_help = "Example:\n  btcstake eots check-proof --count 1 --index 0 \
    --root 240cd3c15b2e8e958dc0af9591c6720a2a8a413a05420bb1f4faa864091cfa93 \
    --public-randomness c6c856990779dd73e9f32b40c5c3be313b866a039acffe5f9a130c93c0394daf --proof 08011a20240cd3c15b2e8e958dc0af9591c6720a2a8a413a05420bb1f4faa864091cfa93")]
pub(crate) struct Args {
    /// The commitment's root.
    #[arg(long, value_name = "BYTES", value_parser = input::bytes32)]
    root: [u8; 32],
    /// How many public randomness the commitment is to.
    #[arg(long, allow_negative_numbers = true)]
    count: u64,
    /// Which of them this is, from 0.
    #[arg(long, allow_negative_numbers = true)]
    index: u64,
    /// The public randomness.
    #[arg(long, value_name = "BYTES", value_parser = input::public_randomness)]
    public_randomness: PublicRandomness,
    /// The proof: the JSON that `eots prove` prints, or the protobuf as hex; or @FILE of either, or of the raw protobuf.
    #[arg(long, value_name = "PROOF", value_parser = proof)]
    proof: InclusionProof,
}

fn proof(text: &str) -> anyhow::Result<InclusionProof> {
    let from_text = |text: &str| match text.trim() {
        json if json.starts_with('{') => {
            serde_json::from_str(json).context("not a proof's JSON").map_err(|e| anyhow!("{e:#}"))
        }
        digits => {
            Ok(InclusionProof::from_protobuf(&hex::decode(digits).map_err(|e| anyhow!("neither JSON nor hex: {e}"))?)?)
        }
    };
    if !text.starts_with('@') && text != "-" {
        return from_text(text);
    }
    let Bytes(bytes) = input::bytes(text)?;
    match std::str::from_utf8(&bytes) {
        Ok(text) if text.trim_start().starts_with('{') || text.trim().bytes().all(|b| b.is_ascii_hexdigit()) => {
            from_text(text)
        }
        _ => Ok(InclusionProof::from_protobuf(&bytes)?),
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        // The proof speaks of positions only, so any start height will do.
        let commitment = RandomnessCommitment { start_height: 0, count: self.count, root: self.root };
        let verdict = commitment.verify(self.index, &self.public_randomness, &self.proof);
        Output::verdict(verdict.is_ok(), verdict.err().map(|error| error.to_string()))
    }
}
