//! The command line is parsed before a file is opened.

use crate::fixtures::commands::commands;
use crate::fixtures::process::Folder;

/// What is wrong with the command line itself is said before a file is opened or standard input is read.
#[test]
fn files_are_opened_after_the_arguments_are_parsed() {
    let folder = Folder::new();
    let run = folder.run("stake check --delegation nowhere.json");
    assert!(!run.stderr().contains("nowhere.json"), "{}", run.stderr());
    run.fails(&["--params"]);
    let run = folder.run("eots verify --public-key @nowhere --message zz");
    assert!(!run.stderr().contains("nowhere"), "{}", run.stderr());
    run.fails(&["--message", "hex"]);
    let run = folder.run("demo --seed @nowhere --scenario dance");
    assert!(!run.stderr().contains("nowhere"), "{}", run.stderr());
    run.fails(&["--scenario", "dance"]);
    folder.run("stake check --delegation - --params -").fails(&["--delegation -", "standard input is empty"]);
    let line = ["psbt", "combine", "--psbt", "-", "--psbt", "-"];
    folder.run_with(&line, b"cHNidP8=").fails(&["--psbt -"]);
}

/// Every argument of every command that takes a value is parsed with a file that is not there, before a flag
/// that is wrong. A value is parsed when the next flag is met, so there is one that is right in between.
#[test]
fn files_are_not_opened_by_any_parser() {
    let mut tried = 0;
    for (path, command) in commands() {
        for argument in command.get_arguments().filter(|argument| argument.get_action().takes_values()) {
            let flag = argument.get_long().map(|long| format!("--{long}"));
            for file in ["nowhere", "@nowhere", "name=@nowhere"] {
                let words = ["btcstake".to_owned()].into_iter().chain(path.clone()).chain(flag.clone());
                let words = words.chain([file, "--json", "--no-such-flag"].map(str::to_owned));
                let error = btcstake::command_line().try_get_matches_from(words).unwrap_err().to_string();
                assert!(
                    !error.contains("cannot open") && !error.contains("No such file"),
                    "{path:?}: {error}"
                );
                tried += 1;
            }
        }
    }
    assert!(tried > 3 * 150, "{tried}");
}
