//! The example, and the documentation's tables.

use super::super::Configuration;
use super::super::settings::{Kind, SETTINGS, TABLES};
use super::{Draft, Folder};

#[test]
fn the_example_is_valid_and_says_the_defaults() {
    let folder = Folder::new();
    let example = folder.load(Configuration::example()).unwrap();
    assert_eq!(example, folder.load(&Draft::new().text()).unwrap());
}

/// Returns a text with the settings that are commented out.
fn uncommented(text: &str) -> String {
    let is_setting = |line: &str| {
        let code = line.trim_start_matches("# ");
        code.starts_with('[') || code.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '))
    };
    let lines = text.lines().map(|line| if is_setting(line) { line.trim_start_matches("# ") } else { line });
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_example_has_every_setting() {
    let text = uncommented(Configuration::example());
    let document: toml::Table = text.parse().unwrap();
    for setting in SETTINGS {
        let mut tables = vec![&document];
        for part in setting.table.split('.') {
            let inside = tables.iter().filter_map(|table| table.get(part));
            tables = inside
                .flat_map(|value| match value {
                    toml::Value::Array(array) => array.iter().filter_map(toml::Value::as_table).collect(),
                    value => value.as_table().into_iter().collect::<Vec<_>>(),
                })
                .collect();
        }
        assert!(
            tables.iter().any(|table| table.contains_key(setting.key)),
            "{}.{} is not in the example",
            setting.table,
            setting.key
        );
    }
}

#[test]
fn each_setting_is_read_and_refused_with_its_name_when_it_has_another_type() {
    let folder = Folder::new();
    for setting in SETTINGS {
        let line = |text: &str| {
            let wanted = format!("{} = 1979-05-27", setting.key);
            text.lines().position(|line| line == wanted).unwrap() + 1
        };
        let mut draft = Draft::new();
        if setting.table.starts_with("chain.") {
            // What else its table must have.
            draft = draft.with("chain", "chain_id", "\"bbn-1\"");
        }
        let text = draft.with(setting.table, setting.key, "1979-05-27").text();
        let problems = folder.problems(&text);
        let start = format!("line {}: ", line(&text));
        let found = problems.iter().find(|problem| {
            problem.starts_with(&start) && problem.contains(setting.key) && problem.contains("found datetime")
        });
        assert!(found.is_some(), "{}.{}: {problems:#?}", setting.table, setting.key);
    }
}

#[test]
fn each_default_is_what_an_absent_setting_is() {
    let folder = Folder::new();
    let least = folder.load(&Draft::new().text()).unwrap();
    let mut count = 0;
    for setting in SETTINGS {
        let is_toml = setting.default.parse::<u64>().is_ok()
            || setting.default.starts_with('"')
            || setting.kind == Kind::Boolean;
        // `shared` is not there at all with SQLite; a node is as a whole there or not.
        if !is_toml || setting.key == "shared" || setting.table == "chain.node" {
            continue;
        }
        count += 1;
        let text = Draft::new().with(setting.table, setting.key, setting.default).text();
        assert_eq!(folder.load(&text).unwrap(), least, "{}.{}", setting.table, setting.key);
    }
    assert_eq!(count, 17);
}

/// The page has what `Configuration::reference` returns; this writes it anew when asked to.
#[test]
fn the_page_has_every_table() {
    // A crate from the registry has no pages beside it.
    if !std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts")).exists() {
        return;
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/signer-operation.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (begin, end) = ("<!-- settings: begin -->\n", "<!-- settings: end -->\n");
    let (before, rest) = page.split_once(begin).unwrap();
    let (between, after) = rest.split_once(end).unwrap();
    let reference = format!("\n{}", Configuration::reference());
    if std::env::var_os("BTCSTAKE_WRITE_DOCS").is_some() {
        std::fs::write(path, format!("{before}{begin}{reference}{end}{after}")).unwrap();
        return;
    }
    assert_eq!(between, reference, "BTCSTAKE_WRITE_DOCS=1 writes the tables anew");
}

#[test]
fn every_setting_is_of_a_table() {
    for setting in SETTINGS {
        assert!(TABLES.iter().any(|table| table.name == setting.table), "{setting:?}");
    }
}
