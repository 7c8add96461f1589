//! `eots sign`: signs with the randomness of a height.

use std::path::PathBuf;

use anyhow::bail;
#[cfg(feature = "signer")]
use anyhow::{Context, ensure};
use eots::SecretRandomness;
use finality::SigningContext;
#[cfg(feature = "signer")]
use finality::{ConsumerHeight, Signer as _, SignerChain, VoteMessage};
use serde::{Deserialize, Serialize};
#[cfg(feature = "signer")]
use signer::session::{ProtectedSigner, SessionError, VoteRules};

use super::message::in_context;
use crate::args::argument::{self, Argument};
use crate::args::input::{self, Bytes};
#[cfg(feature = "signer")]
use crate::args::protection::GuardArgs;
#[cfg(feature = "signer")]
use crate::args::remote::{RemoteArgs, refused};
use crate::args::secret::{SecretKeyFile, SecretKeyPath, absent_key};
use crate::view::output::{CommandOutput, Printout};
#[cfg(feature = "signer")]
use crate::view::violation::Refused;

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  btcstake eots sign --secret-key-file provider.key --chain-id bbn-1 --height 1 \
    --message 00000000000000010000000000000000000000000000000000000000000000000000000000000000 --protection signing.db\n  \
    btcstake eots sign --signer URL --signer-secret-file operator.secret --chain-id bbn-1 --height 1 \
    --message 00000000000000010000000000000000000000000000000000000000000000000000000000000000"
)]
pub(crate) struct Args {
    /// File with the finality provider's secret key, 64 hex digits, or keystore:NAME; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = SecretKeyFile)]
    #[cfg_attr(feature = "signer", arg(required_unless_present = "signer", conflicts_with = "signer"))]
    #[cfg_attr(not(feature = "signer"), arg(required = true))]
    secret_key_file: Option<SecretKeyPath>,
    #[cfg(feature = "signer")]
    #[command(flatten)]
    remote: RemoteArgs,
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
    #[cfg_attr(feature = "signer", arg(conflicts_with = "signer"))]
    protection: Option<PathBuf>,
    #[cfg(feature = "signer")]
    #[command(flatten)]
    guard: GuardArgs,
    /// Sign without a signing record, for tests only. A second signature at the same height over another
    /// message reveals the secret key.
    #[arg(long, conflicts_with = "protection")]
    #[cfg_attr(feature = "signer", arg(conflicts_with = "signer"))]
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
    /// Has a signer that runs sign a vote.
    #[cfg(feature = "signer")]
    fn sign_remotely(&self) -> anyhow::Result<Printout> {
        let message = self.message.read()?;
        let context = self.signing_context.unwrap_or(SigningContext::GENESIS);
        let whole = in_context(self.signing_context, &message);
        let vote = VoteMessage::from_bytes(context, &whole).context("--message")?;
        let (found, height) = (vote.height().to_u64(), self.height);
        ensure!(found == height, "--message votes at height {found}; must vote at --height, {height}");
        let signer = self.remote.lane(&self.chain_id, self.signing_context)?;
        let made = signer.vote(&vote).map_err(refused)?;
        Printout::of(&Output {
            public_key: signer.public_key().to_string(),
            public_randomness: made.public_randomness.to_string(),
            message: hex::encode(whole),
            signature: made.signature.to_string(),
        })
    }

    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        #[cfg(feature = "signer")]
        if self.remote.signer.is_some() {
            return self.sign_remotely();
        }
        if self.protection.is_none() && !self.dangerously_unprotected {
            bail!(
                "nothing would record this signature, and a second one at height {} over another message would reveal the secret key; \
                 pass --protection with a signing database (`btcstake signer init` makes one), or --dangerously-unprotected to sign all the same",
                self.height
            );
        }
        let key = self.secret_key_file.as_ref().ok_or_else(absent_key)?.read()?;
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
                let store = self.guard.open(database)?.store;
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
