//! `btcstake psbt combine`.

use bitcoin::Psbt;
use btcstake::outputs::PsbtCombine;

use crate::fixtures::process::Folder;

#[test]
fn psbts_of_one_transaction_are_combined() {
    let folder = Folder::with_delegation();
    let combined = folder.psbt("psbt combine --psbt @unbonding.psbt --psbt @signed.psbt");
    assert_eq!(combined, folder.read("signed.psbt").trim().parse::<Psbt>().unwrap());
    folder.run("psbt combine --psbt @unbonding.psbt --psbt @stake.psbt").fails(&["--psbt number 2"]);
}

#[test]
fn psbts_that_may_be_passed_on_are_combined_without_a_warning() {
    let folder = Folder::with_delegation();
    let combined: PsbtCombine = folder.output("psbt combine --psbt @unbonding.psbt --psbt @signed.psbt");
    assert!(combined.warnings.is_empty(), "{combined:?}");
}

#[test]
fn psbt_alone_is_not_combined() {
    let folder = Folder::with_delegation();
    folder.run("psbt combine --psbt @signed.psbt").fails(&["--psbt is given once"]);
}
