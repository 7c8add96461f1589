//! The standard `age` tool opens our files, and we open its files.

use std::path::Path;
use std::process::Command;

use super::super::WorkFactor;
use super::super::plaintext;
use super::{Fixture, has_tool, key, name, passphrase, terminal_program, write};

const WORDS: &str = "correct hörse battery";

fn is_here(test: &str) -> bool {
    has_tool("age", test) && has_tool("python3", test)
}

/// Runs `age` on a terminal, types answers, and returns whether it succeeded and what it showed.
fn age(answers: &[&str], arguments: &[&str], folder: &Path) -> (bool, String) {
    let mut python = Command::new("python3");
    let output = python.arg(terminal_program()).args(answers).args(["--", "age"]).args(arguments);
    let output = output.current_dir(folder).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn the_tool_opens_our_files() {
    if !is_here("age_tool::the_tool_opens_our_files") {
        return;
    }
    let fixture = Fixture::new();
    for (file, store) in [
        ("quick", fixture.store.clone()),
        ("standard", fixture.store.clone().with_work_factor(WorkFactor::STANDARD)),
    ] {
        store.add(&name(file), &key(0), &passphrase(WORDS)).unwrap();
        let folder = fixture.path("");
        let sealed = format!("{file}.age");
        let (opened, shown) = age(&["Enter passphrase", WORDS], &["-d", "-o", "opened", &sealed], &folder);
        assert!(opened, "{shown}");
        assert_eq!(std::fs::read(fixture.path("opened")).unwrap(), *plaintext::write(&key(0)));
        std::fs::remove_file(fixture.path("opened")).unwrap();
        let (opened, shown) = age(&["Enter passphrase", "wrong"], &["-d", "-o", "opened", &sealed], &folder);
        assert!(!opened && shown.contains("incorrect passphrase"), "{shown}");
    }
}

#[test]
fn we_open_the_tools_files() {
    if !is_here("age_tool::we_open_the_tools_files") {
        return;
    }
    let fixture = Fixture::new();
    let folder = fixture.path("");
    write(&fixture.path("plain"), &plaintext::write(&key(0)), 0o600);
    for (file, form) in [("binary.age", &["-p", "-o"][..]), ("text.age", &["-p", "-a", "-o"])] {
        let answers = ["Enter passphrase", WORDS, "Confirm passphrase", WORDS];
        let (made, shown) = age(&answers, &[form, &[file, "plain"]].concat(), &folder);
        assert!(made, "{shown}");
        let is_text = std::fs::read(fixture.path(file)).unwrap().starts_with(b"-----BEGIN");
        assert_eq!(is_text, file == "text.age");
        std::fs::set_permissions(fixture.path(file), std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        let key_name = name(file.strip_suffix(".age").unwrap());
        let unlocked = fixture.store.unlock(&key_name, &passphrase(WORDS)).unwrap();
        assert_eq!(*unlocked.key().to_bytes(), *key(0).to_bytes());
        fixture.store.unlock(&key_name, &passphrase("wrong")).unwrap_err();
    }
}
