//! `--node` that names no node, or one that does not answer.

use crate::fixtures::process::Folder;

#[test]
fn node_of_the_demo_that_is_none() {
    let folder = Folder::new();
    folder.run("demo --node nonsense").fails(&["--node"]);
    folder.run("demo --node http://user:hunter2@127.0.0.1:1").fails(&["--node", "127.0.0.1:1"]);
    let run = folder.run("demo --node http://user:hunter2@127.0.0.1:1");
    assert!(!run.stderr().contains("hunter2"), "{}", run.stderr());
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
