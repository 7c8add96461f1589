//! Marks of other chains, as several commands print them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use spv::anchors::{Certainty, ExplainedData, Field, Mark, Place, PushForm, Registry, Value};

use super::text::{FAINT, plain};

/// How many hex digits of unknown data are shown to people: 80 bytes, as most nodes relayed for years.
const MOST_SHOWN: usize = 160;

/// Data of an OP_RETURN output, or of a coinbase's input, and what they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MarkData {
    /// The output, from 0; null where the data are in a coinbase's input, or no transaction is given.
    pub index: Option<u32>,
    /// Where the data stand: `output`, `coinbase_output` or `coinbase_input`. Where no transaction is given,
    /// where they are a mark.
    pub place: String,
    /// How the data are pushed: `direct`, `pushdata1`, `pushdata2` or `pushdata4`; null without a whole push.
    pub push: Option<String>,
    /// The data in hex.
    pub data: String,
    /// How many bytes of the script stand after them.
    pub trailing_bytes: usize,
    /// The mark; null where no format is known that recognises the data.
    pub mark: Option<KnownMark>,
}

/// A mark of a known format. Anybody can write such bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct KnownMark {
    /// The format's name.
    pub mark_format: String,
    /// What it is, in words.
    pub title: String,
    /// How much the bytes say: `is` (every field has the format), `named` (they begin like it), `possible`
    /// (they have its length alone).
    pub certainty: String,
    /// The fields, in their order.
    pub mark_fields: Vec<MarkField>,
    /// What the rest of the transaction has against the mark, or what a reader would take wrongly.
    pub notes: Vec<String>,
    /// What may be concluded of the mark alone.
    pub concluded: String,
    /// What may not.
    pub not_concluded: String,
}

/// A field of a mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MarkField {
    /// Its name.
    pub name: String,
    /// Its value: a number, a word, or bytes in hex in the order of the mark.
    pub value: FieldValue,
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum FieldValue {
    /// A number.
    Number(u64),
    /// A word, or bytes in hex.
    Text(String),
}

/// How often a format was found, and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FormatCount {
    /// The format's name.
    pub mark_format: String,
    /// What it is, in words.
    pub title: String,
    /// How much the bytes say: `is` (every field has the format), `named` (they begin like it), `possible`
    /// (they have its length alone).
    pub certainty: String,
    /// How many marks there are.
    pub count: usize,
    /// How many of them have different data.
    pub distinct_count: usize,
    /// What may be concluded of such a mark alone.
    pub concluded: String,
    /// What may not.
    pub not_concluded: String,
}

/// Returns the name of a certainty.
const fn certainty(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Decoded => "is",
        Certainty::Named => "named",
        Certainty::Possible => "possible",
    }
}

/// Returns the name of a place.
pub(crate) const fn place_name(place: Place) -> &'static str {
    match place {
        Place::Output { is_coinbase: false, .. } => "output",
        Place::Output { is_coinbase: true, .. } => "coinbase_output",
        Place::CoinbaseScript => "coinbase_input",
    }
}

/// Returns the number of the output that a place is.
pub(crate) const fn output_index(place: Place) -> Option<u32> {
    match place {
        Place::Output { index, .. } => Some(index),
        Place::CoinbaseScript => None,
    }
}

/// Returns the fields of a mark.
pub(crate) fn fields(fields: Vec<Field>) -> Vec<MarkField> {
    let value = |value| match value {
        Value::Number(number) => FieldValue::Number(number),
        Value::Bytes(bytes) => FieldValue::Text(hex::encode(bytes)),
        Value::Text(text) => FieldValue::Text(text),
    };
    fields
        .into_iter()
        .map(|field| MarkField { name: field.name.to_owned(), value: value(field.value) })
        .collect()
}

/// Returns the fields on one line.
pub(crate) fn fields_line(fields: &[MarkField]) -> String {
    let shown = fields.iter().map(|MarkField { name, value }| match value {
        FieldValue::Number(number) => format!("{name} {number}"),
        FieldValue::Text(text) => format!("{name} {}", plain(text)),
    });
    shown.collect::<Vec<_>>().join(", ")
}

impl KnownMark {
    fn new(mark: Mark, registry: &Registry) -> Self {
        let Mark { format, title, certainty: how_much, fields: found, notes } = mark;
        let follows = registry.format(format).map(|format| format.conclusions());
        let (may, may_not) = follows.map_or_else(Default::default, |it| (it.may, it.may_not));
        Self {
            mark_format: format.to_owned(),
            title: title.to_owned(),
            certainty: certainty(how_much).to_owned(),
            mark_fields: fields(found),
            notes,
            concluded: may.to_owned(),
            not_concluded: may_not.to_owned(),
        }
    }
}

