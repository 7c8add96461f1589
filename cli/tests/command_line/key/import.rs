//! `btcstake key import`.

use btcstake::outputs::{Key, KeyExport};
use serde_json::Value;

use super::{QUICK, WITH, with_alice};
use crate::fixtures::process::{Folder, MEMBER, MEMBER_KEY, PROVIDER, PROVIDER_KEY};

/// The keyrings were written by the reference's own libraries.
fn keyrings() -> (Folder, Vec<Value>) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keystore/keyring.json");
    let vectors: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let folder = Folder::new();
    folder.write("passphrase", "correct horse");
    folder.write("password", vectors["password"]["file"].as_str().unwrap());
    for backend in ["test", "file"] {
        std::fs::create_dir_all(folder.path().join(format!("home/keyring-{backend}"))).unwrap();
    }
    let keys = vectors["keys"].as_array().unwrap().clone();
    for key in &keys {
        let (backend, file) = (key["backend"].as_str().unwrap(), key["file"].as_str().unwrap());
        folder.write(&format!("home/keyring-{backend}/{file}"), key["content"].as_str().unwrap());
    }
    (folder, keys)
}

#[test]
fn keys_of_the_references_keyrings() {
    let (folder, keys) = keyrings();
    let mut count = 0;
    for (number, key) in keys.iter().enumerate() {
        let text = |name: &str| key[name].as_str().unwrap_or_default();
        let (backend, name) = (text("backend"), format!("key-{number}"));
        // The folder itself, or the home around it.
        let keyring = if number % 2 == 0 { "home".to_owned() } else { format!("home/keyring-{backend}") };
        let password = if backend == "file" { "--keyring-password-fd 4 4< password" } else { "" };
        let run = folder.shell(&format!(
            "btcstake --json key import --name {name} --keyring {keyring} --keyring-backend {backend} --keyring-key '{}' {password} {QUICK}",
            text("name")
        ));
        if text("secret_key").is_empty() {
            run.fails(&["--keyring", "the secret key is not in it"]);
            continue;
        }
        count += 1;
        let imported: Key = run.output(0);
        assert_eq!(imported.public_key, text("public_key")[2..]);
        let export = format!("btcstake --json key export --name {name} --dangerously-print {WITH}");
        let exported: KeyExport = folder.shell(&export).output(0);
        assert_eq!(exported.secret_key.as_deref(), Some(text("secret_key")));
    }
    assert_eq!(count, 16);
}

#[test]
fn keyrings_that_are_not_read() {
    let (folder, _) = keyrings();
    let import = |rest: &str| folder.shell(&format!("btcstake key import --name alice {rest} {QUICK}"));
    let from = "--keyring home --keyring-backend";
    import(&format!("{from} file --keyring-key alice --keyring-password-fd 4 4< passphrase"))
        .fails(&["--keyring", "the password is wrong"]);
    import(&format!("{from} test --keyring-key nobody")).fails(&["there is no key \"nobody\""]);
    import(&format!("{from} os --keyring-key alice")).fails(&["--keyring-backend", "test, file"]);
    import(&format!("{from} test")).fails(&["--keyring-key"]);
    import(&format!("{from} test --keyring-key alice --keyring-password-fd 4 4< password"))
        .fails(&["--keyring-password-fd"]);
    import("").fails(&["--secret-key-file", "--keyring"]);
    import(&format!("{from} test --keyring-key alice --secret-key-file provider.key")).fails(&["--keyring"]);
    let asks = format!("setsid -w btcstake key import --name alice {from} file --keyring-key alice {QUICK}");
    folder.shell(&asks).fails(&["--keyring-password-fd"]);
    assert!(!folder.path().join("keys/alice.age").exists());
}

#[test]
fn hex_of_files_and_standard_input() {
    let folder = with_alice();
    let import = |rest: &str| folder.shell(&format!("btcstake --json key import {rest} {QUICK}"));
    let member: Key = import("--name member --secret-key-file - < member.key").output(0);
    assert_eq!(member.public_key, MEMBER_KEY);
    let shown = folder.run("key list").ends(0).stdout();
    assert!(shown.contains(PROVIDER_KEY) && shown.contains(MEMBER_KEY), "{shown}");
    // Nothing is encrypted twice, or over another key; and no key is in a message.
    import("--name again --secret-key-file keystore:alice").fails(&["in a keystore already"]);
    let before = folder.read("keys/alice.age");
    import("--name alice --secret-key-file member.key").fails(&["alice.age is there already"]);
    assert_eq!(folder.read("keys/alice.age"), before);
    let run = import(&format!("--name typed --secret-key-file {MEMBER}"));
    assert!(!run.stderr().contains(MEMBER), "{}", run.stderr());
    run.fails(&["is a key itself"]);
    // Standard input is one thing.
    let both = "btcstake key import --name both --secret-key-file - --passphrase-fd 0 < member.key";
    folder.shell(both).fails(&["standard input is read by two arguments"]);
    for file in ["alice", "member"] {
        let stored = folder.read(&format!("keys/{file}.age"));
        assert!(!stored.contains(&PROVIDER[..16]) && !stored.contains(&MEMBER[..16]));
    }
}
