//! Secrets, and their rotation.

use std::fs;

use super::super::{ClientAuthentication, RotatingSecrets, SecretFile, SecretsError};
use super::{Draft, Folder, SECRET};

/// The file of secrets of a configuration with one client.
fn secret_file(folder: &Folder, key: &'static str) -> SecretFile {
    let draft = Draft::new().without("client", "hmac_secret_file").with("client", key, "\"fpd.hmac\"");
    let client = folder.load(&draft.text()).unwrap().clients.remove(0);
    let ClientAuthentication::By { hmac_secrets, auth_secrets, .. } = client.authentication else { panic!() };
    hmac_secrets.or(auth_secrets).unwrap()
}

fn texts(secrets: &RotatingSecrets) -> Vec<String> {
    secrets.current().iter().map(|secret| String::from_utf8(secret.expose().to_vec()).unwrap()).collect()
}

#[test]
fn an_old_and_a_new_secret_are_in_force_together() {
    let folder = Folder::new();
    let secrets = RotatingSecrets::open(secret_file(&folder, "hmac_secret_file")).unwrap();
    assert_eq!(texts(&secrets), [SECRET]);
    assert!(!secrets.reload().unwrap());
    // What is in use stays whole while others come.
    let before = secrets.current();
    folder.private("fpd.hmac", format!("{SECRET}\n"));
    assert!(!secrets.reload().unwrap(), "a line break at the end is no part of it");
    folder.private("fpd.hmac", format!("{SECRET}\r\n\n the new one, with spaces \n"));
    assert!(secrets.reload().unwrap());
    assert_eq!(texts(&secrets), [SECRET, " the new one, with spaces "]);
    assert_eq!(before.len(), 1);
    folder.private("fpd.hmac", "the new one");
    assert!(secrets.reload().unwrap());
    assert_eq!(texts(&secrets), ["the new one"]);
}

#[test]
fn a_file_that_cannot_be_used_leaves_the_secrets_in_force() {
    let folder = Folder::new();
    let secrets = RotatingSecrets::open(secret_file(&folder, "auth_secret_file")).unwrap();
    folder.private("fpd.hmac", "");
    assert!(matches!(secrets.reload(), Err(SecretsError::NoSecret { .. })));
    folder.private("fpd.hmac", format!("{SECRET}\n{}", &SECRET[..31]));
    assert!(matches!(secrets.reload(), Err(SecretsError::Length { number: 2, length: 31, least: 32, .. })));
    folder.private("fpd.hmac", format!("{SECRET}\n").repeat(9));
    assert!(matches!(secrets.reload(), Err(SecretsError::TooMany { .. })));
    folder.private("fpd.hmac", "x".repeat(1025));
    assert!(matches!(secrets.reload(), Err(SecretsError::Length { length: 1025, .. })));
    folder.private("fpd.hmac", "x".repeat(1 << 20));
    assert!(matches!(secrets.reload(), Err(SecretsError::File { .. })));
    folder.write("fpd.hmac", SECRET, 0o644);
    assert!(matches!(secrets.reload(), Err(SecretsError::File { .. })));
    fs::remove_file(folder.path().join("fpd.hmac")).unwrap();
    assert!(matches!(secrets.reload(), Err(SecretsError::File { .. })));
    assert_eq!(texts(&secrets), [SECRET]);
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
    let secrets = RotatingSecrets::open(file.clone()).unwrap();
    let one = secrets.current()[0].clone();
    let mut shown = format!("{file:?}{secrets:?}{:?}{one:?}", secrets.current());
    // And no error does, whatever is wrong.
    for content in
        [SECRET.repeat(30), format!("{SECRET}\n").repeat(20), format!("{SECRET}{}", "\0".repeat(2000))]
    {
        folder.private("fpd.hmac", content);
        let error = secrets.reload().unwrap_err();
        shown.push_str(&format!("{error}{error:?}"));
    }
    assert!(!shown.contains(&SECRET[..8]), "{shown}");
    let bytes = format!("{:?}", &SECRET.as_bytes()[..4]);
    assert!(!shown.contains(bytes.trim_matches(['[', ']'])), "{shown}");
}
