//! One signer on SQLite, which is killed and starved.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use signer::protection::SqliteStore;

use crate::harness::Home;
use crate::load::Load;
use crate::process::{Host, SQLITE};
use crate::random::Random;
use crate::requests;
use crate::trouble::{Trouble, make_trouble};

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_and_starved_signer_is_not_slashed() {
    let mut random = Random::new("a_killed_and_starved_signer_is_not_slashed");
    let home = Home::new();
    let host = Arc::new(Host::start(&home, "a.toml", SQLITE));
    let load = Load::new(vec![host.clone()], requests(800));
    let kinds = [Trouble::Kill, Trouble::FullDisk];
    let (made, ()) = tokio::join!(make_trouble(&load, None, &kinds, random.fork()), load.run(&mut random));
    load.contradict().await;
    host.stop();
    let found = load.released.search();
    println!("SQLite: {}; {made:?}; {found:?}", load.tell());
    found.assert_safe();
    assert!(host.kills.load(Ordering::SeqCst) > 0);
    let store = SqliteStore::open(&home.database()).unwrap();
    assert_eq!(load.released.unrecorded(&store), []);
}
