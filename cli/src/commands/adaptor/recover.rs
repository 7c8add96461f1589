//! `adaptor recover`: the decryption key from an adaptor signature and its decryption.

use anyhow::anyhow;
use bitcoin::secp256k1::schnorr;
use eots::{AdaptorSignature, XOnlyPublicKey};
use serde::Serialize;

use crate::input;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  btcstake adaptor recover --adaptor-signature ADAPTOR_SIGNATURE --signature SIGNATURE"
)]
pub(crate) struct Args {
    /// The adaptor signature, 65 bytes (or 66 in the old form).
    #[arg(long, value_name = "BYTES", value_parser = input::adaptor_signature)]
    adaptor_signature: AdaptorSignature,
    /// The signature that it was decrypted into, 64 bytes, as it stands in the transaction.
    #[arg(long, value_name = "BYTES", value_parser = input::schnorr_signature)]
    signature: schnorr::Signature,
    /// The finality provider's public key: the key recovered is checked to be its secret.
    #[arg(long, value_name = "BYTES", value_parser = input::public_key)]
    encryption_key: Option<XOnlyPublicKey>,
}

#[derive(Serialize)]
struct Fields {
    decryption_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<XOnlyPublicKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let expected = |key: &XOnlyPublicKey| self.encryption_key.is_none_or(|expected| expected == *key);
        let recovered = match self.adaptor_signature.recover(&self.signature) {
            Ok(key) if !expected(key.public_key()) => {
                Err(anyhow!("it would be the secret of {}", key.public_key()))
            }
            recovered => recovered.map_err(Into::into),
        };
        match recovered {
            Ok(key) => {
                let decryption_key = hex::encode(key.to_bytes().as_slice());
                let public_key = Some(*key.public_key());
                // As text the key alone, so that it can be written to a key file.
                Output::new(
                    decryption_key.clone(),
                    &Fields { decryption_key: Some(decryption_key), public_key, reason: None },
                )
            }
            Err(error) => {
                let reason = error.to_string();
                let fields = Fields { decryption_key: None, public_key: None, reason: Some(reason.clone()) };
                Ok(Output::new(format!("no key can be recovered: {reason}"), &fields)?.negative())
            }
        }
    }
}
