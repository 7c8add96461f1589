//! `eots sign`: signs with the randomness of a height.

use std::path::PathBuf;
#[cfg(feature = "signer")]
use std::sync::Arc;

use anyhow::bail;
use eots::SecretRandomness;
use finality::SigningContext;
#[cfg(feature = "signer")]
use finality::{ConsumerHeight, SignerChain};
use serde::{Deserialize, Serialize};
#[cfg(feature = "signer")]
use signer::session::{ProtectedSigner, SessionError, VoteRules};

use super::message::in_context;
use crate::args::argument::{self, Argument};
use crate::args::input::{self, Bytes};
#[cfg(feature = "signer")]
use crate::args::protection::GuardArgs;
use crate::args::secret::{SecretKeyFile, SecretKeyPath};
use crate::view::output::{CommandOutput, Printout};
#[cfg(feature = "signer")]
use crate::view::violation::Refused;

#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  btcstake eots sign --secret-key-file provider.key --chain-id bbn-1 --height 1 \
    --message 00000000000000010000000000000000000000000000000000000000000000000000000000000000 --protection signing.db"
)]
pub(crate) struct Args {
    /// File with the finality provider's secret key, 64 hex digits, or keystore:NAME; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = SecretKeyFile)]
    secret_key_file: SecretKeyPath,
    /// The chain whose block is voted on.
    #[arg(long)]
    chain_id: String,
    /// The height of the block.
    #[arg(long, allow_negative_numbers = true)]
    height: u64,
    /// The message: hex, @FILE or -. A vote is the height (8 bytes, big-endian) and the block hash.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::bytes))]
    message: Argument<Bytes>,
    /// On a consumer chain: the signing context, which precedes the message (`btcstake eots context` computes
    /// it).
    #[arg(long, value_name = "64 HEX DIGITS")]
    signing_context: Option<SigningContext>,
    /// The signing database (`btcstake signer init` makes one): the signature is recorded before it is
    /// printed, and another message at the same height is refused.
    #[arg(long, value_name = "FILE")]
    protection: Option<PathBuf>,
    #[cfg(feature = "signer")]
    #[command(flatten)]
    guard: GuardArgs,
    /// Sign without a signing record, for tests only. A second signature at the same height over another
    /// message reveals the secret key.
    #[arg(long, conflicts_with = "protection")]
    dangerously_unprotected: bool,
}

/// An EOTS signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The finality provider's public key.
    pub public_key: String,
    /// The public randomness of the height.
    pub public_randomness: String,
    /// The message that is signed, in hex: with the signing context before it, on a consumer chain.
    pub message: String,
    /// The signature, 32 bytes in hex.
    pub signature: String,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        format!(
            "public key         {}\npublic randomness  {}\nsignature          {}",
            self.public_key, self.public_randomness, self.signature
        )
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        if self.protection.is_none() && !self.dangerously_unprotected {
            bail!(
                "nothing would record this signature, and a second one at height {} over another message would reveal the secret key; \
                 pass --protection with a signing database (`btcstake signer init` makes one), or --dangerously-unprotected to sign all the same",
                self.height
            );
        }
        let key = self.secret_key_file.read()?;
        let message = in_context(self.signing_context, &self.message.read()?);
        let (public_key, shown) = (key.public_key().to_string(), hex::encode(&message));
        let randomness = SecretRandomness::derive(&key, self.chain_id.as_bytes(), self.height);
        let public_randomness = randomness.public_randomness().to_string();
        let signature = match &self.protection {
            None => eots::sign(&key, randomness, &message)?,
            #[cfg(not(feature = "signer"))]
            Some(_) => bail!(
                "this btcstake was built without the feature `signer`, so it has no signing database; install it with \
                 `cargo install --path cli`"
            ),
            #[cfg(feature = "signer")]
            Some(database) => {
                let store = Arc::new(self.guard.open(database)?);
                let chain = SignerChain::genesis(self.chain_id);
                let signer = ProtectedSigner::new(key, chain, store, VoteRules::default());
                match signer.sign_message(ConsumerHeight(self.height), message) {
                    Ok(verdict) => *verdict.signature(),
                    Err(SessionError::Refused(refusal)) => {
                        return Err(Refused::because(refusal.as_str(), refusal.to_string()).into());
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        };
        let signature = signature.to_string();
        Printout::of(&Output { public_key, public_randomness, message: shown, signature })
    }
}
