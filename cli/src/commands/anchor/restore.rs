//! `anchor restore`: a copy of a chain's history beside its anchors.

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use spv::anchors::{
    AnchoredBlock, BoundHistory, ChainBlock, Keystone, RestoreError, compare_history, first_difference,
};

use crate::args::argument::{self, Argument};
use crate::args::blocks::BlockRangeArgs;
use crate::args::history::{anchors_file, blocks_file};
use crate::args::keystones::{self, Published};
use crate::args::network::NetworkName;
use crate::args::node::NodeArgs;
use crate::view::output::{CommandOutput, Exit, Printout};
use crate::view::text::{BAD, GOOD, line, plain};

#[derive(clap::Args)]
#[command(
    after_help = "Anchors hold commitments and never data: nobody gets a lost chain back from them. Whoever is offered a copy learns up to which block it is the anchored one. What is above the last \
    anchor no anchor says anything of, and below an anchor a copy is bound by its blocks' parents alone: without them in the file, they must have been checked before. Exit code 1 unless the \
    history is bound and nothing contradicts it.\n\n\
    A line of --chain: {\"height\": 25, \"hash\": \"64 HEX DIGITS\", \"parent\": \"64 HEX DIGITS\"}. A line of --anchors: {\"height\": 25, \"hash\": \"22 TO 64 HEX DIGITS\", \"depth\": 12}. \
    Of a verified checkpoint (`btcstake checkpoint verify`) the hash is that of the epoch's last block, whose height follows from the chain's epochs.\n\n\
    Example:\n  btcstake anchor restore --chain copy.jsonl --node URL --cookie-file FILE --from 900000 --keystones hemi.txt --least-depth 10"
)]
pub(crate) struct Args {
    /// The copy: a file of JSON lines, a block each, in the order of heights without gaps; - is standard
    /// input.
    #[arg(long, value_name = "FILE", value_parser = blocks_file())]
    chain: Argument<Vec<ChainBlock>>,
    /// Another copy: the first height at which they differ is told.
    #[arg(long, value_name = "FILE", value_parser = blocks_file())]
    other_chain: Option<Argument<Vec<ChainBlock>>>,
    /// Anchors that were found and verified before: a file of JSON lines.
    #[arg(long, value_name = "FILE", value_parser = anchors_file())]
    anchors: Option<Argument<Vec<AnchoredBlock>>>,
    #[command(flatten)]
    range: BlockRangeArgs,
    /// The keystones of Hemi's chain, as its node has them: a file with one a line, in hex. Without it all
    /// that are published in --from to --to are anchors, and anybody can publish one.
    #[arg(long, value_name = "FILE", value_parser = keystones::file(), requires = "from")]
    keystones: Option<Argument<Vec<Keystone>>>,
    /// Only anchors that are at least so deep in Bitcoin.
    #[arg(long, value_name = "BLOCKS", default_value_t = 0)]
    least_depth: u32,
    /// The Bitcoin network, which --node must be on.
    #[arg(long, default_value = "mainnet")]
    network: NetworkName,
    #[command(flatten)]
    node: NodeArgs,
}

/// What anchors say of a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// `bound`, `unbound` (no anchor is of a block of it), `diverges` (an anchor contradicts it),
    /// `anchors_contradict` (two anchors are of different blocks), or `not_a_chain` (its blocks are none).
    pub verdict: String,
    /// Why it is not compared; null when it is.
    pub reason: Option<String>,
    /// The last anchored block that is the history's, with all anchored ones below it.
    pub bound: Option<AnchorShown>,
    /// The first anchor that contradicts the history.
    pub divergence: Option<DivergenceShown>,
    /// The last block of the history.
    pub last_chain_height: Option<u64>,
    /// How many anchors count.
    pub anchor_count: usize,
    /// How many of them are of blocks that the history does not have.
    pub outside_count: usize,
    /// The lowest height at which both copies have different blocks; null where there is none, or one copy.
    pub first_difference_height: Option<u64>,
    /// Warnings.
    pub warnings: Vec<String>,
}

/// A block that an anchor commits to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AnchorShown {
    /// Its height on its own chain.
    pub chain_height: u64,
    /// Its hash in hex, or the first bytes of it.
    pub anchored_hash: String,
    /// How many blocks of Bitcoin are on top of the anchor's.
    pub depth: u32,
}

/// Where a history is another one than the anchored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DivergenceShown {
    /// The first wrong block is above this height; null where no anchor below agrees.
    pub above_height: Option<u64>,
    /// The anchor that contradicts it: the first wrong block is at most as high.
    pub anchor: AnchorShown,
    /// The hash of the history's block at that height, in hex.
    pub found_hash: String,
}

impl From<AnchoredBlock> for AnchorShown {
    fn from(anchored: AnchoredBlock) -> Self {
        let AnchoredBlock { height, hash, depth } = anchored;
        Self { chain_height: height, anchored_hash: hex::encode(hash), depth }
    }
}

