//! `status`: where a stake stands on a node's chain.

use anyhow::Context;
use bitcoin::OutPoint;
use bitcoin::absolute::Height;
use chain::{BlockHeight, FoundTransaction, Node};
use serde::Serialize;
use staking_scripts::{AcceptedStake, Path, Spending, StakeOnChain, StakeState, explain};

use super::tx::fixed_fee_warnings;
use crate::files::{self, DelegationArgs};
use crate::node::NodeArgs;
use crate::output::{Output, STRONG};

/// Within how many blocks a fee rate is to confirm that fixed fees are compared with: a day.
const FEE_TARGET: u16 = 144;

#[derive(clap::Args)]
#[command(
    after_help = "PENDING: fewer covenant answers than the quorum. VERIFIED: a quorum, and not in a block or not --depth deep. ACTIVE. UNBONDING, and \
    UNBONDED when the unbonding time is over or the stake was extended. EXPIRED: of the staking time no more than the unbonding time is left. WITHDRAWN. \
    SLASHED. Only what is in a block counts; what waits for one is named.\n\n\
    Example:\n  btcstake status --delegation verified.json --params params.json --node URL"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    #[command(flatten)]
    node: NodeArgs,
}

#[derive(Serialize)]
struct Fields {
    status: &'static str,
    answers: usize,
    quorum: u16,
    staking_txid: String,
    tip_height: u32,
    /// The height of the block with the staking transaction, and how many blocks stand on it.
    inclusion_height: Option<u32>,
    depth: Option<u32>,
    /// The first block that may take a withdrawal.
    withdrawable_from: Option<u32>,
    /// What spends the staking output, and what spends the unbonding output, in a block.
    spent: Option<Spent>,
    unbonding_spent: Option<Spent>,
    /// What spends the refund, where the stake was slashed.
    refund_spent: Option<Spent>,
    /// Those that wait for a block.
    waiting: Vec<Spent>,
    warnings: Vec<String>,
}

#[derive(Clone, Serialize)]
struct Spent {
    txid: String,
    kind: &'static str,
    path: Option<String>,
    height: Option<u32>,
}

/// What is found on the way.
struct Observer<N> {
    node: N,
    waiting: Vec<Spent>,
}

impl<N: Node> Observer<N> {
    fn spending(
        &mut self,
        outpoint: OutPoint,
        since: BlockHeight,
    ) -> anyhow::Result<Option<(Spending, Spent)>> {
        let Some(found) = self.node.spender(&outpoint, since)? else { return Ok(None) };
        let (spent, path) = described(&found, Some(outpoint));
        let Some(block) = found.block else {
            self.waiting.push(spent);
            return Ok(None);
        };
        let spending =
            Spending { txid: found.transaction.compute_txid(), path, height: consensus(block.height)? };
        Ok(Some((spending, spent)))
    }
}

fn consensus(height: BlockHeight) -> anyhow::Result<Height> {
    Height::from_consensus(height.to_u32()).context("the node's heights are none")
}

fn described(found: &FoundTransaction, outpoint: Option<OutPoint>) -> (Spent, Option<Path>) {
    let explanation = explain(&found.transaction);
    let leaf = explanation.spent.iter().find(|leaf| Some(leaf.outpoint) == outpoint);
    let path = leaf.map(|leaf| leaf.keys.path());
    let spent = Spent {
        txid: explanation.txid.to_string(),
        kind: if outpoint.is_none() { "stake" } else { explanation.kind.as_str() },
        path: path.map(|path| path.to_string()),
        height: found.block.map(|block| block.height.to_u32()),
    };
    (spent, path)
}

/// What a node has of a stake.
struct Observed {
    chain: StakeOnChain,
    spent: Option<Spent>,
    unbonding_spent: Option<Spent>,
    refund_spent: Option<Spent>,
    waiting: Vec<Spent>,
    node_warnings: Vec<String>,
}

