//! `checkpoint status`: which epochs Bitcoin timestamps, by the node's blocks.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use babylon::query::{self, CheckpointStatus, RawCheckpoint};
use bitcoin::Network;
use serde::{Deserialize, Serialize};
use spv::HeaderChain;
use spv::anchors::{
    Checkpoint, CheckpointTag, Forgotten, Submission, TimestampDepths, TimestampStatus, Timestamps,
};

use crate::args::argument::{self, Argument};
use crate::args::blocks::BlockRangeArgs;
use crate::args::checkpoint::{Parts, proofs_file};
use crate::args::network::NetworkName;
use crate::args::node::NodeArgs;
use crate::args::secured_chain::ChainNodeArgs;
use crate::args::submissions::PartsOnChain;
use crate::view::checkpoint::{CheckpointPart, status_name};
use crate::view::output::{CommandOutput, Exit, Printout};
use crate::view::text::{BAD, plain};

#[derive(clap::Args)]
#[command(
    after_help = "The parts of checkpoints in --node's blocks are paired, compared with the checkpoints that the chain has, and judged in the order of epochs, as the chain does: an epoch's submission comes after one of \
    the epoch before; of the first (--first-epoch) nothing before it is asked. Anybody can send a checkpoint again, and what is sent too early or too late does not count. A submission that was seen before (--submission) is FORGOTTEN where its block left the best chain, or its predecessor's did: \
    a node that saw the reorg still has the headers of the block. Exit code 1 where an epoch is FORGOTTEN, or one that the chain says is in Bitcoin is not found.\n\n\
    Example:\n  btcstake checkpoint status --node URL --cookie-file FILE --from 900000 --chain-node URL"
)]
pub(crate) struct Args {
    #[command(flatten)]
    range: BlockRangeArgs,
    /// Only these epochs, once for each; also where none is found.
    #[arg(long)]
    epoch: Vec<u64>,
    /// The first epoch, of which nothing before it is asked [default: the first of those that follow one
    /// another up to the last that is found]
    #[arg(long, value_name = "EPOCH")]
    first_epoch: Option<u64>,
    /// A submission that was seen before: JSON with its two `proofs`, as `checkpoint verify` reads them; once
    /// for each.
    #[arg(long, value_name = "FILE", value_parser = proofs_file())]
    submission: Vec<Argument<Parts>>,
    /// The Bitcoin network, which --node must be on.
    #[arg(long, default_value = "mainnet")]
    network: NetworkName,
    #[command(flatten)]
    node: NodeArgs,
    #[command(flatten)]
    nodes: ChainNodeArgs,
}

/// What Bitcoin timestamps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The height of the tip that it is of.
    pub tip_height: u32,
    /// The depth from which on an epoch is CONFIRMED.
    pub btc_confirmation_depth: u32,
    /// The depth from which on it is FINALIZED.
    pub checkpoint_finalization_timeout: u32,
    /// The last epoch that is FINALIZED; null where none of those found is.
    pub last_finalized_epoch: Option<u64>,
    /// The epochs, in their order.
    pub epochs: Vec<EpochStatus>,
    /// What looks like a checkpoint and does not count.
    pub not_counted: Vec<NotCounted>,
    /// Warnings.
    pub warnings: Vec<String>,
}

/// How far an epoch's checkpoint is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EpochStatus {
    /// The epoch.
    pub epoch: u64,
    /// `SUBMITTED`, `CONFIRMED`, `FINALIZED` or `FORGOTTEN`, by the blocks; null where no submission of it is
    /// found.
    pub status: Option<String>,
    /// What the chain says: also `ACCUMULATING` or `SEALED`; null where it has no checkpoint.
    pub chain_status: Option<String>,
    /// The hash of the epoch's last block, in hex.
    pub block_hash: Option<String>,
    /// Where the two transactions of the best submission are; none where none is left.
    pub parts: Vec<CheckpointPart>,
    /// How many blocks are on top of the younger of both blocks.
    pub depth: Option<u32>,
    /// Why it is FORGOTTEN.
    pub reason: Option<String>,
}

