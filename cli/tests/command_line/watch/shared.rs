//! Several watchtowers on one PostgreSQL, and one that is killed again and again.

use btcstake::outputs::WatchList;
use store::testing::PostgresServer;

use super::tower::{Tower, evidence, wait};
use crate::fixtures::node::Regtest;

const RULES: &str = "--params params.json --depth 3 --network regtest";

fn one_line(json: &str) -> String {
    format!("{}\n", serde_json::from_str::<serde_json::Value>(json).unwrap())
}

/// One works and the others stand by; when it is gone, another goes on where it was, and tells nothing again.
#[test]
fn towers_that_share_a_store_take_turns() {
    let Some(regtest) = Regtest::new() else { return };
    let test = "towers_that_share_a_store_take_turns";
    let Some(server) = PostgresServer::shared(test).unwrap() else { return };
    server.create("watch").unwrap();
    let folder = &regtest.folder;
    folder.write("postgres.txt", server.connection("watch"));
    #[cfg(unix)]
    std::fs::set_permissions(
        folder.path().join("postgres.txt"),
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    let flags = format!(
        "--store-postgres-file postgres.txt {RULES} --delegations stakes.jsonl --evidence evidence.jsonl {}",
        regtest.at()
    );
    let stands_by = |tower: &Tower| tower.metric("btcstake_watch_fault{fault=\"stands_by\"}");
    regtest.stake("one");
    regtest.broadcast("one.tx");
    regtest.mine(1);
    folder.write("stakes.jsonl", one_line(&folder.read("one.json")));
    let first = Tower::start(folder, &flags);
    wait(folder, "it has the stake", || first.metric("btcstake_watch_stakes") == 1);
    let second = Tower::start(folder, &flags);
    wait(folder, "the second stands by", || stands_by(&second) == 1);
    assert_eq!(stands_by(&first), 0);
    folder.write("evidence.jsonl", one_line(&serde_json::to_string(&evidence(7)).unwrap()));
    wait(folder, "the first slashes", || first.metric("btcstake_watch_sent_total{verdict=\"taken\"}") >= 1);
    assert_eq!(second.metric("btcstake_watch_sent_total{verdict=\"taken\"}"), 0);
    drop(first);
    regtest.mine(1);
    wait(folder, "the second takes over", || stands_by(&second) == 0);
    wait(folder, "it sees the slash", || second.metric("btcstake_watch_slashes_under_way") == 1);
    // Who has seen the provider equivocate was told.
    assert_eq!(second.alerts("equivocation"), 0);
    let statuses = || -> Vec<String> {
        let list: WatchList = folder.output("watch list --store-postgres-file postgres.txt");
        list.stakes.into_iter().map(|stake| stake.status).collect()
    };
    wait(folder, "it is slashed", || statuses() == ["SLASHED"]);
    regtest.mine(4);
    wait(folder, "for good", || second.metric("btcstake_watch_slashes_under_way") == 0);
    assert_eq!(second.alerts("slashed"), 1);
    assert!(!folder.read("watch.log").contains("dbname"), "the connection is in the log");
}

/// Killed at some dozen moments, while blocks come, are undone and come again: no stake is lost.
#[test]
fn tower_killed_at_any_moment_slashes_every_stake() {
    let Some(regtest) = Regtest::new() else { return };
    let folder = &regtest.folder;
    let flags = format!(
        "--store watch.db {RULES} --delegations stakes.jsonl --evidence evidence.jsonl {}",
        regtest.at()
    );
    let (mut stakes, mut random) = (String::new(), 0x9e37_79b9_u64);
    for round in 0..24_u64 {
        // A kill after 0 to 400 ms, from before it has opened its store until after it has sent.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let tower = Tower::start(folder, &flags);
        match round {
            // Before and after there is evidence.
            1 | 4 | 13 => {
                let name = format!("stake{round}");
                regtest.stake(&name);
                regtest.broadcast(&format!("{name}.tx"));
                stakes.push_str(&one_line(&folder.read(&format!("{name}.json"))));
                folder.write("stakes.jsonl", &stakes);
            }
            7 => folder.write("evidence.jsonl", one_line(&serde_json::to_string(&evidence(7)).unwrap())),
            9 | 12 | 16 | 18 | 21 => regtest.reorganize(1 + u32::try_from(round % 4).unwrap()),
            _ => regtest.mine(u32::try_from(round % 2).unwrap()),
        }
        std::thread::sleep(std::time::Duration::from_millis((random >> 33) % 400));
        drop(tower);
    }
    let tower = Tower::start(folder, &flags);
    let statuses = || -> Vec<String> {
        let list: WatchList = folder.output("watch list --store watch.db");
        list.stakes.into_iter().map(|stake| stake.status).collect()
    };
    wait(folder, "all are slashed and buried", || {
        regtest.mine(1);
        statuses() == ["SLASHED", "SLASHED", "SLASHED"]
            && tower.metric("btcstake_watch_slashes_under_way") == 0
    });
    tower.terminate();
}
