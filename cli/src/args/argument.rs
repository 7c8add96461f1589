//! Arguments whose value a file may hold. Parsing the command line opens nothing: a command reads its
//! arguments when it runs.

use std::ffi::OsStr;

use anyhow::Context;
use clap::builder::TypedValueParser;
use clap::{Arg, Command};

use super::secret::shown_path;

/// Reads a value from the text of an argument.
type Read<T> = fn(&str) -> anyhow::Result<T>;

/// An argument: its value, or where the value is read from.
#[derive(Clone)]
pub(crate) struct Argument<T> {
    flag: String,
    value: Value<T>,
}

#[derive(Clone)]
enum Value<T> {
    Given(T),
    /// A path, `@FILE` or `-`, and how its content is read.
    Unread(String, Read<T>),
}

impl<T: Clone> Argument<T> {
    /// Returns the value, from its file if it has one. The error has the argument's name.
    pub(crate) fn read(&self) -> anyhow::Result<T> {
        match &self.value {
            Value::Given(value) => Ok(value.clone()),
            Value::Unread(text, read) => read(text).with_context(|| self.name()),
        }
    }

    /// Returns the argument's name for errors about what was read: the flag, and the file if it has one.
    pub(crate) fn name(&self) -> String {
        match &self.value {
            Value::Given(_) => self.flag.clone(),
            Value::Unread(text, _) => format!("{} {}", self.flag, shown_path(text)),
        }
    }

    /// Returns the argument as it was given, for messages and for names in the output.
    pub(crate) fn shown(&self) -> &str {
        match &self.value {
            Value::Given(_) => "",
            Value::Unread(text, _) => text,
        }
    }
}

/// Reads every one of these arguments, in their order.
pub(crate) fn read_all<T: Clone>(arguments: &[Argument<T>]) -> anyhow::Result<Vec<T>> {
    arguments.iter().map(Argument::read).collect()
}

/// Reads an argument that may be absent.
pub(crate) fn read_optional<T: Clone>(argument: Option<&Argument<T>>) -> anyhow::Result<Option<T>> {
    argument.map(Argument::read).transpose()
}

/// Returns the name of an argument: its flag, or the name of its value.
pub(super) fn flag(arg: Option<&Arg>) -> String {
    let Some(arg) = arg else { return String::new() };
    let value = || arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
    arg.get_long().map(|long| format!("--{long}")).or_else(value).unwrap_or_default()
}

/// The parser of such arguments.
pub(crate) struct Parser<T> {
    read: Read<T>,
    /// Whether the text says where the value is, and is not the value.
    is_source: fn(&str) -> bool,
}

impl<T> Clone for Parser<T> {
    fn clone(&self) -> Self {
        Self { read: self.read, is_source: self.is_source }
    }
}

/// Parses the value itself, `@FILE` for the content of a file, or `-` for standard input.
pub(crate) fn value<T>(read: Read<T>) -> Parser<T> {
    Parser { read, is_source }
}

/// Parses the path of a file; `-` is standard input.
pub(crate) fn file<T>(read: Read<T>) -> Parser<T> {
    Parser { read, is_source: |_| true }
}

/// Parses a value that may have a name before it: VALUE, or NAME=VALUE.
pub(crate) fn named_value<T>(read: Read<T>) -> Parser<T> {
    Parser { read, is_source: |text| is_source(text.rsplit_once('=').map_or(text, |(_, value)| value)) }
}

/// Returns whether an argument says where its value is: `@FILE` or `-`.
pub(super) fn is_source(text: &str) -> bool {
    text == "-" || text.starts_with('@')
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Parser<T> {
    type Value = Argument<T>;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Argument<T>, clap::Error> {
        let unread = value.to_str().filter(|text| (self.is_source)(text));
        let value = match unread {
            Some(text) => Value::Unread(text.to_owned(), self.read),
            None => Value::Given(self.read.parse_ref(command, arg, value)?),
        };
        Ok(Argument { flag: flag(arg), value })
    }
}