/// What looks like a checkpoint and does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NotCounted {
    /// The epoch that it says.
    pub epoch: u64,
    /// The ids of its transactions, in display order.
    pub txids: [String; 2],
    /// Why it does not count.
    pub reason: String,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        let last = self.last_finalized_epoch.map_or_else(|| "none".to_owned(), |epoch| epoch.to_string());
        let mut lines = vec![format!("at height {}, the last FINALIZED epoch is {last}", self.tip_height)];
        for EpochStatus { epoch, status, chain_status, depth, reason, .. } in &self.epochs {
            let status = status.as_deref().unwrap_or("not found");
            let depth = depth.map(|depth| format!(", {depth} deep")).unwrap_or_default();
            let chain = chain_status.as_deref().unwrap_or("no checkpoint");
            let reason = reason.as_ref().map(|reason| format!(": {}", plain(reason))).unwrap_or_default();
            lines.push(format!("epoch {epoch}  {status}{depth}{reason} (the chain says {chain})"));
        }
        for NotCounted { epoch, txids: [first, second], reason } in &self.not_counted {
            lines.push(format!(
                "{BAD}not counted{BAD:#}: {first} and {second}, of epoch {epoch}: {}",
                plain(reason)
            ));
        }
        lines.join("\n")
    }

    fn exit(&self) -> Exit {
        Exit::of(self.epochs.iter().all(EpochStatus::is_as_the_chain_says))
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl EpochStatus {
    /// Returns whether nothing is lost that the chain relies on.
    fn is_as_the_chain_says(&self) -> bool {
        match (self.status.as_deref(), self.chain_status.as_deref()) {
            (Some("FORGOTTEN"), _) => false,
            (Some(_), _) => true,
            (None, chain) => matches!(chain, None | Some("ACCUMULATING" | "SEALED")),
        }
    }
}

/// The chain's own checkpoints, each asked for once.
struct Known<'a> {
    nodes: &'a ChainNodeArgs,
    node: babylon::node::Several,
    epochs: BTreeMap<u64, Option<RawCheckpoint>>,
}

impl Known<'_> {
    fn get(&mut self, epoch: u64) -> anyhow::Result<Option<&RawCheckpoint>> {
        if !self.epochs.contains_key(&epoch) {
            let found = query::raw_checkpoint(&self.node, epoch).context(self.nodes.flag())?;
            self.epochs.insert(epoch, found);
        }
        Ok(self.epochs.get(&epoch).and_then(Option::as_ref))
    }

    fn status(&mut self, epoch: u64) -> anyhow::Result<Option<CheckpointStatus>> {
        Ok(self.get(epoch)?.map(|found| found.status))
    }
}

/// Submissions that are judged in the order of their epochs, each with the chain that it was in.
struct Judge<'a> {
    known: Known<'a>,
    timestamps: Timestamps,
    not_counted: Vec<NotCounted>,
}

impl Judge<'_> {
    /// Compares a submission with the chain's checkpoint, and records it.
    fn judge(&mut self, submission: Submission, chain: &HeaderChain) -> anyhow::Result<()> {
        let epoch = submission.checkpoint().epoch;
        let [one, other] = submission.places();
        let txids = [one.txid.to_string(), other.txid.to_string()];
        let found = self.known.get(epoch)?;
        let compared = match found {
            None => Err("the chain has no checkpoint of this epoch".to_owned()),
            Some(found) => {
                let &RawCheckpoint { epoch, block_hash, bitmap, bls_multi_signature, .. } = found;
                let submitter = submission.checkpoint().submitter;
                let checkpoint = Checkpoint { epoch, block_hash, bitmap, submitter, bls_multi_signature };
                submission.compare_with(&checkpoint).map_err(|error| error.to_string())
            }
        };
        let recorded = compared
            .and_then(|verified| self.timestamps.record(verified, chain).map_err(|error| error.to_string()));
        if let Err(reason) = recorded {
            self.not_counted.push(NotCounted { epoch, txids, reason });
        }
        Ok(())
    }
}

const fn timestamp_name(status: TimestampStatus) -> &'static str {
    match status {
        TimestampStatus::Submitted => "SUBMITTED",
        TimestampStatus::Confirmed => "CONFIRMED",
        TimestampStatus::Finalized => "FINALIZED",
        TimestampStatus::Forgotten(_) => "FORGOTTEN",
    }
}

