//! `status`: prints the state of a stake on a node's chain.

use anyhow::Context;
use bitcoin::absolute::Height;
use bitcoin::{BlockHash, OutPoint};
use chain::{BlockHeight, Coin, FoundTransaction, Node};
use serde::{Deserialize, Serialize};
use staking_scripts::delegation::Stake;
use staking_scripts::delegation::{PresignedTransactions, Spending, StakeOnChain, StakeState};
use staking_scripts::explain::explain;
use staking_scripts::{SpendPath, UnbondingTransaction};

use crate::args::delegation::DelegationArgs;
use crate::args::node::NodeArgs;
use crate::args::stake::{AnyFiles, phase1_warnings};
use crate::view::output::{CommandOutput, Printout};
use crate::view::text::STRONG;
use crate::view::transaction::fixed_fee_warnings;

/// The target, in blocks, of the fee rate that fixed fees are compared with: a day.
const FEE_TARGET: u16 = 144;
/// How often the state is read again because the chain moved meanwhile.
const MAX_REREADS: u32 = 3;

#[derive(clap::Args)]
#[command(
    after_help = "PENDING: fewer covenant signatures than the quorum. VERIFIED: a quorum, and not in a block or not --depth deep. ACTIVE. UNBONDING, and \
    UNBONDED when the unbonding time is over or the stake was extended. EXPIRED: no more of the staking time is left than the unbonding time. WITHDRAWN. \
    SLASHED. Only confirmed transactions count; unconfirmed ones are named. --node must be on --network.\n\n\
    A phase-1 stake (`stake phase1` makes its delegation) is PENDING until it has the confirmations of its parameters, which --params takes in either \
    form, and needs no covenant signature to be ACTIVE; a rule of phase 1 that it breaks where the node has it, so that it never counted, is a warning.\n\n\
    Example:\n  btcstake status --delegation verified.json --params params.json --node URL"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    #[command(flatten)]
    node: NodeArgs,
}

/// The state of a stake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The state: `PENDING`, `VERIFIED`, `ACTIVE`, `UNBONDING`, `UNBONDED`, `EXPIRED`, `WITHDRAWN` or
    /// `SLASHED`.
    pub status: String,
    /// How many covenant members have valid signatures in the delegation.
    pub covenant_signature_count: usize,
    /// How many must sign.
    pub quorum: u16,
    /// The staking transaction, in display order.
    pub staking_txid: String,
    /// The height of the node's tip.
    pub tip_height: u32,
    /// The height of the block with the staking transaction; null when it is in none.
    pub inclusion_height: Option<u32>,
    /// How many blocks are on top of that block; null when it is in none.
    pub depth: Option<u32>,
    /// The first height at which a withdrawal is valid; null when nothing can be withdrawn.
    pub withdrawable_from: Option<u32>,
    /// The transaction in a block that spends the staking output.
    pub spent_by: Option<SpentBy>,
    /// The transaction in a block that spends the unbonding output.
    pub unbonding_spent_by: Option<SpentBy>,
    /// The transaction in a block that spends the slashing refund output.
    pub refund_spent_by: Option<SpentBy>,
    /// The stake's transactions in the mempool.
    pub unconfirmed: Vec<SpentBy>,
    /// Warnings.
    pub warnings: Vec<String>,
}

/// A transaction of a stake, on the node's chain or in its mempool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SpentBy {
    /// The transaction id, in display order.
    pub txid: String,
    /// What the transaction is in the staking protocol.
    pub kind: String,
    /// The path through which it spends; null for the staking transaction.
    pub path: Option<String>,
    /// The height of its block; null while it is unconfirmed.
    pub height: Option<u32>,
}

/// A node, and the unconfirmed transactions found so far.
struct Observer<'a> {
    node: &'a dyn Node,
    unconfirmed: Vec<SpentBy>,
}

/// The transaction in a block that spends an output.
struct ConfirmedSpend {
    spending: Spending,
    shown: SpentBy,
    found: FoundTransaction,
}

