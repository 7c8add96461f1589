//! The public key of a key file.

use bitcoin::{Address, Network};
use eots::XOnlyPublicKey;
use serde::{Deserialize, Serialize};
use staking_scripts::coins::key_path_script;

use crate::args::network::NetworkName;
use crate::view::output::CommandOutput;
use crate::view::text::line;

#[derive(clap::Args)]
pub(super) struct AddressArgs {
    /// Also print the Taproot address of the key alone (BIP-86), on this network.
    #[arg(long)]
    network: Option<NetworkName>,
}

/// The public key, and the address of the key alone. Without the address, the text is the public key alone,
/// for the next command in a shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The BIP-340 public key.
    pub public_key: String,
    /// The Taproot address of the key alone (BIP-86); null without `--network`.
    pub address: Option<String>,
    /// The script pubkey of that address in hex, the same on every network: `psbt sign` signs coins that pay
    /// to it.
    pub script_pubkey: String,
    /// Warnings.
    pub warnings: Vec<String>,
}

impl Output {
    pub(super) fn new(public_key: &XOnlyPublicKey, args: &AddressArgs) -> anyhow::Result<Self> {
        let script = key_path_script(public_key);
        let address =
            args.network.map(|name| Address::from_script(&script, Network::from(name))).transpose()?;
        Ok(Self {
            public_key: public_key.to_string(),
            address: address.map(|address| address.to_string()),
            script_pubkey: script.to_hex_string(),
            warnings: Vec::new(),
        })
    }
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        match &self.address {
            None => self.public_key.clone(),
            Some(address) => [
                line("public key", &self.public_key),
                line("address", address),
                line("script pubkey", &self.script_pubkey),
            ]
            .join("\n"),
        }
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}
