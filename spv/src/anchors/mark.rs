//! What a format of marks is, and what is told of a mark.

use std::collections::BTreeMap;

use bitcoin::Transaction;

/// How much the bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// The data have a length and nothing else of their own: they may be such a mark, or anything.
    Possible,
    /// The data begin as such marks do; what follows is not read.
    Named,
    /// The data are of the format in every field. Anybody can write such bytes: that they are right is for
    /// the chain to say that they are of.
    Decoded,
}

/// Where data stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In an OP_RETURN output: its number in the transaction, from 0.
    Output {
        /// The number.
        index: u32,
        /// Whether the transaction is a coinbase.
        is_coinbase: bool,
    },
    /// In the script of a coinbase's input, which is all of the data.
    CoinbaseScript,
}

impl Place {
    /// Returns whether this is an output of a coinbase.
    pub const fn is_coinbase_output(self) -> bool {
        matches!(self, Self::Output { is_coinbase: true, .. })
    }

    /// Returns whether this is an output of a transaction that is no coinbase.
    pub const fn is_other_output(self) -> bool {
        matches!(self, Self::Output { is_coinbase: false, .. })
    }
}

/// A field of a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name, in snake_case.
    pub name: &'static str,
    /// Its value.
    pub value: Value,
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Number(u64),
    /// Bytes, in the order in which they stand in the mark.
    Bytes(Vec<u8>),
    /// A word.
    Text(String),
}

impl Field {
    /// A field with a number.
    pub fn number(name: &'static str, number: impl Into<u64>) -> Self {
        Self { name, value: Value::Number(number.into()) }
    }

    /// A field with bytes.
    pub fn bytes(name: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name, value: Value::Bytes(bytes.into()) }
    }

    /// A field with a word.
    pub fn text(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, value: Value::Text(text.into()) }
    }
}

/// What is told of a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The format's name, in snake_case.
    pub format: &'static str,
    /// What it is, in words.
    pub title: &'static str,
    /// How much the bytes say.
    pub certainty: Certainty,
    /// The fields, in their order; none where the format is known by its name only.
    pub fields: Vec<Field>,
    /// What the rest of the transaction has against the mark, or what a reader would take wrongly.
    pub notes: Vec<String>,
}

/// What follows from a mark alone, and what a reader would take for it and does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conclusions {
    /// What may be concluded.
    pub may: &'static str,
    /// What may not.
    pub may_not: &'static str,
}

/// A format of marks. [`Registry`](super::Registry) has those that are known here, and takes others.
pub trait MarkFormat: Send + Sync {
    /// The name, in snake_case. Of formats of a registry with the same name, one compares for all.
    fn name(&self) -> &'static str;

    /// What it is, in words.
    fn title(&self) -> &'static str;

    /// How much the bytes of such a mark say.
    fn certainty(&self) -> Certainty {
        Certainty::Decoded
    }

    /// What follows from such a mark, and what does not.
    fn conclusions(&self) -> Conclusions {
        Conclusions {
            may: "that somebody knew these bytes when the block was mined",
            may_not: "that the chain that they are of has what they say",
        }
    }

    /// The bytes that the data of such marks may begin with; none where they may begin with any. Data that
    /// begin with others are not shown to [`recognises`](Self::recognises).
    fn first_bytes(&self) -> Vec<u8>;

    /// Whether such marks stand in the script of a coinbase's input, and not in outputs. Then
    /// [`first_bytes`](Self::first_bytes) does not matter.
    fn in_coinbase_script(&self) -> bool {
        false
    }

    /// Returns whether the data at this place are such a mark.
    fn recognises(&self, data: &[u8], place: Place) -> bool;

    /// Returns the fields of data that are [recognised](Self::recognises).
    fn fields(&self, data: &[u8]) -> Vec<Field> {
        let _ = data;
        Vec::new()
    }

    /// Compares marks of this format with the transaction that they are all in. Returns what is found, for
    /// each in their order; where there is less, nothing is found of the others. A transaction may have tens
    /// of thousands of marks, so that what concerns all of them should be looked up once.
    fn compare(&self, marks: &[&[u8]], transaction: &Transaction) -> Vec<Comparison> {
        let _ = (marks, transaction);
        Vec::new()
    }
}

/// What is found of a mark in its transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Fields that only the transaction has.
    pub fields: Vec<Field>,
    /// What the transaction has against the mark, or what a reader would take wrongly.
    pub notes: Vec<String>,
}

/// Tells of data that formats recognise, all of one transaction, where that is given.
pub(crate) fn marks(recognised: &[(&dyn MarkFormat, &[u8])], transaction: Option<&Transaction>) -> Vec<Mark> {
    let mut by_format = BTreeMap::<&str, (&dyn MarkFormat, Vec<&[u8]>)>::new();
    for (format, data) in recognised {
        by_format.entry(format.name()).or_insert((*format, Vec::new())).1.push(data);
    }
    let mut compared: BTreeMap<&str, _> = by_format
        .into_iter()
        .map(|(name, (format, data))| {
            let found = transaction.map(|transaction| format.compare(&data, transaction));
            (name, found.unwrap_or_default().into_iter())
        })
        .collect();
    let told = recognised.iter().map(|(format, data)| {
        let found = compared.get_mut(format.name()).and_then(Iterator::next).unwrap_or_default();
        let mut fields = format.fields(data);
        fields.extend(found.fields);
        let (name, title, certainty) = (format.name(), format.title(), format.certainty());
        Mark { format: name, title, certainty, fields, notes: found.notes }
    });
    told.collect()
}
