//! `eots verify-batch`: are they all signatures?

use anyhow::{Context, anyhow};
use eots::{BatchItem, PublicRandomness, Signature, XOnlyPublicKey};
use serde::{Deserialize, Serialize};

use crate::input::{self, Bytes};
use crate::output::{BAD, GOOD, Output};

#[derive(clap::Args)]
#[command(
    after_help = "Each line is a JSON object: {\"public_key\": …, \"public_randomness\": …, \"message\": …, \"signature\": …}, all in hex. \
    Exit code 1 when a signature is invalid; its index, from 0, is named.\n\nExample:\n  btcstake eots verify-batch --file votes.jsonl"
)]
pub(crate) struct Args {
    /// File with one signature a line; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = lines)]
    file: Lines,
}

/// The text of a file, read.
#[derive(Debug, Clone)]
struct Lines(String);

fn lines(path: &str) -> anyhow::Result<Lines> {
    let Bytes(bytes) = input::bytes(&if path == "-" { path.to_owned() } else { format!("@{path}") })?;
    Ok(Lines(String::from_utf8(bytes).map_err(|e| anyhow!("not text: {e}"))?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    public_key: String,
    public_randomness: String,
    message: String,
    signature: String,
}

/// A line with its parts read. A part of the right length that is no key or signature makes the line invalid, not unreadable.
struct Vote {
    message: Vec<u8>,
    public_randomness: PublicRandomness,
    checked: Option<(XOnlyPublicKey, Signature)>,
}

fn bytes32(name: &str, text: &str) -> anyhow::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).map_err(|e| anyhow!("{name} is not 64 hex digits: {e}"))?;
    Ok(bytes)
}

fn vote(text: &str) -> anyhow::Result<Vote> {
    let line: Line = serde_json::from_str(text)?;
    let public_key = bytes32("public_key", &line.public_key)?;
    let signature = bytes32("signature", &line.signature)?;
    let checked = XOnlyPublicKey::from_slice(&public_key).ok().zip(Signature::from_bytes(signature).ok());
    let message = hex::decode(&line.message).map_err(|e| anyhow!("message is not hex: {e}"))?;
    let public_randomness = PublicRandomness::from_bytes(bytes32("public_randomness", &line.public_randomness)?);
    Ok(Vote { message, public_randomness, checked })
}

#[derive(Serialize)]
struct Fields {
    valid: bool,
    count: usize,
    invalid: Vec<usize>,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let lines = self.file.0.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let votes = lines
            .map(|(index, line)| vote(line).with_context(|| format!("--file: line {}", index.saturating_add(1))))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let mut invalid: Vec<usize> =
            votes.iter().enumerate().filter(|(_, vote)| vote.checked.is_none()).map(|(index, _)| index).collect();
        let (indices, items): (Vec<usize>, Vec<BatchItem<'_>>) = votes
            .iter()
            .enumerate()
            .filter_map(|(index, vote)| {
                let (public_key, signature) = vote.checked.as_ref()?;
                let (public_randomness, message) = (&vote.public_randomness, vote.message.as_slice());
                Some((index, BatchItem { public_key, public_randomness, message, signature }))
            })
            .unzip();
        if let Err(error) = eots::verify_batch(&items) {
            invalid.extend(error.invalid.iter().filter_map(|index| indices.get(*index)));
            invalid.sort_unstable();
        }
        let fields = Fields { valid: invalid.is_empty(), count: votes.len(), invalid };
        let text = if fields.valid {
            format!("{GOOD}valid{GOOD:#}: all {} signatures", fields.count)
        } else {
            let named: Vec<_> = fields.invalid.iter().map(ToString::to_string).collect();
            format!("{BAD}not valid{BAD:#}: {} of {} signatures: {}", named.len(), fields.count, named.join(", "))
        };
        let output = Output::new(text, &fields)?;
        Ok(if fields.valid { output } else { output.negative() })
    }
}