impl MarkData {
    /// Returns what a registry tells of data; `in_transaction` where their place is known.
    pub(crate) fn new(told: ExplainedData, registry: &Registry, in_transaction: bool) -> Self {
        let ExplainedData { place, form, data, trailing, mark } = told;
        let push = form.map(|form| match form {
            PushForm::Direct => "direct",
            PushForm::PushData1 => "pushdata1",
            PushForm::PushData2 => "pushdata2",
            PushForm::PushData4 => "pushdata4",
        });
        Self {
            index: output_index(place).filter(|_| in_transaction),
            place: place_name(place).to_owned(),
            push: push.map(ToOwned::to_owned),
            data: hex::encode(data),
            trailing_bytes: trailing,
            mark: mark.map(|mark| KnownMark::new(mark, registry)),
        }
    }

    /// Returns lines for people.
    pub(crate) fn lines(&self) -> Vec<String> {
        let at = match (self.index, self.place.as_str()) {
            (Some(index), _) => format!("output {index}"),
            (None, "coinbase_input") => "coinbase input".to_owned(),
            (None, "coinbase_output") => "in a coinbase".to_owned(),
            (None, _) => "in an output".to_owned(),
        };
        let mut lines = Vec::new();
        match &self.mark {
            None => {
                let bytes = self.data.len().div_euclid(2);
                // The field has all of them.
                let shown = self.data.get(..MOST_SHOWN).map(|begin| format!("{begin}…"));
                let shown = shown.unwrap_or_else(|| self.data.clone());
                lines.push(format!("{at:<20}data of {bytes} bytes, no known mark: {shown}"));
            }
            Some(mark) => {
                lines.push(format!(
                    "{at:<20}{}, {}: {}",
                    mark.title,
                    mark.mark_format,
                    sure(&mark.certainty)
                ));
                let field = |MarkField { name, value }: &MarkField| match value {
                    FieldValue::Number(number) => format!("  {name:<26}{number}"),
                    FieldValue::Text(text) => format!("  {name:<26}{}", plain(text)),
                };
                lines.extend(mark.mark_fields.iter().map(field));
                lines.extend(mark.notes.iter().map(|note| format!("  note: {}", plain(note))));
                lines.push(format!("  {FAINT}it follows:{FAINT:#} {}", mark.concluded));
                lines.push(format!("  {FAINT}it does not:{FAINT:#} {}", mark.not_concluded));
            }
        }
        if self.trailing_bytes > 0 {
            lines.push(format!("  note: {} bytes of the script follow the data", self.trailing_bytes));
        }
        lines
    }
}

/// Returns how much bytes say, in words.
fn sure(certainty: &str) -> &'static str {
    match certainty {
        "is" => "every field has the format",
        "named" => "it begins like it",
        _ => "it may be",
    }
}

/// Counts marks of formats, each with its data. The order is that of the registry.
pub(crate) fn count<'a>(
    registry: &Registry,
    found: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<FormatCount> {
    let mut by_format = BTreeMap::<&str, Vec<&str>>::new();
    found.for_each(|(format, data)| by_format.entry(format).or_default().push(data));
    let formats = registry.formats().filter_map(|format| {
        let mut data = by_format.remove(format.name())?;
        let count = data.len();
        data.sort_unstable();
        data.dedup();
        let follows = format.conclusions();
        Some(FormatCount {
            mark_format: format.name().to_owned(),
            title: format.title().to_owned(),
            certainty: certainty(format.certainty()).to_owned(),
            count,
            distinct_count: data.len(),
            concluded: follows.may.to_owned(),
            not_concluded: follows.may_not.to_owned(),
        })
    });
    formats.collect()
}

impl FormatCount {
    /// Returns lines for people.
    pub(crate) fn lines(&self) -> [String; 3] {
        let Self { mark_format, title, certainty, count, distinct_count, .. } = self;
        [
            format!("{count} of {title} ({mark_format}), {distinct_count} different: {}", sure(certainty)),
            format!("  {FAINT}it follows:{FAINT:#} {}", self.concluded),
            format!("  {FAINT}it does not:{FAINT:#} {}", self.not_concluded),
        ]
    }
}
