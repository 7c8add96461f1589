//! `tx explain`: what a transaction is in the staking protocol.

use anyhow::anyhow;
use bitcoin::{Amount, OutPoint, Transaction, Txid};
use chain::{FoundTransaction, Node};
use serde::Serialize;
use staking_scripts::{
    CovenantAnswer, DelegationFile, Explanation, LeafKeys, Parameters, SpentLeaf, Versions, explain,
    recover_provider_key,
};

use super::given::{Given, transaction};
use crate::commands::stake::Violation;
use crate::files::{self, ChainArgs};
use crate::node::NodeArgs;
use crate::output::{FAINT, Output, STRONG, plain};

#[derive(clap::Args)]
#[command(
    after_help = "A staking output cannot be told from any other Taproot output until it is spent, unless the transaction announces \
    it (phase-1 stakes do).\n\nExample:\n  btcstake tx explain @withdrawal.tx"
)]
pub(crate) struct Args {
    /// The delegation that it may be of: which of its transactions it is, which rules the delegation breaks, and, of a slashing transaction, the
    /// finality provider's secret key, from the covenant's adaptor signatures.
    #[arg(long, value_name = "FILE", value_parser = files::delegation, requires = "params")]
    delegation: Option<DelegationFile>,
    /// All versions of the parameters, as the secured chain's nodes give them: the rules that the transaction breaks under each, as far as it tells.
    #[arg(long, value_name = "FILE", value_parser = files::parameters)]
    params: Option<Versions<Parameters>>,
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    node: NodeArgs,
    /// The transaction, or a PSBT: hex, @FILE or -; a file may hold raw bytes, hex, or a PSBT in base64. With --node, a txid will do.
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
        let found = found.ok_or_else(|| anyhow!("the node has no transaction {txid}, waiting or in a block"))?;
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

#[derive(Serialize)]
struct Fields {
    txid: String,
    kind: &'static str,
    finished: bool,
    spent_path: Option<String>,
    spent: Vec<Spent>,
    staker: Option<String>,
    finality_providers: Vec<String>,
    provider_signers: Vec<String>,
    covenant_members: usize,
    quorum: u16,
    covenant_signers: Vec<String>,
    timelock: Option<u16>,
    sequence: Vec<u32>,
    lock_time: u32,
    input_amounts_sat: Vec<Option<u64>>,
    output_amounts_sat: Vec<u64>,
    paid_sat: u64,
    fee_sat: Option<u64>,
    vsize: usize,
    /// Where a node has it: the height of its block, and how many blocks deep; 0 while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    block_height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmations: Option<u32>,
    /// What it breaks under each version of the parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Vec<UnderVersion>>,
    #[serde(rename = "delegation", skip_serializing_if = "Option::is_none")]
    context: Option<InDelegation>,
}

/// What the transaction breaks under a version of the parameters.
#[derive(Serialize)]
struct UnderVersion {
    version: usize,
    violations: Vec<Violation>,
}

/// What the transaction is to a delegation.
#[derive(Serialize)]
struct InDelegation {
    /// Which of the delegation's transactions it is.
    part: Option<&'static str>,
    /// What the delegation breaks.
    violations: Vec<Violation>,
    /// The finality provider's key that it shows.
    provider_secret_key: Option<String>,
}

fn in_delegation(
    transaction: &Transaction,
    delegation: &DelegationFile,
    params: &Versions<Parameters>,
    chain: ChainArgs,
) -> anyhow::Result<InDelegation> {
    let txid = transaction.compute_txid();
    let request = delegation.request()?;
    let parts = [
        ("staking", &request.staking_transaction),
        ("unbonding", &request.unbonding_transaction),
        ("slashing", &request.slashing.transaction),
        ("unbonding_slashing", &request.unbonding_slashing.transaction),
    ];
    let part = parts.iter().find(|(_, part)| part.compute_txid() == txid).map(|(name, _)| *name);
    let violations = files::check(delegation, params, chain)?.err().unwrap_or_default();
    let answers: Vec<CovenantAnswer> = delegation.covenant_answers.iter().map(Into::into).collect();
    let adaptors: Vec<_> =
        answers.into_iter().flat_map(|answer| [answer.slashing, answer.unbonding_slashing]).collect();
    let key = recover_provider_key(transaction, &adaptors).ok();
    Ok(InDelegation {
        part,
        violations: violations.iter().map(Violation::from).collect(),
        provider_secret_key: key.map(|key| hex::encode(key.to_bytes().as_slice())),
    })
}

#[derive(Serialize)]
struct Spent {
    input: usize,
    outpoint: String,
    path: String,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let (given, found) = match self.transaction {
            Source::Given(given) => (*given, None),
            Source::Id(txid) => self.node.find(&txid).map(|(given, found)| (given, Some(found)))?,
        };
        let Given { transaction, explanation, finished, input_amounts } = given;
        let context = match (&self.delegation, &self.params) {
            (Some(delegation), Some(params)) => Some(in_delegation(&transaction, delegation, params, self.chain)?),
            _ => None,
        };
        let held = input_amounts.iter().try_fold(Amount::ZERO, |sum, amount| sum.checked_add((*amount)?));
        let under = |(version, parameters): (usize, &Parameters)| UnderVersion {
            version,
            violations: explanation.violations(&transaction, held, parameters).iter().map(Violation::from).collect(),
        };
        let parameters = self.params.as_ref().map(|params| params.iter().enumerate().map(under).collect());
        let block_height = found.as_ref().and_then(|found| found.block).map(|block| block.height.to_u32());
        let confirmations = found.map(|found| found.confirmations);
        let fields = fields(&transaction, &input_amounts, &explanation);
        let fields = Fields { finished, context, parameters, block_height, confirmations, ..fields };
        Output::new(text(&fields, &explanation), &fields)
    }
}

