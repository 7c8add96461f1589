//! Nodes of the secured chain in place of files: a stake, its parameters and the depth are asked for.

use endpoint::testing::ScriptedNode;
use serde_json::Value;

use crate::fixtures::process::Folder;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/node");

fn vector(name: &str) -> String {
    std::fs::read_to_string(format!("{VECTORS}/{name}")).unwrap()
}

/// A gateway with a real chain's answers.
fn gateway() -> (ScriptedNode, String) {
    let delegation = vector("samples/rest-delegation-verified.json");
    let json: Value = serde_json::from_str(&delegation).unwrap();
    let transaction = json["btc_delegation"]["staking_tx_hex"].as_str().unwrap();
    let transaction: bitcoin::Transaction = bitcoin::consensus::encode::deserialize_hex(transaction).unwrap();
    let txid = transaction.compute_txid().to_string();
    let known = txid.clone();
    let node = ScriptedNode::new(move |asked| match asked.path.split('?').next().unwrap() {
        path if path.ends_with(&known) => (200, delegation.clone()),
        "/babylon/btcstaking/v1/params_versions" => (200, vector("answers/rest-params-versions.json")),
        "/babylon/btccheckpoint/v1/params" => (200, vector("answers/rest-btccheckpoint-params.json")),
        _ => (404, r#"{"code":5,"message":"not found","details":[]}"#.to_owned()),
    });
    (node, txid)
}

#[test]
fn stakes_parameters_and_depth_are_asked_for() {
    let folder = Folder::new();
    let (node, txid) = gateway();
    folder.write("delegation.json", vector("samples/rest-delegation-verified.json"));
    folder.write("params.json", vector("answers/rest-params-versions.json"));
    let gateway = format!("--chain-gateway http://{}", node.address());
    let from_files =
        folder.json("tx unbond --network regtest --delegation delegation.json --params params.json");
    for given in [
        format!("--staking-txid {txid}"),
        format!("--staking-txid {txid} --params params.json"),
        "--delegation delegation.json".to_owned(),
    ] {
        let asked = folder.json(&format!("tx unbond --network regtest {given} {gateway}"));
        assert_eq!(asked, from_files, "{given}");
    }
    let asked: Vec<_> = node.asked().into_iter().map(|asked| asked.path).collect();
    assert!(asked.contains(&"/babylon/btccheckpoint/v1/params".to_owned()), "{asked:?}");
    // A depth that is given is not asked for.
    let before = node.asked().len();
    let given = format!("--params params.json --delegation delegation.json --depth 3 {gateway}");
    folder.json(&format!("tx unbond --network regtest {given}"));
    assert_eq!(node.asked().len(), before);
    let line = format!("tx unbond --network regtest {gateway}");
    folder.run(&line).fails(&["--delegation is absent", "--staking-txid"]);
    folder
        .run(&format!("{line} --staking-txid {}", "ab".repeat(32)))
        .fails(&["--chain-gateway: nobody has registered the stake"]);
    folder.run("tx unbond --network regtest").fails(&["--delegation", "--params"]);
    // Who names a stake of the chain has to say where the chain is.
    let either = |file: &str| format!("<--{file} <FILE>|--chain-node <URL>|--chain-gateway <URL>>");
    let (stake, versions) = (either("delegation"), either("params"));
    for command in ["stake check", "tx unbond", "stake undelegate"] {
        let line = format!("{command} --network regtest --staking-txid {txid}");
        folder.run(&line).fails(&[&stake, &versions]);
        folder.run(&format!("{line} --params params.json")).fails(&[&stake]);
    }
    let nobody = format!("tx unbond --staking-txid {txid} --chain-node http://127.0.0.1:1");
    folder.run(&nobody).fails(&["--chain-node"]);
}
