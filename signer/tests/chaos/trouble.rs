//! What happens to signers while they serve.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use signer::testing::{PostgresServer, Stop};

use crate::load::Load;
use crate::random::Random;

/// One kind of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// A signer is killed, and started again.
    Kill,
    /// All signers are killed, and started again.
    KillAll,
    /// The files of a signer cannot grow for a while.
    FullDisk,
    /// The server of the database ends all sessions.
    EndSessions,
    /// The server of the database crashes, and recovers.
    Crash,
}

/// Makes every kind of trouble there is for these signers, and goes on until the load is done. Returns how
/// often it made each.
pub(crate) async fn make_trouble(
    load: &Arc<Load>,
    server: Option<(Arc<PostgresServer>, &'static str)>,
    kinds: &[Trouble],
    mut random: Random,
) -> Vec<(Trouble, usize)> {
    let mut made: Vec<_> = kinds.iter().map(|kind| (*kind, 0)).collect();
    let mut round = 0;
    while !load.is_done() {
        tokio::time::sleep(Duration::from_millis(30 + random.below(250))).await;
        let number = if round < kinds.len() { round } else { random.index(kinds.len()) };
        // A recovery takes a while.
        if made[number].0 == Trouble::Crash && made[number].1 > 0 && !random.once_in(4) {
            continue;
        }
        made[number].1 += 1;
        round += 1;
        let (served, server, kind, random) = (load.clone(), server.clone(), made[number].0, random.fork());
        tokio::task::spawn_blocking(move || make(kind, &served, server, random)).await.unwrap();
        if round >= kinds.len() * 2 {
            load.had_trouble.store(true, Ordering::SeqCst);
        }
    }
    made
}

fn make(kind: Trouble, load: &Load, server: Option<(Arc<PostgresServer>, &'static str)>, mut random: Random) {
    let host = &load.hosts[random.index(load.hosts.len())];
    let pause = Duration::from_millis(random.below(80));
    match (kind, server) {
        (Trouble::Kill, _) => {
            host.kill();
            std::thread::sleep(pause);
            host.resume();
        }
        (Trouble::KillAll, _) => {
            load.hosts.iter().for_each(|host| host.kill());
            load.hosts.iter().for_each(|host| host.resume());
        }
        (Trouble::FullDisk, _) => {
            host.limit_files(Some(random.below(200_000)));
            std::thread::sleep(pause);
            // It may die of it.
            if random.once_in(2) {
                host.kill();
                host.resume();
            }
            host.limit_files(None);
        }
        (Trouble::EndSessions, Some((server, database))) => {
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                       WHERE application_name = 'btcstake-signer'";
            server.sql(database, end).unwrap();
        }
        (Trouble::Crash, Some((server, _))) => {
            server.stop(Stop::Immediate).unwrap();
            std::thread::sleep(pause);
            server.resume().unwrap();
        }
        (kind, None) => panic!("{kind:?} without a server"),
    }
}
