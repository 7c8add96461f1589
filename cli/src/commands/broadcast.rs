//! `broadcast`: broadcasts a signed transaction through a node.

use anyhow::{bail, ensure};
use chain::NodeError;
use serde::{Deserialize, Serialize};
use staking_scripts::TransactionKind;
use staking_scripts::explain::FeeBump;

use crate::args::argument::Argument;
use crate::args::node::NodeArgs;
use crate::args::transaction::{self, Given};
use crate::view::output::{CommandOutput, Exit, Printout};
use crate::view::text::{BAD, plain};

#[derive(clap::Args)]
#[command(
    after_help = "Broadcasting a transaction that the node has already is not an error; but a node without an index (-txindex=1) \
    does not recognize one whose outputs are all spent, and rejects it as bad-txns-inputs-missingorspent. Exit code 1 when the node rejects it, with the node's reason. Slashing may burn \
    its amount (Bitcoin Core's maxburnamount).\n\n\
    When the fee is too low: build a withdrawal again at a higher rate, which replaces the first (RBF); for a staking transaction or an extension, \
    build a child of its change (`tx bump`, CPFP), and do not replace it; the fee of an unbonding or a slashing transaction cannot be raised.\n\n\
    Example:\n  btcstake broadcast @withdrawal.tx --node URL"
)]
pub(crate) struct Args {
    #[command(flatten)]
    node: NodeArgs,
    /// The transaction, or a PSBT that is finalized: hex, @FILE or -; a file may hold raw bytes, hex, or a
    /// PSBT in base64.
    #[arg(value_name = "TRANSACTION", value_parser = transaction::parser())]
    transaction: Argument<Given>,
}

/// The node's verdict on a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The transaction id, in display order.
    pub txid: String,
    /// What the transaction is in the staking protocol.
    pub kind: String,
    /// Whether the node has the transaction, in its mempool or in a block.
    pub known_to_node: bool,
    /// Why the node rejected it.
    pub reason: Option<String>,
    /// How its fee can be raised: `child` (CPFP), `replacement` (RBF) or `nothing`; null for other
    /// transactions.
    pub fee_raised_by: Option<String>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        match &self.reason {
            None => self.txid.clone(),
            Some(reason) => format!("{BAD}rejected{BAD:#}: {}", plain(reason)),
        }
    }

    fn exit(&self) -> Exit {
        Exit::of(self.known_to_node)
    }
}

const fn fee_raised_by(kind: TransactionKind) -> Option<&'static str> {
    match kind.fee_bump() {
        Some(FeeBump::Child) => Some("child"),
        Some(FeeBump::Replacement) => Some("replacement"),
        Some(FeeBump::Nothing) => Some("nothing"),
        None => None,
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let Given { transaction, explanation, finalized, .. } = self.transaction.read()?;
        ensure!(
            finalized,
            "the transaction {} lacks signatures; must have all (`psbt check` names the missing ones)",
            explanation.txid
        );
        let reason = match self.node.connect()?.broadcast(&transaction) {
            Ok(_) => None,
            Err(error @ NodeError::Rejected { .. }) => Some(error.to_string()),
            Err(error) => bail!(error),
        };
        Printout::of(&Output {
            txid: explanation.txid.to_string(),
            kind: explanation.kind.as_str().to_owned(),
            known_to_node: reason.is_none(),
            reason,
            fee_raised_by: fee_raised_by(explanation.kind).map(str::to_owned),
        })
    }
}
