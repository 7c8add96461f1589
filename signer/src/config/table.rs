//! Reading a table of the file: values of the right type, and every problem noted.

use std::ffi::OsString;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::ConfigRule;
use super::overrides::Overrides;
use super::problems::{Given, Place, Problems, shown};
use super::settings::{self, Kind, Setting};

/// Where the value of a setting comes from.
enum Source<'a> {
    File(&'a DeValue<'a>),
    Environment(&'a OsString),
}

/// A table that is read. Unknown keys are noted when it is opened.
pub(super) struct Table<'a> {
    kind: String,
    place: Place,
    entries: Option<&'a DeTable<'a>>,
    overrides: &'a Overrides,
    pub(super) problems: &'a Problems,
}

impl<'a> Table<'a> {
    /// Opens the file as a whole.
    pub(super) fn root(entries: &'a DeTable<'a>, overrides: &'a Overrides, problems: &'a Problems) -> Self {
        Self::open(String::new(), Place::default(), Some(entries), overrides, problems)
    }

    fn open(
        kind: String,
        place: Place,
        entries: Option<&'a DeTable<'a>>,
        overrides: &'a Overrides,
        problems: &'a Problems,
    ) -> Self {
        let table = Self { kind, place, entries, overrides, problems };
        let known = settings::known_keys(&table.kind);
        for (key, _) in entries.into_iter().flatten() {
            if !known.contains(&key.get_ref().as_ref()) {
                let line = Some(problems.line(key.span().start));
                let place = Place { line, ..table.at(&shown(key.get_ref())) };
                problems.add(&place, ConfigRule::UnknownKey { known: known.clone() });
            }
        }
        table
    }

    /// Returns where the table stands, or would stand.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Returns the place of a key: the variable that overrides it, else its line where it is there, else the
    /// table's.
    pub(super) fn at(&self, key: &str) -> Place {
        let place = self.in_file(key);
        match settings::find(&self.kind, key).and_then(|setting| self.overrides.get(setting)) {
            Some((variable, _)) => Place { line: None, key: format!("{} (${variable})", place.key) },
            None => place,
        }
    }

    fn in_file(&self, key: &str) -> Place {
        let entry = self.entries.and_then(|entries| entries.get(key));
        let line = entry.map(|value| self.problems.line(value.span().start)).or(self.place.line);
        let outer = &self.place.key;
        let separator = match outer.as_str() {
            "" => "",
            // `client 2: name`, but `listen.grpc`.
            outer if outer.contains(' ') => ": ",
            _ => ".",
        };
        Place { line, key: format!("{outer}{separator}{key}") }
    }

    /// Returns whether a key is there, in the file or the environment.
    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    fn get(&self, key: &str) -> Option<(Place, Source<'a>)> {
        let of_key = settings::find(&self.kind, key);
        debug_assert!(of_key.is_some(), "{}.{key} is not among the settings", self.kind);
        if let Some((_, value)) = of_key.and_then(|setting| self.overrides.get(setting)) {
            return Some((self.at(key), Source::Environment(value)));
        }
        let value: &Spanned<DeValue<'a>> = self.entries?.get(key)?;
        Some((self.at(key), Source::File(value.get_ref())))
    }

    /// Notes that a key is absent that must be there.
    pub(super) fn missing(&self, key: &str, because: &'static str) {
        let line = self.place.line;
        self.problems.add(&Place { line, ..self.at(key) }, ConfigRule::Missing { because });
    }

    /// Returns a text that is not empty.
    pub(super) fn text(&self, key: &str) -> Option<Given<String>> {
        let (place, source) = self.get(key)?;
        let value = match source {
            Source::File(value) => self.text_of(&place, value)?,
            Source::Environment(value) => self.variable_of(&place, value)?.to_owned(),
        };
        self.filled(place, value)
    }

    /// As [`Self::text`], for one that must be there.
    pub(super) fn required_text(&self, key: &str) -> Option<Given<String>> {
        if !self.has(key) {
            self.missing(key, "");
        }
        self.text(key)
    }

    fn filled(&self, place: Place, value: String) -> Option<Given<String>> {
        if value.is_empty() {
            self.problems.add(&place, ConfigRule::Empty);
            return None;
        }
        Some(Given { value, place })
    }

    fn text_of(&self, place: &Place, value: &DeValue<'a>) -> Option<String> {
        let text = value.as_str().ok_or(ConfigRule::Type { found: value.type_str(), must: "a string" });
        self.problems.take(place, text).map(str::to_owned)
    }