fn strings(items: &[impl ToString]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

fn fields(transaction: &Transaction, input_amounts: &[Option<Amount>], explanation: &Explanation) -> Fields {
    let spent: Option<&SpentLeaf> = explanation.spent.first();
    let keys = spent.map(|spent| &spent.keys);
    let announcement = explanation.announcement.as_ref();
    let staker = keys.map(LeafKeys::staker).or(announcement.map(|said| &said.staker));
    let providers = match (keys, announcement) {
        (Some(keys), _) => strings(keys.finality_providers()),
        (None, Some(said)) => vec![said.finality_provider.to_string()],
        (None, None) => Vec::new(),
    };
    let timelock = match (keys, announcement) {
        (Some(LeafKeys::Timelock { timelock, .. }), _) => Some(timelock.blocks()),
        (None, Some(said)) => Some(said.staking_time.blocks()),
        _ => None,
    };
    let (covenant, quorum) = keys.map_or((&[][..], 0), LeafKeys::covenant);
    let held = input_amounts.iter().try_fold(Amount::ZERO, |sum, amount| sum.checked_add((*amount)?));
    Fields {
        txid: explanation.txid.to_string(),
        kind: explanation.kind.as_str(),
        finished: true,
        spent_path: keys.map(|keys| keys.path().to_string()),
        spent: explanation
            .spent
            .iter()
            .map(|spent| Spent {
                input: spent.input,
                outpoint: spent.outpoint.to_string(),
                path: spent.keys.path().to_string(),
            })
            .collect(),
        staker: staker.map(ToString::to_string),
        finality_providers: providers,
        provider_signers: spent.map(|spent| strings(&spent.provider_signers)).unwrap_or_default(),
        covenant_members: covenant.len(),
        quorum,
        covenant_signers: spent.map(|spent| strings(&spent.covenant_signers)).unwrap_or_default(),
        timelock,
        sequence: transaction.input.iter().map(|input| input.sequence.0).collect(),
        lock_time: transaction.lock_time.to_consensus_u32(),
        input_amounts_sat: input_amounts.iter().map(|amount| amount.map(Amount::to_sat)).collect(),
        output_amounts_sat: transaction.output.iter().map(|output| output.value.to_sat()).collect(),
        paid_sat: explanation.paid.to_sat(),
        fee_sat: held.and_then(|held| held.checked_sub(explanation.paid)).map(Amount::to_sat),
        vsize: transaction.vsize(),
        block_height: None,
        confirmations: None,
        parameters: None,
        context: None,
    }
}

fn text(fields: &Fields, explanation: &Explanation) -> String {
    let mut lines = vec![format!("{STRONG}{}{STRONG:#} {}", fields.kind, fields.txid)];
    for spent in &fields.spent {
        lines.push(format!("input {} spends {} through the {} path", spent.input, spent.outpoint, spent.path));
    }
    if let Some(staker) = &fields.staker {
        lines.push(format!("staker              {staker}"));
    }
    for provider in &fields.finality_providers {
        let signed = if fields.provider_signers.contains(provider) { " (signature present)" } else { "" };
        lines.push(format!("finality provider   {provider}{signed}"));
    }
    if fields.quorum > 0 {
        let (signed, members) = (fields.covenant_signers.len(), fields.covenant_members);
        lines.push(format!(
            "covenant            signatures of {signed} of {members} members are present, the quorum is {}",
            fields.quorum
        ));
        lines.extend(
            fields.covenant_signers.iter().map(|signer| format!("  {FAINT}signature of{FAINT:#}      {signer}")),
        );
    }
    if let Some(timelock) = fields.timelock {
        lines.push(format!("timelock            {timelock} blocks"));
    }
    if let Some(said) = &explanation.announcement {
        lines.push(format!("announced with tag  {}", hex::encode(said.tag)));
    }
    for (index, amount) in fields.output_amounts_sat.iter().enumerate() {
        lines.push(format!("output {index:<3}          {amount} sat"));
    }
    let fee = fields.fee_sat.map(|fee| format!("fee {fee} sat, "));
    let size = if fields.finished { "" } else { " without the witnesses that are still absent" };
    lines.push(format!("size                {}{} vB{size}", fee.unwrap_or_default(), fields.vsize));
    match (fields.block_height, fields.confirmations) {
        (Some(height), Some(deep)) => lines.push(format!("block               at height {height}, {deep} deep")),
        (None, Some(_)) => lines.push("block               none yet, it waits".to_owned()),
        (_, None) => {}
    }
    for UnderVersion { version, violations } in fields.parameters.iter().flatten() {
        let kept = if violations.is_empty() { "no rule is broken that it tells of" } else { "these rules are broken:" };
        lines.push(format!("under version {version:<6}{kept}"));
        lines.extend(violations.iter().map(|found| format!("  {}: {}", found.rule, plain(&found.message))));
    }
    if let Some(InDelegation { part, violations, provider_secret_key }) = &fields.context {
        lines.push(format!("of the delegation       {}", part.unwrap_or("none of its transactions")));
        lines.extend(violations.iter().map(|found| format!("  {}: {}", found.rule, plain(&found.message))));
        let key = provider_secret_key.iter();
        lines.extend(key.map(|key| format!("finality provider's key {key}")));
    }
    lines.join("\n")
}
