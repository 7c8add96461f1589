//! `--node` that names no node, or one that does not answer.

use std::time::{Duration, Instant};

use crate::fixtures::commands::commands;
use crate::fixtures::delegation::FILES;
use crate::fixtures::node::ScriptedNode;
use crate::fixtures::process::Folder;
use crate::status::answers;

/// The commands that ask a node, with arguments.
fn who_asks_a_node() -> [(&'static str, String); 7] {
    [
        ("broadcast", "broadcast @stake.tx --network regtest".to_owned()),
        ("status", format!("status {FILES} verified.json")),
        ("stake include", format!("stake include {FILES} verified.json")),
        ("tx explain", format!("tx explain {} --network regtest", "07".repeat(32))),
        ("stake check", format!("stake check {FILES} verified.json")),
        (
            "covenant sign",
            format!("covenant sign {FILES} signed.json --record r.jsonl --secret-key-file member.key"),
        ),
        ("demo", "demo".to_owned()),
    ]
}

/// One time limit for all calls of a command, on every command that asks a node.
#[test]
fn timeout_covers_all_calls_of_a_command_together() {
    let with_node = commands().into_iter().filter(|(_, command)| has(command, "node"));
    for (path, command) in with_node {
        assert!(has(&command, "timeout"), "{path:?} has no --timeout");
    }
    let folder = Folder::with_delegation();
    // Each answer is in time; the three of the connection alone take longer together.
    let node = ScriptedNode::start_slow(answers(900_100), Duration::from_millis(400));
    let at = node.at(&folder);
    for (name, line) in who_asks_a_node() {
        let start = Instant::now();
        let run = folder.run(&format!("{line} {at} --timeout 1"));
        assert!(start.elapsed() < Duration::from_secs(10), "{name}: {:?}", start.elapsed());
        run.fails(&[&format!("the node at {} needs longer than 1 s", node.address())]);
    }
    // And the calls after the connection.
    let run = folder.run(&format!("status {FILES} verified.json {at} --timeout 2"));
    run.fails(&[&format!("the node at {} needs longer than 2 s", node.address())]);
    let at = ScriptedNode::start(answers(900_100)).at(&folder);
    folder.run(&format!("status {FILES} verified.json {at} --timeout 60")).ends(0);
    for wrong in ["0", "1.5", "soon"] {
        folder.run(&format!("status {FILES} verified.json {at} --timeout {wrong}")).fails(&["--timeout"]);
    }
    folder.run("demo --timeout 5").fails(&["--timeout", "--node"]);
    folder.run(&format!("status {FILES} verified.json --timeout 5")).fails(&["--node"]);
}

fn has(command: &clap::Command, flag: &str) -> bool {
    command.get_arguments().any(|argument| argument.get_long() == Some(flag))
}

/// A node of another currency calls its network `main` too.
#[test]
fn node_whose_first_block_is_another_is_refused() {
    let folder = Folder::with_delegation();
    let mut answers = answers(900_100);
    answers.insert("getblockhash", serde_json::json!("07".repeat(32)));
    let node = ScriptedNode::start(answers);
    for (_, line) in who_asks_a_node() {
        let at = node.at(&folder);
        folder.run(&format!("{line} {at}")).fails(&["the node's first block is 0707", "must be 0f9188f1"]);
    }
}

#[test]
fn node_of_the_demo_that_is_none() {
    let folder = Folder::new();
    folder.run("demo --node nonsense").fails(&["--node"]);
    folder.run("demo --node http://user:hunter2@127.0.0.1:1").fails(&["--node", "127.0.0.1:1"]);
    let run = folder.run("demo --node http://user:hunter2@127.0.0.1:1");
    assert!(!run.stderr().contains("hunter2"), "{}", run.stderr());
    assert!(run.stderr().contains("warning: --node has a password in it"), "{}", run.stderr());
    let run = folder.run("demo --node http://127.0.0.1:1");
    assert!(!run.stderr().contains("warning"), "{}", run.stderr());
    // A file has it instead.
    folder.write("rpc.password", "hunter2");
    let from_file = "demo --node http://127.0.0.1:1 --rpc-password-file rpc.password";
    let run = folder.run(from_file);
    assert!(!run.stderr().contains("hunter2"), "{}", run.stderr());
    run.fails(&["--rpc-password-file", "must be user:password"]);
    folder.write("rpc.password", "user:hunter2\n");
    let run = folder.run(from_file);
    assert!(!run.stderr().contains("hunter2") && !run.stderr().contains("warning"), "{}", run.stderr());
    run.fails(&["127.0.0.1:1"]);
    folder.run(&format!("{from_file} --cookie-file c")).fails(&["cannot be used with"]);
    folder.run("demo --rpc-password-file rpc.password").fails(&["--rpc-password-file", "--node"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let loose = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(folder.path().join("rpc.password"), loose).unwrap();
        folder.run(from_file).fails(&["--rpc-password-file", "its permissions are 644"]);
    }
    folder.run("demo --node http://127.0.0.1:1 --cookie-file nowhere").fails(&["nowhere"]);
    folder.run("demo --cookie-file nowhere").fails(&["--cookie-file", "--node"]);
    folder.run("demo --scenario dance").fails(&["--scenario"]);
}

#[test]
fn node_that_does_not_answer() {
    let folder = Folder::with_delegation();
    folder.run("broadcast @stake.tx").fails(&["--node is absent"]);
    let nowhere = "--node http://user:secret-of-the-node@127.0.0.1:1";
    for line in [
        "broadcast @stake.tx",
        "status --params params.json --delegation verified.json",
        "stake include --params params.json --delegation verified.json",
        "tx explain 0707070707070707070707070707070707070707070707070707070707070707",
    ] {
        let run = folder.run(&format!("{line} {nowhere}"));
        assert!(!run.stderr().contains("secret-of-the-node"), "{}", run.stderr());
        run.fails(&["--node"]);
    }
    folder.run("broadcast @unbonding.psbt --node http://127.0.0.1:1").fails(&["lacks signatures"]);
}

/// The tip of a node that lacks blocks is not the chain's.
#[test]
fn own_node_that_lacks_blocks_is_refused() {
    let folder = Folder::with_delegation();
    for (field, value) in
        [("initialblockdownload", serde_json::json!(true)), ("headers", serde_json::json!(900_103))]
    {
        let mut answers = answers(900_100);
        answers.get_mut("getblockchaininfo").unwrap()[field] = value;
        let at = ScriptedNode::start(answers).at(&folder);
        for line in [
            format!("stake check {FILES} signed.json"),
            format!("covenant sign {FILES} signed.json --record r.jsonl --secret-key-file member.key"),
        ] {
            folder.run(&format!("{line} {at}")).fails(&["--node has not all blocks of its chain yet"]);
        }
    }
    assert!(!folder.path().join("r.jsonl").exists());
    let at = ScriptedNode::start(answers(900_100)).at(&folder);
    folder.run(&format!("stake check {FILES} signed.json {at}")).ends(0);
}

/// A key that is given as the cookie file would go over the wire.
#[test]
fn cookie_file_that_is_none_is_sent_nowhere() {
    let folder = Folder::with_delegation();
    let node = ScriptedNode::start(answers(900_100));
    for content in ["01".repeat(32), ":password".to_owned(), String::new()] {
        folder.write("cookie", content);
        let line =
            format!("status {FILES} verified.json --node http://{} --cookie-file cookie", node.address());
        folder.run(&line).fails(&["it is no cookie; must be one line, user:password"]);
    }
    folder.write("cookie", "__cookie__:abc");
    folder
        .run(&format!("status {FILES} verified.json --node http://{} --cookie-file cookie", node.address()))
        .ends(0);
}
