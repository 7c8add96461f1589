//! `pop create`: creates a proof of possession.

use anyhow::bail;
use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use staking_scripts::ProofOfPossession;
use staking_scripts::possession::Bip322Script;

use crate::args::network::NetworkName;
use crate::args::possession::{Kind, PossessionArgs};
use crate::args::secret::{SecretKeyFile, SecretKeyPath};
use crate::view::output::{CommandOutput, Printout};

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  btcstake pop create --type bip340 --secret-key-file provider.key \
    --address bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm\n  \
    btcstake pop create --type bip322 --script p2tr --network signet --secret-key-file member.key \
    --address bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm\n  \
    btcstake pop create --type ecdsa --secret-key-file member.key \
    --address bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm")]
pub(crate) struct Args {
    #[command(flatten)]
    possession: PossessionArgs,
    /// File with the staker's or the finality provider's secret key, 64 hex digits; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = SecretKeyFile)]
    secret_key_file: SecretKeyPath,
    /// With bip322: the kind of Bitcoin address that signs.
    #[arg(long, required_if_eq("kind", "bip322"))]
    script: Option<Script>,
    /// With bip322: the network of that address.
    #[arg(long, required_if_eq("kind", "bip322"))]
    network: Option<NetworkName>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Script {
    P2wpkh,
    P2tr,
}

impl From<Script> for Bip322Script {
    fn from(script: Script) -> Self {
        match script {
            Script::P2wpkh => Self::P2wpkh,
            Script::P2tr => Self::P2tr,
        }
    }
}

/// A proof of possession, with the fields that a delegation needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The public key whose possession is proven.
    pub public_key: String,
    /// `bip340`, `bip322` or `ecdsa`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The account on Babylon Genesis, in bech32.
    pub account: String,
    /// The proof in hex.
    pub signature: String,
    /// The signing context of a consumer chain; null on Babylon Genesis.
    pub signing_context: Option<String>,
    /// With bip322: the Bitcoin address that signed.
    pub bitcoin_address: Option<String>,
    /// With bip322: the simple signature, in base64.
    pub simple_signature: Option<String>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        match (&self.bitcoin_address, &self.simple_signature) {
            (Some(address), Some(simple)) => format!(
                "signature         {}\nbitcoin address   {address}\nsimple signature  {simple}",
                self.signature
            ),
            _ => self.signature.clone(),
        }
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let (key, message) = (self.secret_key_file.read()?, self.possession.message()?);
        let proof = match (self.possession.kind, self.script, self.network) {
            (Kind::Bip340, None, None) => ProofOfPossession::create_bip340(&key, &message)?,
            (Kind::Ecdsa, None, None) => ProofOfPossession::create_ecdsa(&key, &message)?,
            (Kind::Bip322, Some(script), Some(network)) => {
                ProofOfPossession::create_bip322(&key, &message, script.into(), network.into())?
            }
            _ => bail!("--script and --network: must both be given with --type bip322, and only with it"),
        };
        let (bitcoin_address, simple_signature) = match &proof {
            ProofOfPossession::Bip322(signature) => {
                (Some(signature.address().to_string()), Some(BASE64_STANDARD.encode(signature.to_simple())))
            }
            _ => (None, None),
        };
        let (account, context) = (message.address().to_string(), message.context());
        let signing_context = (!context.is_genesis()).then(|| context.to_string());
        let signature = hex::encode(proof.signature_bytes());
        let (public_key, kind) = (key.public_key().to_string(), self.possession.kind.to_string());
        Printout::of(&Output {
            public_key,
            kind,
            account,
            signature,
            signing_context,
            bitcoin_address,
            simple_signature,
        })
    }
}
