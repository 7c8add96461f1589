//! `btcstake stake add`.

use serde_json::json;

use crate::fixtures::delegation::FILES;
use crate::fixtures::process::Folder;

#[test]
fn signatures_that_are_not_valid_are_not_added() {
    let folder = Folder::with_delegation();
    let forge = |json: &mut serde_json::Value| json["unbonding_signature"] = json!("00".repeat(64));
    folder.write_changed("covenant1.json", "forged.json", forge);
    folder
        .run(&format!("stake add {FILES} signed.json --covenant-signatures forged.json --out new.json"))
        .refuses(&["--covenant-signatures forged.json", "does not verify"]);
    assert!(!folder.path().join("new.json").exists());
}

#[test]
fn signatures_of_too_few_members_do_not_unbond() {
    let folder = Folder::with_delegation();
    let one = format!("stake add {FILES} signed.json --covenant-signatures covenant1.json --out one.json");
    folder.run(&one).ends(0);
    folder
        .run(&format!("tx unbond {FILES} one.json --secret-key-file staker.key"))
        .fails(&["1 covenant signatures are given; must be at least 2, the quorum"]);
}
