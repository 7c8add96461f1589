//! The search finds a key where there is one: two signers with the same key on two databases.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use signer::protection::SqliteStore;

use crate::harness::Home;
use crate::load::{Load, connect, vote};
use crate::process::{Host, SQLITE};
use crate::random::Random;

#[tokio::test(flavor = "multi_thread")]
async fn signers_that_share_no_database_are_slashed() {
    let mut random = Random::new("signers_that_share_no_database_are_slashed");
    let homes = [Home::new(), Home::new()];
    let hosts = homes.each_ref().map(|home| Arc::new(Host::start(home, "a.toml", SQLITE)));
    let load = Load::new(hosts.to_vec(), 200);
    load.had_trouble.store(true, Ordering::SeqCst);
    load.run(&mut random).await;
    // Whatever chance has made: at this height both sign.
    for (block, host) in hosts.iter().enumerate() {
        let mut client = connect(host).await.unwrap();
        vote(&mut client, &load.released, (0, 9_999), u8::try_from(block).unwrap()).await.unwrap();
    }
    hosts.iter().for_each(|host| host.stop());
    let found = load.released.search();
    println!("two databases: {}; {} pairs yield the key", load.tell(), found.keys.len());
    assert!(found.keys.contains(&(0, 9_999)), "{found:?}");
    assert!(found.differing.is_empty() && found.invalid.is_empty(), "{found:?}");
    // Nor has either database all that was released.
    for home in homes {
        let store = SqliteStore::open(&home.database()).unwrap();
        assert!(load.released.unrecorded(&store).contains(&(0, 9_999)));
    }
}
