//! Starts that would forget a vote, or let two signers serve one file.

use signer::protection::SqliteStore;
use tonic::Code;

use crate::harness::{ANYBODY, Home, refused};
use crate::load::{connect, vote};
use crate::process::{Host, Process, SQLITE, configure};
use crate::released::Released;

async fn signs(host: &Host, released: &Released, height: u64) {
    let mut client = connect(host).await.unwrap();
    vote(&mut client, released, (0, height), 1).await.unwrap();
    let (code, text) = refused(vote(&mut client, released, (0, height), 2).await);
    assert_eq!(code, Code::FailedPrecondition, "{text}");
}

#[track_caller]
fn assert_no_start(home: &Home, says: &str) {
    let refused = Process::start(&home.path("a.toml")).err().expect("a refusal");
    assert!(refused.contains(says), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_copy_is_not_served() {
    let (home, released) = (Home::new(), Released::default());
    let copy = |from: &str, to: &str| std::fs::copy(home.path(from), home.path(to)).unwrap();
    let host = Host::start(&home, "a.toml", SQLITE);
    signs(&host, &released, 120).await;
    host.stop();
    copy("signing.db", "old");
    host.resume();
    signs(&host, &released, 121).await;
    host.stop();
    copy("signing.db", "newest");
    // Yesterday's copy has forgotten height 121.
    copy("old", "signing.db");
    assert_no_start(&home, "is an old copy");
    copy("newest", "signing.db");
    host.resume();
    signs(&host, &released, 122).await;
    host.kill();
    // A signer that was killed leaves a log, which is of the newest state.
    copy("signing.db", "newest");
    copy("signing.db-wal", "newest-wal");
    copy("old", "signing.db");
    assert_no_start(&home, "goes on from a later state");
    std::fs::remove_file(home.path("signing.db-wal")).unwrap();
    assert_no_start(&home, "is an old copy");
    // What belongs together is served, and has forgotten nothing.
    copy("newest", "signing.db");
    copy("newest-wal", "signing.db-wal");
    host.resume();
    for height in 120..124 {
        signs(&host, &released, height).await;
    }
    host.stop();
    released.search().assert_safe();
    assert_eq!(released.unrecorded(&SqliteStore::open(&home.database()).unwrap()), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_signers_do_not_serve_one_file() {
    let (home, released) = (Home::new(), Released::default());
    let host = Host::start(&home, "a.toml", SQLITE);
    signs(&host, &released, 120).await;
    // By the same path, by another name of the file, and with a guard of its own.
    assert_no_start(&home, "is open in another process");
    std::os::unix::fs::symlink(home.folder.path(), home.path("link")).unwrap();
    std::fs::copy(home.path("signing.db.guard"), home.path("other.guard")).unwrap();
    for (name, store) in [
        ("link.toml", "kind = \"sqlite\"\ndatabase = \"link/signing.db\""),
        ("guard.toml", "kind = \"sqlite\"\ndatabase = \"signing.db\"\nguard = \"other.guard\""),
    ] {
        let refused = Process::start(&configure(&home, name, store, ANYBODY)).err().expect("a refusal");
        assert!(refused.contains("is open in another process"), "{name}: {refused}");
    }
    signs(&host, &released, 121).await;
    // The death of the first one frees the file at once.
    host.kill();
    host.resume();
    for height in 120..123 {
        signs(&host, &released, height).await;
    }
    host.stop();
    released.search().assert_safe();
}
