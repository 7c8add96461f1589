//! `btcstake covenant check`.

use btcstake::outputs::Verdict;
use serde_json::json;

use crate::fixtures::delegation::FILES;
use crate::fixtures::process::{Folder, PROVIDER};

#[test]
fn signatures_are_valid_or_the_one_that_is_not_is_named() {
    let folder = Folder::with_delegation();
    let check = |file: &str| {
        folder.run(&format!("--json covenant check {FILES} signed.json --covenant-signatures {file}"))
    };
    assert_eq!(check("covenant1.json").json(0), json!({ "valid": true, "reason": null }));
    let forge = |json: &mut serde_json::Value| json["unbonding_signature"] = json!("00".repeat(64));
    folder.write_changed("covenant1.json", "forged.json", forge);
    let reason = check("forged.json").output::<Verdict>(1).reason.unwrap();
    assert!(reason.contains("unbonding"), "{reason}");
}

#[test]
fn secret_in_place_of_signatures_is_not_printed() {
    let folder = Folder::with_delegation();
    folder.write("quoted.key", format!("\"{PROVIDER}\""));
    for file in ["provider.key", "quoted.key"] {
        let run = folder.run(&format!("covenant check {FILES} signed.json --covenant-signatures {file}"));
        assert!(!run.stderr().contains(&PROVIDER[..16]), "{}", run.stderr());
        run.fails(&["--covenant-signatures", "not a JSON object"]);
    }
}
