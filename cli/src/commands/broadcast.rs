//! `broadcast`: a finished transaction, to a node.

use anyhow::{bail, ensure};
use chain::{Node, NodeError};
use serde::Serialize;
use staking_scripts::{FeeBump, TransactionKind};

use super::tx::{Given, transaction};
use crate::node::NodeArgs;
use crate::output::{BAD, Output, plain};

#[derive(clap::Args)]
#[command(
    after_help = "A transaction that the node has already is no error; but a node without an index (-txindex=1) \
    does not know one again whose outputs are all spent, and rejects it as bad-txns-inputs-missingorspent. Exit code 1 when the node rejects it, with the node's reason. What burns in \
    slashing is allowed (Bitcoin Core's maxburnamount).\n\n\
    When the fee turns out too small: a withdrawal is built again at a higher rate, and replaces the first; a staking transaction or an extension is \
    paid for by a child of its change (`tx bump`), and must not be replaced; an unbonding or a slashing transaction cannot be bumped.\n\n\
    Example:\n  btcstake broadcast @withdrawal.tx --node URL"
)]
pub(crate) struct Args {
    #[command(flatten)]
    node: NodeArgs,
    /// The transaction, or a PSBT that is complete: hex, @FILE or -; a file may hold raw bytes, hex, or a
    /// PSBT in base64.
    #[arg(value_name = "TRANSACTION", value_parser = transaction)]
    transaction: Given,
}

#[derive(Serialize)]
struct Fields {
    txid: String,
    kind: &'static str,
    accepted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// How its fee can be bumped: `child`, `replacement` or `nothing`.
    #[serde(skip_serializing_if = "Option::is_none")]
    fee_bump: Option<&'static str>,
}

const fn fee_bump(kind: TransactionKind) -> Option<&'static str> {
    match kind.fee_bump() {
        Some(FeeBump::Child) => Some("child"),
        Some(FeeBump::Replacement) => Some("replacement"),
        Some(FeeBump::Nothing) => Some("nothing"),
        None => None,
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let Given { transaction, explanation, finished, .. } = self.transaction;
        ensure!(finished, "the transaction {} lacks signatures: `psbt check` says whose", explanation.txid);
        let reason = match self.node.connect()?.broadcast(&transaction) {
            Ok(_) => None,
            Err(error @ NodeError::Rejected { .. }) => Some(error.to_string()),
            Err(error) => bail!(error),
        };
        let (txid, kind) = (explanation.txid.to_string(), explanation.kind);
        let accepted = reason.is_none();
        let text = match &reason {
            None => txid.clone(),
            Some(reason) => format!("{BAD}rejected{BAD:#}: {}", plain(reason)),
        };
        let fields = Fields { txid, kind: kind.as_str(), accepted, reason, fee_bump: fee_bump(kind) };
        let output = Output::new(text, &fields)?;
        Ok(if accepted { output } else { output.negative() })
    }
}
