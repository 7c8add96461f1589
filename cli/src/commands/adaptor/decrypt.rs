//! `adaptor decrypt`: from an adaptor signature to a signature.

use eots::{AdaptorSignature, SecretKey};

use crate::input;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  btcstake adaptor decrypt --decryption-key-file provider.key --adaptor-signature ADAPTOR_SIGNATURE"
)]
pub(crate) struct Args {
    /// The adaptor signature, 65 bytes (or 66 in the old form).
    #[arg(long, value_name = "BYTES", value_parser = input::adaptor_signature)]
    adaptor_signature: AdaptorSignature,
    /// File with the finality provider's secret key, 64 hex digits; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = input::secret_key_file)]
    decryption_key_file: SecretKey,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let signature = self.adaptor_signature.decrypt(&self.decryption_key_file)?.to_string();
        Output::new(signature.clone(), &serde_json::json!({ "signature": signature }))
    }
}