    fn variable_of(&self, place: &Place, value: &'a OsString) -> Option<&'a str> {
        self.problems.take(place, value.to_str().ok_or(ConfigRule::NotText))
    }

    /// Returns a boolean.
    pub(super) fn boolean(&self, key: &str) -> Option<Given<bool>> {
        let (place, source) = self.get(key)?;
        let read = match source {
            Source::File(value) => {
                value.as_bool().ok_or(ConfigRule::Type { found: value.type_str(), must: "true or false" })
            }
            Source::Environment(value) => match self.variable_of(&place, value)? {
                "true" => Ok(true),
                "false" => Ok(false),
                text => Err(ConfigRule::Choice { found: shown(text), must: "true or false".to_owned() }),
            },
        };
        Some(Given { value: self.problems.take(&place, read)?, place })
    }

    /// Returns an integer in the setting's range.
    pub(super) fn integer(&self, key: &str) -> Option<u64> {
        let (place, source) = self.get(key)?;
        let Some(Setting { kind: Kind::Integer { least, most }, .. }) = settings::find(&self.kind, key)
        else {
            return None;
        };
        let (text, number) = match source {
            Source::File(DeValue::Integer(number)) => {
                (number.to_string(), u64::from_str_radix(number.as_str(), number.radix()).ok())
            }
            Source::File(value) => {
                let rule = ConfigRule::Type { found: value.type_str(), must: "an integer" };
                self.problems.add(&place, rule);
                return None;
            }
            Source::Environment(value) => {
                let text = self.variable_of(&place, value)?;
                (text.to_owned(), text.parse().ok())
            }
        };
        let in_range = number.filter(|number| (least..=most).contains(&number));
        let out_of_range = || ConfigRule::OutOfRange { found: shown(&text), least: *least, most: *most };
        self.problems.take(&place, in_range.ok_or_else(out_of_range))
    }

    /// As [`Self::integer`], where its range fits 32 bits.
    pub(super) fn small_integer(&self, key: &str) -> Option<u32> {
        self.integer(key).and_then(|number| u32::try_from(number).ok())
    }

    /// Returns an array of texts, none of them empty, each there once, and at least one.
    pub(super) fn texts(&self, key: &str) -> Option<Vec<Given<String>>> {
        let (place, Source::File(value)) = self.get(key)? else { return None };
        let array = value.as_array().ok_or(ConfigRule::Type { found: value.type_str(), must: "an array" });
        let array = self.problems.take(&place, array)?;
        if array.is_empty() {
            self.problems.add(&place, ConfigRule::Empty);
        }
        let mut texts: Vec<Given<String>> = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for value in array {
            let line = Some(self.problems.line(value.span().start));
            let place = Place { line, key: place.key.clone() };
            let text = self.text_of(&place, value.get_ref());
            let Some(given) = text.and_then(|text| self.filled(place, text)) else { continue };
            if seen.insert(given.value.clone()) {
                texts.push(given);
            } else {
                let rule = ConfigRule::Duplicate { found: shown(&given.value) };
                self.problems.add(&given.place, rule);
            }
        }
        Some(texts)
    }

    /// Returns a table inside this one, that is there at most once.
    pub(super) fn child(&self, key: &str) -> Option<Table<'a>> {
        let kind = settings::inside(&self.kind, key);
        let value = self.entries.and_then(|entries| entries.get(key));
        let mut entries = None;
        if let Some(value) = value {
            let found = value.get_ref();
            let table = found.as_table().ok_or(ConfigRule::Type { found: found.type_str(), must: "a table" });
            entries = Some(self.problems.take(&self.at(key), table)?);
        } else if !self.overrides.has_table(&kind) {
            return None;
        }
        Some(Self::open(kind, self.at(key), entries, self.overrides, self.problems))
    }

    /// As [`Self::child`]; one that is absent is as one that is empty.
    pub(super) fn child_or_empty(&self, key: &str) -> Table<'a> {
        let kind = settings::inside(&self.kind, key);
        let place = self.at(key);
        self.child(key).unwrap_or_else(|| Self::open(kind, place, None, self.overrides, self.problems))
    }

    /// Returns the tables of an array inside this one.
    pub(super) fn children(&self, key: &str) -> Vec<Table<'a>> {
        let kind = settings::inside(&self.kind, key);
        let Some(value) = self.entries.and_then(|entries| entries.get(key)) else { return Vec::new() };
        let (place, found) = (self.at(key), value.get_ref());
        let must = "an array of tables";
        let array = found.as_array().ok_or(ConfigRule::Type { found: found.type_str(), must });
        let Some(array) = self.problems.take(&place, array) else { return Vec::new() };
        let mut tables = Vec::new();
        for (number, value) in (1..).zip(array) {
            let number: u32 = number;
            let line = Some(self.problems.line(value.span().start));
            let place = Place { line, key: format!("{} {number}", place.key) };
            let found = value.get_ref();
            let table = found.as_table().ok_or(ConfigRule::Type { found: found.type_str(), must });
            if let Some(entries) = self.problems.take(&place, table) {
                tables.push(Self::open(kind.clone(), place, Some(entries), self.overrides, self.problems));
            }
        }
        tables
    }
}
