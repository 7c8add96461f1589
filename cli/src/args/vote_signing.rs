//! Who signs with the randomness of a height: a key beside a signing database, or a signer that runs.

use std::path::PathBuf;

#[cfg(feature = "signer")]
use anyhow::Context;
#[cfg(not(feature = "signer"))]
use anyhow::bail;
use anyhow::ensure;
use eots::{PublicRandomness, SecretRandomness, Signature, XOnlyPublicKey};
#[cfg(any(feature = "babylon", feature = "signer"))]
use finality::SignerChain;
use finality::SigningContext;
#[cfg(feature = "signer")]
use finality::{ConsumerHeight, Signer as _, VoteMessage, VoteSignature};
#[cfg(feature = "signer")]
use signer::session::{ProtectedSigner, SessionError, VoteRules};

use super::input::Bytes;
#[cfg(feature = "signer")]
use super::protection::GuardArgs;
use super::provider_key::ProviderKeyArgs;
#[cfg(feature = "signer")]
use super::remote::{RemoteArgs, refused};
#[cfg(feature = "babylon")]
use super::vote_signer::VoteSigner;
#[cfg(feature = "signer")]
use crate::view::violation::Refused;

#[cfg(not(feature = "signer"))]
const NO_SIGNER: &str = "this btcstake was built without the feature `signer`, so it has no signing database; install it with `cargo install --path cli`";

/// Returns the message that is signed: on a consumer chain, the signing context precedes it.
pub(crate) fn in_context(context: Option<SigningContext>, Bytes(message): &Bytes) -> Vec<u8> {
    [context.unwrap_or(SigningContext::GENESIS).as_bytes(), message].concat()
}

/// Who signs.
#[derive(clap::Args)]
pub(crate) struct SigningArgs {
    #[command(flatten)]
    key: ProviderKeyArgs,
    /// The chain whose block is voted on.
    #[arg(long)]
    pub(crate) chain_id: String,
    /// On a consumer chain: the signing context, which precedes the message (`btcstake eots context` computes
    /// it).
    #[arg(long, value_name = "64 HEX DIGITS")]
    pub(crate) signing_context: Option<SigningContext>,
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
    #[cfg_attr(feature = "signer", arg(conflicts_with_all = ["signer", "guard"]))]
    dangerously_unprotected: bool,
}

/// An EOTS signature.
pub(crate) struct Signed {
    pub(crate) public_key: XOnlyPublicKey,
    pub(crate) public_randomness: PublicRandomness,
    /// With the signing context before it, on a consumer chain.
    pub(crate) message: Vec<u8>,
    pub(crate) signature: Signature,
}

impl SigningArgs {
    /// Has a signer that runs sign a vote.
    #[cfg(feature = "signer")]
    fn sign_remotely(&self, remote: &RemoteArgs, height: u64, message: &Bytes) -> anyhow::Result<Signed> {
        let context = self.signing_context.unwrap_or(SigningContext::GENESIS);
        let whole = in_context(self.signing_context, message);
        let vote = VoteMessage::from_bytes(context, &whole).context("--message")?;
        let found = vote.height().to_u64();
        ensure!(found == height, "--message votes at height {found}; must vote at --height, {height}");
        let signer = remote.lane(&self.chain_id, self.signing_context)?;
        let VoteSignature { public_randomness, signature } = signer.vote(&vote).map_err(refused)?;
        Ok(Signed { public_key: signer.public_key(), public_randomness, message: whole, signature })
    }

    /// Returns whether nothing would record what is signed.
    #[cfg(all(feature = "babylon", feature = "signer"))]
    pub(crate) const fn is_unprotected(&self) -> bool {
        self.dangerously_unprotected
    }

    fn check_protected(&self) -> anyhow::Result<()> {
        ensure!(
            self.protection.is_some() || self.dangerously_unprotected,
            "nothing would record this signature, and a second one at its height over another message would reveal the secret key; \
             pass --protection with a signing database (`btcstake signer init` makes one), or --dangerously-unprotected to sign all the same"
        );
        Ok(())
    }

    /// Returns who signs votes and proves them.
    #[cfg(feature = "babylon")]
    pub(crate) fn signer(self) -> anyhow::Result<VoteSigner> {
        #[cfg(feature = "signer")]
        if let Some(remote) = self.key.remote() {
            return Ok(VoteSigner::Remote(remote.lane(&self.chain_id, self.signing_context)?));
        }
        self.check_protected()?;
        let key = self.key.read()?;
        let context = self.signing_context.unwrap_or(SigningContext::GENESIS);
        let chain = SignerChain { vote_context: context, ..SignerChain::genesis(self.chain_id) };
        match &self.protection {
            None => Ok(VoteSigner::Unprotected(finality::UnprotectedSigner::new(key, chain))),
            #[cfg(not(feature = "signer"))]
            Some(_) => bail!(NO_SIGNER),
            #[cfg(feature = "signer")]
            Some(database) => {
                let store = self.guard.open(database)?.store;
                // What the chain has as committed, the database need not know.
                let rules = VoteRules { committed_only: false, most_above: u64::MAX };
                Ok(VoteSigner::Protected(ProtectedSigner::new(key, chain, store, rules)))
            }
        }
    }

    /// Signs a message, without the signing context of a consumer chain, at a height.
    pub(crate) fn sign(self, height: u64, message: &Bytes) -> anyhow::Result<Signed> {
        #[cfg(feature = "signer")]
        if let Some(remote) = self.key.remote() {
            return self.sign_remotely(remote, height, message);
        }
        self.check_protected()?;
        let key = self.key.read()?;
        let message = in_context(self.signing_context, message);
        let public_key = *key.public_key();
        let randomness = SecretRandomness::derive(&key, self.chain_id.as_bytes(), height);
        let public_randomness = *randomness.public_randomness();
        let signature = match &self.protection {
            None => eots::sign(&key, randomness, &message)?,
            #[cfg(not(feature = "signer"))]
            Some(_) => bail!(NO_SIGNER),
            #[cfg(feature = "signer")]
            Some(database) => {
                let store = self.guard.open(database)?.store;
                let chain = SignerChain::genesis(self.chain_id);
                let signer = ProtectedSigner::new(key, chain, store, VoteRules::default());
                let signed = signer.sign_message(ConsumerHeight(height), message.clone());
                *signed.map_err(not_signed)?.signature()
            }
        };
        Ok(Signed { public_key, public_randomness, message, signature })
    }
}

/// Makes a refusal of the signing database a negative answer.
#[cfg(feature = "signer")]
pub(super) fn not_signed(error: SessionError) -> anyhow::Error {
    match error {
        SessionError::Refused(refusal) => Refused::because(refusal.as_str(), refusal.to_string()).into(),
        error => error.into(),
    }
}
