//! Who signs with the randomness of a height: a key beside a signing database, or a signer that runs.

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
use crate::args::input::Bytes;
#[cfg(feature = "signer")]
use crate::args::protection::GuardArgs;
#[cfg(feature = "signer")]
use crate::args::remote::{RemoteArgs, refused};
use crate::args::secret::{SecretKeyFile, SecretKeyPath, absent_key};
#[cfg(feature = "signer")]
use crate::view::violation::Refused;

/// Who signs.
#[derive(clap::Args)]
pub(crate) struct SigningArgs {
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
    pub(super) chain_id: String,
    /// On a consumer chain: the signing context, which precedes the message (`btcstake eots context` computes
    /// it).
    #[arg(long, value_name = "64 HEX DIGITS")]
    pub(super) signing_context: Option<SigningContext>,
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

impl SigningArgs {
    /// Has a signer that runs sign a vote.
    #[cfg(feature = "signer")]
    fn sign_remotely(&self, height: u64, message: &Bytes) -> anyhow::Result<Output> {
        let context = self.signing_context.unwrap_or(SigningContext::GENESIS);
        let whole = in_context(self.signing_context, message);
        let vote = VoteMessage::from_bytes(context, &whole).context("--message")?;
        let found = vote.height().to_u64();
        ensure!(found == height, "--message votes at height {found}; must vote at --height, {height}");
        let signer = self.remote.lane(&self.chain_id, self.signing_context)?;
        let made = signer.vote(&vote).map_err(refused)?;
        Ok(Output {
            public_key: signer.public_key().to_string(),
            public_randomness: made.public_randomness.to_string(),
            message: hex::encode(whole),
            signature: made.signature.to_string(),
        })
    }

    /// Signs a message, without the signing context of a consumer chain, at a height.
    pub(super) fn sign(self, height: u64, message: &Bytes) -> anyhow::Result<Output> {
        #[cfg(feature = "signer")]
        if self.remote.signer.is_some() {
            return self.sign_remotely(height, message);
        }
        if self.protection.is_none() && !self.dangerously_unprotected {
            bail!(
                "nothing would record this signature, and a second one at height {height} over another message would reveal the secret key; \
                 pass --protection with a signing database (`btcstake signer init` makes one), or --dangerously-unprotected to sign all the same"
            );
        }
        let key = self.secret_key_file.as_ref().ok_or_else(absent_key)?.read()?;
        let message = in_context(self.signing_context, message);
        let (public_key, shown) = (key.public_key().to_string(), hex::encode(&message));
        let randomness = SecretRandomness::derive(&key, self.chain_id.as_bytes(), height);
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
                match signer.sign_message(ConsumerHeight(height), message) {
                    Ok(verdict) => *verdict.signature(),
                    Err(SessionError::Refused(refusal)) => {
                        return Err(Refused::because(refusal.as_str(), refusal.to_string()).into());
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        };
        let signature = signature.to_string();
        Ok(Output { public_key, public_randomness, message: shown, signature })
    }
}