fn observe(stake: &AcceptedStake, node: impl Node) -> anyhow::Result<Observed> {
    let tip = consensus(node.tip()?.height)?;
    let node_warnings = fixed_fee_warnings(&stake.planned(), node.fee_rate(FEE_TARGET)?);
    let mut chain =
        StakeOnChain { tip, included: None, spent: None, unbonding_spent: None, refund_spent: None };
    let mut observer = Observer { node, waiting: Vec::new() };
    let (mut spent, mut unbonding_spent) = (None, None);
    let outpoint = stake.staking().outpoint();
    match observer.node.transaction(&outpoint.txid)? {
        None => {}
        Some(found) => match found.block {
            None => observer.waiting.push(described(&found, None).0),
            Some(block) => {
                chain.included = Some(consensus(block.height)?);
                if let Some((spending, shown)) = observer.spending(outpoint, block.height)? {
                    (chain.spent, spent) = (Some(spending), Some(shown));
                    if spending.txid == stake.unbonding().txid() {
                        let since = BlockHeight::new(spending.height.to_consensus_u32());
                        let outpoint = stake.unbonding().unbonding_output().outpoint();
                        if let Some((spending, shown)) = observer.spending(outpoint, since)? {
                            (chain.unbonding_spent, unbonding_spent) = (Some(spending), Some(shown));
                        }
                    }
                }
            }
        },
    }
    let slashing = [chain.spent, chain.unbonding_spent].into_iter().flatten();
    let mut refund_spent = None;
    if let Some(slashing) = slashing.into_iter().find(|spending| spending.path == Some(Path::Slashing)) {
        let since = BlockHeight::new(slashing.height.to_consensus_u32());
        // The refund is the second output.
        if let Some((spending, shown)) = observer.spending(OutPoint::new(slashing.txid, 1), since)? {
            (chain.refund_spent, refund_spent) = (Some(spending), Some(shown));
        }
    }
    Ok(Observed { chain, spent, unbonding_spent, refund_spent, waiting: observer.waiting, node_warnings })
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let stake = self.files.accepted()?;
        let quorum = stake.quorum();
        let answers = files::verify_answers(&stake, &self.files.delegation)?;
        let Observed { chain, spent, unbonding_spent, refund_spent, waiting, node_warnings } =
            observe(&stake, self.node.connect()?)?;
        let StakeState { status, withdrawable_from } =
            stake.state(answers >= usize::from(quorum), self.files.chain.depth, &chain);
        let fields = Fields {
            status: status.as_str(),
            answers,
            quorum,
            staking_txid: stake.staking().outpoint().txid.to_string(),
            tip_height: chain.tip.to_consensus_u32(),
            inclusion_height: chain.included.map(Height::to_consensus_u32),
            depth: chain.depth(),
            withdrawable_from,
            spent,
            unbonding_spent,
            refund_spent,
            waiting,
            // What is over has nothing to bump.
            warnings: if chain.spent.is_none() { node_warnings } else { Vec::new() },
        };
        Ok(Output::new(text(&fields), &fields)?.warning(&fields.warnings))
    }
}

fn text(fields: &Fields) -> String {
    let mut lines = vec![
        format!("{STRONG}{}{STRONG:#} at height {}", fields.status, fields.tip_height),
        format!("staking transaction {}", fields.staking_txid),
        format!("covenant            {} of {} answers that are needed", fields.answers, fields.quorum),
    ];
    match (fields.inclusion_height, fields.depth) {
        (Some(height), Some(depth)) => {
            lines.push(format!("included            at height {height}, and {depth} blocks stand on it"));
        }
        _ => lines.push("included            in no block".to_owned()),
    }
    let spent = |what: &str, spent: &Spent| {
        let path = spent.path.as_ref().map(|path| format!(" through the {path} path")).unwrap_or_default();
        let height = spent.height.map(|height| format!(", at height {height}")).unwrap_or_default();
        format!("{what:<20}{} {}{path}{height}", spent.kind, spent.txid)
    };
    lines.extend(fields.spent.as_ref().map(|by| spent("spent by", by)));
    lines.extend(fields.unbonding_spent.as_ref().map(|by| spent("then by", by)));
    lines.extend(fields.refund_spent.as_ref().map(|by| spent("refund spent by", by)));
    lines.extend(fields.waiting.iter().map(|by| spent("waiting", by)));
    lines.extend(
        fields.withdrawable_from.map(|height| format!("withdrawable        in the block at {height}")),
    );
    lines.join("\n")
}
