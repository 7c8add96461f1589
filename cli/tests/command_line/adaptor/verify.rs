//! `btcstake adaptor verify`.

use btcstake::outputs::Verdict;
use serde_json::json;

use super::{MESSAGE, sign};
use crate::fixtures::process::{Folder, MEMBER_KEY, PROVIDER_KEY};

#[test]
fn adaptor_signature_is_valid_for_its_signer() {
    let folder = Folder::new();
    let signed = sign(&folder);
    let verify = |key: &str, adaptor_signature: &str| {
        folder.run(&format!(
            "--json adaptor verify --public-key {key} --encryption-key {PROVIDER_KEY} --message {MESSAGE} --adaptor-signature {adaptor_signature}"
        ))
    };
    assert_eq!(verify(MEMBER_KEY, &signed).json(0), json!({ "valid": true, "reason": null }));
    assert!(!verify(PROVIDER_KEY, &signed).output::<Verdict>(1).valid);
    // A number that is not below the group order, a point that is none: negative answers, like any other
    // wrong signature.
    let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    for wrong in [format!("{}{order}", &signed[..66]), format!("02{}{}", "f".repeat(64), &signed[66..])] {
        let reason = verify(MEMBER_KEY, &wrong).output::<Verdict>(1).reason.unwrap();
        assert!(reason.contains("the adaptor signature's"), "{reason}");
    }
}
