//! A transaction of the secured chain, sent or to be signed elsewhere.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::output::CommandOutput;

/// What became of messages for the secured chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Output {
    /// A block has the transaction.
    Sent(SentTransaction),
    /// The transaction as `babylond tx sign` takes it: with --unsigned.
    Unsigned(UnsignedTransaction),
}

/// A transaction that was executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SentTransaction {
    /// Its hash, as the chain shows it: 64 upper-case hex digits.
    pub transaction_hash: String,
    /// The height of its block.
    pub height: u64,
    /// The account that signed and paid.
    pub account: String,
    /// The types of its messages, in order.
    pub messages: Vec<String>,
    /// What was paid for it, in the smallest unit of the coin: 2001ubbn.
    pub fee: String,
    /// The gas that it was allowed.
    pub gas_wanted: u64,
    /// The gas that it used.
    pub gas_used: u64,
}

/// The form of an unsigned transaction, which is the chain's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UnsignedTransaction {
    /// Messages, memo, last height.
    pub body: Value,
    /// The fee, and nobody's signature.
    pub auth_info: Value,
    /// None.
    pub signatures: [(); 0],
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        match self {
            Self::Sent(sent) => format!(
                "transaction  {}\nheight       {}\naccount      {}\nmessages     {}\ngas          {} of {}\nfee          {}",
                sent.transaction_hash,
                sent.height,
                sent.account,
                sent.messages.join(" "),
                sent.gas_used,
                sent.gas_wanted,
                sent.fee,
            ),
            Self::Unsigned(transaction) => serde_json::to_string_pretty(transaction).unwrap_or_default(),
        }
    }
}
