//! `key`: key files, which the other commands take as `--secret-key-file`.

mod new;
mod show;

use bitcoin::{Address, Network};
use clap::Subcommand;
use eots::{SecretKey, XOnlyPublicKey};
use serde::Serialize;
use staking_scripts::key_path_script;

use crate::commands::NetworkName;
use crate::commands::script::line;
use crate::output::Output;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a key file, and print its public key.
    New(new::Args),
    /// Print the public key of a key file, and the address of its coins.
    Show(show::Args),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        match self {
            Self::New(args) => args.run(),
            Self::Show(args) => args.run(),
        }
    }
}

#[derive(clap::Args)]
struct AddressArgs {
    /// Also print the Taproot address that the key alone spends from (BIP-86), as it is written on this
    /// network.
    #[arg(long)]
    network: Option<NetworkName>,
}

#[derive(Serialize)]
struct Fields {
    public_key: XOnlyPublicKey,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// Of the coins that `psbt sign` signs, the same on every network.
    script_pubkey: String,
}

/// What there is to say of a key. Alone, the public key is what a shell puts into the next command.
fn describe(key: &SecretKey, args: &AddressArgs) -> anyhow::Result<Output> {
    let public_key = *key.public_key();
    let script = key_path_script(&public_key);
    let address = args.network.map(|name| Address::from_script(&script, Network::from(name))).transpose()?;
    let fields = Fields {
        public_key,
        address: address.map(|address| address.to_string()),
        script_pubkey: script.to_hex_string(),
    };
    let text = match &fields.address {
        None => public_key.to_string(),
        Some(address) => [
            line("public key", public_key),
            line("address", address),
            line("script pubkey", &fields.script_pubkey),
        ]
        .join("\n"),
    };
    Output::new(text, &fields)
}
