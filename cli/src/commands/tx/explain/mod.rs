//! `tx explain`: explains a transaction of the staking protocol.

pub(crate) mod fields;
pub(crate) mod known;
mod under;

use anyhow::{anyhow, ensure};
use bitcoin::absolute::Height;
use bitcoin::{Amount, OutPoint, TxOut, Txid};
use chain::FoundTransaction;
use staking_scripts::explain::explain;
use staking_scripts::psbt::PaymentSummary;
use staking_scripts::{Delegation, TransactionKind};

use self::fields::{Output, fields};
use self::known::InDelegation;
use self::under::Judged;
use crate::args::argument::{self, Argument};
use crate::args::chain::ChainArgs;
use crate::args::delegation;
use crate::args::input;
use crate::args::network::NetworkName;
use crate::args::node::NodeArgs;
use crate::args::parameters::{AnyParameters, any_parameters_file};
use crate::args::stake::{AnyFiles, PlaceArgs};
use crate::args::transaction::{self, Given};
use crate::view::output::Printout;
use crate::view::payment::Payment;
use crate::view::violation::message;

#[derive(clap::Args)]
#[command(
    after_help = "A staking output cannot be distinguished from any other Taproot output until it is spent, unless it is a PSBT \
    that describes its outputs, or --delegation is given. The OP_RETURN data of a phase-1 stake alone are none: with --params, of either form, the output is rebuilt from them and the \
    committee, and must be there exactly once; and a withdrawal from a staking output counts only where the committee's unbonding leaf is beside it (without --params, that it is some stake's is the witness's word). Other protocols use the same internal key and some of the same leaves: a leaf counts at its place in a stake's script tree, and in a \
    transaction that can be valid; all else is unknown.\n\nExample:\n  btcstake tx explain @withdrawal.tx"
)]
pub(crate) struct Args {
    /// A delegation: prints which of its transactions this is or spends, the inputs' amounts, the rules that
    /// the delegation breaks, and, of a slashing transaction, the finality provider's secret key, recovered
    /// from the covenant's adaptor signatures.
    #[arg(long, value_name = "FILE", value_parser = delegation::delegation_file(), requires = "params")]
    delegation: Option<Argument<Vec<Delegation>>>,
    /// Which delegation of a file with several, by its staking transaction.
    #[arg(long, value_name = "TXID", requires = "delegation")]
    staking_txid: Option<Txid>,
    /// The delegation of the running stake, for an extension whose delegation has only its id.
    #[arg(long, value_name = "FILE", value_parser = delegation::delegation_file(), requires = "delegation")]
    previous_delegation: Option<Argument<Vec<Delegation>>>,
    /// A parameters file, all versions, of Babylon Genesis or of phase 1: the rules that the transaction
    /// breaks under each, as far as it tells.
    #[arg(long, value_name = "FILE", value_parser = any_parameters_file())]
    params: Option<Argument<AnyParameters>>,
    /// The height of the block that includes a phase-1 stake, for the rules of the height and the cap; a
    /// --node that has it in a block tells it.
    #[arg(long, value_parser = input::height)]
    height: Option<Height>,
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    node: NodeArgs,
    /// The transaction, or a PSBT of version 0 or 2: hex, @FILE or -; a file may have raw bytes, hex, or a
    /// PSBT in base64. With --node, which must be on --network, also a txid.
    #[arg(value_name = "TRANSACTION", value_parser = argument::value(source))]
    transaction: Argument<Source>,
}

/// A transaction, or its id.
#[derive(Debug, Clone)]
enum Source {
    Given(Box<Given>),
    Id(Txid),
}

/// Parses the source. 32 bytes are not a transaction, so they are an id.
fn source(text: &str) -> anyhow::Result<Source> {
    match text.parse() {
        Ok(txid) => Ok(Source::Id(txid)),
        Err(_) => transaction::read(text).map(|given| Source::Given(Box::new(given))),
    }
}

