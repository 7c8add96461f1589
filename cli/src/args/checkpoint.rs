//! What is known of a checkpoint in Bitcoin: its two transactions with their proofs, headers, and the epoch's
//! validators.

use anyhow::{Context, anyhow, bail, ensure};
use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use bitcoin::block::Header;
use bitcoin::{Network, Txid, consensus};
use chain::Node;
use clap::ValueEnum;
use serde::Deserialize;
use serde_json::Value;
use spv::InclusionProof;
use spv::anchors::{
    CheckpointSignatureError, CheckpointTag, EpochValidator, PartProof, SubmissionError, ValidatorOrder,
    ValidatorSet,
};

use super::argument;
use super::blocks::bytes_or_digits;
use super::included::Included;
use super::input::{Bytes, text_file, unread};

/// The length of a block's header in bytes.
const HEADER: usize = 80;

/// The two parts of a checkpoint, in their order, with the headers of their blocks.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    pub(crate) parts: [PartProof; 2],
    pub(crate) headers: [Header; 2],
}

/// A proof as the chain's message `MsgInsertBTCSpvProof` has it.
#[derive(Deserialize)]
struct ProofJson {
    btc_transaction: String,
    btc_transaction_index: Value,
    merkle_nodes: String,
    confirming_btc_header: String,
}

impl Parts {
    /// Finds two transactions in a node's chain.
    pub(crate) fn find(node: &dyn Node, ids: [Txid; 2]) -> anyhow::Result<Self> {
        let [first, second] = ids;
        let found = [Included::find(node, first)?, Included::find(node, second)?];
        let headers = [0, 1].map(|part: usize| found.get(part).map(|part| part.header));
        let [Some(first), Some(second)] = headers else { bail!("a checkpoint has two parts") };
        let parts = found.map(|Included { transaction, header, proof, .. }| PartProof {
            transaction,
            block: header.block_hash(),
            inclusion: proof,
        });
        Ok(Self { parts, headers: [first, second] })
    }
}

/// Parses a file of two proofs, in JSON.
pub(crate) fn proofs_file() -> argument::Parser<Parts> {
    argument::file(|path| {
        let json: Value = serde_json::from_str(&text_file(path)?)?;
        let found = proofs_of(&json).context("it has no list `proofs`, nor a message that has one")?;
        let [first, second] = found.as_slice() else {
            bail!("it has {} proofs; must have two, in the order of the parts", found.len());
        };
        let ((first, first_header), (second, second_header)) =
            (proof(first).context("the first proof")?, proof(second).context("the second proof")?);
        Ok(Parts { parts: [first, second], headers: [first_header, second_header] })
    })
}

/// Returns the proofs: of a list, of an object with `proofs`, or of the message of an unsigned transaction.
fn proofs_of(json: &Value) -> Option<&Vec<Value>> {
    let of_message = || {
        let messages = json.get("body").unwrap_or(json).get("messages")?.as_array()?;
        messages.iter().find_map(|message| message.get("proofs")?.as_array())
    };
    json.as_array().or_else(|| json.get("proofs")?.as_array()).or_else(of_message)
}

fn proof(json: &Value) -> anyhow::Result<(PartProof, Header)> {
    let ProofJson { btc_transaction, btc_transaction_index, merkle_nodes, confirming_btc_header } =
        serde_json::from_value(json.clone())?;
    let transaction = BASE64_STANDARD.decode(&btc_transaction).context("btc_transaction: not base64")?;
    let transaction = consensus::deserialize(&transaction).map_err(|error| unread("transaction", &error));
    let position = match &btc_transaction_index {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64().and_then(|number| u32::try_from(number).ok()),
    };
    let position = position.context("btc_transaction_index: not a position in a block")?;
    // What the chain's own text has, and what its gateway may make of bytes.
    let header = hex::decode(&confirming_btc_header).ok();
    let header = header.or_else(|| BASE64_STANDARD.decode(&confirming_btc_header).ok());
    let header = header.context("confirming_btc_header: neither hex nor base64")?;
    let header: Header = consensus::deserialize(&header).map_err(|error| unread("header", &error))?;
    let siblings = BASE64_STANDARD.decode(&merkle_nodes).context("merkle_nodes: not base64")?;
    let inclusion = InclusionProof::from_bytes(&siblings, position).context("merkle_nodes")?;
    let transaction = transaction.context("btc_transaction")?;
    Ok((PartProof { transaction, block: header.block_hash(), inclusion }, header))
}

