//! `adaptor sign`: an encrypted signature.

use eots::{AdaptorSignature, SecretKey, XOnlyPublicKey};
use rand_core::OsRng;

use crate::input;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "Any message is signed, and what is signed is for whoever has the decryption key: `covenant sign` checks a stake first.\n\n\
    Example:\n  btcstake adaptor sign --secret-key-file member.key \
    --encryption-key 1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f \
    --message 0707070707070707070707070707070707070707070707070707070707070707"
)]
pub(crate) struct Args {
    /// File with the covenant member's secret key, 64 hex digits; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = input::SecretKeyFile)]
    secret_key_file: SecretKey,
    /// The finality provider's public key.
    #[arg(long, value_name = "BYTES", value_parser = input::public_key)]
    encryption_key: XOnlyPublicKey,
    /// The message: the 32-byte sighash of a slashing transaction.
    #[arg(long, value_name = "BYTES", value_parser = input::bytes32)]
    message: [u8; 32],
    /// 32 bytes of auxiliary randomness; fresh ones when absent.
    #[arg(long, value_name = "BYTES", value_parser = input::bytes32)]
    aux_rand: Option<[u8; 32]>,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let (key, encryption_key, message) = (&self.secret_key_file, &self.encryption_key, &self.message);
        let signature = match self.aux_rand {
            Some(aux) => AdaptorSignature::sign(key, encryption_key, message, &aux)?,
            None => AdaptorSignature::sign_with_rng(key, encryption_key, message, &mut OsRng)?,
        };
        let text = signature.to_string();
        Output::new(
            text.clone(),
            &serde_json::json!({ "public_key": key.public_key(), "adaptor_signature": text }),
        )
    }
}
