//! Lanes of a signing database, as the commands print them.

use serde::{Deserialize, Serialize};
use signer::protection::{Changed, HeightRange, Lane, LaneState, Store};

use crate::view::output::{CommandOutput, Exit};
use crate::view::text::{STRONG, line, plain};

/// What a signing database knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// A number that rises with every write.
    pub generation: u64,
    /// The lanes: each a finality provider's key on one chain.
    pub lanes: Vec<LaneOutput>,
    /// Warnings.
    pub warnings: Vec<String>,
}

/// A lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LaneOutput {
    /// The finality provider's public key.
    pub public_key: String,
    /// The id of the chain; null when it is no text.
    pub chain_id: Option<String>,
    /// The id of the chain in hex.
    pub chain_id_hex: String,
    /// Nothing at or below it is signed anew.
    pub low_watermark_height: Option<u64>,
    /// Nothing above it is signed.
    pub high_watermark_height: Option<u64>,
    /// The highest height that was signed, as far as is known.
    pub highest_height: Option<u64>,
    /// The heights whose randomness is committed.
    pub committed: Vec<RangeOutput>,
    /// How many records were added or forgotten; null where nothing was.
    pub changed_records: Option<u64>,
    /// How many records are left after a pruning; null elsewhere.
    pub left_records: Option<u64>,
    /// The heights at which an import had another message than the record here: both were signed.
    pub contradicted_heights: Vec<u64>,
}

/// Consecutive heights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RangeOutput {
    /// The first height.
    pub first_height: u64,
    /// The last height.
    pub last_height: u64,
}

impl From<&HeightRange> for RangeOutput {
    fn from(range: &HeightRange) -> Self {
        Self { first_height: range.first.to_u64(), last_height: range.last.to_u64() }
    }
}

/// Returns the id of a chain for people: text where it is text.
pub(super) fn shown_chain(chain_id_hex: &str) -> String {
    let text = hex::decode(chain_id_hex).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.filter(|text| !text.is_empty());
    text.map_or_else(|| format!("0x{chain_id_hex}"), |text| plain(&text))
}

impl LaneOutput {
    pub(super) fn new(lane: &Lane, state: &LaneState) -> Self {
        let height = |height: Option<finality::ConsumerHeight>| height.map(finality::ConsumerHeight::to_u64);
        Self {
            public_key: lane.public_key.to_string(),
            chain_id: std::str::from_utf8(&lane.chain_id).ok().map(str::to_owned),
            chain_id_hex: hex::encode(&lane.chain_id),
            low_watermark_height: height(state.watermarks.low),
            high_watermark_height: height(state.watermarks.high),
            highest_height: height(state.highest),
            committed: state.committed.iter().map(RangeOutput::from).collect(),
            changed_records: None,
            left_records: None,
            contradicted_heights: Vec::new(),
        }
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines =
            vec![format!("{STRONG}{}{STRONG:#} on {}", self.public_key, shown_chain(&self.chain_id_hex))];
        let height = |height: Option<u64>| height.map_or_else(|| "none".to_owned(), |it| it.to_string());
        lines.push(line("low", height(self.low_watermark_height)));
        lines.push(line("high", height(self.high_watermark_height)));
        lines.push(line("highest", height(self.highest_height)));
        lines.extend(
            self.committed
                .iter()
                .map(|range| line("committed", format!("{} to {}", range.first_height, range.last_height))),
        );
        let changed = if self.left_records.is_some() { "forgotten records" } else { "records" };
        lines.extend(self.changed_records.map(|count| line(changed, count.to_string())));
        lines.extend(self.left_records.map(|count| line("records left", count.to_string())));
        lines.extend(
            self.contradicted_heights.iter().map(|height| {
                line("contradicted", format!("height {height}: another message was signed too"))
            }),
        );
        lines
    }
}

impl Output {
    /// Returns what the store knows of these lanes.
    pub(super) fn of(store: &dyn Store, lanes: &[Lane]) -> anyhow::Result<Self> {
        let output = |lane: &Lane| anyhow::Ok(LaneOutput::new(lane, &store.state(lane)?));
        let lanes = lanes.iter().map(output).collect::<anyhow::Result<_>>()?;
        Ok(Self { generation: store.generation()?, lanes, warnings: Vec::new() })
    }

    /// Returns the output with what changed of each lane.
    pub(super) fn with(mut self, changed: &[Changed]) -> Self {
        for (lane, changed) in self.lanes.iter_mut().zip(changed) {
            lane.changed_records = Some(changed.records);
            lane.contradicted_heights = changed.contradicted.iter().map(|height| height.to_u64()).collect();
        }
        self
    }
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        if self.lanes.is_empty() {
            return "no key is registered".to_owned();
        }
        self.lanes.iter().flat_map(LaneOutput::lines).collect::<Vec<_>>().join("\n")
    }

    /// Negative when an import shows that two messages were signed.
    fn exit(&self) -> Exit {
        Exit::of(self.lanes.iter().all(|lane| lane.contradicted_heights.is_empty()))
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}
