//! The formats of marks that are known, and the marks of a transaction.

use bitcoin::Transaction;
use bitcoin::opcodes::all::OP_RETURN;

use super::data::{PushForm, ReturnedData};
use super::formats;
use super::mark::{Mark, MarkFormat, Place, marks};

/// Formats of marks. The first that recognises data has them.
pub struct Registry {
    formats: Vec<Box<dyn MarkFormat>>,
    /// For each byte that data may begin with, the places in `formats` of those that may recognise them.
    by_first_byte: Vec<Vec<usize>>,
    /// The places of those in the script of a coinbase's input.
    in_coinbase_script: Vec<usize>,
}

/// What an OP_RETURN output has, or the script of a coinbase's input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedData {
    /// Where it stands.
    pub place: Place,
    /// How the data are pushed; `None` where the output has no whole push after OP_RETURN, and in a
    /// coinbase's input.
    pub form: Option<PushForm>,
    /// The data; without a push, what follows OP_RETURN.
    pub data: Vec<u8>,
    /// How many bytes of the script stand after them.
    pub trailing: usize,
    /// The mark; `None` where no format of the registry recognises the data.
    pub mark: Option<Mark>,
}

impl Default for Registry {
    fn default() -> Self {
        formats::all().into_iter().fold(Self::empty(), Self::with_boxed)
    }
}

impl Registry {
    /// Returns the registry of all formats that are known here, with the tags of Babylon Genesis that are
    /// known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a registry of no format.
    pub fn empty() -> Self {
        Self { formats: Vec::new(), by_first_byte: vec![Vec::new(); 256], in_coinbase_script: Vec::new() }
    }

    /// Returns the registry with one more format, which comes after the others.
    #[must_use]
    pub fn with(self, format: impl MarkFormat + 'static) -> Self {
        self.with_boxed(Box::new(format))
    }

    fn with_boxed(mut self, format: Box<dyn MarkFormat>) -> Self {
        let (place, first_bytes) = (self.formats.len(), format.first_bytes());
        if format.in_coinbase_script() {
            self.in_coinbase_script.push(place);
        } else {
            for (byte, list) in (0..=u8::MAX).zip(&mut self.by_first_byte) {
                if first_bytes.is_empty() || first_bytes.contains(&byte) {
                    list.push(place);
                }
            }
        }
        self.formats.push(format);
        self
    }

    /// Returns the formats, in their order.
    pub fn formats(&self) -> impl Iterator<Item = &dyn MarkFormat> {
        self.formats.iter().map(|format| &**format)
    }

    /// Returns the first format with this name.
    pub fn format(&self, name: &str) -> Option<&dyn MarkFormat> {
        self.formats().find(|format| format.name() == name)
    }

    /// Returns the format that recognises these data, which are the push of an output, or the whole script of
    /// a coinbase's input.
    #[inline]
    pub fn recognise(&self, data: &[u8], place: Place) -> Option<&dyn MarkFormat> {
        let candidates = match place {
            Place::CoinbaseScript => &self.in_coinbase_script,
            Place::Output { .. } => self.by_first_byte.get(usize::from(*data.first()?))?,
        };
        let formats = candidates.iter().filter_map(|place| self.formats.get(*place));
        formats.map(|format| &**format).find(|format| format.recognises(data, place))
    }

    /// Tells of the script of an output, as far as it can be told without the transaction; `None` where it
    /// does not begin with OP_RETURN.
    pub fn explain_script(&self, script: &[u8], place: Place) -> Option<ExplainedData> {
        self.explained([(script, place)], None).pop()
    }

    /// Tells of the script of a coinbase's input; `None` where no format recognises it.
    pub fn explain_coinbase_script(&self, script: &[u8]) -> Option<ExplainedData> {
        self.explained([(script, Place::CoinbaseScript)], None).pop()
    }

    /// Tells of every OP_RETURN output of a transaction, and of a coinbase's input where a format recognises
    /// it.
    pub fn explain(&self, transaction: &Transaction) -> Vec<ExplainedData> {
        let is_coinbase = transaction.is_coinbase();
        let input = transaction.input.first().filter(|_| is_coinbase);
        let input = input.map(|input| (input.script_sig.as_bytes(), Place::CoinbaseScript));
        let outputs = (0..).zip(&transaction.output);
        let outputs = outputs
            .map(|(index, output)| (output.script_pubkey.as_bytes(), Place::Output { index, is_coinbase }));
        self.explained(input.into_iter().chain(outputs), Some(transaction))
    }

    fn explained<'a>(
        &self,
        scripts: impl IntoIterator<Item = (&'a [u8], Place)>,
        transaction: Option<&Transaction>,
    ) -> Vec<ExplainedData> {
        let (mut told, mut recognised, mut of) = (Vec::new(), Vec::new(), Vec::new());
        for (script, place) in scripts {
            let (form, data, trailing) = match (place, ReturnedData::read(script)) {
                (Place::CoinbaseScript, _) => (None, script, 0),
                (_, Some(ReturnedData { form, data, trailing })) => (Some(form), data, trailing.len()),
                (_, None) => match script.strip_prefix(&[OP_RETURN.to_u8()]) {
                    Some(rest) => (None, rest, 0),
                    None => continue,
                },
            };
            let is_data = form.is_some() || place == Place::CoinbaseScript;
            let format = if is_data { self.recognise(data, place) } else { None };
            if let Some(format) = format {
                of.push(told.len());
                recognised.push((format, data));
            } else if place == Place::CoinbaseScript {
                continue;
            }
            told.push(ExplainedData { place, form, data: data.to_vec(), trailing, mark: None });
        }
        for (place, mark) in of.into_iter().zip(marks(&recognised, transaction)) {
            if let Some(told) = told.get_mut(place) {
                told.mark = Some(mark);
            }
        }
        told
    }
}