impl Output {
    fn of(found: BoundHistory) -> Self {
        let BoundHistory { bound, divergence, last_height, outside } = found;
        let verdict = match (&bound, &divergence) {
            (_, Some(_)) => "diverges",
            (Some(_), None) => "bound",
            (None, None) => "unbound",
        };
        let divergence = divergence.map(|found| DivergenceShown {
            above_height: found.above,
            anchor: found.anchored.into(),
            found_hash: hex::encode(found.found),
        });
        Self {
            bound: bound.map(AnchorShown::from),
            divergence,
            last_chain_height: last_height,
            outside_count: outside,
            ..Self::bare(verdict, None)
        }
    }

    fn bare(verdict: &str, reason: Option<String>) -> Self {
        Self {
            verdict: verdict.to_owned(),
            reason,
            bound: None,
            divergence: None,
            last_chain_height: None,
            anchor_count: 0,
            outside_count: 0,
            first_difference_height: None,
            warnings: Vec::new(),
        }
    }
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        let style = if self.verdict == "bound" { GOOD } else { BAD };
        let reason = self.reason.as_ref().map(|reason| format!(": {}", plain(reason))).unwrap_or_default();
        let mut lines = vec![format!("{style}{}{style:#}{reason}", self.verdict)];
        lines.push(line("anchors", format!("{}, {} outside", self.anchor_count, self.outside_count)));
        if let Some(AnchorShown { chain_height, anchored_hash, depth }) = &self.bound {
            lines.push(line(
                "bound",
                format!("up to block {chain_height} ({anchored_hash}), {depth} deep in Bitcoin"),
            ));
        }
        if let Some(DivergenceShown { above_height, anchor, found_hash }) = &self.divergence {
            let above = above_height.map_or_else(|| "no block".to_owned(), |at| format!("block {at}"));
            let AnchorShown { chain_height, anchored_hash, .. } = anchor;
            lines.push(line(
                "divergence",
                format!("the first wrong block is above {above} and at most {chain_height}, where {found_hash} is not the anchored {anchored_hash}"),
            ));
        }
        lines.extend(self.last_chain_height.map(|last| line("last block", last)));
        lines.extend(
            self.first_difference_height.map(|height| line("copies differ", format!("from {height} on"))),
        );
        lines
            .push("anchors hold commitments, never data: they tell a right copy from a wrong one".to_owned());
        lines.join("\n")
    }

    fn exit(&self) -> Exit {
        Exit::of(self.verdict == "bound")
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl Args {
    /// Returns the anchors, and warnings about them.
    fn anchors(&self) -> anyhow::Result<(Vec<AnchoredBlock>, Vec<String>)> {
        let mut anchors = argument::read_optional(self.anchors.as_ref())?.unwrap_or_default();
        let mut warnings = Vec::new();
        if self.range.is_given() {
            let of_hemi = argument::read_optional(self.keystones.as_ref())?;
            let node = self.node.connect_without_search(self.network)?;
            let range = self.range.on(&*node)?;
            let (published, tip) = (Published::read(&*node, &range)?, range.tip.height.to_u32());
            let finality = published.finality(of_hemi.as_deref());
            let found = published.keystones.values().map(|(keystone, ..)| keystone);
            let of_chain =
                of_hemi.as_ref().map_or_else(|| found.collect::<Vec<_>>(), |all| all.iter().collect());
            anchors.extend(of_chain.into_iter().filter_map(|keystone| {
                AnchoredBlock::of_keystone(keystone, &finality.confirmations(keystone.hash(), tip)?)
            }));
            if of_hemi.is_none() {
                warnings.push(
                    "every keystone that is published is taken for an anchor, and anybody can publish one; --keystones says which are of Hemi's chain"
                        .to_owned(),
                );
            }
        }
        anchors.retain(|anchor| anchor.depth >= self.least_depth);
        Ok((anchors, warnings))
    }

    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        ensure!(
            self.anchors.is_some() || self.range.is_given(),
            "--anchors is absent; must be given, or --node with --from"
        );
        let blocks = self.chain.read()?;
        let other = argument::read_optional(self.other_chain.as_ref())?;
        if let Some(other) = &other {
            compare_history(other.iter().copied(), []).context("--other-chain")?;
        }
        let (anchors, warnings) = self.anchors()?;
        let anchor_count = anchors.len();
        let output = match compare_history(blocks.iter().copied(), anchors) {
            Ok(found) => Output::of(found),
            Err(error @ RestoreError::Contradiction(_)) => {
                Output::bare("anchors_contradict", Some(error.to_string()))
            }
            Err(error @ (RestoreError::NotConsecutive { .. } | RestoreError::NotLinked(_))) => {
                Output::bare("not_a_chain", Some(error.to_string()))
            }
            Err(error) => return Err(error).context("--anchors"),
        };
        let first_difference_height = other.and_then(|other| first_difference(blocks, other));
        Printout::of(&Output { anchor_count, first_difference_height, warnings, ..output })
    }
}
