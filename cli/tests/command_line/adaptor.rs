//! `btcstake adaptor`.

use serde_json::json;

use crate::process::{Folder, MEMBER_KEY, PROVIDER_EVEN, PROVIDER_KEY};

#[test]
fn sign_verify_decrypt_recover() {
    let folder = Folder::new();
    let message = "07".repeat(32);
    let sign = format!(
        "adaptor sign --secret-key-file member.key --encryption-key {PROVIDER_KEY} --message {message}"
    );
    let signed = folder.json(&sign);
    assert_eq!(signed["public_key"], json!(MEMBER_KEY));
    let signed = signed["adaptor_signature"].as_str().unwrap().to_owned();
    assert_eq!(signed.len(), 130);
    // Fresh randomness each time, and the same bytes where it is given.
    assert_ne!(folder.json(&sign)["adaptor_signature"], json!(signed));
    let fixed = format!("{sign} --aux-rand {}", "00".repeat(32));
    assert_eq!(folder.json(&fixed), folder.json(&fixed));

    let verify = |key: &str| {
        folder.run(&format!(
            "--json adaptor verify --public-key {key} --encryption-key {PROVIDER_KEY} --message {message} --adaptor-signature {signed}"
        ))
    };
    assert_eq!(verify(MEMBER_KEY).json(0), json!({ "valid": true, "reason": null }));
    assert_eq!(verify(PROVIDER_KEY).json(1)["valid"], json!(false));
    // A number that is not below the group order, a point that is none: negative answers, like any other
    // wrong signature.
    let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    for wrong in [format!("{}{order}", &signed[..66]), format!("02{}{}", "f".repeat(64), &signed[66..])] {
        let line = format!(
            "--json adaptor verify --public-key {MEMBER_KEY} --encryption-key {PROVIDER_KEY} --message {message}"
        );
        let json = folder.run(&format!("{line} --adaptor-signature {wrong}")).json(1);
        assert!(json["reason"].as_str().unwrap().contains("the adaptor signature's"), "{json}");
    }

    let decrypt = format!("adaptor decrypt --adaptor-signature {signed} --decryption-key-file provider.key");
    assert_eq!(folder.json(&decrypt)["verified"], json!(false));
    let signature = folder.json(&decrypt)["signature"].as_str().unwrap().to_owned();
    assert_eq!(signature.len(), 128);

    let checked = format!("--json {decrypt} --message {message} --public-key");
    assert_eq!(folder.run(&format!("{checked} {MEMBER_KEY}")).json(0)["signature"], json!(signature));
    assert_eq!(folder.run(&format!("{checked} {PROVIDER_KEY}")).json(1)["signature"], json!(null));
    let recover = format!("--adaptor-signature {signed} --signature {signature}");
    let recovered = folder.json(&format!("adaptor recover {recover}"));
    assert_eq!(
        recovered,
        json!({ "decryption_key": PROVIDER_EVEN, "public_key": PROVIDER_KEY, "reason": null })
    );
    // As text it is a key file.
    folder.write("recovered.key", folder.run(&format!("adaptor recover {recover}")).ends(0).stdout());
    folder.run(&decrypt.replace("provider.key", "recovered.key")).ends(0);
    let checked = format!("--json adaptor recover {recover} --encryption-key");
    assert_eq!(folder.run(&format!("{checked} {PROVIDER_KEY}")).json(0), recovered);
    assert_eq!(folder.run(&format!("{checked} {MEMBER_KEY}")).json(1)["decryption_key"], json!(null));
    let other = folder.json(&sign)["adaptor_signature"].as_str().unwrap().to_owned();
    let line = format!("--json adaptor recover --adaptor-signature {other} --signature {signature}");
    assert_eq!(folder.run(&line).json(1)["decryption_key"], json!(null));
}
