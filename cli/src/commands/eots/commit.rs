//! `eots commit`: commits to the public randomness of a range of heights.

use finality::SigningContext;
use serde::{Deserialize, Serialize};

use crate::args::randomness_range::RandomnessRangeArgs;
use crate::view::output::{CommandOutput, Printout};

#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  btcstake eots commit --secret-key-file provider.key --chain-id bbn-1 --height 100 --count 1000"
)]
pub(crate) struct Args {
    #[command(flatten)]
    range: RandomnessRangeArgs,
    /// The signing context of a consumer chain, 64 lower-case hex digits; absent on Babylon Genesis.
    #[arg(long, value_name = "CONTEXT")]
    signing_context: Option<SigningContext>,
}

/// A randomness commitment, signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The finality provider's public key.
    pub public_key: String,
    /// The first height.
    pub start_height: u64,
    /// How many heights.
    pub count: u64,
    /// The Merkle root, in hex.
    pub root: String,
    /// The provider's BIP-340 signature, in hex.
    pub signature: String,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        format!(
            "public key    {}\nstart height  {}\ncount         {}\nroot          {}\nsignature     {}",
            self.public_key, self.start_height, self.count, self.root, self.signature
        )
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let (public_key, signed) = self.range.commit(self.signing_context)?;
        let commitment = signed.commitment;
        Printout::of(&Output {
            public_key: public_key.to_string(),
            start_height: commitment.start_height.0,
            count: commitment.count,
            root: hex::encode(commitment.root),
            signature: signed.signature.to_string(),
        })
    }
}
