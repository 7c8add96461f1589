//! `btcstake risk` with the stakes of a watchtower's store.

use btcstake::outputs::{RiskCheck, RiskReport, WatchStats};
use chain::{BlockHeight, ChainTip};
use serde_json::{Value, json};
use store::SqliteStore;
use watch::SCHEMA;

use super::with;
use crate::fixtures::process::Folder;

/// A folder with a store of 1000 stakes to 100 providers, a million satoshis each.
fn filled(values: &Value) -> Folder {
    let folder = with(values);
    let mut store = SqliteStore::open(folder.path().join("watch.db"), &SCHEMA).unwrap();
    let hash = "00".repeat(32).parse().unwrap();
    let tip = ChainTip { height: BlockHeight::new(900), hash };
    watch::testing::fill(&mut store, 1000, tip, 10).unwrap();
    folder
}

fn values(providers: &Value) -> Value {
    json!({
        "slashing_rate": "0.001",
        "providers": providers,
        "chains": [{ "name": "one", "value_sat": 1000 }],
    })
}

#[test]
fn stakes_are_those_of_the_watchtower() {
    let folder = filled(&values(&json!([])));
    let stats: WatchStats = folder.output("watch stats --store watch.db");
    let found: RiskReport = folder.output("risk report --store watch.db --input risk.json");
    assert_eq!((found.height, found.stake_sat), (Some(stats.height), stats.active_sat));
    assert!(stats.active_sat > 100_000_000, "{stats:?}");
    assert_eq!(found.providers.len(), 100);
    for (provider, of) in found.providers.iter().zip(&stats.finality_providers) {
        assert_eq!((&provider.name, provider.stake_sat), (&of.finality_provider, of.active_sat));
    }
    // At an earlier height there was less.
    let before: RiskReport = folder.output("risk report --store watch.db --input risk.json --height 400");
    assert!(before.height == Some(400) && before.stake_sat < found.stake_sat);
    let beyond = "risk check --store watch.db --input risk.json --height 901";
    folder.run(beyond).fails(&["--height is 901; must be at most 900"]);
}

/// The input names operators; a provider that the store does not know has no stake, which is told.
#[test]
fn operators_are_the_inputs() {
    let folder = filled(&values(&json!([])));
    let stats: WatchStats = folder.output("watch stats --store watch.db");
    let key = |place: usize| stats.finality_providers[place].finality_provider.clone();
    let unknown = "4d4b6cd1361032ca9bd2aeb9d900aa4d45d9ead80ac9423374c451a7254d0766";
    let listed = json!([
        { "name": key(0), "operator": "one" }, { "name": key(1), "operator": "one" },
        { "name": unknown, "operator": "two" },
    ]);
    folder.write("risk.json", values(&listed).to_string());
    let line = "risk report --store watch.db --input risk.json";
    folder.run(line).warns(0, &["no active stake", unknown]);
    let found: RiskReport = folder.output(line);
    assert_eq!((found.providers.len(), found.falls.len()), (101, 100));
    let one = found.falls.iter().find(|fall| fall.operator == "one").unwrap();
    let stakes = &stats.finality_providers;
    assert_eq!(one.stake_sat, stakes[0].active_sat + stakes[1].active_sat);
    assert_eq!(found.chains[0].concentration.operators, 99);
    // Without a store it is no input: the stakes are absent.
    folder.run("risk check --input risk.json").fails(&["--input risk.json", "stake_sat is absent"]);
}

#[test]
fn stakes_have_one_source() {
    let folder = filled(&values(&json!([{ "name": "alice", "stake_sat": 5 }])));
    let line = "risk check --store watch.db --input risk.json";
    folder.run(line).fails(&["provider \"alice\"", "stake_sat is given; must be absent"]);
    folder.write("risk.json", values(&json!([{ "name": "alice" }])).to_string());
    folder.run(line).fails(&["provider \"alice\"", "no public key"]);
    folder.write("risk.json", values(&json!([])).to_string());
    let found: RiskCheck = folder.output(line);
    assert_eq!(found.height, Some(900));
    folder.run("risk check --store nowhere.db --input risk.json").fails(&["--store", "nowhere.db"]);
    assert!(!folder.path().join("nowhere.db").exists());
    folder.run("risk check --input risk.json --height 3").fails(&["--height is given without --store"]);
}
