//! `docs/keys.md`: its commands run as they stand there, and the flags that it names are there.

use crate::fixtures::process::Folder;

#[test]
fn commands_of_the_page_run() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/keys.md")).unwrap();
    let folder = Folder::with_delegation();
    folder.write("passphrase", "correct horse");
    let mut ran = 0;
    for block in page.split("\n```sh\n").skip(1).map(|rest| rest.split_once("\n```").unwrap().0) {
        for line in block.replace("\\\n", " ").lines() {
            let run = folder.shell(line);
            assert_eq!(run.code(), Some(0), "{line}\n{}{}", run.stdout(), run.stderr());
            ran += 1;
        }
    }
    assert_eq!(ran, 8, "a command was added to the page: is its number here?");
    // With the global flags in every command.
    let mut program = btcstake::command_line();
    program.build();
    for flag in page.split("`--").skip(1).map(|rest| rest.split([' ', '`']).next().unwrap()) {
        assert!(has_flag(&program, flag), "no flag --{flag}");
    }
}

pub(crate) fn has_flag(command: &clap::Command, flag: &str) -> bool {
    command.get_arguments().any(|argument| argument.get_long() == Some(flag))
        || command.get_subcommands().any(|below| has_flag(below, flag))
}
