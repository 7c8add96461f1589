//! `adaptor decrypt`: from an adaptor signature to a signature.

use bitcoin::secp256k1::{Message, SECP256K1};
use eots::{AdaptorSignature, SecretKey, XOnlyPublicKey};

use crate::input;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "With another key than the adaptor signature is encrypted to, a number comes out all the same. Whether it is a signature \
    only the member's --public-key and the --message tell; without them, the JSON says \"verified\": false.\n\nExample:\n  btcstake adaptor decrypt --decryption-key-file provider.key --adaptor-signature ADAPTOR_SIGNATURE"
)]
pub(crate) struct Args {
    /// The adaptor signature, 65 bytes (or 66 in the old form).
    #[arg(long, value_name = "BYTES", value_parser = input::adaptor_signature)]
    adaptor_signature: AdaptorSignature,
    /// File with the finality provider's secret key, 64 hex digits; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = input::SecretKeyFile)]
    decryption_key_file: SecretKey,
    /// The covenant member's public key: with the message, the signature is verified.
    #[arg(long, value_name = "BYTES", value_parser = input::public_key, requires = "message")]
    public_key: Option<XOnlyPublicKey>,
    /// The message that it signs, 32 bytes.
    #[arg(long, value_name = "BYTES", value_parser = input::bytes32, requires = "public_key")]
    message: Option<[u8; 32]>,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let signature = self.adaptor_signature.decrypt(&self.decryption_key_file)?;
        if let (Some(public_key), Some(message)) = (&self.public_key, self.message) {
            let message = Message::from_digest(message);
            if SECP256K1.verify_schnorr(&signature, &message, public_key).is_err() {
                let reason = format!("what it decrypts to is no signature of {public_key} over this message");
                let fields = serde_json::json!({ "signature": null, "reason": reason });
                return Ok(Output::new(reason, &fields)?.negative());
            }
        }
        let (signature, verified) = (signature.to_string(), self.message.is_some());
        Output::new(signature.clone(), &serde_json::json!({ "signature": signature, "verified": verified }))
    }
}
