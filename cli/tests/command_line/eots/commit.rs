//! `btcstake eots commit`.

use btcstake::outputs::EotsCommit;

use super::{CONTEXT, RANGE};
use crate::fixtures::process::Folder;

#[test]
fn commitment_has_one_root_and_a_signature_for_each_context() {
    let folder = Folder::new();
    let committed: EotsCommit = folder.output(&format!("eots commit {RANGE}"));
    assert_eq!((committed.start_height, committed.count), (100, 9));
    assert_eq!(committed.signature.len(), 128);
    let consumer: EotsCommit = folder.output(&format!("eots commit {RANGE} --signing-context {CONTEXT}"));
    assert_eq!(consumer.root, committed.root);
    assert_ne!(consumer.signature, committed.signature);
    folder.run(&format!("eots commit {RANGE} --signing-context 00")).fails(&["--signing-context", "64"]);
}

/// Verifiers count the heights by ones: others are not committed to.
#[test]
fn heights_are_one_after_the_other() {
    for verb in ["commit", "prove --index 8", "prove --all"] {
        let run = Folder::new().run(&format!("eots {verb} {RANGE} --interval 5"));
        run.fails(&["consecutive", "5 apart"]);
    }
}
