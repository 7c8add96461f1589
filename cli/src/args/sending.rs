//! The account that sends messages to the secured chain, or the print of what it would send.

use anyhow::{Context, ensure};
use babylon::client::{SendError, Sent};
use babylon::node::{ChainNode as _, NodeError, Several};
use babylon::{AccountKey, Message, Transaction};
use finality::AccountAddress;

use super::account::{AccountArgs, account_key};
use super::secured_chain::ChainNodeArgs;
use crate::view::output::Printout;
use crate::view::sent::{Output, SentTransaction};
use crate::view::violation::Refused;

/// How much gas an unsigned transaction is allowed, where nobody says.
const UNSIGNED_GAS: u64 = 500_000;
/// And for each byte of its messages: a header has 82, and takes some 10 400.
const GAS_OF_A_BYTE: u64 = 150;

/// Who sends, and how.
#[derive(clap::Args)]
pub(crate) struct SendArgs {
    #[command(flatten)]
    account: AccountArgs,
    /// Print the transaction as `babylond tx sign` takes it, for a key that is kept elsewhere; nothing is
    /// sent.
    #[arg(long, conflicts_with_all = ["account", "account_key_file"])]
    unsigned: bool,
    /// With --unsigned: the account that will sign it.
    #[arg(long, value_name = "ADDRESS", requires = "unsigned")]
    #[arg(conflicts_with_all = ["account", "account_key_file"])]
    from: Option<AccountAddress>,
}

/// The sender of a command: an account with its key, or the address that will sign.
pub(crate) struct Sender<'a> {
    args: &'a SendArgs,
    nodes: &'a ChainNodeArgs,
    key: Option<AccountKey>,
    address: AccountAddress,
}

impl SendArgs {
    /// Reads the account's key, or takes the address that will sign.
    pub(crate) fn sender<'a>(&'a self, nodes: &'a ChainNodeArgs) -> anyhow::Result<Sender<'a>> {
        self.sender_on(nodes, "bbn")
    }

    /// Does so on a chain whose addresses have this prefix.
    pub(crate) fn sender_on<'a>(
        &'a self,
        nodes: &'a ChainNodeArgs,
        prefix: &str,
    ) -> anyhow::Result<Sender<'a>> {
        if self.unsigned {
            let from = self.from.clone();
            let address = from.context("--from is absent; must be the account that will sign")?;
            ensure!(
                address.prefix() == prefix,
                "--from is an address of {:?}; must begin with {prefix}1, as on the chain that is sent to",
                address.prefix()
            );
            return Ok(Sender { args: self, nodes, key: None, address });
        }
        let path = self.account.path("--account-key-file or --unsigned")?;
        ensure!(nodes.is_given(), "--chain-node is absent; must be given, or --chain-gateway or --unsigned");
        let key = account_key(&path)?;
        Ok(Sender { args: self, nodes, address: key.address_on(prefix)?, key: Some(key) })
    }

    /// Returns the sender of messages that name it.
    pub(crate) fn sender_as<'a>(
        &'a self,
        nodes: &'a ChainNodeArgs,
        address: &AccountAddress,
    ) -> anyhow::Result<Sender<'a>> {
        if self.unsigned && self.from.is_none() {
            return Ok(Sender { args: self, nodes, key: None, address: address.clone() });
        }
        let sender = self.sender(nodes)?;
        ensure!(
            sender.address == *address,
            "the account is {}; must be {address}, which the message names",
            sender.address
        );
        Ok(sender)
    }

    /// Returns whether anything is to be sent, for commands that also do without.
    pub(crate) const fn is_given(&self) -> bool {
        self.unsigned || self.account.is_given()
    }
}

impl Sender<'_> {
    /// Returns whether the account has this key.
    pub(crate) fn is_of(&self, key: &eots::SecretKey) -> bool {
        let own = self.key.as_ref().map(AccountKey::public_key);
        own.is_some_and(|own| own.get(1..) == Some(&key.public_key().serialize()[..]))
    }

    /// Returns the account's address.
    pub(crate) const fn address(&self) -> &AccountAddress {
        &self.address
    }

    /// Returns whether nothing is sent: the transaction is printed for a key that is kept elsewhere.
    pub(crate) const fn is_unsigned(&self) -> bool {
        self.key.is_none()
    }

    /// Returns the nodes, where there are any, of which one of the chain that is sent to is asked: before
    /// anything is signed that is signed once only.
    pub(crate) fn nodes_of(&self, expected: &str) -> anyhow::Result<Option<Several>> {
        if !self.nodes.is_given() {
            return Ok(None);
        }
        let (nodes, flag) = (self.nodes.node()?.of_chain(expected), self.nodes.flag());
        // From here on the one that answered is asked.
        let found = nodes.status().context(flag)?.chain_id;
        ensure!(
            found == expected,
            "{flag} is of the chain {found:?}; must be of {expected:?}, which is sent to"
        );
        Ok(Some(nodes))
    }

    /// Sends messages in one transaction, and waits for its block; or returns it unsigned.
    pub(crate) fn send(&self, chain_id: Option<&str>, messages: Vec<Message>) -> anyhow::Result<Output> {
        let given = &self.args.account;
        let Some(key) = &self.key else {
            if let Some(expected) = chain_id {
                self.nodes_of(expected)?;
            }
            let bytes: usize = messages.iter().map(|message| message.protobuf().len()).sum();
            let more = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(GAS_OF_A_BYTE);
            let fee = given.gas_prices.fee(given.gas.unwrap_or(UNSIGNED_GAS.saturating_add(more)));
            let unsigned = Transaction::new(messages).to_unsigned_json(&fee);
            return Ok(Output::Unsigned(serde_json::from_value(unsigned)?));
        };
        let chain_id = chain_id.context("--chain-id is absent; must be that of the chain that is sent to")?;
        let node = self.nodes.node()?.of_chain(chain_id);
        let failed = |error| failed(self.nodes.flag(), error);
        let account = given.open(&node, key, chain_id).map_err(failed)?.with_prefix(self.address.prefix())?;
        let kinds = messages.iter().map(|message| message.type_url().to_owned()).collect();
        let Sent { hash, executed, fee } = account.send(&messages).map_err(failed)?;
        Ok(Output::Sent(SentTransaction {
            transaction_hash: hex::encode_upper(hash),
            height: executed.height.to_u64(),
            account: self.address.to_string(),
            messages: kinds,
            fee: format!("{}{}", fee.amount, fee.denom),
            gas_wanted: executed.gas_wanted,
            gas_used: executed.gas_used,
        }))
    }

    /// Does so, and prints what became of it.
    pub(crate) fn print(&self, chain_id: Option<&str>, messages: Vec<Message>) -> anyhow::Result<Printout> {
        Printout::of(&self.send(chain_id, messages)?)
    }
}

/// What the chain refuses is a negative answer; everything else is an error.
fn failed(flag: &'static str, error: SendError) -> anyhow::Error {
    match &error {
        SendError::Failed { .. } | SendError::Node(NodeError::Refused(_)) => {
            Refused::because("refused_by_chain", error.to_string()).into()
        }
        SendError::UnknownAccount(_) => anyhow::Error::new(error).context("--account"),
        _ => anyhow::Error::new(error).context(flag),
    }
}
