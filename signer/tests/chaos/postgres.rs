//! Two signers of one key on one PostgreSQL: they are killed, their connections are cut, and its server
//! crashes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use signer::protection::{
    ChangeKind, FirstHeight, LaneChange, PostgresMode, PostgresOptions, PostgresStore, Store as _,
};
use signer::testing::PostgresServer;

use crate::harness::{COMMITTED, Home};
use crate::load::Load;
use crate::process::Host;
use crate::random::Random;
use crate::requests;
use crate::trouble::{Trouble, make_trouble};

const DATABASE: &str = "signer";

fn options(server: &PostgresServer, guard: &Path) -> PostgresOptions {
    PostgresOptions::new(server.connection(DATABASE).parse().unwrap(), guard)
}

/// Makes the database, and a host's guard; a further host begins with a copy of it.
fn initialise(home: &Home, server: &PostgresServer) {
    server.create(DATABASE).unwrap();
    let first: Vec<_> = home.lanes().map(|lane| FirstHeight { lane, height: COMMITTED.first }).collect();
    let store = PostgresStore::initialise(&options(server, &home.path("a.guard")), &first).unwrap();
    let committed = home.lanes().map(|lane| LaneChange { lane, kind: ChangeKind::Committed(COMMITTED) });
    store.change(committed.collect()).unwrap();
    drop(store);
    std::fs::copy(home.path("a.guard"), home.path("b.guard")).unwrap();
    home.write("connection", server.connection(DATABASE));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_signers_of_one_key_are_not_slashed() {
    const NAME: &str = "two_signers_of_one_key_are_not_slashed";
    let Some(server) = PostgresServer::start(NAME, &[]).unwrap() else { return };
    let (server, mut random, home) = (Arc::new(server), Random::new(NAME), Home::new());
    initialise(&home, &server);
    let hosts = ["a", "b"].map(|name| {
        let store = format!(
            "kind = \"postgres\"\nconnection_file = \"connection\"\nguard = \"{name}.guard\"\nshared = true"
        );
        Arc::new(Host::start(&home, &format!("{name}.toml"), &store))
    });
    let load = Load::new(hosts.to_vec(), requests(800));
    let kinds = [Trouble::Kill, Trouble::EndSessions, Trouble::Crash, Trouble::KillAll];
    let trouble = make_trouble(&load, Some((server.clone(), DATABASE)), &kinds, random.fork());
    let (made, ()) = tokio::join!(trouble, load.run(&mut random));
    load.contradict().await;
    hosts.iter().for_each(|host| host.stop());
    let found = load.released.search();
    println!("PostgreSQL: {}; {made:?}; {found:?}", load.tell());
    found.assert_safe();
    assert!(hosts.iter().all(|host| host.kills.load(Ordering::SeqCst) > 0));
    // Both hosts' guards still fit the database.
    for guard in ["a.guard", "b.guard"] {
        let options = PostgresOptions { mode: PostgresMode::Shared, ..options(&server, &home.path(guard)) };
        let store = PostgresStore::open(&options).unwrap();
        assert_eq!(load.released.unrecorded(&store), []);
    }
}
