//! Which members a JSON object has, read without keeping any of it.

use std::fmt;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};

/// Returns the first of `names` that is a member of the object that `text` is; `None` for other JSON.
pub(crate) fn first_member<'n>(text: &str, names: &[&'n str]) -> Option<&'n str> {
    serde_json::Deserializer::from_str(text).deserialize_map(Names(names)).ok()?
}

struct Names<'a, 'n>(&'a [&'n str]);

impl<'de, 'n> Visitor<'de> for Names<'_, 'n> {
    type Value = Option<&'n str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut least: Option<usize> = None;
        while let Some((name, IgnoredAny)) = access.next_entry::<String, IgnoredAny>()? {
            let place = self.0.iter().position(|wanted| *wanted == name);
            least = least.into_iter().chain(place).min();
        }
        Ok(least.and_then(|place| self.0.get(place).copied()))
    }
}
