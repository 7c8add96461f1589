//! Keys as hex.

use super::super::{
    InvalidSecretHex, PrivateFileError, SecretFileError, read_secret_key, secret_key_from_hex,
    secret_key_to_hex,
};
use super::{key, write};

#[test]
fn hex_of_either_case_is_a_key() {
    let text = hex::encode(*key(0).to_bytes());
    assert_eq!(*secret_key_to_hex(&key(0)), text);
    for form in [text.clone(), text.to_uppercase(), format!(" {text}\r\n"), format!("\n\t{text}\n\n")] {
        assert_eq!(*secret_key_from_hex(form.as_bytes()).unwrap().to_bytes(), *key(0).to_bytes());
    }
    let refused = |text: &str| secret_key_from_hex(text.as_bytes()).unwrap_err();
    assert_eq!(refused(""), InvalidSecretHex::Length { length: 0 });
    assert_eq!(refused(&text[..63]), InvalidSecretHex::Length { length: 63 });
    assert_eq!(refused(&format!("0x{text}")), InvalidSecretHex::Length { length: 66 });
    assert_eq!(refused(&format!("0x{}", &text[2..])), InvalidSecretHex::NotHex);
    assert_eq!(refused(&format!("{} {}", &text[..31], &text[32..])), InvalidSecretHex::NotHex);
    assert_eq!(refused(&format!("ü{}", &text[2..])), InvalidSecretHex::NotHex);
    let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    for number in ["0".repeat(64), "f".repeat(64), order.to_owned()] {
        assert!(matches!(refused(&number), InvalidSecretHex::NotAKey(_)));
    }
    let below = order.replace("4141", "4140");
    assert_eq!(*secret_key_to_hex(&secret_key_from_hex(below.as_bytes()).unwrap()), below);
}

#[test]
fn a_key_file_is_the_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let cause = || match read_secret_key(&path).unwrap_err() {
        SecretFileError::File { cause, .. } => cause,
        error => panic!("{error:?}"),
    };
    assert!(matches!(cause(), PrivateFileError::Io(_)));
    write(&path, format!("{}\n", hex::encode(*key(0).to_bytes())).as_bytes(), 0o600);
    assert_eq!(*read_secret_key(&path).unwrap().to_bytes(), *key(0).to_bytes());
    write(&path, b"", 0o600);
    assert!(matches!(read_secret_key(&path), Err(SecretFileError::Content { .. })));
    write(&path, &[b' '; 1025], 0o600);
    assert!(matches!(cause(), PrivateFileError::TooLong { limit: 1024 }));
    write(&path, b"", 0o644);
    assert!(matches!(cause(), PrivateFileError::Permissions { mode: 0o644, tight: 0o600 }));
}