impl Observer<'_> {
    /// Returns what spends an output of a transaction that is in a block.
    fn spending(&mut self, of: &FoundTransaction, vout: u32) -> anyhow::Result<Option<ConfirmedSpend>> {
        let Some(coin) = Coin::of(of, vout) else { return Ok(None) };
        let Some(found) = self.node.spender(&coin)? else { return Ok(None) };
        let (shown, path) = described(&found, Some(coin.outpoint));
        let Some(block) = found.block else {
            self.unconfirmed.push(shown);
            return Ok(None);
        };
        let spending =
            Spending { txid: found.transaction.compute_txid(), path, height: consensus(block.height)? };
        Ok(Some(ConfirmedSpend { spending, shown, found }))
    }
}

fn consensus(height: BlockHeight) -> anyhow::Result<Height> {
    Height::from_consensus(height.to_u32()).context("the node's heights are not Bitcoin block heights")
}

fn described(found: &FoundTransaction, outpoint: Option<OutPoint>) -> (SpentBy, Option<SpendPath>) {
    let explanation = explain(&found.transaction);
    let leaf = explanation.spent.iter().find(|leaf| Some(leaf.outpoint) == outpoint);
    let path = leaf.map(|leaf| leaf.keys.path());
    let spent = SpentBy {
        txid: explanation.txid.to_string(),
        kind: if outpoint.is_none() { "stake" } else { explanation.kind.as_str() }.to_owned(),
        path: path.map(|path| path.to_string()),
        height: found.block.map(|block| block.height.to_u32()),
    };
    (spent, path)
}

/// The transactions of a stake that a node has.
struct Observed {
    tip: BlockHash,
    chain: StakeOnChain,
    spent: Option<SpentBy>,
    unbonding_spent: Option<SpentBy>,
    refund_spent: Option<SpentBy>,
    unconfirmed: Vec<SpentBy>,
    node_warnings: Vec<String>,
}

/// Observes until the tip is the same afterwards: a state is one of one chain.
fn observe_settled(
    stake: &Stake,
    unbonding: Option<&UnbondingTransaction>,
    presigned: Option<&PresignedTransactions>,
    node: &dyn Node,
) -> anyhow::Result<Observed> {
    let mut observed = observe(stake, unbonding, presigned, node)?;
    for _ in 0..MAX_REREADS {
        if node.tip()?.hash == observed.tip {
            break;
        }
        observed = observe(stake, unbonding, presigned, node)?;
    }
    Ok(observed)
}

