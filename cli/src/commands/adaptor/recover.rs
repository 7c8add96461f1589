//! `adaptor recover`: recovers the decryption key.

use anyhow::anyhow;
use bitcoin::secp256k1::schnorr;
use eots::{AdaptorSignature, XOnlyPublicKey};
use serde::{Deserialize, Serialize};

use crate::args::argument::{self, Argument};
use crate::args::input;
use crate::view::output::{CommandOutput, Exit, Printout};

#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  btcstake adaptor recover --adaptor-signature ADAPTOR_SIGNATURE --signature SIGNATURE"
)]
pub(crate) struct Args {
    /// The adaptor signature, 65 bytes (or 66 in the old form).
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::adaptor_signature))]
    adaptor_signature: Argument<AdaptorSignature>,
    /// The signature that it was decrypted into, 64 bytes, as it is in the transaction.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::schnorr_signature))]
    signature: Argument<schnorr::Signature>,
    /// The finality provider's public key: the key recovered is checked to be its secret.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::public_key))]
    encryption_key: Option<Argument<XOnlyPublicKey>>,
}

/// The decryption key, or why none can be recovered. The text is the key alone, so that it can be written to
/// a key file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The decryption key in hex: the finality provider's secret key.
    pub decryption_key: Option<String>,
    /// Its public key.
    pub public_key: Option<String>,
    /// Why no key can be recovered.
    pub reason: Option<String>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        match (&self.decryption_key, &self.reason) {
            (Some(key), _) => key.clone(),
            (None, reason) => {
                format!("no key can be recovered: {}", reason.as_deref().unwrap_or_default())
            }
        }
    }

    fn exit(&self) -> Exit {
        Exit::of(self.decryption_key.is_some())
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let expected = argument::read_optional(self.encryption_key.as_ref())?;
        let recovered = match self.adaptor_signature.read()?.recover(&self.signature.read()?) {
            Ok(key) if expected.is_some_and(|expected| expected != *key.public_key()) => {
                Err(anyhow!("it would be the secret key of {}", key.public_key()))
            }
            recovered => recovered.map_err(Into::into),
        };
        Printout::of(&match recovered {
            Ok(key) => Output {
                decryption_key: Some(hex::encode(key.to_bytes().as_slice())),
                public_key: Some(key.public_key().to_string()),
                reason: None,
            },
            Err(error) => Output { decryption_key: None, public_key: None, reason: Some(error.to_string()) },
        })
    }
}
