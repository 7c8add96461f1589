//! `--node` that names no node, or one that does not answer.

use crate::fixtures::process::Folder;

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