fn observe(
    stake: &Stake,
    unbonding: Option<&UnbondingTransaction>,
    presigned: Option<&PresignedTransactions>,
    node: &dyn Node,
) -> anyhow::Result<Observed> {
    let tip = node.tip()?;
    let node_warnings = match presigned {
        Some(presigned) => fixed_fee_warnings(presigned, node.fee_rate(FEE_TARGET)?),
        None => Vec::new(),
    };
    let unbonding = unbonding.map(UnbondingTransaction::unbonding_output);
    let mut chain = StakeOnChain::at(consensus(tip.height)?);
    let mut observer = Observer { node, unconfirmed: Vec::new() };
    let (mut spent, mut unbonding_spent, mut slashed) = (None, None, None);
    let outpoint = stake.staking.outpoint();
    match observer.node.transaction(&outpoint.txid)? {
        None => {}
        Some(found) => match found.block {
            None => observer.unconfirmed.push(described(&found, None).0),
            Some(block) => {
                chain.included = Some(consensus(block.height)?);
                if let Some(spend) = observer.spending(&found, outpoint.vout)? {
                    let output = unbonding.filter(|output| output.outpoint().txid == spend.spending.txid);
                    (chain.spent, spent) = (Some(spend.spending), Some(spend.shown));
                    slashed = Some(spend.found);
                    if let Some((unbonded, output)) = slashed.as_ref().zip(output)
                        && let Some(spend) = observer.spending(unbonded, output.outpoint().vout)?
                    {
                        (chain.unbonding_spent, unbonding_spent) = (Some(spend.spending), Some(spend.shown));
                        slashed = Some(spend.found);
                    }
                }
            }
        },
    }
    let mut refund_spent = None;
    if let Some((refund, slashed)) = chain.refund().zip(slashed)
        && let Some(spend) = observer.spending(&slashed, refund.vout)?
    {
        (chain.refund_spent, refund_spent) = (Some(spend.spending), Some(spend.shown));
    }
    Ok(Observed {
        tip: tip.hash,
        chain,
        spent,
        unbonding_spent,
        refund_spent,
        unconfirmed: observer.unconfirmed,
        node_warnings,
    })
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let files = self.files.read_any_to_end()?;
        let (delegation, stake, covenant) = (files.delegation(), files.stake()?, files.covenant()?);
        // A stake whose pre-signed transactions are not known is found on the chain all the same.
        let unbonding = delegation.unbonding(covenant).ok();
        let presigned = match &files {
            AnyFiles::Genesis(files) => delegation.presigned(files.parameters()?).ok(),
            AnyFiles::Phase1(_) => None,
        };
        let (covenant_signature_count, quorum, invalid) = match files.covenant_quorum() {
            Ok((found, warnings)) => (found.signed, found.quorum, warnings),
            Err(error) => {
                let warning = format!("the covenant signatures cannot be verified: {error:#}");
                (0, covenant.quorum(), vec![warning])
            }
        };
        let node = self.node.connect_on(files.chain().network)?;
        let Observed { chain, spent, unbonding_spent, refund_spent, unconfirmed, node_warnings, .. } =
            observe_settled(&stake, unbonding.as_ref(), presigned.as_ref(), node.as_ref())?;
        let StakeState { status, withdrawable_from } = files.state(&chain)?;
        // The node knows where a phase-1 stake stands; the delegation's height is somebody's word.
        let mut warnings = match (&files, chain.included) {
            (AnyFiles::Phase1(files), Some(height)) => {
                phase1_warnings(&delegation.check_phase1(files.rules_at(height).context("--params")?))
            }
            _ => files.warnings()?,
        };
        warnings.extend(invalid);
        // A stake that is over has no fee to raise.
        warnings.extend(node_warnings.into_iter().filter(|_| chain.spent.is_none()));
        Printout::of(&Output {
            status: status.as_str().to_owned(),
            covenant_signature_count,
            quorum,
            staking_txid: stake.staking.outpoint().txid.to_string(),
            tip_height: chain.tip.to_consensus_u32(),
            inclusion_height: chain.included.map(Height::to_consensus_u32),
            depth: chain.depth(),
            withdrawable_from,
            spent_by: spent,
            unbonding_spent_by: unbonding_spent,
            refund_spent_by: refund_spent,
            unconfirmed,
            warnings,
        })
    }
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        let mut lines = vec![
            format!("{STRONG}{}{STRONG:#} at height {}", self.status, self.tip_height),
            format!("staking transaction {}", self.staking_txid),
            format!(
                "covenant            {} signatures, the quorum is {}",
                self.covenant_signature_count, self.quorum
            ),
        ];
        match (self.inclusion_height, self.depth) {
            (Some(height), Some(depth)) => {
                lines.push(format!("included            at height {height}, {depth} deep"));
            }
            _ => lines.push("included            in no block".to_owned()),
        }
        let spent = |what: &str, spent: &SpentBy| {
            let path = spent.path.as_ref().map(|path| format!(" through the {path} path"));
            let height = spent.height.map(|height| format!(", at height {height}"));
            let (path, height) = (path.unwrap_or_default(), height.unwrap_or_default());
            format!("{what:<20}{} {}{path}{height}", spent.kind, spent.txid)
        };
        lines.extend(self.spent_by.as_ref().map(|by| spent("spent by", by)));
        lines.extend(self.unbonding_spent_by.as_ref().map(|by| spent("then by", by)));
        lines.extend(self.refund_spent_by.as_ref().map(|by| spent("refund spent by", by)));
        lines.extend(self.unconfirmed.iter().map(|by| spent("unconfirmed", by)));
        let from = self.withdrawable_from;
        lines.extend(from.map(|height| format!("withdrawable        from height {height}")));
        lines.join("\n")
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}
