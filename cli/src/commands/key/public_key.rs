//! The public key of a key file.

use bitcoin::{Address, Network};
use eots::{SecretKey, XOnlyPublicKey};
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
    /// Also print the account of the key on Babylon Genesis, bbn1…; of a secret key alone.
    #[arg(long)]
    account_address: bool,
}

impl AddressArgs {
    /// Refuses what only a secret key tells.
    #[cfg(feature = "signer")]
    pub(super) fn check_public(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            !self.account_address,
            "--account-address is of a secret key alone; must be with --secret-key-file keystore:NAME"
        );
        Ok(())
    }
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
    /// The account of the key on Babylon Genesis, which `--account` pays with; null where only the public key
    /// is known, as an account has the parity of its point too.
    pub account: Option<String>,
    /// Warnings.
    pub warnings: Vec<String>,
    /// Whether the text has the account.
    #[serde(skip)]
    pub(super) is_account_shown: bool,
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
            account: None,
            warnings: Vec::new(),
            is_account_shown: false,
        })
    }

    /// The same of a secret key, with its account.
    pub(super) fn of(key: &SecretKey, args: &AddressArgs) -> anyhow::Result<Self> {
        let mut output = Self::new(key.public_key(), args)?;
        #[cfg(feature = "babylon")]
        {
            let bytes = zeroize::Zeroizing::new(key.to_bytes());
            output.account = Some(babylon::AccountKey::from_bytes(&bytes)?.address()?.to_string());
        }
        output.is_account_shown = args.account_address;
        Ok(output)
    }
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        let account = self.account.as_ref().filter(|_| self.is_account_shown);
        if self.address.is_none() && account.is_none() {
            return self.public_key.clone();
        }
        let mut lines = vec![line("public key", &self.public_key)];
        if let Some(address) = &self.address {
            lines.push(line("address", address));
            lines.push(line("script pubkey", &self.script_pubkey));
        }
        lines.extend(account.map(|account| line("account", account)));
        lines.join("\n")
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}
