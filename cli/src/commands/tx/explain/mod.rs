//! `tx explain`: what a transaction is in the staking protocol.

mod fields;
mod known;

use anyhow::{anyhow, ensure};
use bitcoin::{Amount, OutPoint, Txid};
use chain::{FoundTransaction, Node};
use staking_scripts::{DelegationFile, Parameters, Versions, explain};

use self::fields::{Fields, UnderVersion, fields, text};
use self::known::Known;
use super::given::{Given, transaction};
use crate::commands::stake::Violation;
use crate::files::{self, ChainArgs};
use crate::node::NodeArgs;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "A staking output cannot be told from any other Taproot output until it is spent, unless the transaction announces \
    it (phase-1 stakes do), it comes as a PSBT that describes its outputs, or --delegation tells.\n\nExample:\n  btcstake tx explain @withdrawal.tx"
)]
pub(crate) struct Args {
    /// The delegation that it may be of: which of its transactions it is or spends, what its inputs hold,
    /// which rules the delegation breaks, and, of a slashing transaction, the finality provider's secret key,
    /// from the covenant's adaptor signatures.
    #[arg(long, value_name = "FILE", value_parser = files::delegation, requires = "params")]
    delegation: Option<DelegationFile>,
    /// A parameters file, all versions: the rules that the transaction breaks under each, as far as it tells.
    #[arg(long, value_name = "FILE", value_parser = files::parameters)]
    params: Option<Versions<Parameters>>,
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    node: NodeArgs,
    /// The transaction, or a PSBT: hex, @FILE or -; a file may hold raw bytes, hex, or a PSBT in base64. With
    /// --node, a txid will do.
    #[arg(value_name = "TRANSACTION", value_parser = source)]
    transaction: Source,
}

/// A transaction, or its id.
#[derive(Debug, Clone)]
enum Source {
    Given(Box<Given>),
    Id(Txid),
}

/// 32 bytes are no transaction, so they are an id.
fn source(text: &str) -> anyhow::Result<Source> {
    match text.parse() {
        Ok(txid) => Ok(Source::Id(txid)),
        Err(_) => transaction(text).map(|given| Source::Given(Box::new(given))),
    }
}

impl NodeArgs {
    /// A transaction that the node has, and where.
    fn find(&self, txid: &Txid) -> anyhow::Result<(Given, FoundTransaction)> {
        let found = self.connect()?.transaction(txid)?;
        let found =
            found.ok_or_else(|| anyhow!("the node has no transaction {txid}, waiting or in a block"))?;
        let node = self.connect_without_search()?;
        // What the node does not find at once stays unknown: amounts are worth no search.
        let amount = |outpoint: OutPoint| -> Option<Amount> {
            let source = node.transaction(&outpoint.txid).ok()??.transaction;
            source.output.get(usize::try_from(outpoint.vout).ok()?).map(|output| output.value)
        };
        let transaction = found.transaction.clone();
        let input_amounts = transaction.input.iter().map(|input| amount(input.previous_output)).collect();
        Ok((Given { explanation: explain(&transaction), transaction, finished: true, input_amounts }, found))
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let (given, found) = match self.transaction {
            Source::Given(given) => (*given, None),
            Source::Id(txid) => self.node.find(&txid).map(|(given, found)| (given, Some(found)))?,
        };
        let Given { transaction, mut explanation, finished, mut input_amounts } = given;
        let known = match (&self.delegation, &self.params) {
            (Some(delegation), Some(params)) => Some(Known::new(delegation, params, self.chain)?),
            _ => None,
        };
        if let Some(known) = &known {
            explanation = known.explain(&transaction, explanation);
            for (index, (said, input)) in input_amounts.iter_mut().zip(&transaction.input).enumerate() {
                let Some(held) = known.amount(input.previous_output) else { continue };
                let said = said.get_or_insert(held);
                ensure!(
                    *said == held,
                    "the PSBT says that input {index} spends {} sat, and by the delegation it is {} sat",
                    said.to_sat(),
                    held.to_sat()
                );
            }
        }
        let held = input_amounts.iter().try_fold(Amount::ZERO, |sum, amount| sum.checked_add((*amount)?));
        let under = |(version, parameters): (usize, &Parameters)| UnderVersion {
            version,
            violations: explanation
                .violations(&transaction, held, parameters)
                .iter()
                .map(Violation::from)
                .collect(),
        };
        let parameters = self.params.as_ref().map(|params| params.iter().enumerate().map(under).collect());
        let block_height = found.as_ref().and_then(|found| found.block).map(|block| block.height.to_u32());
        let confirmations = found.map(|found| found.confirmations);
        let fields = fields(&transaction, &input_amounts, &explanation, known.as_ref());
        let context = known.map(|known| known.found(&transaction));
        let fields = Fields { finished, context, parameters, block_height, confirmations, ..fields };
        Output::new(text(&fields, &explanation), &fields)
    }
}
