//! The README's commands run as they stand there, and what it names is there.

use std::path::{Path, PathBuf};
use std::process::Command;

use bitcoin::Transaction;
use bitcoin::consensus::encode::deserialize_hex;
use serde_json::json;

use crate::fixtures::process::Folder;
use crate::fixtures::transactions::Transactions;
use crate::node_answer;

fn readme() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap()
}

/// The blocks of this kind, whole.
fn blocks<'a>(readme: &'a str, kind: &str) -> Vec<&'a str> {
    let fence = format!("\n```{kind}\n");
    readme
        .match_indices(&fence)
        .map(|(at, fence)| readme[at + fence.len()..].split_once("\n```").unwrap().0)
        .collect()
}

#[test]
fn commands_of_the_readme_run() {
    let readme = readme();
    let minimum = format!("Rust {}", env!("CARGO_PKG_RUST_VERSION"));
    assert!(readme.contains(&minimum), "the README does not ask for {minimum}");
    let folder = Folder::new();
    // It makes its own.
    for key in ["provider.key", "member.key"] {
        std::fs::remove_file(folder.path().join(key)).unwrap();
    }
    folder.write("withdrawal.tx", Transactions::new().withdrawal());
    let mut ran = 0;
    for block in blocks(&readme, "sh") {
        for command in block.replace("\\\n", " ").lines() {
            let command =
                command.strip_prefix("btcstake ").unwrap_or_else(|| panic!("no btcstake command: {command}"));
            folder.run(command).ends(0);
            ran += 1;
        }
    }
    assert_eq!(ran, 7, "a command was added to the README: is its number here?");
}

/// Runs a block that a stranger pastes at the top of the checkout; returns the folder that it made below
/// `folder`. It prints what the README says, in its order; the names of transactions are others each time.
fn paste(readme: &str, block: &str, folder: &Folder) -> PathBuf {
    let (_, after) = readme.split_once(block).unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_btcstake")).parent().unwrap();
    let others = std::env::var_os("PATH").unwrap();
    let path = std::env::join_paths([programs.to_owned()].into_iter().chain(std::env::split_paths(&others)))
        .unwrap();
    let mut bash = Command::new("bash");
    bash.args(["-c", &format!("set -euo pipefail\n{block}")]);
    bash.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).env_remove("NODE");
    let run =
        bash.envs([("PATH", path.as_os_str()), ("TMPDIR", folder.path().as_os_str())]).output().unwrap();
    let (stdout, stderr) = (String::from_utf8(run.stdout).unwrap(), String::from_utf8(run.stderr).unwrap());
    // `psbt sign` shows what it signs.
    let shown = ["input ", "output ", "fee ", "stake ", "unbonding ", "slashing "];
    let is_shown = stderr.lines().all(|line| shown.iter().any(|start| line.starts_with(start)));
    assert!(run.status.success() && is_shown, "{stdout}--- stderr\n{stderr}");
    let mut lines = stdout.lines();
    let said = blocks(after, "text")[0];
    assert!(said.lines().count() >= 4, "{said}");
    for expected in said.lines() {
        let is = |line: &str| match expected.strip_suffix('…') {
            Some(start) => line.starts_with(start),
            None => line == expected,
        };
        assert!(lines.any(is), "no {expected:?}, or not in this order, in\n{stdout}");
    }
    let made = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let made = made.filter(|path| path.is_dir()).collect::<Vec<_>>();
    let [made] = &made[..] else { panic!("{made:?}") };
    made.clone()
}

/// A node's answer and a phase-1 staking transaction, spent; the engine judges.
#[test]
fn readme_spends_what_a_node_answers() {
    let (readme, folder) = (readme(), Folder::new());
    let [_, block] = blocks(&readme, "bash")[..] else { panic!("the README has not two blocks for bash") };
    assert!(block.contains(&format!("--height {} ", node_answer::INCLUDED)));
    node_answer::judge(&paste(&readme, block, &folder));
}

#[test]
fn readme_makes_a_stake_step_by_step() {
    let (readme, folder) = (readme(), Folder::new());
    let [block, _] = blocks(&readme, "bash")[..] else { panic!("the README has not two blocks for bash") };
    let made = paste(&readme, block, &folder);
    let (_, after) = readme.split_once(block).unwrap();

    // Three transactions, complete, each of which spends the one before.
    let read = |name: &str| std::fs::read_to_string(made.join(name)).unwrap();
    let [stake, unbonding, withdrawal] = ["stake.tx", "unbonding.tx", "withdrawal.tx"].map(|name| {
        let transaction: Transaction = deserialize_hex(read(name).trim()).unwrap();
        assert!(transaction.input.iter().all(|input| !input.witness.is_empty()), "{name} is not signed");
        transaction
    });
    assert_eq!(stake.output[0].value.to_sat(), 500_000);
    assert_eq!(unbonding.input[0].previous_output, bitcoin::OutPoint::new(stake.compute_txid(), 0));
    assert_eq!(withdrawal.input[0].previous_output, bitcoin::OutPoint::new(unbonding.compute_txid(), 0));
    let files = format!("--params {0}/params.json --delegation {0}/verified.json", made.display());
    let explained = folder.json(&format!("tx explain {files} @{}/stake.tx", made.display()));
    assert_eq!(
        (&explained["finalized"], &explained["delegation"]["stake_transaction"]),
        (&json!(true), &json!("staking"))
    );
    assert_eq!(explained["delegation"]["violations"], json!([]));

    // Every field of the parameters file has a word.
    let parameters: serde_json::Value = serde_json::from_str(&read("params.json")).unwrap();
    let help = folder.run("params check --help").ends(0).stdout();
    for field in parameters[0].as_object().unwrap().keys() {
        assert!(after.contains(&format!("`{field}`")) && help.contains(field), "no word on {field}");
    }
}

/// Commands and flags in the running text.
#[test]
fn commands_and_flags_in_the_text_are_there() {
    let readme = readme();
    // Without the blocks, every second piece stands between backticks.
    let text: String = readme.split("\n```").step_by(2).collect();
    let program = btcstake::command_line();
    let (mut commands, mut flags) = (0, 0);
    for span in text.split('`').skip(1).step_by(2) {
        let words: Vec<_> = span.split_whitespace().collect();
        let (first, words) = match words[..] {
            ["btcstake", first, ..] => (first, &words[1..]),
            [first, ..] => (first, &words[..]),
            [] => panic!("nothing between backticks"),
        };
        let mut command = &program;
        if !first.starts_with('-') && program.find_subcommand(first).is_none() {
            assert!(!span.starts_with("btcstake "), "no command `{span}`");
            continue;
        }
        if span.contains('=') {
            // Rust, or a line for another program.
            continue;
        }
        for word in words {
            if word.starts_with('-') || !command.has_subcommands() {
                break;
            }
            command = command.find_subcommand(word).unwrap_or_else(|| panic!("no command `{span}`"));
            commands += 1;
        }
        for flag in words.iter().filter_map(|word| word.strip_prefix("--")) {
            // A flag alone is of any command.
            assert!(has_flag(command, flag), "no flag --{flag} in `{span}`");
            flags += 1;
        }
    }
    assert!(commands >= 25 && flags >= 10, "{commands} commands and {flags} flags");
}

fn has_flag(command: &clap::Command, flag: &str) -> bool {
    flag == "help"
        || flag == "json"
        || command.get_arguments().any(|argument| argument.get_long() == Some(flag))
        || command.get_subcommands().any(|below| has_flag(below, flag))
}
