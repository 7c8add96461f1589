//! Help, completions and start-up.

use std::time::{Duration, Instant};

use clap::Command;

use crate::process::Folder;
use crate::scene::Scene;

/// Every command that has no commands below it, with the words that lead to it.
pub(crate) fn commands() -> Vec<(Vec<String>, Command)> {
    let mut found = Vec::new();
    leaves(&btcstake::command_line(), &[], &mut found);
    found
}

fn leaves(command: &Command, path: &[String], found: &mut Vec<(Vec<String>, Command)>) {
    let below: Vec<_> = command.get_subcommands().filter(|sub| sub.get_name() != "help").collect();
    if below.is_empty() {
        found.push((path.to_vec(), command.clone()));
    }
    for sub in below {
        let path: Vec<_> = path.iter().cloned().chain([sub.get_name().to_owned()]).collect();
        leaves(sub, &path, found);
    }
}

/// A line's words, without the quotes that are for the shell.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().map(|word| word.trim_matches('\'')).collect()
}

/// Each command's help has an example; those without placeholders run as they stand.
#[test]
fn every_command_has_an_example_that_works() {
    let found = commands();
    assert_eq!(found.len(), 47, "a command was added: has it an example?");
    let folder = Folder::new();
    folder.write("votes.jsonl", crate::eots::vote_line("aa", crate::eots::SIGNATURE));
    folder.write("withdrawal.tx", Scene::new().withdrawal());
    crate::delegation::write_all(&folder);
    folder.write("parameters.json", crate::params::LIVE);
    let mut ran = 0;
    for (path, _) in found {
        let help = folder.run(&format!("{} --help", path.join(" "))).ends(0).stdout();
        let (_, examples) = help.split_once("Example").unwrap_or_else(|| panic!("no example in\n{help}"));
        // Long lines are wrapped to the terminal's width, so an example ends where the next one begins.
        let examples = examples.split("btcstake ").skip(1).map(words);
        for example in examples {
            assert!(
                example.starts_with(&path.iter().map(String::as_str).collect::<Vec<_>>()),
                "{example:?} in {path:?}"
            );
            if !example
                .iter()
                .any(|word| word.ends_with("SIGNATURE") || ["ROOT", "URL", "@phase1.tx"].contains(word))
            {
                folder.run(&example.join(" ")).ends(0);
                ran += 1;
            }
        }
    }
    assert!(ran >= 17, "{ran} examples ran");
}

#[test]
fn completions_for_every_shell() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = folder.run(&format!("completions {shell}")).ends(0).stdout();
        assert!(script.contains("slashing-refund") && script.contains("secret-key-file"), "{shell}");
    }
}

#[test]
fn wrong_usage_exits_with_2() {
    let folder = Folder::new();
    folder.run("nonsense").fails(&["nonsense"]);
    folder.run("eots sign").fails(&["--secret-key-file"]);
    // Nothing at all: help, on standard error.
    folder.run("").fails(&["Usage"]);
}

/// Scripts call this program often: it must start at once. The best of several runs counts, as the machine is
/// shared.
#[test]
fn it_starts_within_10_milliseconds() {
    let folder = Folder::new();
    let best = (0..20).map(|_| {
        let start = Instant::now();
        assert!(folder.run("--version").ends(0).stdout().starts_with("btcstake "));
        start.elapsed()
    });
    let best = best.min().unwrap();
    assert!(best < Duration::from_millis(10), "{best:?}");
}

#[test]
fn colours_are_for_terminals() {
    let text = Folder::new().run("demo --scenario expire").ends(0).stdout();
    assert!(!text.contains('\u{1b}'));
}