/// Parses headers: one after the other, hex or raw bytes.
pub(crate) fn headers_file() -> argument::Parser<Vec<Header>> {
    argument::file(|path| {
        let Bytes(bytes) = bytes_or_digits(&if path == "-" { path.to_owned() } else { format!("@{path}") })?;
        let (headers, rest) = bytes.as_chunks::<HEADER>();
        ensure!(
            rest.is_empty() && !headers.is_empty(),
            "{} bytes; must be headers of {HEADER} bytes, at least one",
            bytes.len()
        );
        let read = headers
            .iter()
            .map(|header| consensus::deserialize::<Header>(header).map_err(|error| unread("header", &error)));
        read.collect()
    })
}

/// How the validators of a file are sorted.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum OrderName {
    /// As they are listed, which of a node's answer is the order of the bitmap.
    Listed,
    /// By the first eight bytes of their addresses, as babylon v4.3 does.
    FirstEightBytes,
    /// By their whole addresses, as babylon's main branch does.
    WholeAddress,
}

/// A node's answer to `bls_public_keys/{epoch}`.
#[derive(Deserialize)]
struct ValidatorsJson {
    validator_with_bls_keys: Vec<ValidatorJson>,
    pagination: Option<PaginationJson>,
}

#[derive(Deserialize)]
struct ValidatorJson {
    validator_address: String,
    bls_pub_key_hex: String,
    voting_power: Value,
}

#[derive(Deserialize)]
struct PaginationJson {
    next_key: Option<String>,
}

/// Parses a node's answer to `bls_public_keys/{epoch}`.
pub(crate) fn validators_file() -> argument::Parser<Vec<EpochValidator>> {
    argument::file(|path| {
        let answer: ValidatorsJson = serde_json::from_str(&text_file(path)?)?;
        let next = answer.pagination.and_then(|pages| pages.next_key).filter(|key| !key.is_empty());
        ensure!(next.is_none(), "it is one page of several (next_key); must have all validators");
        let read = answer.validator_with_bls_keys.iter().enumerate().map(|(place, found)| {
            let power = match &found.voting_power {
                Value::String(power) => power.clone(),
                other => other.to_string(),
            };
            let read = EpochValidator::from_text(&found.validator_address, &found.bls_pub_key_hex, &power);
            read.with_context(|| format!("validator {place}"))
        });
        read.collect()
    })
}

/// Returns the set of an epoch's validators.
pub(crate) fn validator_set(
    epoch: u64,
    validators: Vec<EpochValidator>,
    order: OrderName,
) -> anyhow::Result<ValidatorSet> {
    Ok(match order {
        OrderName::Listed => ValidatorSet::in_bitmap_order(epoch, &validators),
        OrderName::FirstEightBytes => {
            ValidatorSet::sorted(epoch, validators, ValidatorOrder::FirstEightBytes)
        }
        OrderName::WholeAddress => ValidatorSet::sorted(epoch, validators, ValidatorOrder::WholeAddress),
    }?)
}

/// Parses a tag of 8 hex digits.
pub(crate) fn tag(text: &str) -> anyhow::Result<CheckpointTag> {
    let mut tag = [0; 4];
    hex::decode_to_slice(text, &mut tag).map_err(|_| anyhow!("a tag must be 8 hex digits"))?;
    Ok(CheckpointTag(tag))
}

/// Returns the tag of the checkpoints on a network, unless a chain of one's own has another.
pub(crate) const fn tag_on(network: Network) -> CheckpointTag {
    match network {
        Network::Bitcoin => CheckpointTag::MAINNET,
        Network::Regtest => CheckpointTag::LOCAL,
        _ => CheckpointTag::TESTNET,
    }
}

/// Returns the name of the rule that two transactions break.
pub(crate) const fn submission_rule(error: &SubmissionError) -> &'static str {
    use spv::anchors::CheckpointError as C;
    match error {
        SubmissionError::OpReturns { .. } => "op_returns",
        SubmissionError::Checkpoint(C::Length { .. }) => "length",
        SubmissionError::Checkpoint(C::Tag { .. }) => "tag",
        SubmissionError::Checkpoint(C::Part { .. }) => "part",
        SubmissionError::Checkpoint(C::NotAPair) => "pair",
        SubmissionError::NotInChain { .. } => "in_chain",
        SubmissionError::Inclusion { .. } => "inclusion",
        _ => "checkpoint",
    }
}

/// Returns the name of the rule that a signature breaks.
pub(crate) const fn signature_rule(error: CheckpointSignatureError) -> &'static str {
    use CheckpointSignatureError as E;
    match error {
        E::OtherEpoch { .. } => "epoch",
        E::TooLittlePower { .. } => "power",
        E::Encoding => "signature_encoding",
        E::Infinity => "signature_infinity",
        E::NotInGroup => "signature_group",
        _ => "signature",
    }
}
