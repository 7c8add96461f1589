//! `anchor scan`: the marks of whole blocks.

use anyhow::{Context, anyhow, bail, ensure};
use bitcoin::consensus::encode::serialize;
use bitcoin::{Block, BlockHash, consensus};
use serde::{Deserialize, Serialize};
use spv::anchors::{Registry, explain_marks, scan_block};

use crate::args::argument::{Argument, value};
use crate::args::blocks::{BlockRangeArgs, bytes_or_digits};
use crate::args::input::{Bytes, unread};
use crate::args::network::NetworkName;
use crate::args::node::NodeArgs;
use crate::view::marks::{self, FormatCount, MarkField, fields_line};
use crate::view::output::{CommandOutput, Printout};
use crate::view::text::plain;

#[derive(clap::Args)]
#[command(
    after_help = "Marks are found without parsing what has none: in OP_RETURN outputs, and in coinbases. What may be concluded of each kind, and what not, is printed with them \
    (docs/anchors.md has the table): anybody can write any mark, and it commits to data without having them. Of a block that is given by itself, nothing says that it is in Bitcoin's chain.\n\n\
    Example:\n  btcstake anchor scan --block @block.hex\n  btcstake anchor scan --node URL --cookie-file FILE --from 900000 --to 900143 --kind hemi_keystone"
)]
pub(crate) struct Args {
    /// A block as nodes serialize it, with its witnesses: hex, @FILE of its bytes or of their hex digits (as
    /// `bitcoin-cli getblock HASH 0` prints), or -.
    #[arg(long, value_name = "BLOCK", value_parser = value(bytes_or_digits))]
    #[arg(conflicts_with_all = ["node", "from", "block_hash"])]
    block: Option<Argument<Bytes>>,
    /// The hash of a block that --node has, in its best chain or not.
    #[arg(long, value_name = "HASH", requires = "node", conflicts_with = "from")]
    block_hash: Option<BlockHash>,
    #[command(flatten)]
    range: BlockRangeArgs,
    /// Only marks of this format, by its name; once for each.
    #[arg(long = "kind", value_name = "FORMAT", value_parser = format_name)]
    kinds: Vec<String>,
    /// The Bitcoin network, which --node must be on.
    #[arg(long, default_value = "mainnet")]
    network: NetworkName,
    #[command(flatten)]
    node: NodeArgs,
}

/// What is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The blocks, in their order.
    pub blocks: Vec<ScannedBlock>,
    /// How many marks of each format they have, and what follows.
    pub formats: Vec<FormatCount>,
    /// Warnings.
    pub warnings: Vec<String>,
}

/// A block and its marks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ScannedBlock {
    /// The hash of the block.
    pub bitcoin_block: String,
    /// Its height; null of a block that is given by itself.
    pub height: Option<u32>,
    /// Whether it is in the node's best chain; null of a block that is given by itself.
    pub in_best_chain: Option<bool>,
    /// How many transactions it has.
    pub transaction_count: usize,
    /// The marks, in the order of transactions and outputs.
    pub found_marks: Vec<ScannedMark>,
}

/// A mark in a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ScannedMark {
    /// The transaction's id, in display order.
    pub txid: String,
    /// The transaction's position in the block, from 0.
    pub position: u32,
    /// The output, from 0; null in a coinbase's input.
    pub index: Option<u32>,
    /// Where it stands: `output`, `coinbase_output` or `coinbase_input`.
    pub place: String,
    /// The format's name.
    pub mark_format: String,
    /// The data in hex.
    pub data: String,
    /// How many bytes of the script stand after them.
    pub trailing_bytes: usize,
    /// The fields, in their order.
    pub mark_fields: Vec<MarkField>,
    /// What the rest of the transaction has against the mark, or what a reader would take wrongly.
    pub notes: Vec<String>,
}

