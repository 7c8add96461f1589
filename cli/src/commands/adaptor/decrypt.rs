//! `adaptor decrypt`: decrypts an adaptor signature.

use bitcoin::secp256k1::{Message, SECP256K1};
use eots::{AdaptorSignature, XOnlyPublicKey};
use serde::{Deserialize, Serialize};

use crate::args::argument::{self, Argument};
use crate::args::input;
use crate::args::secret::{SecretKeyFile, SecretKeyPath};
use crate::view::output::{CommandOutput, Exit, Printout};

#[derive(clap::Args)]
#[command(
    after_help = "Decryption with a wrong key succeeds too, and its result is not a valid signature. Give the member's \
    --public-key and the --message to have it verified; without them, the JSON says \"verified\": false.\n\nExample:\n  btcstake adaptor decrypt --decryption-key-file provider.key --adaptor-signature ADAPTOR_SIGNATURE"
)]
pub(crate) struct Args {
    /// The adaptor signature, 65 bytes (or 66 in the old form).
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::adaptor_signature))]
    adaptor_signature: Argument<AdaptorSignature>,
    /// File with the finality provider's secret key, 64 hex digits, or keystore:NAME; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = SecretKeyFile)]
    decryption_key_file: SecretKeyPath,
    /// The covenant member's public key: with the message, the signature is verified.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::public_key), requires = "message")]
    public_key: Option<Argument<XOnlyPublicKey>>,
    /// The message that it signs, 32 bytes.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::bytes32), requires = "public_key")]
    message: Option<Argument<[u8; 32]>>,
}

/// The signature that an adaptor signature was decrypted into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The BIP-340 signature; null when it does not verify.
    pub signature: Option<String>,
    /// Whether it was verified, which takes `--public-key` and `--message`, and is valid.
    pub verified: bool,
    /// Why there is no signature; null when there is one.
    pub reason: Option<String>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        self.signature.as_ref().or(self.reason.as_ref()).cloned().unwrap_or_default()
    }

    fn exit(&self) -> Exit {
        Exit::of(self.signature.is_some())
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let public_key = argument::read_optional(self.public_key.as_ref())?;
        let message = argument::read_optional(self.message.as_ref())?;
        let signature = self.adaptor_signature.read()?.decrypt(&self.decryption_key_file.read()?)?;
        if let (Some(public_key), Some(message)) = (&public_key, message) {
            let message = Message::from_digest(message);
            if SECP256K1.verify_schnorr(&signature, &message, public_key).is_err() {
                let reason =
                    format!("the decrypted signature is not valid for {public_key} over this message");
                return Printout::of(&Output { signature: None, verified: false, reason: Some(reason) });
            }
        }
        let verified = message.is_some();
        Printout::of(&Output { signature: Some(signature.to_string()), verified, reason: None })
    }
}
