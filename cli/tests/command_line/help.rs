//! Help, wrong usage, colours and start-up.

use std::time::{Duration, Instant};

use crate::fixtures::commands::commands;
use crate::fixtures::process::{Folder, PROVIDER_KEY};
use crate::fixtures::transactions::Transactions;

/// A line's words, without the quotes that are for the shell.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().map(|word| word.trim_matches('\'')).collect()
}

/// Each command's help has an example; those without placeholders run as they stand.
#[test]
fn examples_of_every_command_work() {
    let found = commands();
    assert_eq!(found.len(), 97, "a command was added: has it an example?");
    let folder = Folder::with_delegation();
    folder.write("votes.jsonl", crate::eots::vote_line("aa", crate::eots::SIGNATURE));
    folder.write("withdrawal.tx", Transactions::new().withdrawal());
    folder.write("parameters.json", crate::params::LIVE);
    folder.write("passphrase", "correct horse");
    let block = format!("{{\"block\": {{\"height\": \"2\", \"app_hash\": \"{}\"}}}}", "ab".repeat(32));
    folder.write("block.json", block);
    let answers = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/node/answers");
    let evidence = std::fs::read_to_string(format!("{answers}/rest-evidence-of-provider.json")).unwrap();
    folder.write("evidence.json", evidence);
    let genesis = bitcoin::constants::genesis_block(bitcoin::Network::Bitcoin);
    folder.write("block.hex", bitcoin::consensus::encode::serialize_hex(&genesis));
    folder.write("bob.words", "legal winner thank year wave sausage worth useful legal winner thank yellow");
    let lane = format!("--public-key {PROVIDER_KEY} --chain-id bbn-1 --from-height 1");
    folder.run(&format!("signer init --protection signing.db {lane}")).ends(0);
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
            // A daemon, and what it would have to find.
            let is_daemons = example.ends_with(&["--config", "signer.toml"]) || example.contains(&"watch.db");
            if !is_daemons
                && !example
                    .iter()
                    .any(|word| word.ends_with("SIGNATURE") || ["ROOT", "URL", "@phase1.tx"].contains(word))
            {
                let line = example.join(" ");
                let run = match line.contains(['<', '>']) {
                    true => folder.shell(&format!("btcstake {line}")),
                    false => folder.run(&line),
                };
                // What is built in may be old, which it says.
                let is_built_in = path == ["params", "show"] && run.warnings().is_empty();
                if is_built_in && example.contains(&"mainnet") {
                    run.warns(0, &["governance"])
                } else {
                    run.ends(0)
                };
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
/// shared; where it is so busy that a process that does nothing takes long too, a few times that.
#[test]
fn start_takes_less_than_10_milliseconds() {
    let folder = Folder::new();
    let (mut best, mut idle) = (Duration::MAX, Duration::MAX);
    for _ in 0..100 {
        let start = Instant::now();
        assert!(folder.run("--version").ends(0).stdout().starts_with("btcstake "));
        best = best.min(start.elapsed());
        if best < Duration::from_millis(10) {
            return;
        }
        let start = Instant::now();
        if std::process::Command::new("true").output().is_ok() {
            idle = idle.min(start.elapsed());
        }
    }
    let most = if idle == Duration::MAX { Duration::ZERO } else { 5 * idle };
    assert!(best < most.max(Duration::from_millis(10)), "{best:?}; doing nothing takes {idle:?}");
}

#[test]
fn colours_are_for_terminals() {
    let text = Folder::new().run("demo --scenario expire").ends(0).stdout();
    assert!(!text.contains('\u{1b}'));
}

/// Of two flags of one name, one would never be given. The parser's own check of that is not compiled in.
#[test]
fn flags_of_a_command_have_different_names() {
    for (path, command) in commands() {
        let arguments: Vec<_> = command.get_arguments().collect();
        let longs = arguments.iter().filter_map(|argument| argument.get_long());
        let aliases = arguments.iter().flat_map(|argument| argument.get_all_aliases().unwrap_or_default());
        let mut names: Vec<_> = longs.chain(aliases).map(str::to_owned).collect();
        names.extend(arguments.iter().map(|argument| format!("id {}", argument.get_id())));
        names.sort_unstable();
        let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
        assert!(twice.is_empty(), "{path:?}: {twice:?}");
    }
}
