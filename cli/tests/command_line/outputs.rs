//! Every JSON object that a command prints is read as the command's output, and is of the schema checked in.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use btcstake::outputs::{SHAPES, Shape};
use jsonschema::Validator;
use serde_json::Value;

use crate::fixtures::commands::commands;
use crate::fixtures::process::Folder;

fn file(command: &str) -> PathBuf {
    let name: String = command.chars().filter(|c| !matches!(c, '(' | ')')).collect();
    let name = format!("schemas/{}.schema.json", name.replace(' ', "-"));
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

static VALIDATORS: LazyLock<BTreeMap<&str, Validator>> = LazyLock::new(|| {
    let validator = |shape: &Shape| {
        let schema = serde_json::to_value(shape.schema?()).unwrap();
        Some((shape.command, jsonschema::draft202012::options().build(&schema).unwrap()))
    };
    SHAPES.iter().filter_map(validator).collect()
});

/// What a command line has printed: read and written again, nothing is lost; and it is of the schema.
#[track_caller]
pub(crate) fn check(line: &str, printed: &Value) {
    // Of a stake that breaks rules, in place of the command's own output.
    let refused = printed.as_object().filter(|fields| fields.len() == 2 && fields.contains_key("accepted"));
    if refused.is_some() {
        let shape = SHAPES.iter().find(|shape| shape.command == "(refused)").unwrap();
        return check_shape(shape, printed);
    }
    let words: Vec<_> = line.split(' ').filter(|word| !matches!(*word, "btcstake" | "--json")).collect();
    let named = |shape: &&Shape| words.starts_with(&shape.command.split(' ').collect::<Vec<_>>());
    let shape = SHAPES.iter().find(named).unwrap_or_else(|| panic!("no output is known of {line}"));
    check_shape(shape, printed);
}

#[track_caller]
fn check_shape(shape: &Shape, printed: &Value) {
    let read = (shape.read)(printed.clone()).unwrap_or_else(|e| panic!("{}: {e}: {printed}", shape.command));
    assert_eq!(read, *printed, "{}", shape.command);
    if let Some(Err(error)) = VALIDATORS.get(shape.command).map(|schema| schema.validate(printed)) {
        panic!("{}: {error} at {} in {printed}", shape.command, error.instance_path());
    }
}

/// `UPDATE_SCHEMAS=1 cargo test -p btcstake outputs` writes them.
#[test]
fn outputs_have_the_schemas_checked_in() {
    let update = std::env::var_os("UPDATE_SCHEMAS").is_some();
    for shape in SHAPES {
        let Some(schema) = shape.schema else { continue };
        let (path, schema) = (file(shape.command), serde_json::to_value(schema()).unwrap());
        if update {
            std::fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&schema).unwrap())).unwrap();
        }
        let found = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let found: Value = serde_json::from_slice(&found).unwrap();
        assert_eq!(found, schema, "{} is old: UPDATE_SCHEMAS=1 writes it", path.display());
    }
}

#[test]
fn outputs_are_known_of_every_command() {
    let commands: Vec<_> = commands().into_iter().map(|(path, _)| path.join(" ")).collect();
    for command in &commands {
        assert!(SHAPES.iter().any(|shape| shape.command == command), "no output is known of {command}");
    }
    assert_eq!(SHAPES.len(), commands.len() + 2);
}

#[test]
fn outputs_of_several_delegations() {
    let folder = Folder::with_delegation();
    let files = "--network regtest --params params.json --delegation signed.json --delegation nowhere.json";
    let run = folder
        .run(&format!("covenant sign --dangerously-without-height {files} --record member.key.record --secret-key-file member.key"))
        .ends(1);
    let shape = SHAPES.iter().find(|shape| shape.command == "covenant sign (several)").unwrap();
    let lines: Vec<Value> = run.stdout().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    lines.iter().for_each(|line| check_shape(shape, line));
}
