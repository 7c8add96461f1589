//! JSON in which no object has a member twice.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The most objects in one text: ten times what the largest page needs. One takes some 600 bytes of memory,
/// however short its text is.
const MAX_OBJECTS: usize = 200_000;
/// The most elements of lists in one text, more than twice what the largest page needs.
const MAX_ELEMENTS: usize = 400_000;

/// How many more objects and elements of lists there may be.
struct Left {
    objects: Cell<usize>,
    elements: Cell<usize>,
}

fn take<E: Error>(left: &Cell<usize>, most: usize, what: &str) -> Result<(), E> {
    let too_many = || E::custom(format!("more than {most} {what}; must be at most that many"));
    left.set(left.get().checked_sub(1).ok_or_else(too_many)?);
    Ok(())
}

/// Parses JSON in which no object has a member twice: readers differ in which of two they use.
///
/// # Errors
/// Those of `serde_json`, a member that stands twice, more than [`MAX_OBJECTS`] objects, and more than
/// [`MAX_ELEMENTS`] elements of lists.
pub(crate) fn parse(text: &str) -> serde_json::Result<Value> {
    let left = Left { objects: Cell::new(MAX_OBJECTS), elements: Cell::new(MAX_ELEMENTS) };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = AnyValue(&left).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

#[derive(Clone, Copy)]
struct AnyValue<'a>(&'a Left);

impl<'de> DeserializeSeed<'de> for AnyValue<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyValue<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = access.next_element_seed(self)? {
            take(&self.0.elements, MAX_ELEMENTS, "elements of lists")?;
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        take(&self.0.objects, MAX_OBJECTS, "objects")?;
        let mut members = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(format!(
                    "`{name}` stands twice in one object; must be there once"
                )));
            }
            let value = access.next_value_seed(self)?;
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}
