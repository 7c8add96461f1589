//! The file of nonces, as a crash or a hand leaves it: it is opened, and what is whole in it is served to
//! nobody again.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use btcstake_fuzz::{Changes, change};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use signer::auth::{Clock, NonceError, Nonces};

/// How long a record is.
const RECORD: usize = 32;

#[derive(Arbitrary, Debug)]
enum Input {
    /// Any bytes.
    Any(Vec<u8>),
    /// Requests that were served, at seconds after the first; what was changed in the file then, and how many
    /// bytes it lost.
    Served { served: Vec<Served>, changes: Changes, lost: u16 },
}

#[derive(Arbitrary, Debug, Clone, Copy)]
struct Served {
    client: bool,
    at: u16,
    nonce: u8,
}

/// A clock that stands still.
struct Still;

const NOW: u64 = 1_800_000_000;

impl Clock for Still {
    fn unix_seconds(&self) -> u64 {
        NOW
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// In memory where there is such a place: each opening waits for the disk.
static PATH: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    folder.join(format!("btcstake-fuzz-nonces-{}", std::process::id()))
});

fn spend(nonces: &Nonces, served: Served) -> Result<(), NonceError> {
    let client = if served.client { "fpd" } else { "operator" };
    nonces.spend(client, NOW + u64::from(served.at), [served.nonce; 16], &Still)
}

fn open() -> Nonces {
    Nonces::open(&PATH).expect("whatever its bytes are")
}

fn content() -> Vec<u8> {
    std::fs::read(&*PATH).expect("it is there once it was opened")
}

fn write(bytes: &[u8]) {
    std::fs::write(&*PATH, bytes).expect("a file can be written");
}

/// What an opening has written is read as it is.
fn opened() -> Nonces {
    drop(open());
    let first = content();
    assert_eq!(first.len() % RECORD, 0);
    let nonces = open();
    assert_eq!(content(), first);
    nonces
}

fuzz_target!(|input: Input| {
    match input {
        Input::Any(bytes) => {
            write(&bytes);
            drop(opened());
        }
        Input::Served { served, changes, lost } => {
            write(&[]);
            let nonces = open();
            let served: Vec<_> =
                served.into_iter().take(200).filter(|one| spend(&nonces, *one).is_ok()).collect();
            for one in &served {
                assert!(matches!(spend(&nonces, *one), Err(NonceError::Again)));
            }
            drop(nonces);
            let good = content();
            assert_eq!(good.len(), served.len() * RECORD);
            let mut found = good.clone();
            change(&mut found, &changes);
            found.truncate(good.len().saturating_sub(lost.into()));
            write(&found);
            let nonces = opened();
            for ((one, good), found) in served.iter().zip(good.chunks(RECORD)).zip(found.chunks(RECORD)) {
                if good == found {
                    let refused =
                        matches!(spend(&nonces, *one), Err(NonceError::Again | NonceError::Forgotten { .. }));
                    assert!(refused, "{one:?} is served again");
                }
            }
        }
    }
});
