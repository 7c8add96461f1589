//! `btcstake eots verify`.

use btcstake::outputs::Verdict;
use serde_json::json;

use super::{ORDER, RANDOMNESS, SIGNATURE, keys, message};
use crate::fixtures::process::{Folder, Run};

#[test]
fn signature_is_valid_for_its_message_alone() {
    let folder = Folder::new();
    let verify = |fill, signature: &str| {
        folder.run(&format!(
            "--json eots verify {} --message {} --signature {signature}",
            keys(),
            message(fill)
        ))
    };
    assert_eq!(verify("aa", SIGNATURE).json(0), json!({ "valid": true, "reason": null }));
    let refused = |run: Run, reason: &str| {
        let verdict: Verdict = run.output(1);
        assert!(!verdict.valid && verdict.reason.as_ref().unwrap().contains(reason), "{verdict:?}");
    };
    refused(verify("bb", SIGNATURE), "does not verify");
    // What has the right length and is no signature, or no key, is a negative answer as well.
    refused(verify("aa", ORDER), "must be below the group order");
    let line =
        format!("--json eots verify --public-randomness {RANDOMNESS} --message 00 --signature {SIGNATURE}");
    refused(folder.run(&format!("{line} --public-key {}", "f".repeat(64))), "not the x coordinate");
}
