//! Texts that nobody writes on purpose.

use std::path::Path;

use proptest::prelude::{Strategy, prop, proptest};

use super::super::settings::{SETTINGS, TABLES};
use super::super::{ConfigError, Configuration, Look};
use super::{Folder, parse};

/// Pieces of configurations, in any order.
fn piece() -> impl Strategy<Value = String> {
    let words = TABLES
        .iter()
        .flat_map(|table| [format!("[{}]\n", table.name), format!("[[{}]]\n", table.name)])
        .chain(SETTINGS.iter().map(|setting| format!("{} = ", setting.key)))
        .chain(
            [
                "\"sqlite\"\n",
                "\"postgres\"\n",
                "true\n",
                "-1\n",
                "18446744073709551616\n",
                "0x7f\n",
                "1.5\n",
                "[]\n",
            ]
            .map(str::to_owned),
        )
        .chain(
            ["[\"alice\", \"alice\"]\n", "\"\"\n", "{ a = 1 }\n", "\"alice\"\n", "\"[::]:1\"\n"]
                .map(str::to_owned),
        )
        .collect::<Vec<_>>();
    prop::sample::select(words)
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(proptest::num::u8::ANY, 0..512)) {
        let folder = Folder::new();
        let path = folder.write("signer.toml", bytes, 0o600);
        drop(Configuration::load(&path, []));
    }

    #[test]
    fn no_pieces_make_it_panic(pieces in prop::collection::vec(piece(), 0..40)) {
        drop(parse(&pieces.concat()));
    }

    #[test]
    fn no_value_makes_it_panic(value in "\\PC{0,40}", key in prop::sample::select(SETTINGS)) {
        let text = format!("[{}]\n{} = {value}\n", key.table, key.key);
        drop(parse(&text));
        let variable = key.variable().map(|name| (name.into(), value.into()));
        drop(Configuration::parse("", Path::new("/"), variable, Look::AtTextOnly));
    }
}

#[test]
fn a_file_that_is_too_long_is_not_read() {
    let folder = Folder::new();
    let path = folder.write("signer.toml", vec![b'\n'; 256 * 1024 + 1], 0o600);
    assert!(matches!(Configuration::load(&path, []), Err(ConfigError::File { .. })));
    assert!(matches!(Configuration::load(&folder.path().join("absent"), []), Err(ConfigError::File { .. })));
    assert!(matches!(Configuration::load(folder.path(), []), Err(ConfigError::File { .. })));
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let folder = Folder::new();
    let path = folder.write("signer.toml", b"[log]\nlevel = \"\xff\"\n", 0o600);
    assert!(matches!(Configuration::load(&path, []), Err(ConfigError::NotText { .. })));
}

#[test]
fn problems_are_bounded() {
    let text: String = (0..20_000).map(|number| format!("key{number} = 1\n")).collect();
    assert_eq!(parse(&text).unwrap_err().len(), 200);
    assert_eq!(parse(&"= 1\n".repeat(20_000)).unwrap_err().len(), 200);
    let long = format!("[log]\nlevel = \"{}\"\n", "x".repeat(100_000));
    let shown: Vec<String> = parse(&long).unwrap_err().iter().map(ToString::to_string).collect();
    assert!(shown.iter().all(|problem| problem.len() < 400), "{shown:?}");
    // Nested so deep that reading it could cost the stack.
    let deep = format!("[log]\nlevel = {}{}\n", "[".repeat(50_000), "]".repeat(50_000));
    assert!(parse(&deep).is_err());
}

#[test]
fn every_syntax_error_is_named_with_its_line_and_nothing_of_the_line() {
    let text = "[store]\nkind = \n[log]\nlevel = hunter2 hunter2\n[[key]]\nname = \"a\"\nname = \"b\"\n";
    let shown: Vec<String> = parse(text).unwrap_err().iter().map(ToString::to_string).collect();
    for line in [2, 4, 7] {
        let start = format!("line {line}: it is not TOML: ");
        assert!(shown.iter().any(|problem| problem.starts_with(&start)), "{line}: {shown:?}");
    }
    assert!(!shown.concat().contains("hunter2"), "{shown:?}");
}
