//! An account of the secured chain that signs and pays.

use std::time::Duration;

use anyhow::bail;
use babylon::client::{Gas, Pace, SendError};
use babylon::node::ChainNode;
use babylon::{Account, AccountKey, GasPrice};
use zeroize::Zeroizing;

use super::secret::{SecretKeyFile, SecretKeyPath};

/// The account.
#[derive(Clone, clap::Args)]
pub(crate) struct AccountArgs {
    /// The account that signs and pays, by the name of its key in the keystore (of a mnemonic: `btcstake key
    /// restore --hd-path "m/44'/118'/0'/0/0"`).
    #[arg(long, value_name = "NAME", conflicts_with = "account_key_file")]
    account: Option<String>,
    /// A file with that account's secret key, 64 hex digits, in place of --account; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = SecretKeyFile)]
    account_key_file: Option<SecretKeyPath>,
    /// The price of a unit of gas.
    #[arg(long, value_name = "PRICE", default_value = "0.002ubbn")]
    pub(crate) gas_prices: GasPrice,
    /// How much gas a transaction may use [default: twice what the node finds by trying; where one is only
    /// printed, 500000 and 150 for each byte of its messages].
    #[arg(long, value_name = "UNITS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) gas: Option<u64>,
    /// How long to wait for the block that has a transaction.
    #[arg(long, value_name = "SECONDS", default_value_t = 90)]
    send_timeout: u32,
}

impl AccountArgs {
    /// Returns whether an account is named.
    pub(crate) const fn is_given(&self) -> bool {
        self.account.is_some() || self.account_key_file.is_some()
    }

    /// Returns where the account's key is; its absence is an error, which names what may be in its place.
    pub(crate) fn path(&self, instead: &str) -> anyhow::Result<SecretKeyPath> {
        match (&self.account, &self.account_key_file) {
            (Some(name), None) => Ok(SecretKeyPath::in_keystore("--account", name)),
            (None, Some(file)) => Ok(file.clone()),
            _ => bail!("--account is absent; must be given, or {instead}"),
        }
    }

    /// Opens the account on a node's chain.
    pub(crate) fn open<'a>(
        &self,
        node: &'a dyn ChainNode,
        key: &'a AccountKey,
        chain_id: &str,
    ) -> Result<Account<'a>, SendError> {
        let patience = Duration::from_secs(self.send_timeout.into());
        let account = Account::open(node, key, chain_id, self.gas_prices.clone())?;
        Ok(account
            .with_gas(self.gas.map_or(Gas::Simulated, Gas::Fixed))
            .with_pace(Pace { patience, ..Pace::default() }))
    }
}

/// Reads an account's key.
pub(crate) fn account_key(path: &SecretKeyPath) -> anyhow::Result<AccountKey> {
    Ok(AccountKey::from_bytes(&Zeroizing::new(path.read()?.to_bytes()))?)
}
