//! A signer whose files cannot grow.

use signer::protection::SqliteStore;
use tonic::Code;

use crate::harness::{Home, refused};
use crate::load::{connect, vote};
use crate::process::{Host, Process, SQLITE};
use crate::released::Released;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_releases_nothing_and_is_recovered_from() {
    let (home, released) = (Home::new(), Released::default());
    let host = Host::start(&home, "a.toml", SQLITE);
    let mut client = connect(&host).await.unwrap();
    for height in 100..110 {
        vote(&mut client, &released, (0, height), 1).await.unwrap();
    }
    let log = std::fs::metadata(home.path("signing.db-wal")).unwrap().len();
    host.limit_files(Some(log + 5_000));
    // Some still fit.
    let mut full = 110;
    while vote(&mut client, &released, (0, full), 1).await.is_ok() {
        full += 1;
        assert!(full < 200, "the disk is not full");
    }
    for height in full..full + 10 {
        for block in 1..4 {
            let (code, text) = refused(vote(&mut client, &released, (0, height), block).await);
            assert_eq!(code, Code::Unavailable, "{text}");
        }
    }
    // What was signed is answered, and contradicted by nothing.
    for height in 100..full {
        vote(&mut client, &released, (0, height), 1).await.unwrap();
        let (code, text) = refused(vote(&mut client, &released, (0, height), 2).await);
        assert_eq!(code, Code::FailedPrecondition, "{text}");
    }
    let (_, metrics) = host.addresses().unwrap();
    let health = Process::health(metrics).await;
    assert!(health == "200" || health == "503", "{health}");
    println!("a full disk: health {health}");
    host.limit_files(None);
    // Nobody was given a vote that failed, so that another one is free to be signed.
    for height in full..full + 10 {
        vote(&mut client, &released, (0, height), 3).await.unwrap();
        assert_eq!(refused(vote(&mut client, &released, (0, height), 1).await).0, Code::FailedPrecondition);
    }
    assert_eq!(Process::health(metrics).await, "200");
    host.kill();
    host.resume();
    let mut client = connect(&host).await.unwrap();
    for height in 100..full + 10 {
        let block = if height < full { 1 } else { 3 };
        vote(&mut client, &released, (0, height), block).await.unwrap();
    }
    host.stop();
    released.search().assert_safe();
    assert_eq!(released.unrecorded(&SqliteStore::open(&home.database()).unwrap()), []);
}
