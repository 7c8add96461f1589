//! The configuration file of `btcstake watch`.

use crate::fixtures::process::Folder;

#[test]
fn every_wrong_key_is_told_at_once() {
    let folder = Folder::new();
    folder.write(
        "watch.toml",
        "store = 5.5\ndepth = \"six\"\nno_broadcast = \"yes\"\nnetwrk = \"regtest\"\nnode = [\"a\"]\nchain_nod = \"http://127.0.0.1:1\"\n",
    );
    folder.run("watch run --config watch.toml").fails(&[
        "watch.toml: 6 of its keys are wrong",
        "store: it is float; must be text or a number",
        "depth: invalid value 'six'",
        "no_broadcast: it is string; must be true or false",
        "netwrk: no such key",
        "node: it is array",
        "chain_nod: no such key; chain_node is one",
    ]);
    folder.write("watch.toml", "store = ");
    folder.run("watch run --config watch.toml").fails(&["--config watch.toml"]);
    folder.run("watch list --config absent.toml").fails(&["absent.toml"]);
}

#[test]
fn flags_come_before_the_file_and_paths_are_relative_to_it() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("etc")).unwrap();
    folder.write(
        "etc/watch.toml",
        "store = \"own.db\"\ndepth = 6\ndelegations = [\"a.jsonl\", \"b.jsonl\"]\nevidence = [\"e.jsonl\"]\n",
    );
    folder.run("watch list --config etc/watch.toml").fails(&["etc/own.db"]);
    let told = folder.run("watch list --config etc/watch.toml --store other.db");
    assert!(!told.stderr().contains("own.db"), "{}", told.stderr());
    told.fails(&["other.db"]);
    // What is missing is told by its flag, wherever it may stand.
    folder
        .run("watch run --config etc/watch.toml")
        .fails(&["--chain-node is absent; must be given, or --params FILE and --depth"]);
    // Added records go to the first file that is followed.
    let record = super::tower::evidence(7);
    folder.write("found.json", serde_json::to_string(&record).unwrap());
    folder.run("watch add --config etc/watch.toml --evidence found.json").ends(0);
    assert_eq!(folder.read("etc/e.jsonl"), format!("{}\n", serde_json::to_string(&record).unwrap()));
}

#[test]
fn neither_parameters_nor_chain_do_not_start() {
    let folder = Folder::new();
    folder.write("params.json", crate::fixtures::delegation::parameters().to_string());
    folder
        .run("watch run --store watch.db --params params.json")
        .fails(&["--depth is absent; must be given with --params"]);
    folder.run("watch run --store watch.db --chain-node http://127.0.0.1:1").fails(&["--chain-id is absent"]);
    folder.run("watch run --params params.json --depth 6").fails(&["--store is absent"]);
    let rules = "--store watch.db --params params.json --depth 6";
    folder
        .run(&format!("watch run {rules} --delegations - --evidence -"))
        .fails(&["--delegations and --evidence are both -"]);
    folder
        .run(&format!(
            "watch run {rules} --outbox . --outbox-from bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm"
        ))
        .fails(&["--outbox is given without --chain-node"]);
}
