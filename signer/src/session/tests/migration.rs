//! The steps of `docs/signer.md` by which a key moves to another database, each also done in the wrong order
//! or with a wrong value: it is refused, or what it leaves open is named.

use std::path::PathBuf;
use std::sync::Arc;

use eots::SecretKey;
use finality::{Signer as _, SignerChain};
use tempfile::{TempDir, tempdir};

use super::{ProtectedSigner, SessionError, VoteRules, height, range, vote};
use crate::interchange::{ExportForm, Interchange, InterchangeError};
use crate::protection::{
    ChangeKind, Changed, FirstHeight, Lane, LaneChange, OpenError, Refusal, SqlitePaths, SqliteStore,
    Store as _, StoreError, check_highest_vote,
};

/// A machine with a signing database, and the key.
pub(super) struct Host {
    folder: TempDir,
}

impl Host {
    pub(super) fn new() -> Self {
        Self { folder: tempdir().unwrap() }
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn paths(&self) -> SqlitePaths {
        SqlitePaths::beside(self.file("signing.db"))
    }

    pub(super) fn open(&self) -> Result<SqliteStore, OpenError> {
        SqliteStore::open(&self.paths())
    }

    pub(super) fn initialise(&self, first: u64) -> Result<SqliteStore, OpenError> {
        SqliteStore::initialise(&self.paths(), &[FirstHeight { lane: lane(), height: height(first) }])
    }

    /// Starts the signer.
    pub(super) fn start(&self) -> ProtectedSigner {
        signer(self.open().unwrap())
    }

    fn change(&self, kind: ChangeKind) -> Changed {
        let change = LaneChange { lane: lane(), kind };
        self.open().unwrap().change(vec![change]).unwrap().remove(0)
    }

    fn export(&self, form: ExportForm) -> String {
        Interchange::export(&self.open().unwrap(), form).unwrap().to_json()
    }

    fn import(&self, text: &str) -> Vec<(Lane, Changed)> {
        Interchange::from_json(text).unwrap().import(&self.open().unwrap()).unwrap()
    }
}

pub(super) fn signer(store: SqliteStore) -> ProtectedSigner {
    let key = SecretKey::from_bytes(&[1; 32]).unwrap();
    ProtectedSigner::new(key, SignerChain::genesis("bbn-1"), Arc::new(store), VoteRules::default())
}

pub(super) fn lane() -> Lane {
    let key = SecretKey::from_bytes(&[1; 32]).unwrap();
    Lane { public_key: *key.public_key(), chain_id: b"bbn-1".to_vec() }
}

/// A host that has voted at the heights from 100 to 109.
pub(super) fn voting() -> Host {
    let host = Host::new();
    let signer = signer(host.initialise(100).unwrap());
    signer.commit(range(100, 1000)).unwrap();
    for at in 100..110 {
        signer.vote(&vote(at, 1)).unwrap();
    }
    host
}

pub(super) fn refusal(signer: &ProtectedSigner, at: u64, block: u8) -> Refusal {
    match signer.vote(&vote(at, block)) {
        Err(SessionError::Refused(refusal)) => refusal,
        other => panic!("{at}: {other:?}"),
    }
}

const HIGHEST: u64 = 109;

/// Neither signs what the other one did, or may do.
fn assert_apart(old: &Host, new: &Host) {
    let (old, new) = (old.start(), new.start());
    for at in 90..150 {
        let made: Vec<_> = [(&old, 2), (&new, 3)]
            .into_iter()
            .filter_map(|(signer, block)| signer.vote(&vote(at, block)).ok())
            .collect();
        assert!(made.len() <= 1, "{at}");
        // The votes of before are for block 1.
        assert!(at > HIGHEST || made.is_empty(), "{at}");
    }
}

#[test]
fn key_moves_to_another_database() {
    for form in [ExportForm::Complete, ExportForm::Minimal] {
        let (old, new) = (voting(), Host::new());
        old.change(ChangeKind::SetHigh(Some(height(HIGHEST))));
        let file = old.export(form);
        drop(new.initialise(HIGHEST + 1).unwrap());
        let imported = new.import(&file);
        assert_eq!((imported.len(), imported[0].1.contradicted.len()), (1, 0));
        // Not before the last step.
        assert!(matches!(refusal(&new.start(), HIGHEST + 1, 2), Refusal::AboveHighWatermark { .. }));
        new.change(ChangeKind::SetHigh(None));
        let signer = new.start();
        signer.vote(&vote(HIGHEST + 1, 2)).unwrap();
        match form {
            ExportForm::Complete => {
                signer.vote(&vote(105, 1)).unwrap();
                assert!(matches!(refusal(&signer, 105, 2), Refusal::DoubleSign { .. }));
            }
            ExportForm::Minimal => {
                assert!(matches!(refusal(&signer, 105, 1), Refusal::BelowLowWatermark { .. }));
            }
        }
        drop(signer);
        // Started again by mistake, the old one signs nothing new.
        assert!(matches!(refusal(&old.start(), HIGHEST + 1, 1), Refusal::AboveHighWatermark { .. }));
        assert_apart(&old, &new);
    }
}

/// Step 1 left out.
#[test]
fn signer_that_runs_is_not_exported() {
    let old = voting();
    let running = old.start();
    assert!(matches!(old.open(), Err(OpenError::InUse(_))));
    running.vote(&vote(HIGHEST + 1, 1)).unwrap();
}

/// Step 2 left out, or after step 3: the old one signs on. The new one does not see that by itself; the
/// highest vote of the chain tells it.
#[test]
fn vote_after_the_export_is_seen_on_the_chain() {
    let (old, new) = (voting(), Host::new());
    let file = old.export(ExportForm::Complete);
    old.start().vote(&vote(HIGHEST + 1, 1)).unwrap();
    drop(new.initialise(HIGHEST + 1).unwrap());
    new.import(&file);
    let seen = check_highest_vote(&new.open().unwrap(), &lane(), height(HIGHEST + 1));
    assert!(matches!(seen, Err(StoreError::BehindChain { .. })), "{seen:?}");
    // The way out: another first height.
    let behind = new.initialise(HIGHEST).unwrap_err();
    assert!(matches!(behind, OpenError::BelowKnown { .. }), "{behind}");
    drop(new.initialise(HIGHEST + 2).unwrap());
    check_highest_vote(&new.open().unwrap(), &lane(), height(HIGHEST + 1)).unwrap();
    assert!(matches!(refusal(&new.start(), HIGHEST + 1, 2), Refusal::BelowLowWatermark { .. }));
}

/// Step 2 with a height that is too low, and whatever is later derived from it.
#[test]
fn high_watermark_below_the_highest_vote_stops_both() {
    let (old, new) = (voting(), Host::new());
    old.change(ChangeKind::SetHigh(Some(height(104))));
    let file = old.export(ExportForm::Complete);
    drop(new.initialise(105).unwrap());
    let imported = new.import(&file);
    assert_eq!(imported[0].1.watermarks.low, Some(height(HIGHEST)));
    for at in 105..115 {
        let refused = refusal(&new.start(), at, 2);
        assert!(!matches!(refused, Refusal::UnknownLane(_)), "{at}: {refused}");
    }
    new.change(ChangeKind::SetHigh(None));
    assert_apart(&old, &new);
}

/// Step 4 by halves, in the other order, and with wrong heights.
#[test]
fn initialisation_and_import_are_both_needed() {
    let old = voting();
    old.change(ChangeKind::SetHigh(Some(height(HIGHEST))));
    let file = old.export(ExportForm::Complete);
    // Nothing was done.
    let new = Host::new();
    assert!(matches!(new.open(), Err(OpenError::Absent(_))));
    // Initialised without the lane: nothing is signed.
    drop(SqliteStore::initialise(&new.paths(), &[]).unwrap());
    let stranger = new.start();
    let not_committed = stranger.vote(&vote(HIGHEST + 1, 2));
    assert!(matches!(not_committed, Err(SessionError::NotCommitted { .. })), "{not_committed:?}");
    let message = vote(HIGHEST + 1, 2).to_bytes();
    let unknown = stranger.sign_message(height(HIGHEST + 1), message);
    assert!(matches!(unknown, Err(SessionError::Refused(Refusal::UnknownLane(_)))), "{unknown:?}");
    drop(stranger);
    // Imported first, then initialised: below what the file brought is refused.
    new.import(&file);
    for wrong in [0, 100, HIGHEST] {
        let refused = new.initialise(wrong).unwrap_err();
        assert!(
            matches!(refused, OpenError::BelowKnown { known, .. } if known == height(HIGHEST)),
            "{refused}"
        );
    }
    drop(new.initialise(HIGHEST + 1).unwrap());
    assert!(matches!(refusal(&new.start(), HIGHEST + 1, 2), Refusal::AboveHighWatermark { .. }));
    new.change(ChangeKind::SetHigh(None));
    assert_apart(&old, &new);
    // Initialised, and never imported: the first height stands for the records.
    let new = Host::new();
    let signer = signer(new.initialise(HIGHEST + 1).unwrap());
    signer.commit(range(100, 100)).unwrap();
    assert!(matches!(refusal(&signer, HIGHEST, 2), Refusal::BelowLowWatermark { .. }));
    drop(signer);
    assert_apart(&old, &new);
    // With a first height that is too low as well, only the chain knows.
    let new = Host::new();
    let store = new.initialise(100).unwrap();
    let seen = check_highest_vote(&store, &lane(), height(HIGHEST));
    assert!(matches!(seen, Err(StoreError::BehindChain { .. })), "{seen:?}");
}

/// Step 4 with a file that is torn, changed, or of another provider; and with one that contradicts.
#[test]
fn wrong_file_is_refused_or_changes_nothing_of_the_lane() {
    let old = voting();
    old.change(ChangeKind::SetHigh(Some(height(HIGHEST))));
    let file = old.export(ExportForm::Complete);
    let new = Host::new();
    drop(new.initialise(HIGHEST + 1).unwrap());
    let before = new.export(ExportForm::Complete);
    for cut in [0, 1, 100, file.len() / 2, file.len() - 1] {
        let torn = Interchange::from_json(&file[..cut]);
        assert!(matches!(torn, Err(InterchangeError::Form(_))), "{cut}");
    }
    let another = file.replace(&lane().public_key.to_string(), &"00".repeat(32));
    assert!(matches!(Interchange::from_json(&another), Err(InterchangeError::Field { .. })));
    assert_eq!(new.export(ExportForm::Complete), before);
    // Of another provider: its lane comes in, and the own one stays as it was.
    let other = SecretKey::from_bytes(&[2; 32]).unwrap().public_key().to_string();
    let foreign = file.replace(&lane().public_key.to_string(), &other);
    let imported = new.import(&foreign);
    assert!(imported[0].0 != lane());
    assert_eq!(new.open().unwrap().state(&lane()).unwrap().watermarks.high, None);
    assert!(matches!(new.start().vote(&vote(HIGHEST, 2)), Err(SessionError::NotCommitted { .. })));
    assert!(new.start().sign_message(height(HIGHEST), vote(HIGHEST, 2).to_bytes()).is_err());
    // The right one afterwards.
    new.import(&file);
    // Another message at a height that both signed: told, and the record stays.
    let changed =
        file.replacen(&hex::encode(vote(104, 1).to_bytes()), &hex::encode(vote(104, 7).to_bytes()), 1);
    assert!(changed != file);
    assert_eq!(new.import(&changed)[0].1.contradicted, [height(104)]);
    assert!(matches!(refusal(&new.start(), 104, 7), Refusal::DoubleSign { .. }));
    new.change(ChangeKind::SetHigh(None));
    assert_apart(&old, &new);
}

/// Step 5 before step 4: the file brings the mark along all the same, and the step is to be done again.
#[test]
fn high_watermark_comes_along_after_it_was_removed() {
    let (old, new) = (voting(), Host::new());
    old.change(ChangeKind::SetHigh(Some(height(HIGHEST))));
    let file = old.export(ExportForm::Minimal);
    drop(new.initialise(HIGHEST + 1).unwrap());
    new.change(ChangeKind::SetHigh(None));
    new.import(&file);
    assert!(matches!(refusal(&new.start(), HIGHEST + 1, 2), Refusal::AboveHighWatermark { .. }));
    // Imported again after the end, it stops the new one again: stricter, never laxer.
    new.change(ChangeKind::SetHigh(None));
    new.start().vote(&vote(HIGHEST + 1, 2)).unwrap();
    new.import(&file);
    assert!(matches!(refusal(&new.start(), HIGHEST + 2, 2), Refusal::AboveHighWatermark { .. }));
    assert_apart(&old, &new);
}