/// Parses the name of a format.
fn format_name(text: &str) -> anyhow::Result<String> {
    let registry = Registry::new();
    if registry.format(text).is_some() {
        return Ok(text.to_owned());
    }
    let names: Vec<_> = registry.formats().map(|format| format.name()).collect();
    bail!("no format has this name; must be one of {}", names.join(", "))
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        let mut lines = Vec::new();
        for block in &self.blocks {
            let ScannedBlock { bitcoin_block, height, transaction_count, found_marks, .. } = block;
            let at = height.map(|height| format!(" at height {height}")).unwrap_or_default();
            let count = found_marks.len();
            lines.push(format!("block {bitcoin_block}{at}: {transaction_count} transactions, {count} marks"));
            for mark in found_marks {
                let at = match (mark.index, mark.place.as_str()) {
                    (Some(index), "coinbase_output") => format!("output {index} of the coinbase"),
                    (Some(index), _) => format!("output {index}"),
                    (None, _) => "input of the coinbase".to_owned(),
                };
                let told = fields_line(&mark.mark_fields);
                lines.push(format!("  {} {at}: {} {told}", mark.txid, mark.mark_format));
                lines.extend(mark.notes.iter().map(|note| format!("    note: {}", plain(note))));
            }
        }
        lines.extend(self.formats.iter().flat_map(FormatCount::lines));
        if self.formats.is_empty() {
            lines.push("no mark is found".to_owned());
        }
        lines.join("\n")
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let registry = Registry::new();
        let (mut blocks, mut warnings) = (Vec::new(), Vec::new());
        if let Some(argument) = &self.block {
            let Bytes(bytes) = argument.read()?;
            let (scanned, block) = self.scan_bytes(&bytes, &registry).with_context(|| argument.name())?;
            if !block.check_merkle_root() {
                warnings.push(format!(
                    "the Merkle root of block {} is of other transactions: they are not that block's",
                    scanned.bitcoin_block
                ));
            }
            blocks.push(scanned);
        } else {
            ensure!(
                self.range.is_given() || self.block_hash.is_some(),
                "--block is absent; must be given, or --node with --from or --block-hash"
            );
            let node = self.node.connect_without_search(self.network)?;
            if let Some(hash) = &self.block_hash {
                let (found, block) = (node.header(hash).context("--block-hash")?, node.block(hash)?);
                let in_best_chain = found.confirmations > 0;
                if !in_best_chain {
                    warnings.push(format!("block {hash} is not in the node's best chain"));
                }
                let (height, in_best_chain) = (Some(found.height.to_u32()), Some(in_best_chain));
                let scanned = self.scan(&block, &serialize(&block), &registry)?;
                blocks.push(ScannedBlock { height, in_best_chain, ..scanned });
            } else {
                self.range.on(&*node)?.read(&*node, |at, block| {
                    let scanned = self.scan(block, &serialize(block), &registry)?;
                    let (height, in_best_chain) = (Some(at.height.to_u32()), Some(true));
                    blocks.push(ScannedBlock { height, in_best_chain, ..scanned });
                    Ok(())
                })?;
            }
        }
        let found = blocks.iter().flat_map(|block| &block.found_marks);
        let found = found.map(|mark| (mark.mark_format.as_str(), mark.data.as_str()));
        let formats = marks::count(&registry, found);
        Printout::of(&Output { blocks, formats, warnings })
    }

    /// Scans bytes that may be no block.
    fn scan_bytes(&self, bytes: &[u8], registry: &Registry) -> anyhow::Result<(ScannedBlock, Block)> {
        scan_block(bytes, registry).context("not a block")?;
        let block: Block = consensus::deserialize(bytes).map_err(|error| unread("block", &error))?;
        Ok((self.scan(&block, bytes, registry)?, block))
    }

    /// Scans a block and its bytes.
    fn scan(&self, block: &Block, bytes: &[u8], registry: &Registry) -> anyhow::Result<ScannedBlock> {
        let mut found = scan_block(bytes, registry).map_err(|error| anyhow!("not a block: {error}"))?;
        if !self.kinds.is_empty() {
            found.retain(|mark| self.kinds.iter().any(|kind| kind == mark.format()));
        }
        let (mut found_marks, mut last) = (Vec::new(), None);
        for (mark, told) in found.iter().zip(explain_marks(&found)) {
            let txid = match &last {
                Some((position, txid)) if *position == mark.position => String::clone(txid),
                _ => {
                    let at = usize::try_from(mark.position).ok().and_then(|at| block.txdata.get(at));
                    at.context("not a block: it lacks a transaction")?.compute_txid().to_string()
                }
            };
            last = Some((mark.position, txid.clone()));
            found_marks.push(ScannedMark {
                txid,
                position: mark.position,
                index: marks::output_index(mark.place),
                place: marks::place_name(mark.place).to_owned(),
                mark_format: mark.format().to_owned(),
                data: hex::encode(mark.data),
                trailing_bytes: mark.trailing,
                mark_fields: marks::fields(told.fields),
                notes: told.notes,
            });
        }
        Ok(ScannedBlock {
            bitcoin_block: block.block_hash().to_string(),
            height: None,
            in_best_chain: None,
            transaction_count: block.txdata.len(),
            found_marks,
        })
    }
}
