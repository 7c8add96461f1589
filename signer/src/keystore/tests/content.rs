//! What decrypted files may hold.

use super::super::plaintext::{read, write};
use super::super::{ContentError, InvalidSecretHex};
use super::key;

fn text() -> String {
    String::from_utf8(write(&key(0)).to_vec()).unwrap()
}

#[test]
fn the_form_is_as_documented() {
    let (public, secret) = (key(0).public_key().to_string(), hex::encode(*key(0).to_bytes()));
    let expected = format!(
        "{{\n  \"kind\": \"btcstake-eots-key\",\n  \"version\": 1,\n  \"public_key\": \"{public}\",\n  \
         \"secret_key\": \"{secret}\"\n}}\n"
    );
    assert_eq!(text(), expected);
    assert_eq!(*read(expected.as_bytes()).unwrap().to_bytes(), *key(0).to_bytes());
    // Whoever writes it by hand may order and space it otherwise, and write hex in upper case.
    let other = format!(
        "{{\"secret_key\":\"{}\",\"public_key\":\"{public}\",\"version\":1,\"kind\":\"btcstake-eots-key\"}}",
        secret.to_uppercase()
    );
    assert_eq!(*read(other.as_bytes()).unwrap().to_bytes(), *key(0).to_bytes());
}

#[test]
fn anything_else_is_refused() {
    let (public, secret) = (key(0).public_key().to_string(), hex::encode(*key(0).to_bytes()));
    let changed = |from: &str, to: &str| {
        let changed = text().replace(from, to);
        assert_ne!(changed, text());
        read(changed.as_bytes()).unwrap_err()
    };
    let form = |error: ContentError| assert!(matches!(error, ContentError::Form { .. }), "{error:?}");
    assert_eq!(changed("btcstake-eots-key", "btcstake-eots-key2"), ContentError::Kind);
    assert_eq!(changed(": 1,", ": 2,"), ContentError::Version { found: 2 });
    assert_eq!(changed(": 1,", ": 0,"), ContentError::Version { found: 0 });
    // A later version may have other fields: it is named all the same.
    assert_eq!(changed(": 1,", ": 2, \"more\": [1],"), ContentError::Version { found: 2 });
    form(changed(": 1,", ": 1, \"more\": [1],"));
    form(changed(": 1,", ": \"1\","));
    form(changed("\"secret_key\"", "\"secret\""));
    form(changed("\"version\": 1,", ""));
    form(changed("}\n", "} trailing"));
    form(changed("{\n", "[\n"));
    form(changed("\"secret_key\":", "\"secret_key\": \"twice\", \"secret_key\":"));
    let length = |length| ContentError::SecretKey(InvalidSecretHex::Length { length });
    assert_eq!(changed(&secret, &secret[1..]), length(63));
    assert_eq!(changed(&secret, ""), length(0));
    let not_hex = format!("g{}", &secret[1..]);
    assert_eq!(changed(&secret, &not_hex), ContentError::SecretKey(InvalidSecretHex::NotHex));
    let zero = changed(&secret, &"0".repeat(64));
    assert!(matches!(zero, ContentError::SecretKey(InvalidSecretHex::NotAKey(_))));
    assert_eq!(changed(&public, &public[2..]), ContentError::NotAPublicKey);
    assert_eq!(changed(&public, &"f".repeat(64)), ContentError::NotAPublicKey);
    let (stated, derived) = (*key(1).public_key(), *key(0).public_key());
    assert_eq!(changed(&public, &stated.to_string()), ContentError::PublicKey { stated, derived });
    for other in ["", "null", "{}", "\"", &"[".repeat(4000), &"{\"a\":".repeat(800)] {
        form(read(other.as_bytes()).unwrap_err());
    }
}
