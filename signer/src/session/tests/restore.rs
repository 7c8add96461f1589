//! A backup is restored on a new machine, as `docs/signer.md` says, and in other ways.

use eots::SecretKey;
use finality::Signer as _;

use super::migration::{Host, lane, refusal, signer, voting};
use super::{SessionError, height, range, vote};
use crate::protection::{
    ChangeKind, FirstHeight, Lane, LaneChange, OpenError, Refusal, SqlitePaths, SqliteStore, Store as _,
    StoreError, check_highest_vote,
};

/// The highest vote in the backup, and the highest one that was made.
const BACKED_UP: u64 = 109;
const HIGHEST: u64 = 114;

/// A machine that is gone, but for its backup, which a new machine has.
fn lost() -> (Host, Host) {
    let (old, new) = (voting(), Host::new());
    old.open().unwrap().back_up(&old.file("backup.db")).unwrap();
    let signer = old.start();
    for at in BACKED_UP + 1..=HIGHEST {
        signer.vote(&vote(at, 1)).unwrap();
    }
    drop(signer);
    std::fs::copy(old.file("backup.db"), new.paths().database).unwrap();
    (old, new)
}

#[test]
fn backup_is_restored_on_a_new_host() {
    let (_, new) = lost();
    assert!(matches!(new.open(), Err(OpenError::GuardAbsent(_))));
    let store = new.initialise(HIGHEST + 1).unwrap();
    check_highest_vote(&store, &lane(), height(HIGHEST)).unwrap();
    let signer = signer(store);
    // What the backup has, what it has not, and what was never signed.
    signer.vote(&vote(BACKED_UP, 1)).unwrap();
    assert!(matches!(refusal(&signer, BACKED_UP, 2), Refusal::DoubleSign { .. }));
    for forgotten in BACKED_UP + 1..=HIGHEST {
        for block in [1, 2] {
            assert!(matches!(refusal(&signer, forgotten, block), Refusal::BelowLowWatermark { .. }));
        }
    }
    // Committed ranges are in it.
    signer.vote(&vote(HIGHEST + 1, 2)).unwrap();
    drop(signer);
    new.open().unwrap();
}

#[test]
fn restore_with_a_height_that_is_too_low_is_refused() {
    let (old, new) = lost();
    for wrong in [0, 100, BACKED_UP] {
        let refused = new.initialise(wrong).unwrap_err();
        assert!(
            matches!(refused, OpenError::BelowKnown { known, .. } if known == height(BACKED_UP)),
            "{refused}"
        );
    }
    // With the guard of the lost machine, what it signed since is known too.
    std::fs::copy(old.paths().guard, new.paths().guard).unwrap();
    assert!(matches!(new.open(), Err(OpenError::Backup(_))));
    for wrong in [BACKED_UP + 1, HIGHEST] {
        let refused = new.initialise(wrong).unwrap_err();
        assert!(
            matches!(refused, OpenError::BelowKnown { known, .. } if known == height(HIGHEST)),
            "{refused}"
        );
    }
    let restored = signer(new.initialise(HIGHEST + 1).unwrap());
    assert!(matches!(refusal(&restored, HIGHEST, 2), Refusal::BelowLowWatermark { .. }));
    drop(restored);
    // Without it, only the chain's highest vote tells.
    let (_, new) = lost();
    let store = new.initialise(BACKED_UP + 2).unwrap();
    let seen = check_highest_vote(&store, &lane(), height(HIGHEST));
    assert!(matches!(seen, Err(StoreError::BehindChain { .. })), "{seen:?}");
    drop(store);
    // It is raised by the same step, and never lowered by it.
    drop(new.initialise(HIGHEST + 1).unwrap());
    check_highest_vote(&new.open().unwrap(), &lane(), height(HIGHEST)).unwrap();
    let lower = new.initialise(HIGHEST).unwrap_err();
    assert!(matches!(lower, OpenError::BelowKnown { .. }), "{lower}");
}

#[test]
fn restore_that_leaves_a_key_out_is_refused() {
    let (old, new) = lost();
    let other = Lane { public_key: *SecretKey::from_bytes(&[2; 32]).unwrap().public_key(), ..lane() };
    let store = old.open().unwrap();
    store.change(vec![LaneChange { lane: other.clone(), kind: ChangeKind::Register(height(50)) }]).unwrap();
    store.back_up(&old.file("both.db")).unwrap();
    drop(store);
    std::fs::copy(old.file("both.db"), new.paths().database).unwrap();
    let refused = new.initialise(HIGHEST + 1).unwrap_err();
    assert!(matches!(&refused, OpenError::NotNamed(lane) if **lane == other), "{refused}");
    let first = |lane: &Lane, at| FirstHeight { lane: lane.clone(), height: height(at) };
    let wrong = SqliteStore::initialise(&new.paths(), &[first(&lane(), HIGHEST + 1), first(&other, 49)]);
    assert!(matches!(wrong, Err(OpenError::BelowKnown { .. })));
    SqliteStore::initialise(&new.paths(), &[first(&lane(), HIGHEST + 1), first(&other, 50)]).unwrap();
}

/// The backup again after the restore, under another name, and in place of a signer that works.
#[test]
fn backup_is_old_whenever_and_wherever_it_is_restored() {
    let (old, new) = lost();
    drop(new.initialise(HIGHEST + 1).unwrap());
    new.start().vote(&vote(HIGHEST + 1, 2)).unwrap();
    for host in [&old, &new] {
        std::fs::copy(old.file("backup.db"), host.paths().database).unwrap();
        let refused = host.open().unwrap_err();
        assert!(matches!(refused, OpenError::Backup(_)), "{refused}");
    }
    // The new machine's guard knows its own vote.
    let refused = new.initialise(HIGHEST + 1).unwrap_err();
    assert!(
        matches!(refused, OpenError::BelowKnown { known, .. } if known == height(HIGHEST + 1)),
        "{refused}"
    );
    let elsewhere = SqlitePaths::beside(old.file("backup.db"));
    assert!(matches!(SqliteStore::open(&elsewhere), Err(OpenError::GuardAbsent(_))));
    let elsewhere = SqlitePaths { guard: new.paths().guard, ..elsewhere };
    assert!(matches!(SqliteStore::open(&elsewhere), Err(OpenError::Backup(_))));
}

/// No backup at all: a new database, and the chain's word.
#[test]
fn signer_without_a_backup_begins_above_the_highest_vote() {
    let new = Host::new();
    let signer = signer(new.initialise(HIGHEST + 1).unwrap());
    assert!(matches!(signer.vote(&vote(HIGHEST + 1, 2)), Err(SessionError::NotCommitted { .. })));
    signer.commit(range(100, 1000)).unwrap();
    assert!(matches!(refusal(&signer, HIGHEST, 2), Refusal::BelowLowWatermark { .. }));
    signer.vote(&vote(HIGHEST + 1, 2)).unwrap();
}
