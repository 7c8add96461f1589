//! Help, wrong usage, colours and start-up.

use std::time::{Duration, Instant};

use crate::fixtures::commands::commands;
use crate::fixtures::process::Folder;
use crate::fixtures::transactions::Transactions;

/// A line's words, without the quotes that are for the shell.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().map(|word| word.trim_matches('\'')).collect()
}

/// Each command's help has an example; those without placeholders run as they stand.
#[test]
fn examples_of_every_command_work() {
    let found = commands();
    assert_eq!(found.len(), 47, "a command was added: has it an example?");
    let folder = Folder::with_delegation();
    folder.write("votes.jsonl", crate::eots::vote_line("aa", crate::eots::SIGNATURE));
    folder.write("withdrawal.tx", Transactions::new().withdrawal());
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
fn usage_that_is_wrong_exits_with_2() {
    let folder = Folder::new();
    folder.run("nonsense").fails(&["nonsense"]);
    folder.run("eots sign").fails(&["--secret-key-file"]);
    // Nothing at all: help, on standard error.
    folder.run("").fails(&["Usage"]);
}

/// Scripts call this program often: it must start at once. The best of several runs counts, as the machine is
/// shared.
#[test]
fn start_takes_less_than_10_milliseconds() {
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
