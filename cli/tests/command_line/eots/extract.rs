//! `btcstake eots extract`.

use btcstake::outputs::EotsExtract;
use serde_json::json;

use super::{SIGNATURE, keys, message, sign};
use crate::fixtures::process::{Folder, PROVIDER_EVEN, PROVIDER_KEY};

#[test]
fn secret_key_comes_of_two_messages() {
    let folder = Folder::new();
    let extract = |a: &str, b: &str, s: &str| {
        let pairs = format!("--message {a} --signature {SIGNATURE} --message {b} --signature {s}");
        folder.run(&format!("--json eots extract {} {pairs}", keys()))
    };
    let (a, b, second) = (message("aa"), message("bb"), sign(&folder, "bb").signature);
    assert_eq!(extract(&a, &b, &second).json(0), json!({ "secret_key": PROVIDER_EVEN, "reason": null }));
    let refused: EotsExtract = extract(&a, &a, SIGNATURE).output(1);
    assert_eq!(refused.secret_key, None);
    assert!(refused.reason.unwrap().contains("same message"));
}

#[test]
fn one_message_and_one_signature_are_too_few() {
    let k = PROVIDER_KEY;
    let line = format!("eots extract --public-key {k} --public-randomness {k} --message 00 --signature {k}");
    Folder::new().run(&line).fails(&["twice", "--message is given 1 times and --signature 1 times"]);
}
