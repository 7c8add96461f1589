use serde_json::Value;

use super::{Problem, WireError};
use crate::outputs::encoded::{from_base64, from_base64_or_hex, from_hex};

/// A value in a JSON document, with its path. An absent value is null, which protobuf's JSON reads as the
/// zero value of a field.
pub(super) struct At<'a> {
    value: &'a Value,
    path: String,
}

impl<'a> At<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self { value, path: String::new() }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn error(&self, problem: Problem) -> WireError {
        WireError::field(&*self.path, problem)
    }

    fn wrong(&self, expected: &'static str) -> WireError {
        let found = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        self.error(Problem::Type { found, expected })
    }

    /// Returns the member of this name; a null object has null members only.
    pub(super) fn get(&self, name: &str) -> Result<Self, WireError> {
        let value = match self.value {
            Value::Null => &Value::Null,
            Value::Object(members) => members.get(name).unwrap_or(&Value::Null),
            _ => return Err(self.wrong("an object")),
        };
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Ok(Self { value, path })
    }

    /// Returns the value, unless it is null.
    pub(super) fn present(self) -> Option<Self> {
        (!self.value.is_null()).then_some(self)
    }

    /// Returns the entries of a member that is a list.
    pub(super) fn list(&self, name: &str) -> Result<Vec<Self>, WireError> {
        let list = self.get(name)?;
        match list.value {
            Value::Null => Ok(Vec::new()),
            Value::Array(entries) => Ok(entries
                .iter()
                .enumerate()
                .map(|(i, value)| Self { value, path: format!("{}[{i}]", list.path) })
                .collect()),
            _ => Err(list.wrong("a list")),
        }
    }

    fn str(&self) -> Result<&'a str, WireError> {
        match self.value {
            Value::Null => Ok(""),
            Value::String(text) => Ok(text),
            _ => Err(self.wrong("text")),
        }
    }

    pub(super) fn text(&self, name: &str) -> Result<String, WireError> {
        self.get(name)?.str().map(str::to_owned)
    }

    /// Returns the bytes of a member in hex.
    pub(super) fn hex(&self, name: &str) -> Result<Vec<u8>, WireError> {
        self.get(name)?.hex_here()
    }

    pub(super) fn hex_here(&self) -> Result<Vec<u8>, WireError> {
        from_hex(self.str()?).map_err(|e| self.error(Problem::Hex(e)))
    }

    /// Returns the bytes of a member in base64.
    pub(super) fn base64(&self, name: &str) -> Result<Vec<u8>, WireError> {
        self.get(name)?.base64_here()
    }

    pub(super) fn base64_here(&self) -> Result<Vec<u8>, WireError> {
        from_base64(self.str()?).map_err(|e| self.error(Problem::Base64(e)))
    }

    /// Returns the bytes of a member in base64, or in hex.
    pub(super) fn base64_or_hex(&self, name: &str) -> Result<Vec<u8>, WireError> {
        let at = self.get(name)?;
        from_base64_or_hex(at.str()?).map_err(|e| at.error(Problem::Base64(e)))
    }

    /// Returns a whole number, written as a number or as text: a node writes those of 64 bits as text.
    fn number<T: TryFrom<i128>>(&self, name: &str, rule: &'static str) -> Result<T, WireError> {
        let at = self.get(name)?;
        let found = match at.value {
            Value::Null => return T::try_from(0).map_err(|_| at.wrong(rule)),
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.clone(),
            _ => return Err(at.wrong(rule)),
        };
        // No more digits than 64 bits have, so that one number has few spellings.
        let digits = found.strip_prefix('-').unwrap_or(&found);
        let plain = (1..=20).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        let number = if plain { found.parse::<i128>().ok() } else { None };
        number
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| at.error(Problem::Number { found: cut(&found), rule }))
    }

    pub(super) fn u32(&self, name: &str) -> Result<u32, WireError> {
        self.number(name, "a whole number from 0 to 4294967295")
    }

    pub(super) fn u64(&self, name: &str) -> Result<u64, WireError> {
        self.number(name, "a whole number from 0 to 18446744073709551615")
    }

    pub(super) fn i64(&self, name: &str) -> Result<i64, WireError> {
        self.number(name, "a whole number of 64 bits")
    }

    /// Returns an enumeration's number, which a node writes as its name.
    pub(super) fn named(
        &self,
        name: &str,
        names: &[(&str, i32)],
        rule: &'static str,
    ) -> Result<i32, WireError> {
        let at = self.get(name)?;
        match at.value {
            Value::String(text) => names
                .iter()
                .find_map(|(known, number)| (known == text).then_some(*number))
                .ok_or_else(|| at.error(Problem::Name { found: cut(text), rule })),
            _ => self.number(name, rule),
        }
    }
}

/// Returns the beginning of a text, for an error.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}
