//! `btcstake watch run` on a real bitcoind, and the commands that look into its store meanwhile.

use btcstake::outputs::{WatchAdd, WatchList, WatchReplay, WatchReport, WatchShow, WatchStats};
use serde_json::Value;

use super::tower::{Tower, evidence, wait};
use crate::fixtures::node::Regtest;
use crate::fixtures::process::PROVIDER_KEY;

const FILES: &str = "--store watch.db --params params.json --depth 3 --network regtest";

fn flags(regtest: &Regtest) -> String {
    format!("{FILES} --delegations stakes.jsonl --evidence evidence.jsonl {}", regtest.at())
}

/// The statuses of the stakes, sorted, as the store has them while the tower runs.
fn statuses(regtest: &Regtest) -> Vec<String> {
    let list: WatchList = regtest.folder.output("watch list --store watch.db");
    let mut found: Vec<_> = list.stakes.into_iter().map(|stake| stake.status).collect();
    found.sort();
    found
}

#[test]
fn watchtower_slashes_killed_in_between() {
    let Some(regtest) = Regtest::new() else { return };
    let folder = &regtest.folder;
    regtest.stake("one");
    regtest.broadcast("one.tx");
    regtest.mine(1);
    let tower = Tower::start(folder, &flags(&regtest));
    assert_eq!(tower.said["depth"], 3);

    // What is added is verified first.
    let add = |line: &str| -> WatchAdd { folder.output(&format!("watch add {line}")) };
    let to = "--params params.json --to-delegations stakes.jsonl";
    let txid = add(&format!("--delegation one.json {to}")).delegations.remove(0);
    regtest.mine(3);
    wait(folder, "the stake is active", || statuses(&regtest) == ["ACTIVE"]);
    let stats: WatchStats = folder.output("watch stats --store watch.db");
    assert_eq!((stats.active_stakes, stats.active_sat), (1, 500_000));
    assert_eq!(stats.finality_providers[0].finality_provider, PROVIDER_KEY);
    let before: WatchStats = folder.output("watch stats --store watch.db --height 104");
    assert_eq!((before.height, before.active_stakes), (104, 0));
    wait(folder, "it is shown", || tower.metric("btcstake_watch_active_sat") == 500_000);
    assert!(tower.get("/health").starts_with("HTTP/1.1 200"), "{}", tower.get("/health"));

    // One that nobody has signed is told of.
    let draft = folder.run(&format!("watch add --delegation one-draft.json {to}"));
    draft.warns(0, &["cannot be slashed"]);

    // A second stake comes, and the evidence just then; the process is killed as soon as it has sent.
    regtest.stake("two");
    add(&format!("--delegation two.json {to}"));
    regtest.broadcast("two.tx");
    folder.write("found.json", serde_json::to_string(&evidence(7)).unwrap());
    assert_eq!(add("--evidence found.json --to-evidence evidence.jsonl").evidence, [PROVIDER_KEY]);
    wait(folder, "it slashes both", || tower.metric("btcstake_watch_sent_total{verdict=\"taken\"}") >= 2);
    drop(tower);
    regtest.mine(1);
    let tower = Tower::start(folder, &flags(&regtest));
    wait(folder, "both are slashed", || statuses(&regtest) == ["SLASHED", "SLASHED"]);
    wait(folder, "both are under way", || tower.metric("btcstake_watch_slashes_under_way") == 2);
    regtest.mine(4);
    wait(folder, "for good", || tower.metric("btcstake_watch_slashes_under_way") == 0);

    let shown: WatchShow = folder.output(&format!("watch show {txid} --store watch.db"));
    assert_eq!(shown.spent_by.as_ref().unwrap().path.as_deref(), Some("slashing"));
    assert!(shown.stake.is_slashable && shown.stake.is_accused && shown.delegation.is_some(), "{shown:?}");
    let known = folder.json("watch evidence --store watch.db");
    assert_eq!(known["evidence"].as_array().unwrap().len(), 1);
    let report: WatchReport = folder.output(&format!(
        "watch report --store watch.db --out status.html --network regtest {}",
        regtest.at()
    ));
    assert_eq!((report.blocks_behind, report.slashes), (Some(0), 2));
    let page = folder.read("status.html");
    assert!(page.contains(&txid) && page.contains("slashed for good"), "{page}");
    roxmltree::Document::parse(page.trim_start_matches("<!DOCTYPE html>")).unwrap();
    // Its own page is written anew, another's file is not.
    folder.run("watch report --store watch.db --out status.html").ends(0);
    folder.write("other.html", "mine");
    folder
        .run("watch report --store watch.db --out other.html")
        .fails(&["other.html", "not written by this command"]);
    // A second one on the same store does not start.
    folder.run(&format!("watch run {}", flags(&regtest))).fails(&["watch.db is open in another process"]);
    tower.terminate();

    let log = folder.read("watch.log");
    for said in ["equivocated at height 7", "slashed for good", "has the slashing transaction"] {
        assert!(log.contains(said), "{said}: {log}");
    }
    assert!(!log.contains(crate::fixtures::process::PROVIDER_EVEN), "the extracted key is in the log");
    let again: WatchReplay = folder.output(&format!("watch replay --from 100 {FILES} {}", regtest.at()));
    assert_eq!((again.from, again.changed), (100, 0));
}

