//! `btcstake eots sign`.

use serde_json::json;

use super::{RANDOMNESS, SIGNATURE, message};
use crate::fixtures::process::{Folder, PROVIDER_KEY};

#[test]
fn signature_is_the_protocols() {
    let line =
        "eots sign --secret-key-file provider.key --chain-id bbn-1 --height 1 --dangerously-unprotected";
    assert_eq!(
        Folder::new().json(&format!("{line} --message {}", message("aa"))),
        json!({ "public_key": PROVIDER_KEY, "public_randomness": RANDOMNESS, "message": message("aa"), "signature": SIGNATURE })
    );
}

#[test]
fn unprotected_signing_must_be_asked_for() {
    let line = "eots sign --secret-key-file provider.key --chain-id bbn-1 --height 1 --message 00";
    Folder::new().run(line).fails(&["--dangerously-unprotected", "at its height", "reveal the secret key"]);
    // A guard that guards nothing is no guard.
    let guarded = format!("{line} --dangerously-unprotected --guard a.guard");
    Folder::new().run(&guarded).fails(&["cannot be used with", "--guard"]);
}
