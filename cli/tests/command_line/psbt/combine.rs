//! `btcstake psbt combine`.

use bitcoin::Psbt;

use crate::fixtures::process::Folder;

#[test]
fn psbts_of_one_transaction_are_combined() {
    let folder = Folder::with_delegation();
    let combined = folder.psbt("psbt combine --psbt @unbonding.psbt --psbt @signed.psbt");
    assert_eq!(combined, folder.read("signed.psbt").trim().parse::<Psbt>().unwrap());
    folder.run("psbt combine --psbt @unbonding.psbt --psbt @stake.psbt").fails(&["--psbt number 2"]);
}

#[test]
fn psbt_alone_is_not_combined() {
    let folder = Folder::with_delegation();
    folder.run("psbt combine --psbt @signed.psbt").fails(&["--psbt is given once"]);
}
