//! `pop create`: a proof.

use anyhow::bail;
use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use clap::ValueEnum;
use eots::{SecretKey, XOnlyPublicKey};
use serde::Serialize;
use staking_scripts::{Bip322Script, PossessionField, ProofOfPossession};

use super::{ClaimArgs, Kind};
use crate::commands::script::NetworkName;
use crate::input;
use crate::output::Output;

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  btcstake pop create --type bip340 --secret-key-file provider.key \
    --address bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm\n  \
    btcstake pop create --type bip322 --script p2tr --network signet --secret-key-file member.key \
    --address bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm\n  \
    btcstake pop create --type ecdsa --secret-key-file member.key \
    --address bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm")]
pub(crate) struct Args {
    #[command(flatten)]
    claim: ClaimArgs,
    /// File with the staker's or the finality provider's secret key, 64 hex digits; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = input::SecretKeyFile)]
    secret_key_file: SecretKey,
    /// With bip322: the kind of Bitcoin address that signs.
    #[arg(long, required_if_eq("kind", "bip322"))]
    script: Option<Script>,
    /// With bip322: for which network that address is written.
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

#[derive(Serialize)]
struct Fields {
    public_key: XOnlyPublicKey,
    /// As a delegation has it.
    #[serde(flatten)]
    possession: PossessionField,
    #[serde(skip_serializing_if = "Option::is_none")]
    bitcoin_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    simple_signature: Option<String>,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let (key, claim) = (&self.secret_key_file, self.claim.claim()?);
        let proof = match (self.claim.kind, self.script, self.network) {
            (Kind::Bip340, None, None) => ProofOfPossession::create_bip340(key, &claim),
            (Kind::Ecdsa, None, None) => ProofOfPossession::create_ecdsa(key, &claim),
            (Kind::Bip322, Some(script), Some(network)) => {
                ProofOfPossession::create_bip322(key, &claim, script.into(), network.into())?
            }
            _ => bail!("--script and --network are for --type bip322, which needs both"),
        };
        let mut text = hex::encode(proof.signature_bytes());
        let mut fields = Fields {
            public_key: *key.public_key(),
            possession: PossessionField::new(&(claim, proof.clone())),
            bitcoin_address: None,
            simple_signature: None,
        };
        if let ProofOfPossession::Bip322(signature) = &proof {
            let (address, simple) =
                (signature.address().to_string(), BASE64_STANDARD.encode(signature.to_simple()));
            text =
                format!("signature         {text}\nbitcoin address   {address}\nsimple signature  {simple}");
            fields.bitcoin_address = Some(address);
            fields.simple_signature = Some(simple);
        }
        Output::new(text, &fields)
    }
}
