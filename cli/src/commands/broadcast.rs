//! `broadcast`: broadcasts a signed transaction through a node.

use anyhow::{bail, ensure};
use bitcoin::Transaction;
use chain::{MissingInput, Node, NodeError, RejectionClass, first_valid_height, missing_input};
use serde::{Deserialize, Serialize};
use staking_scripts::TransactionKind;
use staking_scripts::explain::FeeBump;

use crate::args::argument::Argument;
use crate::args::network::NetworkName;
use crate::args::node::NodeArgs;
use crate::args::transaction::{self, Given};
use crate::view::output::{CommandOutput, Exit, Printout};
use crate::view::text::{BAD, line, plain};

#[derive(clap::Args)]
#[command(
    after_help = "Broadcasting a transaction that the node has already is not an error, and its id alone decides whether it has it. Exit code 1 when the node \
    rejects it, with the node's reason and its class:\n\
    mempool           retry when the mempool moves: with each block, and from time to time\n\
    too-early         retry at a height, which is named where no timelock is in seconds\n\
    spent-by-another  a confirmed transaction, which is named, spends an input\n\
    missing-inputs    the node does not have what an input spends, or has no index to say who spends it (-txindex=1, -txospenderindex=1)\n\
    caller-limit      a limit of the call forbids it: for us to mend\n\
    policy            nodes do not relay it: it must be built otherwise, or a miner include it\n\
    invalid           never\n\n\
    No fee is too high: those of pre-signed transactions were fixed when they were signed (Bitcoin Core's maxfeerate is 0). Slashing may burn its amount (maxburnamount). \
    --node must be on --network.\n\n\
    When the fee is too low: build a withdrawal again at a higher rate, which replaces the first (RBF); for a staking transaction or an extension, \
    build a child of its change (`tx bump`, CPFP), and do not replace it; the fee of an unbonding or a slashing transaction cannot be raised.\n\n\
    Example:\n  btcstake broadcast @withdrawal.tx --node URL"
)]
pub(crate) struct Args {
    #[command(flatten)]
    node: NodeArgs,
    /// The Bitcoin network of the transaction.
    #[arg(long, default_value = "mainnet")]
    network: NetworkName,
    /// The transaction, or a PSBT that is finalized: hex, @FILE or -; a file may hold raw bytes, hex, or a
    /// PSBT in base64; the PSBT may be of version 0 or 2.
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
    /// Why the node rejected it, in the node's words.
    pub reason: Option<String>,
    /// What the reason means for a later attempt: `mempool`, `too-early`, `missing-inputs`,
    /// `spent-by-another`, `caller-limit`, `policy` or `invalid`; null when it is not rejected.
    pub rejection_class: Option<String>,
    /// The first height of a block that may hold it, where the class is `too-early`; null when a timelock is
    /// in seconds or the node does not know what it spends.
    pub valid_from_height: Option<u32>,
    /// The confirmed transaction that spends an input, in display order, where the class is
    /// `spent-by-another`.
    pub spender_txid: Option<String>,
    /// How its fee can be raised: `child` (CPFP), `replacement` (RBF) or `nothing`; null for other
    /// transactions.
    pub fee_raised_by: Option<String>,
    /// Warnings.
    pub warnings: Vec<String>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        let Some(reason) = &self.reason else { return self.txid.clone() };
        let mut lines = vec![format!("{BAD}rejected{BAD:#}: {}", plain(reason))];
        let class =
            RejectionClass::ALL.iter().find(|class| Some(class.as_str()) == self.rejection_class.as_deref());
        lines.extend(class.map(|class| line("class", format!("{class}: {}", class.advice()))));
        lines.extend(self.valid_from_height.map(|height| line("valid from", format!("height {height}"))));
        lines.extend(self.spender_txid.as_ref().map(|txid| line("spent by", txid)));
        lines.join("\n")
    }

    fn exit(&self) -> Exit {
        Exit::of(self.known_to_node)
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// A rejection, and what can be found out about it.
struct Rejection {
    class: RejectionClass,
    valid_from_height: Option<u32>,
    spender_txid: Option<String>,
    warnings: Vec<String>,
}

impl Rejection {
    /// Asks what the node's words do not tell; `None` when the transaction itself is confirmed.
    fn of(node: &dyn Node, transaction: &Transaction, class: RejectionClass) -> Option<Self> {
        let mut rejection = Self { class, valid_from_height: None, spender_txid: None, warnings: Vec::new() };
        match class {
            RejectionClass::MissingInputs => match missing_input(node, transaction) {
                Ok(Some(MissingInput::SpentByItself(_))) => return None,
                Ok(Some(MissingInput::SpentByAnother { spender, .. })) if spender.block.is_some() => {
                    rejection.class = RejectionClass::SpentByAnother;
                    rejection.spender_txid = Some(spender.transaction.compute_txid().to_string());
                }
                Ok(_) => {}
                Err(error) => {
                    rejection.warnings.push(format!("what spends the inputs is not known: {error}"))
                }
            },
            RejectionClass::TooEarly => match first_valid_height(node, transaction) {
                Ok(height) => rejection.valid_from_height = height.map(chain::BlockHeight::to_u32),
                Err(error) => rejection.warnings.push(format!("when it will be valid is not known: {error}")),
            },
            _ => {}
        }
        Some(rejection)
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
        let node = self.node.connect_on(self.network)?;
        let rejected = match node.broadcast(&transaction) {
            Ok(_) => None,
            Err(error @ NodeError::Rejected { .. }) => {
                let class = error.rejection_class().unwrap_or(RejectionClass::Invalid);
                Rejection::of(node.as_ref(), &transaction, class).map(|found| (error.to_string(), found))
            }
            Err(error) => bail!(error),
        };
        let (reason, rejection) = rejected.unzip();
        let class = rejection.as_ref().map(|rejection| rejection.class.as_str().to_owned());
        let (valid_from_height, spender_txid, warnings) = rejection
            .map_or_else(Default::default, |rejection| {
                (rejection.valid_from_height, rejection.spender_txid, rejection.warnings)
            });
        Printout::of(&Output {
            txid: explanation.txid.to_string(),
            kind: explanation.kind.as_str().to_owned(),
            known_to_node: reason.is_none(),
            reason,
            rejection_class: class,
            valid_from_height,
            spender_txid,
            fee_raised_by: fee_raised_by(explanation.kind).map(str::to_owned),
            warnings,
        })
    }
}