/// Returns the first of the epochs that follow one another up to the last: anybody can send an earlier one
/// again.
fn run(epochs: &BTreeSet<u64>) -> u64 {
    let mut first = epochs.last().copied().unwrap_or_default();
    while let Some(before) = first.checked_sub(1).filter(|before| epochs.contains(before)) {
        first = before;
    }
    first
}

fn because(status: TimestampStatus, epoch: u64) -> Option<String> {
    match status {
        TimestampStatus::Forgotten(Forgotten::BlockLeft(block)) => {
            Some(format!("block {block}, which has a part of it, is not in the best chain"))
        }
        TimestampStatus::Forgotten(Forgotten::PredecessorLeft) => {
            let before = epoch.saturating_sub(1);
            Some(format!("no submission of epoch {before} is left that is older"))
        }
        _ => None,
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let seen = argument::read_all(&self.submission)?;
        let (network, node) = (Network::from(self.network), self.node.connect_without_search(self.network)?);
        let chain_node = self.nodes.node()?;
        let tag = CheckpointTag(query::checkpoint_tag(&chain_node).context(self.nodes.flag())?);
        let parameters = query::checkpoint_parameters(&chain_node).context(self.nodes.flag())?;
        let depths = TimestampDepths {
            confirmed: parameters.confirmation_depth,
            finalized: parameters.finalization_timeout,
        };
        let range = self.range.on(&*node)?.up_to_the_tip()?;
        let on_chain = PartsOnChain::read(&*node, &range, tag, network)?;
        let best = &on_chain.chain;
        let mut submissions: Vec<_> =
            on_chain.submissions(tag, network).into_iter().map(|found| (found, None)).collect();
        for (parts, argument) in seen.iter().zip(&self.submission) {
            let chain = on_chain.with_branch_of(&*node, parts, network)?;
            let found = Submission::verify(tag, &parts.parts, &chain, network.params());
            submissions.push((found.with_context(|| argument.name())?, Some(chain)));
        }
        submissions.sort_by_key(|(found, _)| found.checkpoint().epoch);
        let known = Known { nodes: &self.nodes, node: chain_node, epochs: BTreeMap::new() };
        let mut judge = Judge { known, timestamps: Timestamps::default(), not_counted: Vec::new() };
        let mut found_epochs = BTreeSet::new();
        for (found, _) in &submissions {
            let epoch = found.checkpoint().epoch;
            if judge.known.get(epoch)?.is_some() {
                found_epochs.insert(epoch);
            }
        }
        judge.timestamps = Timestamps::from_epoch(self.first_epoch.unwrap_or_else(|| run(&found_epochs)));
        for (found, chain) in submissions {
            judge.judge(found, chain.as_ref().unwrap_or(best))?;
        }
        let Judge { mut known, timestamps, not_counted } = judge;
        let judged = timestamps.evaluate(best, depths);
        let asked: BTreeSet<u64> = self.epoch.iter().copied().collect();
        let shown = if asked.is_empty() { judged.iter().map(|(epoch, _)| epoch).collect() } else { asked };
        let mut epochs = Vec::new();
        for epoch in shown {
            let found = judged.get(epoch);
            let best_places = found.and_then(|found| found.best);
            let parts = best_places.iter().flat_map(|(places, _)| places);
            epochs.push(EpochStatus {
                epoch,
                status: found.map(|found| timestamp_name(found.status).to_owned()),
                chain_status: known.status(epoch)?.map(|status| status_name(status).to_owned()),
                block_hash: found.map(|found| hex::encode(found.block_hash)),
                parts: parts.map(|place| CheckpointPart::new(place, best)).collect(),
                depth: best_places.map(|(_, depth)| depth),
                reason: found.and_then(|found| because(found.status, epoch)),
            });
        }
        let cut = on_chain.is_cut.then(|| "of a part there are more copies than are looked at".to_owned());
        Printout::of(&Output {
            tip_height: range.tip.height.to_u32(),
            btc_confirmation_depth: depths.confirmed,
            checkpoint_finalization_timeout: depths.finalized,
            last_finalized_epoch: judged.last_finalized(),
            epochs,
            not_counted,
            warnings: cut.into_iter().collect(),
        })
    }
}
