//! `checkpoint verify`: an epoch's checkpoint in Bitcoin, verified in full.

use anyhow::{Context, ensure};
use bitcoin::block::Header;
use bitcoin::{Network, Txid, Work};
use chain::{BlockHeight, Node};
use serde::{Deserialize, Serialize};
use spv::anchors::{CheckpointTag, EpochValidator, Submission, TimestampDepths};
use spv::{Anchor, HeaderChain, TrustedHeader};

use crate::args::argument::Argument;
use crate::args::checkpoint::{
    OrderName, Parts, headers_file, proofs_file, signature_rule, submission_rule, tag, tag_on, validator_set,
    validators_file,
};
use crate::args::input;
use crate::args::network::NetworkName;
use crate::args::node::NodeArgs;
use crate::view::checkpoint::CheckpointPart;
use crate::view::output::{CommandOutput, Exit, Printout};
use crate::view::text::{BAD, GOOD, line, plain};

#[derive(clap::Args)]
#[command(
    after_help = "What is verified: each transaction has one standard OP_RETURN output, they are the two parts of one checkpoint, each is in a block of the headers, and validators with more than two thirds of \
    the epoch's power have signed. The validators come from whoever is trusted for them, such as one's own node: curl NODE/babylon/checkpointing/v1/bls_public_keys/2 prints them. That a submission \
    comes after one of the epoch before, `checkpoint status` checks.\n\n\
    Exit code 1 with the rule that is broken: op_returns, length, tag, part, pair, headers, in_chain, inclusion, epoch, power, signature_encoding, signature_infinity, signature_group, signature. Of headers in a file, --trusted-header and --min-work say whose chain they are of.\n\n\
    Example:\n  btcstake checkpoint verify --part TXID --part TXID --node URL --cookie-file FILE --epoch 2 --validators keys.json"
)]
pub(crate) struct Args {
    /// The two transactions in --node's chain, in the order of the parts.
    #[arg(long, value_name = "TXID", requires = "node", conflicts_with = "proofs")]
    part: Vec<Txid>,
    /// Both transactions with their proofs: JSON with `proofs`, as the chain's message has it, which
    /// `checkpoint submit --unsigned` prints.
    #[arg(long, value_name = "FILE", value_parser = proofs_file(), required_unless_present = "part")]
    proofs: Option<Argument<Parts>>,
    /// Headers, one after the other, from the older of both blocks or before it to the last one: hex or
    /// bytes. In place of --node.
    #[arg(long, value_name = "FILE", value_parser = headers_file(), conflicts_with = "node")]
    headers: Option<Argument<Vec<Header>>>,
    /// A block of your own node's chain that must be among --headers, or the parent of the first.
    #[arg(long, value_name = "HASH[:HEIGHT]", value_parser = input::trusted_header, requires = "headers")]
    trusted_header: Option<TrustedHeader>,
    /// The least total work of --headers, in hex.
    #[arg(long, value_name = "HEX", value_parser = input::work, requires = "headers")]
    min_work: Option<Work>,
    /// The epoch that the validators are of.
    #[arg(long)]
    epoch: u64,
    /// The epoch's validators: a node's answer to `bls_public_keys/EPOCH`.
    #[arg(long, value_name = "FILE", value_parser = validators_file())]
    validators: Argument<Vec<EpochValidator>>,
    /// How the validators are sorted, which says whose a bit of the bitmap is.
    #[arg(long, value_enum, default_value_t = OrderName::Listed)]
    order: OrderName,
    /// The tag of the network's checkpoints [default: that of --network].
    #[arg(long, value_name = "8 HEX DIGITS", value_parser = tag)]
    tag: Option<CheckpointTag>,
    /// From this depth on it is CONFIRMED: the chain's k.
    #[arg(long, value_name = "BLOCKS", default_value_t = TimestampDepths::MAINNET.confirmed)]
    confirmation_depth: u32,
    /// From this depth on it is FINALIZED: the chain's w.
    #[arg(long, value_name = "BLOCKS", default_value_t = TimestampDepths::MAINNET.finalized)]
    finalization_timeout: u32,
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
    /// Whether it is valid.
    pub valid: bool,
    /// The rule that is broken; null when it is valid.
    pub rule: Option<String>,
    /// Why it is not valid; null when it is.
    pub reason: Option<String>,
    /// The epoch that the checkpoint says; null where there is none.
    pub epoch: Option<u64>,
    /// The hash of the epoch's last block, in hex.
    pub block_hash: Option<String>,
    /// Where its two transactions are.
    pub parts: Vec<CheckpointPart>,
    /// The power of those who have signed, where that is valid.
    pub signed_power: Option<String>,
    /// The power of all validators.
    pub total_power: String,
    /// The places of validators whose keys are invalid, from 0: they do not count among those who signed.
    pub invalid_keys: Vec<usize>,
    /// How many blocks are on top of the younger of both blocks.
    pub depth: Option<u32>,
    /// `SUBMITTED`, `CONFIRMED` or `FINALIZED`, by that depth alone.
    pub status: Option<String>,
    /// Warnings.
    pub warnings: Vec<String>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        let mut lines = vec![match (&self.reason, &self.rule) {
            (Some(reason), Some(rule)) => format!("{BAD}not valid{BAD:#}: {rule}: {}", plain(reason)),
            _ => format!("{GOOD}valid{GOOD:#}"),
        }];
        lines.extend(self.epoch.map(|epoch| line("epoch", epoch)));
        lines.extend(self.block_hash.as_ref().map(|hash| line("block hash", hash)));
        for (number, part) in self.parts.iter().enumerate() {
            let CheckpointPart { txid, bitcoin_block, height, position } = part;
            let at = height.map(|height| format!(" at height {height}")).unwrap_or_default();
            let place = format!("{txid}, transaction {position} of block {bitcoin_block}{at}");
            lines.push(line(&format!("part {number}"), place));
        }
        let signed = self.signed_power.as_ref();
        lines.extend(signed.map(|power| line("power", format!("{power} of {}", self.total_power))));
        lines.extend(self.depth.map(|depth| line("depth", depth)));
        lines.extend(self.status.as_ref().map(|status| line("status", status)));
        lines.join("\n")
    }

    fn exit(&self) -> Exit {
        Exit::of(self.valid)
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// The chain of headers that the parts must be in.
type Chain = Result<HeaderChain, spv::HeadersError>;

/// Returns the headers of a node's best chain from the older of these blocks on, of which it has at least
/// one.
fn chain_of(node: &dyn Node, network: Network, blocks: &[Header; 2]) -> anyhow::Result<Chain> {
    let tip = node.tip().context("--node")?;
    let known = blocks.iter().filter_map(|header| node.header(&header.block_hash()).ok());
    let height = known.map(|found| found.height).min().unwrap_or(tip.height).min(tip.height);
    let mut headers = Vec::new();
    for height in height.to_u32()..=tip.height.to_u32() {
        headers.push(node.header_at(BlockHeight::new(height)).context("--node")?.header);
    }
    let first = headers.first().context("--node: it has no block")?.block_hash();
    let header = Some(TrustedHeader { hash: first, height: Some(height.to_u32()) });
    Ok(HeaderChain::new(headers, Anchor { min_work: None, header }, network.params()))
}

impl Args {
    /// Returns the parts, and the chain of headers.
    fn read(&self) -> anyhow::Result<(Parts, Chain)> {
        let network = Network::from(self.network);
        let node = match self.node.node {
            Some(_) => Some(self.node.connect_on(self.network)?),
            None => None,
        };
        let parts = match (&self.proofs, self.part.as_slice(), &node) {
            (Some(proofs), ..) => proofs.read()?,
            (None, &[first, second], Some(node)) => Parts::find(&**node, [first, second])?,
            (None, parts, _) => anyhow::bail!("--part is given {} times; must be given twice", parts.len()),
        };
        let chain = match (&self.headers, &node) {
            (Some(headers), _) => {
                let anchor = Anchor { min_work: self.min_work, header: self.trusted_header };
                HeaderChain::new(headers.read()?, anchor, network.params())
            }
            (None, Some(node)) => chain_of(&**node, network, &parts.headers)?,
            (None, None) => anyhow::bail!("--headers is absent; must be given, or --node"),
        };
        Ok((parts, chain))
    }

    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let set = validator_set(self.epoch, self.validators.read()?, self.order);
        let set = set.with_context(|| self.validators.name())?;
        ensure!(
            self.confirmation_depth <= self.finalization_timeout,
            "--confirmation-depth is {}; must be at most {}, as --finalization-timeout says",
            self.confirmation_depth,
            self.finalization_timeout
        );
        let (Parts { parts, .. }, chain) = self.read()?;
        let network = Network::from(self.network);
        let invalid_keys: Vec<_> = set.invalid_keys().collect();
        let mut output = Output {
            valid: false,
            rule: None,
            reason: None,
            epoch: None,
            block_hash: None,
            parts: Vec::new(),
            signed_power: None,
            total_power: set.total_power().to_string(),
            invalid_keys,
            depth: None,
            status: None,
            warnings: Vec::new(),
        };
        if self.headers.is_some() && self.trusted_header.is_none() && self.min_work.is_none() {
            output.warnings.push(
                "unanchored: the headers show work, but not that they are of the chain that nodes follow, and a few are cheap to forge; --node, --trusted-header and --min-work tie them to it"
                    .to_owned(),
            );
        }
        let refused = |rule: &str, error: anyhow::Error, output: Output| {
            let (rule, reason) = (Some(rule.to_owned()), Some(format!("{error:#}")));
            Printout::of(&Output { rule, reason, ..output })
        };
        let chain = match chain {
            Ok(chain) => chain,
            Err(error) => return refused("headers", error.into(), output),
        };
        let tag = self.tag.unwrap_or_else(|| tag_on(network));
        let submission = match Submission::verify(tag, &parts, &chain, network.params()) {
            Ok(submission) => submission,
            Err(error) => return refused(submission_rule(&error), error.into(), output),
        };
        let (checkpoint, places) = (submission.checkpoint(), submission.places());
        output.epoch = Some(checkpoint.epoch);
        output.block_hash = Some(hex::encode(checkpoint.block_hash));
        output.parts = places.iter().map(|place| CheckpointPart::new(place, &chain)).collect();
        output.depth = places.iter().filter_map(|place| chain.depth(&place.block)).min();
        match set.verify(checkpoint) {
            Ok(power) => output.signed_power = Some(power.to_string()),
            Err(error) => return refused(signature_rule(error), error.into(), output),
        }
        output.status = output.depth.map(|depth| {
            let status = match depth {
                depth if depth >= self.finalization_timeout => "FINALIZED",
                depth if depth >= self.confirmation_depth => "CONFIRMED",
                _ => "SUBMITTED",
            };
            status.to_owned()
        });
        output.valid = true;
        Printout::of(&output)
    }
}
