//! `pop create`: creates a proof of possession.

use anyhow::bail;
use bitcoin::Network;
use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use clap::ValueEnum;
#[cfg(feature = "signer")]
use finality::Signer as _;
use serde::{Deserialize, Serialize};
use staking_scripts::ProofOfPossession;
use staking_scripts::possession::{Bip322Script, PopType};

use crate::args::network::NetworkName;
use crate::args::possession::{Kind, PossessionArgs, Signed};
use crate::args::provider_key::ProviderKeyArgs;
#[cfg(feature = "signer")]
use crate::args::remote::{RemoteArgs, refused};
use crate::view::output::{CommandOutput, Printout};

#[derive(clap::Args)]
#[command(
    after_help = "A signer that runs (--signer) makes proofs of --type bip340 alone.\n\nExamples:\n  btcstake pop create --type bip340 --secret-key-file provider.key \
    --address bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm\n  \
    btcstake pop create --type bip322 --script p2tr --network signet --secret-key-file member.key \
    --address bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm\n  \
    btcstake pop create --type ecdsa --secret-key-file member.key \
    --address bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm\n  \
    btcstake pop create --type bip340-text --secret-key-file provider.key \
    --address 0x52908400098527886e0f7030069857d2e4169ee7\n  \
    btcstake pop create --type bip340 --signer URL --signer-secret-file operator.secret \
    --address bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm"
)]
pub(crate) struct Args {
    #[command(flatten)]
    possession: PossessionArgs,
    #[command(flatten)]
    key: ProviderKeyArgs,
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
    /// `bip340`, `bip322`, `ecdsa` or `bip340-text`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The account on Babylon Genesis, in bech32; with bip340-text the text that was given.
    pub account: String,
    /// The proof in hex.
    pub signature: String,
    /// The signing context of a consumer chain; null on Babylon Genesis.
    pub signing_context: Option<String>,
    /// With bip322: the Bitcoin address that signed.
    pub bitcoin_address: Option<String>,
    /// With bip322: the simple signature, in base64.
    pub simple_signature: Option<String>,
    /// With bip340-text: the proof in base64, as `eotsSignBaby` of `eotsd pop export` has it.
    pub eots_sign_baby: Option<String>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        match (&self.bitcoin_address, &self.simple_signature, &self.eots_sign_baby) {
            (Some(address), Some(simple), _) => format!(
                "signature         {}\nbitcoin address   {address}\nsimple signature  {simple}",
                self.signature
            ),
            (_, _, Some(base64)) => format!("signature     {}\neotsSignBaby  {base64}", self.signature),
            _ => self.signature.clone(),
        }
    }
}

impl Args {
    /// Returns the kind of Bitcoin address that signs, and its network, with bip322.
    fn bitcoin_address(&self) -> anyhow::Result<Option<(Bip322Script, Network)>> {
        match (self.possession.kind, self.script, self.network) {
            (Kind::Bip322, Some(script), Some(network)) => Ok(Some((script.into(), network.into()))),
            (Kind::Bip340 | Kind::Ecdsa | Kind::Bip340Text, None, None) => Ok(None),
            _ => bail!("--script and --network: must both be given with --type bip322, and only with it"),
        }
    }

    /// Has a signer that runs prove its key.
    #[cfg(feature = "signer")]
    fn create_remotely(&self, remote: &RemoteArgs) -> anyhow::Result<Printout> {
        let Signed::Chain(PopType::Bip340, message) = self.possession.signed()? else {
            bail!("--signer makes proofs of --type bip340 alone; must be that one");
        };
        let context = *message.context();
        let signer = remote.lane("", Some(context))?;
        let signature = signer.prove_possession(&message).map_err(refused)?;
        Printout::of(&Output {
            public_key: signer.public_key().to_string(),
            kind: self.possession.kind.to_string(),
            account: message.address().to_string(),
            signature: hex::encode(ProofOfPossession::Bip340(signature).signature_bytes()),
            signing_context: (!context.is_genesis()).then(|| context.to_string()),
            bitcoin_address: None,
            simple_signature: None,
            eots_sign_baby: None,
        })
    }

    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        #[cfg(feature = "signer")]
        if let Some(remote) = self.key.remote() {
            return self.create_remotely(remote);
        }
        let key = self.key.read()?;
        let signed = self.possession.signed()?;
        let bitcoin_address = self.bitcoin_address()?;
        let (public_key, kind) = (key.public_key().to_string(), self.possession.kind.to_string());
        let (proof_type, message) = match signed {
            Signed::Text(account) => {
                let signature = account.sign_bip340(&key)?.serialize();
                return Printout::of(&Output {
                    public_key,
                    kind,
                    account: account.as_str().to_owned(),
                    signature: hex::encode(signature),
                    signing_context: None,
                    bitcoin_address: None,
                    simple_signature: None,
                    eots_sign_baby: Some(BASE64_STANDARD.encode(signature)),
                });
            }
            Signed::Chain(proof_type, message) => (proof_type, message),
        };
        let proof = match (proof_type, bitcoin_address) {
            (_, Some((script, network))) => {
                ProofOfPossession::create_bip322(&key, &message, script, network)?
            }
            (PopType::Ecdsa, None) => ProofOfPossession::create_ecdsa(&key, &message)?,
            (_, None) => ProofOfPossession::create_bip340(&key, &message)?,
        };
        let (bitcoin_address, simple_signature) = match &proof {
            ProofOfPossession::Bip322(signature) => {
                (Some(signature.address().to_string()), Some(BASE64_STANDARD.encode(signature.to_simple())))
            }
            _ => (None, None),
        };
        let (account, context) = (message.address().to_string(), message.context());
        Printout::of(&Output {
            public_key,
            kind,
            account,
            signature: hex::encode(proof.signature_bytes()),
            signing_context: (!context.is_genesis()).then(|| context.to_string()),
            bitcoin_address,
            simple_signature,
            eots_sign_baby: None,
        })
    }
}