/// Returns a transaction that the node has, with its block.
fn find(
    node_args: &NodeArgs,
    network: NetworkName,
    txid: &Txid,
) -> anyhow::Result<(Given, FoundTransaction)> {
    let found = node_args.connect_on(network)?.transaction(txid)?;
    let found =
        found.ok_or_else(|| anyhow!("the node has no transaction {txid}, in its mempool or in a block"))?;
    let node = node_args.connect_without_search(network)?;
    // What the node does not find at once stays unknown: amounts are worth no search.
    let output = |outpoint: OutPoint| -> Option<TxOut> {
        let source = node.transaction(&outpoint.txid).ok()??.transaction;
        source.output.get(usize::try_from(outpoint.vout).ok()?).cloned()
    };
    let transaction = found.transaction.clone();
    let spent = transaction.input.iter().map(|input| output(input.previous_output)).collect();
    let (explanation, weight) = (explain(&transaction), transaction.weight());
    Ok((Given { explanation, transaction, finalized: true, spent, weight }, found))
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let (given, found) = match self.transaction.read()? {
            Source::Given(given) => (*given, None),
            Source::Id(txid) => {
                let (given, found) = find(&self.node, self.chain.network, &txid)?;
                (given, Some(found))
            }
        };
        let Given { transaction, mut explanation, finalized, mut spent, weight } = given;
        let previous = self.previous_delegation.as_ref();
        let delegation = self.delegation.as_ref();
        let delegation =
            delegation.map(|given| delegation::select(given, self.staking_txid, previous)).transpose()?;
        let params = argument::read_optional(self.params.as_ref())?;
        let mut foreign = Vec::new();
        if let Some(params) = &params {
            let committees: Vec<_> = params.rules().iter().map(|rules| rules.parameters().covenant).collect();
            let before: Vec<_> = explanation.spent.iter().map(|leaf| leaf.input).collect();
            explanation = explanation.with_committees(&transaction, &committees);
            let is_left = |input: &usize| explanation.spent.iter().any(|leaf| leaf.input == *input);
            foreign.extend(before.into_iter().filter(|input| !is_left(input)).map(|input| {
                format!(
                    "input {input}: it spends a leaf with another committee, or beside another one, than any in --params: a stake of others, or no stake"
                )
            }));
        }
        let files = delegation.zip(params.clone());
        let files = files.map(|(delegation, params)| AnyFiles::new(delegation, params, self.chain));
        let known = files.as_ref().map(AnyFiles::relation).transpose()?;
        if let Some(known) = &known {
            explanation = known.explain(&transaction, explanation);
            for (index, (said, input)) in spent.iter_mut().zip(&transaction.input).enumerate() {
                let Some(held) = known.source(input.previous_output) else { continue };
                let said = said.get_or_insert_with(|| held.clone());
                ensure!(
                    said.value == held.value,
                    "the PSBT says that input {index} spends {} sat; must be {} sat, as in the delegation",
                    said.value.to_sat(),
                    held.value.to_sat()
                );
            }
        }
        let amounts: Vec<_> = spent.iter().map(|spent| spent.as_ref().map(|spent| spent.value)).collect();
        let held = amounts.iter().try_fold(Amount::ZERO, |sum, amount| sum.checked_add((*amount)?));
        let block_height = found.as_ref().and_then(|found| found.block).map(|block| block.height.to_u32());
        let height = match (self.height, block_height) {
            (None, Some(height)) => Some(Height::from_consensus(height)?),
            (given, _) => given,
        };
        let judged =
            Judged { transaction: &transaction, explanation: &explanation, held, height, place: &self.place };
        let verdicts = params.as_ref().map(|params| judged.under(params));
        // With parameters, each version names them.
        let contradicted = if verdicts.is_none() { judged.contradictions() } else { Vec::new() };
        let (parameters, stakes) = match verdicts {
            Some(verdicts) => (Some(verdicts.versions), verdicts.stakes),
            None => (None, Vec::new()),
        };
        // A delegation knows its own transactions better than their outputs show.
        let is_new = explanation.kind == TransactionKind::Unknown && !stakes.is_empty();
        let explanation =
            if is_new { explanation.with_known_outputs(&transaction, &stakes) } else { explanation };
        let summary = PaymentSummary::of_transaction(&transaction, spent, &explanation).with_weight(weight);
        let mut payment = Payment::new(&summary, self.chain.network.into());
        payment.warnings.extend(contradicted.iter().map(message).chain(foreign));
        let confirmations = found.map(|found| found.confirmations);
        let fields = fields(&transaction, &amounts, &explanation, known.as_ref(), payment);
        let violations = files.as_ref().map(AnyFiles::violations).transpose()?.unwrap_or_default();
        let delegation = known.map(|known| InDelegation::new(&known, &transaction, &violations));
        Printout::of(&Output { finalized, delegation, parameters, block_height, confirmations, ..fields })
    }
}