/// Nothing is handed to the node, and what would be is told.
#[test]
fn dry_run_sends_nothing() {
    let Some(regtest) = Regtest::new() else { return };
    let folder = &regtest.folder;
    regtest.stake("one");
    regtest.broadcast("one.tx");
    regtest.mine(4);
    folder.write("one-line.jsonl", one_line(&folder.read("one.json")));
    folder.write("evidence.json", serde_json::to_string(&evidence(7)).unwrap());
    let flags = format!(
        "{FILES} --delegations one-line.jsonl --evidence evidence.json --no-broadcast {}",
        regtest.at()
    );
    let tower = Tower::start(folder, &flags);
    assert_eq!(tower.said["broadcasts"], false);
    wait(folder, "it would slash", || folder.read("watch.log").contains("would send a slashing transaction"));
    assert_eq!(tower.metric("btcstake_watch_sent_total{verdict=\"taken\"}"), 0);
    regtest.mine(1);
    wait(folder, "it has seen the block", || tower.metric("btcstake_watch_height") == 109);
    assert_eq!(statuses(&regtest), ["ACTIVE"]);
    assert_eq!(tower.metric("btcstake_watch_slashes_under_way"), 1);
}

fn one_line(json: &str) -> String {
    format!("{}\n", serde_json::from_str::<Value>(json).unwrap())
}

/// A bad record stops no other, and is named with its line.
#[test]
fn bad_records_are_left_out() {
    let Some(regtest) = Regtest::new() else { return };
    let folder = &regtest.folder;
    regtest.stake("one");
    regtest.broadcast("one.tx");
    regtest.mine(4);
    let mut forged = evidence(7);
    forged.fork_signature = forged.canonical_signature;
    let records = ["{\"a\": 1}".to_owned(), serde_json::to_string(&forged).unwrap(), "no json".to_owned()];
    folder.write(
        "evidence.jsonl",
        format!("{}\n{}\n", records.join("\n"), serde_json::to_string(&evidence(9)).unwrap()),
    );
    folder.write("stakes.jsonl", format!("{{}}\n{}", one_line(&folder.read("one.json"))));
    let tower = Tower::start(folder, &flags(&regtest));
    wait(folder, "it slashes", || tower.metric("btcstake_watch_sent_total{verdict=\"taken\"}") >= 1);
    let log = folder.read("watch.log");
    for place in ["evidence.jsonl:1", "evidence.jsonl:2", "evidence.jsonl:3", "stakes.jsonl:1"] {
        assert!(log.contains(place), "{place}: {log}");
    }
    // And is refused by whoever adds it by hand.
    folder.write("forged.json", serde_json::to_string(&forged).unwrap());
    folder
        .run("watch add --evidence forged.json --to-evidence evidence.jsonl")
        .fails(&["forged.json", "proves nothing"]);
}

#[test]
fn store_of_nobody_and_stakes_of_nobody_are_told() {
    let Some(regtest) = Regtest::new() else { return };
    let folder = &regtest.folder;
    folder.run("watch list --store watch.db").fails(&["--store", "watch.db"]);
    let tower = Tower::start(folder, &flags(&regtest));
    wait(folder, "it is at the tip", || tower.metric("btcstake_watch_height") == 104);
    let none: WatchList = folder.output("watch list --store watch.db");
    assert_eq!((none.height, none.stakes.len()), (104, 0));
    let line = format!("watch show {} --store watch.db", "00".repeat(32));
    folder.run(&line).refuses(&["no stake"]);
    folder.run("watch stats --store watch.db --height 105").fails(&["--height is 105; must be at most 104"]);
    drop(tower);
    // What is not there is not made.
    let replay = format!("watch replay --from 3 {} {}", FILES.replace("watch.db", "none.db"), regtest.at());
    folder.run(&replay).fails(&["--store", "none.db"]);
    assert!(!folder.path().join("none.db").exists());
}
