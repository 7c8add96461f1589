//! Secrets, and their rotation.

use std::fs;

use super::super::{ClientAuthentication, SecretFile, SecretsError};
use super::{Draft, Folder, SECRET};
use crate::auth::SharedSecret;

/// The file of secrets of a configuration with one client.
fn secret_file(folder: &Folder, key: &'static str) -> SecretFile {
    let draft = Draft::new().without("client", "hmac_secret_file").with("client", key, "\"fpd.hmac\"");
    let client = folder.load(&draft.text()).unwrap().clients.remove(0);
    let ClientAuthentication::By { hmac_secrets, auth_secrets, .. } = client.authentication else { panic!() };
    hmac_secrets.or(auth_secrets).unwrap()
}

fn texts(secrets: &[SharedSecret]) -> Vec<String> {
    secrets.iter().map(|secret| String::from_utf8(secret.expose().to_vec()).unwrap()).collect()
}

#[test]
fn an_old_and_a_new_secret_are_in_force_together() {
    let folder = Folder::new();
    let file = secret_file(&folder, "hmac_secret_file");
    let read = || texts(&file.read().unwrap());
    assert_eq!(read(), [SECRET]);
    folder.private("fpd.hmac", format!("{SECRET}\n"));
    assert_eq!(read(), [SECRET], "a line break at the end is no part of it");
    folder.private("fpd.hmac", format!("{SECRET}\r\n\n the new one, with spaces \n"));
    assert_eq!(read(), [SECRET, " the new one, with spaces "]);
    folder.private("fpd.hmac", "the new one");
    assert_eq!(read(), ["the new one"]);
}

/// That what was read before stays in force then is a test of the daemon's.
#[test]
fn a_file_that_cannot_be_used_is_an_error() {
    let folder = Folder::new();
    let file = secret_file(&folder, "auth_secret_file");
    folder.private("fpd.hmac", "");
    assert!(matches!(file.read(), Err(SecretsError::NoSecret { .. })));
    folder.private("fpd.hmac", format!("{SECRET}\n{}", &SECRET[..31]));
    assert!(matches!(file.read(), Err(SecretsError::Length { number: 2, length: 31, least: 32, .. })));
    folder.private("fpd.hmac", format!("{SECRET}\n").repeat(9));
    assert!(matches!(file.read(), Err(SecretsError::TooMany { .. })));
    folder.private("fpd.hmac", "x".repeat(1025));
    assert!(matches!(file.read(), Err(SecretsError::Length { length: 1025, .. })));
    folder.private("fpd.hmac", "x".repeat(1 << 20));
    assert!(matches!(file.read(), Err(SecretsError::File { .. })));
    folder.write("fpd.hmac", SECRET, 0o644);
    assert!(matches!(file.read(), Err(SecretsError::File { .. })));
    fs::remove_file(folder.path().join("fpd.hmac")).unwrap();
    assert!(matches!(file.read(), Err(SecretsError::File { .. })));
}

#[test]
fn short_secrets_are_refused_or_warned_of() {
    let folder = Folder::new();
    folder.private("fpd.hmac", "short");
    let read = folder.load(&Draft::new().text()).unwrap();
    assert_eq!(read.warnings, ["the HMAC secret of the client fpd has fewer than 16 bytes"]);
    let draft = Draft::new().with("client", "auth_secret_file", "\"fpd.hmac\"");
    assert_eq!(
        folder.problems(&draft.text()),
        [
            "line 6: client 1: auth_secret_file: secret 1 of the file fpd.hmac has 5 bytes; must have 32 to 1024"
        ]
    );
}

#[test]
fn two_clients_have_two_secrets() {
    let folder = Folder::new();
    folder.private("b.hmac", format!("another secret of b\n{SECRET}\n"));
    let text = format!("{}[[client]]\nname = \"b\"\nhmac_secret_file = \"b.hmac\"\n", Draft::new().text());
    assert_eq!(
        folder.problems(&text),
        [
            "line 10: client 2: hmac_secret_file: the client \"fpd\" has the same secret; must have one of its own"
        ]
    );
}

#[test]
fn nothing_shows_a_secret() {
    let folder = Folder::new();
    folder.private("fpd.hmac", format!("{SECRET}\n{SECRET}X"));
    let file = secret_file(&folder, "hmac_secret_file");
    let secrets = file.read().unwrap();
    let mut shown = format!("{file:?}{secrets:?}{:?}", secrets[0]);
    // And no error does, whatever is wrong.
    for content in
        [SECRET.repeat(30), format!("{SECRET}\n").repeat(20), format!("{SECRET}{}", "\0".repeat(2000))]
    {
        folder.private("fpd.hmac", content);
        let error = file.read().unwrap_err();
        shown.push_str(&format!("{error}{error:?}"));
    }
    assert!(!shown.contains(&SECRET[..8]), "{shown}");
    let bytes = format!("{:?}", &SECRET.as_bytes()[..4]);
    assert!(!shown.contains(bytes.trim_matches(['[', ']'])), "{shown}");
}
