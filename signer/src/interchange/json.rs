//! The JSON of an interchange file.

use std::collections::BTreeSet;

use eots::{Signature, XOnlyPublicKey};
use finality::ConsumerHeight;
use serde::{Deserialize, Serialize};

use super::{Interchange, LaneHistory};
use crate::protection::{HeightRange, Lane, SigningRecord, Watermarks};

/// The name of the format.
const FORMAT: &str = "btcstake-signing-records";
/// Its version.
const VERSION: &str = "1";
/// The longest text that is read, in bytes: some millions of records.
const MAX_BYTES: usize = 1 << 30;

/// A text is not an interchange file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InterchangeError {
    /// The text is too long.
    #[error("it has {0} bytes; must have at most {MAX_BYTES}")]
    TooLong(usize),
    /// The text is not JSON of this form. The reason is the JSON library's.
    #[error("not an interchange file of signing records: {0}")]
    Form(String),
    /// The file is of another format or version.
    #[error("it has the format {found:?} of version {version:?}; must be {FORMAT:?} of version {VERSION:?}")]
    Format {
        /// The format found.
        found: String,
        /// The version found.
        version: String,
    },
    /// A field breaks a rule.
    #[error("{field}: {rule}")]
    Field {
        /// The field, with its place.
        field: String,
        /// What was found, and what must be.
        rule: String,
    },
}

