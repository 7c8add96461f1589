//! `adaptor sign`: signs, encrypted to a finality provider's key.

use eots::{AdaptorSignature, Message, XOnlyPublicKey};
use rand_core::OsRng;
use serde::{Deserialize, Serialize};

use crate::args::argument::{self, Argument};
use crate::args::input;
use crate::args::secret::{SecretKeyFile, SecretKeyPath};
use crate::view::output::{CommandOutput, Printout};

#[derive(clap::Args)]
#[command(
    after_help = "Signs any message, blindly: for tests and other protocols. Whoever has the decryption key can decrypt the signature. A covenant member signs with `covenant sign`, which checks the stake first.\n\n\
    Example:\n  btcstake adaptor sign --secret-key-file member.key \
    --encryption-key 1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f \
    --message 0707070707070707070707070707070707070707070707070707070707070707 --dangerously-blind"
)]
pub(crate) struct Args {
    /// File with the covenant member's secret key, 64 hex digits, or keystore:NAME; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = SecretKeyFile)]
    secret_key_file: SecretKeyPath,
    /// The finality provider's public key.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::public_key))]
    encryption_key: Argument<XOnlyPublicKey>,
    /// The message: the 32-byte sighash of a slashing transaction.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::bytes32))]
    message: Argument<[u8; 32]>,
    /// Sign without knowing what: whoever may choose the message gets a signature over any transaction. A
    /// covenant member's key is for `covenant sign`, which checks the stake and records it.
    #[arg(long, required = true)]
    dangerously_blind: bool,
    /// 32 bytes of auxiliary randomness; fresh ones when absent.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::bytes32))]
    aux_rand: Option<Argument<[u8; 32]>>,
}

/// An adaptor signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The covenant member's public key.
    pub public_key: String,
    /// The adaptor signature, 65 bytes in hex.
    pub adaptor_signature: String,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        self.adaptor_signature.clone()
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let (key, encryption_key) = (self.secret_key_file.read()?, self.encryption_key.read()?);
        let message = Message::from_digest(self.message.read()?);
        let signature = match argument::read_optional(self.aux_rand.as_ref())? {
            Some(aux) => AdaptorSignature::sign(&key, &encryption_key, message, &aux)?,
            None => AdaptorSignature::sign_with_rng(&key, &encryption_key, message, &mut OsRng)?,
        };
        let public_key = key.public_key().to_string();
        Printout::of(&Output { public_key, adaptor_signature: signature.to_string() })
    }
}
