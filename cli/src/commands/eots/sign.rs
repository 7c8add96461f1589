//! `eots sign`: one signature.

use anyhow::bail;
use eots::{SecretKey, SecretRandomness, SigningContext};
use serde::Serialize;

use super::in_context;
use crate::input::{self, Bytes};
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  btcstake eots sign --secret-key-file provider.key --chain-id bbn-1 --height 1 \
    --message 00000000000000010000000000000000000000000000000000000000000000000000000000000000 --dangerously-unprotected"
)]
pub(crate) struct Args {
    /// File with the finality provider's secret key, 64 hex digits; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = input::SecretKeyFile)]
    secret_key_file: SecretKey,
    /// The chain whose block is voted on.
    #[arg(long)]
    chain_id: String,
    /// The height of the block.
    #[arg(long, allow_negative_numbers = true)]
    height: u64,
    /// The message: hex, @FILE or -. A vote is the height (8 bytes, big-endian) and the block hash.
    #[arg(long, value_name = "BYTES", value_parser = input::bytes)]
    message: Bytes,
    /// On a consumer chain: the signing context, which precedes the message (`btcstake eots context` computes
    /// it).
    #[arg(long, value_name = "64 HEX DIGITS")]
    signing_context: Option<SigningContext>,
    /// Sign although nothing records this signature. A second one at the same height over another message
    /// reveals the secret key.
    #[arg(long)]
    dangerously_unprotected: bool,
}

#[derive(Serialize)]
struct Fields {
    public_key: String,
    public_randomness: String,
    message: String,
    signature: String,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        if !self.dangerously_unprotected {
            bail!(
                "nothing would record this signature, and a second one at height {} over another message would reveal the secret key; \
                 pass --dangerously-unprotected to sign all the same",
                self.height
            );
        }
        let randomness =
            SecretRandomness::derive(&self.secret_key_file, self.chain_id.as_bytes(), self.height);
        let public_randomness = randomness.public_randomness().to_string();
        let message = in_context(self.signing_context, &self.message);
        let signature = eots::sign(&self.secret_key_file, randomness, &message)?.to_string();
        let public_key = self.secret_key_file.public_key().to_string();
        let text = format!(
            "public key         {public_key}\npublic randomness  {public_randomness}\nsignature          {signature}"
        );
        Output::new(
            text,
            &Fields { public_key, public_randomness, message: hex::encode(&message), signature },
        )
    }
}