fn rule(field: impl Into<String>, rule: impl Into<String>) -> InterchangeError {
    InterchangeError::Field { field: field.into(), rule: rule.into() }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    metadata: Metadata,
    data: Vec<LaneJson>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    interchange_format: String,
    interchange_format_version: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LaneJson {
    public_key: String,
    /// In hex: it may be any bytes.
    chain_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    low_watermark_height: Option<HeightJson>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    high_watermark_height: Option<HeightJson>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    committed: Vec<RangeJson>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    records: Vec<RecordJson>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RangeJson {
    first_height: HeightJson,
    last_height: HeightJson,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordJson {
    height: HeightJson,
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
}

/// A height as a decimal text: numbers of JSON end at 2^53 in many readers.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct HeightJson(String);

impl From<ConsumerHeight> for HeightJson {
    fn from(height: ConsumerHeight) -> Self {
        Self(height.to_u64().to_string())
    }
}

impl HeightJson {
    fn read(&self, field: impl FnOnce() -> String) -> Result<ConsumerHeight, InterchangeError> {
        let Self(text) = self;
        // Only the one way to write a number.
        let read = text.parse::<u64>().ok().filter(|number| number.to_string() == *text);
        read.map(ConsumerHeight).ok_or_else(|| {
            rule(field(), format!("{text:?} is not a height; must be a decimal number below 2^64"))
        })
    }
}

fn bytes(field: impl FnOnce() -> String, text: &str) -> Result<Vec<u8>, InterchangeError> {
    hex::decode(text).map_err(|error| rule(field(), format!("not hex: {error}")))
}

impl LaneJson {
    fn read(self, number: usize) -> Result<LaneHistory, InterchangeError> {
        let at = |field: &str| format!("data[{number}].{field}");
        // What was found is not told: it may be a secret key.
        let not_one = || rule(at("public_key"), "not an x-only public key; must be 64 hex digits of one");
        let public_key: XOnlyPublicKey = self.public_key.parse().map_err(|_| not_one())?;
        let chain_id = bytes(|| at("chain_id"), &self.chain_id)?;
        let height = |field, height: Option<&HeightJson>| height.map(|it| it.read(|| at(field))).transpose();
        let watermarks = Watermarks {
            low: height("low_watermark_height", self.low_watermark_height.as_ref())?,
            high: height("high_watermark_height", self.high_watermark_height.as_ref())?,
        };
        let range = |(place, range): (usize, &RangeJson)| {
            let at = |field: &str| at(&format!("committed[{place}].{field}"));
            let first = range.first_height.read(|| at("first_height"))?;
            let last = range.last_height.read(|| at("last_height"))?;
            if first > last {
                return Err(rule(at("last_height"), "it is below first_height; must not be"));
            }
            Ok(HeightRange { first, last })
        };
        let committed = self.committed.iter().enumerate().map(range).collect::<Result<_, _>>()?;
        let mut heights = BTreeSet::new();
        let record = |(place, record): (usize, RecordJson)| {
            let at = |field: &str| at(&format!("records[{place}].{field}"));
            let height = record.height.read(|| at("height"))?;
            if !heights.insert(height) {
                let found = format!("height {} stands twice; must be there once", height.to_u64());
                return Err(rule(at("height"), found));
            }
            let message = bytes(|| at("message"), &record.message)?;
            let signature = record.signature.map(|text| {
                let bytes = bytes(|| at("signature"), &text)?;
                let bytes = <[u8; 32]>::try_from(bytes)
                    .map_err(|found| rule(at("signature"), format!("{} bytes; must be 32", found.len())))?;
                Signature::from_bytes(bytes).map_err(|error| rule(at("signature"), error.to_string()))
            });
            Ok(SigningRecord { height, message, signature: signature.transpose()? })
        };
        let mut records: Vec<_> =
            self.records.into_iter().enumerate().map(record).collect::<Result<_, _>>()?;
        records.sort_unstable_by_key(|record| record.height);
        Ok(LaneHistory { lane: Lane { public_key, chain_id }, watermarks, committed, records })
    }
}

impl From<&LaneHistory> for LaneJson {
    fn from(history: &LaneHistory) -> Self {
        let LaneHistory { lane, watermarks, committed, records } = history;
        let range = |range: &HeightRange| RangeJson {
            first_height: range.first.into(),
            last_height: range.last.into(),
        };
        let record = |record: &SigningRecord| RecordJson {
            height: record.height.into(),
            message: hex::encode(&record.message),
            signature: record.signature.map(|signature| hex::encode(signature.to_bytes())),
        };
        Self {
            public_key: lane.public_key.to_string(),
            chain_id: hex::encode(&lane.chain_id),
            low_watermark_height: watermarks.low.map(HeightJson::from),
            high_watermark_height: watermarks.high.map(HeightJson::from),
            committed: committed.iter().map(range).collect(),
            records: records.iter().map(record).collect(),
        }
    }
}

impl Interchange {
    /// Reads an interchange file.
    ///
    /// # Errors
    /// [`InterchangeError`] names the field and the rule that it breaks. A lane or a height that stands twice
    /// is refused: nobody knows which of them was signed.
    pub fn from_json(text: &str) -> Result<Self, InterchangeError> {
        if text.len() > MAX_BYTES {
            return Err(InterchangeError::TooLong(text.len()));
        }
        let File { metadata, data } =
            serde_json::from_str(text).map_err(|error| InterchangeError::Form(error.to_string()))?;
        let Metadata { interchange_format: found, interchange_format_version: version } = metadata;
        if (found.as_str(), version.as_str()) != (FORMAT, VERSION) {
            return Err(InterchangeError::Format { found, version });
        }
        let mut known = BTreeSet::new();
        let lanes = data.into_iter().enumerate().map(|(number, lane)| {
            let history = lane.read(number)?;
            if !known.insert(history.lane.clone()) {
                return Err(rule(
                    format!("data[{number}]"),
                    format!("{} stands twice; must be there once", history.lane),
                ));
            }
            Ok(history)
        });
        Ok(Self { lanes: lanes.collect::<Result<_, _>>()? })
    }

    /// Returns the JSON of the file.
    pub fn to_json(&self) -> String {
        let metadata = Metadata {
            interchange_format: FORMAT.to_owned(),
            interchange_format_version: VERSION.to_owned(),
        };
        let file = File { metadata, data: self.lanes.iter().map(LaneJson::from).collect() };
        // Texts and lists of them are always JSON.
        serde_json::to_string(&file).unwrap_or_default()
    }
}
