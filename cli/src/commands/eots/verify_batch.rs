//! `eots verify-batch`: verifies many EOTS signatures.

use std::io::{BufRead, BufReader, Read};
use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use anyhow::{Context, anyhow, ensure};
use eots::{BatchItem, PublicRandomness, Signature, XOnlyPublicKey};
use serde::{Deserialize, Serialize};

use crate::args::input;
use crate::view::output::{CommandOutput, Exit, Printout};
use crate::view::text::{BAD, GOOD};

/// How many are verified at once: enough for the batch's speed, and little enough memory that a file may have
/// any length.
const AT_ONCE: usize = 16_384;
/// How many bytes of messages are kept in memory; with more, fewer signatures are verified together.
const MESSAGES_AT_ONCE: usize = 64 << 20;
/// The longest line, in bytes: far more than any message has.
const LONGEST_LINE: u64 = 64 << 20;
/// How many invalid ones the text names; the JSON names all.
const NAMED: usize = 20;

#[derive(clap::Args)]
#[command(
    after_help = "Each line is a JSON object, as `eots sign --json` prints it: {\"public_key\": …, \"public_randomness\": …, \"message\": …, \
    \"signature\": …}, all in hex; other fields are ignored, and so are empty lines. Exit code 1 when a signature is invalid: its index, which counts \
    the objects from 0, is named. No signature at all is an error.\n\nExample:\n  btcstake eots verify-batch --file votes.jsonl"
)]
pub(crate) struct Args {
    /// File with one signature on each line; - is standard input.
    #[arg(long, value_name = "FILE")]
    file: String,
}

#[derive(Deserialize)]
struct Line {
    public_key: String,
    public_randomness: String,
    message: String,
    signature: String,
}

/// A line with its parts read. A part of the right length that is not a key or signature makes the line
/// invalid, not unreadable.
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

fn vote(text: &[u8]) -> anyhow::Result<Vote> {
    // The library would take an array for an object.
    ensure!(text.starts_with(b"{"), "not a JSON object");
    let line: Line = serde_json::from_slice(text)?;
    let public_key = bytes32("public_key", &line.public_key)?;
    let signature = bytes32("signature", &line.signature)?;
    let checked = XOnlyPublicKey::from_slice(&public_key).ok().zip(Signature::from_bytes(signature).ok());
    let message = hex::decode(&line.message).map_err(|e| anyhow!("message is not hex: {e}"))?;
    let public_randomness =
        PublicRandomness::from_bytes(bytes32("public_randomness", &line.public_randomness)?);
    Ok(Vote { message, public_randomness, checked })
}

/// Returns the indices of the invalid votes among these.
fn invalid(votes: &[Vote], threads: NonZeroUsize) -> Vec<usize> {
    let mut invalid: Vec<usize> =
        votes.iter().enumerate().filter(|(_, vote)| vote.checked.is_none()).map(|(index, _)| index).collect();
    let (indices, items): (Vec<usize>, Vec<BatchItem<'_>>) = votes
        .iter()
        .enumerate()
        .filter_map(|(index, vote)| {
            let (public_key, signature) = vote.checked.as_ref()?;
            let (public_randomness, message) = (&vote.public_randomness, vote.message.as_slice());
            Some((index, BatchItem::Eots { public_key, public_randomness, message, signature }))
        })
        .unzip();
    if let Err(error) = eots::verify_batch_on(threads, &items) {
        invalid.extend(error.invalid.iter().filter_map(|index| indices.get(*index)));
        invalid.sort_unstable();
    }
    invalid
}

/// The votes of a file, read in portions.
struct Lines<R> {
    reader: R,
    /// How many lines are read, for messages, which count from 1.
    lines: usize,
}

impl<R: BufRead> Lines<R> {
    /// The next votes; none at the end.
    fn next_votes(&mut self) -> anyhow::Result<Vec<(usize, Vote)>> {
        let mut votes = Vec::new();
        let (mut line, mut held) = (Vec::new(), 0_usize);
        while votes.len() < AT_ONCE && held < MESSAGES_AT_ONCE {
            line.clear();
            if self
                .reader
                .by_ref()
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut line)
                .context("cannot read --file")?
                == 0
            {
                break;
            }
            self.lines = self.lines.saturating_add(1);
            let name = || format!("--file: line {}", self.lines);
            ensure!(
                line.len() < usize::try_from(LONGEST_LINE)?,
                "{}: the line is too long; must have at most {LONGEST_LINE} bytes",
                name()
            );
            let mut text = line.trim_ascii();
            if self.lines == 1 {
                text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
            }
            if !text.is_empty() {
                let vote = vote(text).with_context(name)?;
                held = held.saturating_add(vote.message.len());
                votes.push((self.lines, vote));
            }
        }
        Ok(votes)
    }
}

/// Whether every signature is valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Whether all are.
    pub valid: bool,
    /// How many signatures there are.
    pub count: usize,
    /// The indices of the invalid ones, from 0.
    pub invalid: Vec<usize>,
    /// The lines of the invalid ones, from 1.
    pub invalid_lines: Vec<usize>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        if self.valid {
            return format!("{GOOD}valid{GOOD:#}: all {} signatures", self.count);
        }
        let mut lines =
            vec![format!("{BAD}not valid{BAD:#}: {} of {} signatures", self.invalid.len(), self.count)];
        let named = self.invalid.iter().zip(&self.invalid_lines).take(NAMED);
        lines.extend(named.map(|(index, line)| format!("  index {index}, line {line}")));
        if self.invalid.len() > NAMED {
            lines.push("  … (--json names all)".to_owned());
        }
        lines.join("\n")
    }

    fn exit(&self) -> Exit {
        Exit::of(self.valid)
    }
}

impl Args {
    fn reader(&self) -> anyhow::Result<Box<dyn BufRead>> {
        Ok(match self.file.as_str() {
            "-" => Box::new(input::standard_input()?),
            path => Box::new(BufReader::new(input::open(path).context("--file")?)),
        })
    }

    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let threads = available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let mut lines = Lines { reader: self.reader()?, lines: 0 };
        let mut output = Output { valid: false, count: 0, invalid: Vec::new(), invalid_lines: Vec::new() };
        loop {
            let (numbers, votes): (Vec<usize>, Vec<Vote>) = lines.next_votes()?.into_iter().unzip();
            if votes.is_empty() {
                break;
            }
            for index in invalid(&votes, threads) {
                output.invalid.push(output.count.saturating_add(index));
                output.invalid_lines.extend(numbers.get(index));
            }
            output.count = output.count.saturating_add(votes.len());
        }
        ensure!(output.count > 0, "--file has 0 signatures; must have at least 1");
        output.valid = output.invalid.is_empty();
        Printout::of(&output)
    }
}
