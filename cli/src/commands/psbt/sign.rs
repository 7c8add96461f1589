//! `psbt sign`: a signature of the staker, on a machine that knows nothing but the PSBT and the key.

use anyhow::Context;
use bitcoin::Psbt;
use eots::SecretKey;
use staking_scripts::sign_psbt;

use crate::commands::tx::psbt;
use crate::input;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "Signs the inputs whose one offered leaf has the key as its staker, and coins that pay to the key's own Taproot address; the others are left to their owners. Nothing is signed \
    as a covenant member (`btcstake covenant sign` checks what it signs) or as a finality provider. Look at it with `psbt check` or `tx explain` first.\n\n\
    Example:\n  btcstake psbt sign --psbt @unbonding.psbt --secret-key-file staker.key"
)]
pub(crate) struct Args {
    /// The PSBT: base64, or @FILE of base64 or of its bytes.
    #[arg(long, value_name = "PSBT", value_parser = psbt)]
    psbt: Psbt,
    /// File with the secret key, 64 hex digits; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = input::SecretKeyFile)]
    secret_key_file: SecretKey,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let (psbt, signed) = sign_psbt(&self.psbt, &self.secret_key_file).context("--psbt")?;
        let text = psbt.to_string();
        Output::new(text.clone(), &serde_json::json!({ "psbt": text, "signed_inputs": signed }))
    }
}
