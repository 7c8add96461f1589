//! `psbt sign`: signs as the staker, on a machine that has only the PSBT and the key.

use anyhow::Context;
use bitcoin::Psbt;
use serde::{Deserialize, Serialize};
use staking_scripts::psbt::sign_psbt;

use crate::args::argument::Argument;
use crate::args::psbt;
use crate::args::secret::{SecretKeyFile, SecretKeyPath};
use crate::view::output::{CommandOutput, Printout};

#[derive(clap::Args)]
#[command(
    after_help = "Signs the inputs whose one offered leaf has the key as its staker, and coins that pay to the key's own Taproot address; the other inputs are left as they are. Nothing is signed \
    as a covenant member (`btcstake covenant sign` checks what it signs) or as a finality provider. Check it with `psbt check` or `tx explain` first.\n\n\
    Example:\n  btcstake psbt sign --psbt @unbonding.psbt --secret-key-file staker.key"
)]
pub(crate) struct Args {
    /// The PSBT: base64, or @FILE of base64 or of its bytes.
    #[arg(long, value_name = "PSBT", value_parser = psbt::parser())]
    psbt: Argument<Psbt>,
    /// File with the secret key, 64 hex digits; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = SecretKeyFile)]
    secret_key_file: SecretKeyPath,
}

/// The PSBT with more signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The PSBT, in base64.
    pub psbt: String,
    /// How many inputs were signed.
    pub signed_inputs: usize,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        self.psbt.clone()
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let (psbt, key) = (self.psbt.read()?, self.secret_key_file.read()?);
        let (psbt, signed_inputs) = sign_psbt(&psbt, &key).context("--psbt")?;
        Printout::of(&Output { psbt: psbt.to_string(), signed_inputs })
    }
}
