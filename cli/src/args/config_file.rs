//! A configuration file of a command: its keys are the command's flags, so that there is one description of
//! both, and one way to read each value.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use toml::{Table, Value};

/// The file. What it has is among the arguments when they are read (see [`with_file`]).
#[derive(Clone, clap::Args)]
pub(crate) struct ConfigArgs {
    /// A file in TOML with flags of `watch run` as keys: store = "watch.db". Flags of the command line come
    /// before its own; paths are relative to its folder.
    #[arg(long, value_name = "FILE.toml")]
    #[allow(dead_code, reason = "it is read before the other arguments are")]
    config: Option<PathBuf>,
}

/// The values that are paths, by how the help calls them.
const PATHS: [&str; 4] = ["FILE", "PATH", "DIR", "PROGRAM"];

/// Returns the arguments with what the configuration file of `command group verb` has in addition, where they
/// name one. Its keys are the flags of `group main`; the other commands of the group take those that they
/// have too.
///
/// # Errors
/// With every key that is wrong.
pub(crate) fn with_file(
    command: impl FnOnce() -> Command,
    (group, main): (&str, &str),
    mut args: Vec<OsString>,
) -> anyhow::Result<Vec<OsString>> {
    // To read the arguments twice takes as long as the start of all else.
    if !args.iter().any(|arg| arg.to_string_lossy().starts_with("--config")) {
        return Ok(args);
    }
    let command = command();
    let loose = command.clone().ignore_errors(true).try_get_matches_from(&args);
    let Some((verb, given)) = loose.ok().and_then(|found| verb_of(group, &found)) else { return Ok(args) };
    let Some(file) = given.try_get_one::<PathBuf>("config").ok().flatten() else { return Ok(args) };
    let named = || format!("--config {}", file.display());
    let of = |verb: &str| {
        let mut command = command.clone();
        command.build();
        let group = command.find_subcommand(group)?;
        group.find_subcommand(verb).cloned()
    };
    let (Some(main), Some(verb)) = (of(main), of(&verb)) else { return Ok(args) };
    let text = std::fs::read_to_string(file).with_context(named)?;
    let table: Table = text.parse().map_err(|error| not_toml(&text, &error)).with_context(named)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut errors = Vec::new();
    for (key, value) in &table {
        match flags(&main, key, value, folder) {
            Err(error) => errors.push(format!("{key}: {error:#}")),
            Ok(flags) => args.extend(taken(&verb, key, &given, flags)),
        }
    }
    if errors.is_empty() {
        return Ok(args);
    }
    bail!("{}: {} of its keys are wrong:\n  {}", named(), errors.len(), errors.join("\n  "))
}

/// Says where the file is no TOML, and not what is there: a file of secrets may be given by mistake.
fn not_toml(text: &str, error: &toml::de::Error) -> anyhow::Error {
    let before = text.get(..error.span().map_or(0, |span| span.start)).unwrap_or_default();
    anyhow::anyhow!("line {}: {}", before.split('\n').count(), error.message())
}

fn verb_of(group: &str, found: &ArgMatches) -> Option<(String, ArgMatches)> {
    let (name, found) = found.subcommand()?;
    let (verb, given) = found.subcommand().filter(|_| name == group)?;
    Some((verb.to_owned(), given.clone()))
}

/// Returns the flags that a key stands for, each with its value, after they were read by themselves.
fn flags(main: &Command, key: &str, value: &Value, folder: &Path) -> anyhow::Result<Vec<String>> {
    let flag = key.replace('_', "-");
    let is_meant = |arg: &&clap::Arg| arg.get_long() == Some(flag.as_str()) && flag != "config";
    let Some(arg) = main.get_arguments().find(is_meant) else {
        let known: BTreeSet<_> = main.get_arguments().filter_map(clap::Arg::get_long).collect();
        let near = known.iter().find(|known| known.starts_with(&flag) || flag.starts_with(**known));
        let near = near.map(|near| format!("; {} is one", near.replace('-', "_"))).unwrap_or_default();
        bail!("no such key{near}");
    };
    let takes_value = arg.get_action().takes_values();
    let names = arg.get_value_names().unwrap_or_default();
    let is_path = names.iter().any(|name| PATHS.iter().any(|path| name.starts_with(path)));
    // A program by its name alone is looked for on PATH.
    let is_program = names.iter().any(|name| name.starts_with("PROGRAM"));
    let is_elsewhere =
        |text: &str| text == "-" || text.starts_with("keystore:") || (is_program && !text.contains('/'));
    let at = |text: &str| match is_path && !is_elsewhere(text) {
        true => folder.join(text).to_string_lossy().into_owned(),
        false => text.to_owned(),
    };
    let one = |value: &Value| match value {
        Value::String(text) if takes_value => Ok(Some(format!("--{flag}={}", at(text)))),
        Value::Integer(number) if takes_value => Ok(Some(format!("--{flag}={number}"))),
        Value::Boolean(is_set) if !takes_value => Ok(is_set.then(|| format!("--{flag}"))),
        other => {
            let must = if takes_value { "text or a number" } else { "true or false" };
            bail!("it is {}; must be {must}", other.type_str())
        }
    };
    let values = match value {
        Value::Array(all) if matches!(arg.get_action(), clap::ArgAction::Append) => all.as_slice(),
        one => std::slice::from_ref(one),
    };
    let flags: Vec<String> =
        values.iter().filter_map(|value| one(value).transpose()).collect::<Result<_, _>>()?;
    let alone = main
        .clone()
        .try_get_matches_from(std::iter::once(main.get_name()).chain(flags.iter().map(String::as_str)));
    match alone {
        // What must be beside it may be: that is looked at when all of them are read.
        Err(error) if error.kind() != ErrorKind::MissingRequiredArgument => {
            let text = super::secret::hide_secrets(&error.render().to_string());
            bail!("{}", text.lines().next().unwrap_or_default().trim_start_matches("error: "))
        }
        _ => Ok(flags),
    }
}

/// Returns those of a key's flags that a command takes: not where the command line has its own, or one that
/// excludes it, nor where it has no such flag. A file that it adds to is the first that is followed.
fn taken(verb: &Command, key: &str, given: &ArgMatches, flags: Vec<String>) -> Vec<OsString> {
    let flag = key.replace('_', "-");
    let find = |long: &str| verb.get_arguments().find(|arg| arg.get_long() == Some(long));
    let target = format!("to-{flag}");
    let (arg, flags) = match (find(&target), find(&flag)) {
        (Some(arg), _) => {
            let first = flags.first().and_then(|flag| flag.split_once('='));
            (arg, first.map(|(_, value)| format!("--{target}={value}")).into_iter().collect())
        }
        (None, Some(arg)) => (arg, flags),
        (None, None) => return Vec::new(),
    };
    let is_given =
        |arg: &clap::Arg| given.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
    let excludes = |other: &clap::Arg| {
        let conflicts = |one: &clap::Arg, of: &clap::Arg| {
            verb.get_arg_conflicts_with(one).iter().any(|conflict| conflict.get_id() == of.get_id())
        };
        is_given(other) && (conflicts(other, arg) || conflicts(arg, other))
    };
    if is_given(arg) || verb.get_arguments().any(excludes) {
        return Vec::new();
    }
    flags.into_iter().map(OsString::from).collect()
}
