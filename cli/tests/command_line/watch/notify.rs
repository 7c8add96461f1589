//! Whom `btcstake watch run` notifies.

use endpoint::testing::ScriptedNode;

use super::tower::{Tower, evidence, wait};
use crate::fixtures::node::Regtest;

#[cfg(unix)]
#[test]
fn alerts_reach_a_command_and_a_webhook() {
    use std::os::unix::fs::PermissionsExt as _;

    let Some(regtest) = Regtest::new() else { return };
    let folder = &regtest.folder;
    let script = folder.path().join("alert.sh");
    std::fs::write(&script, "#!/bin/sh\ncat >> \"$(dirname \"$0\")/alerts\"\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let hook = ScriptedNode::always("{}");
    folder.write("alerts", "");
    folder.write("evidence.json", serde_json::to_string(&evidence(7)).unwrap());
    let flags = format!(
        "--store watch.db --params params.json --depth 3 --network regtest {} --evidence evidence.json \
         --alert-command ./alert.sh --alert-webhook http://{}/hook --heartbeat 1",
        regtest.at(),
        hook.address()
    );
    let _tower = Tower::start(folder, &flags);
    wait(folder, "the command is told", || {
        let all = folder.read("alerts");
        all.contains("\"kind\":\"equivocation\"") && all.matches("\"heartbeat\"").count() >= 2
    });
    for line in folder.read("alerts").lines() {
        let notice: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(notice["text"].is_string() && notice["details"].is_object(), "{notice}");
    }
    wait(folder, "the webhook is told", || {
        hook.asked()
            .iter()
            .any(|asked| asked.path == "/hook" && asked.body.to_string().contains("equivocated at height 7"))
    });
}

#[test]
fn webhook_elsewhere_must_be_wanted() {
    let folder = crate::fixtures::process::Folder::new();
    folder.write("params.json", crate::fixtures::delegation::parameters().to_string());
    folder.run("watch run --store w.db --params params.json --depth 6 --alert-webhook http://198.51.100.1/ --node http://127.0.0.1:1").fails(&["--alert-webhook is http://198.51.100.1", "must be on loopback"]);
}
