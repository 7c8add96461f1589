//! `eots commit`: the commitment to a range of randomness, signed.

use eots::{Consumer, Genesis, SigningContext};
use serde::Serialize;

use super::provider::Range;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  btcstake eots commit --secret-key-file provider.key --chain-id bbn-1 --height 100 --count 1000"
)]
pub(crate) struct Args {
    #[command(flatten)]
    range: Range,
    /// The signing context of a consumer chain, 64 lower-case hex digits; on genesis there is none.
    #[arg(long, value_name = "CONTEXT")]
    signing_context: Option<SigningContext>,
}

#[derive(Serialize)]
struct Fields {
    public_key: String,
    start_height: u64,
    count: u64,
    root: String,
    signature: String,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let commitment = self.range.tree()?.commitment();
        let key = &self.range.secret_key_file;
        let signature = match &self.signing_context {
            None => commitment.sign::<Genesis>(key, &())?,
            Some(context) => commitment.sign::<Consumer>(key, context)?,
        };
        let fields = Fields {
            public_key: key.public_key().to_string(),
            start_height: commitment.start_height,
            count: commitment.count,
            root: hex::encode(commitment.root),
            signature: signature.to_string(),
        };
        let text = format!(
            "public key    {}\nstart height  {}\ncount         {}\nroot          {}\nsignature     {}",
            fields.public_key, fields.start_height, fields.count, fields.root, fields.signature
        );
        Output::new(text, &fields)
    }
}
