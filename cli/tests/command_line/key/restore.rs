//! `btcstake key restore`.

use btcstake::outputs::{Key, KeyExport};
use serde_json::Value;

use super::{LEGAL, QUICK, WITH};
use crate::fixtures::process::Folder;

/// A folder with a passphrase and the words of [`LEGAL`].
fn with_words() -> Folder {
    let folder = Folder::new();
    folder.write("passphrase", "correct horse");
    folder.write("legal.words", LEGAL);
    folder
}

fn restore(folder: &Folder, name: &str, rest: &str) -> crate::fixtures::process::Run {
    folder.shell(&format!("btcstake --json key restore --name {name} {rest} {QUICK}"))
}

/// The vectors were made with the reference's own library.
#[test]
fn secret_key_is_the_references() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keystore/derivation.json");
    let vectors: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let folder = with_words();
    let mut count = 0;
    for vector in vectors["derivations"].as_array().unwrap() {
        let text = |name: &str| vector[name].as_str().unwrap_or_default();
        if text("mnemonic") != LEGAL || text("secret_key").is_empty() {
            continue;
        }
        count += 1;
        let (name, passphrase) = (format!("key-{count}"), text("passphrase"));
        folder.write("bip39", passphrase);
        let bip39 =
            if passphrase.is_empty() { "" } else { "--bip39-verbatim --bip39-passphrase-fd 4 4< bip39" };
        let path = format!("--hd-path \"{}\"", text("hd_path"));
        let key: Key =
            restore(&folder, &name, &format!("--mnemonic-file legal.words {path} {bip39}")).output(0);
        let export = format!("btcstake --json key export --name {name} --dangerously-print {WITH}");
        let exported: KeyExport = folder.shell(&export).output(0);
        assert_eq!(exported.secret_key.as_deref(), Some(text("secret_key")), "{vector}");
        assert_eq!(exported.public_key, key.public_key);
    }
    assert!(count >= 15, "{count} vectors");
}

#[test]
fn words_come_as_wallets_paste_them() {
    let folder = with_words();
    let key: Key = restore(&folder, "first", "--mnemonic-file legal.words").output(0);
    let lines = LEGAL.replace(" thank ", "\r\n\tthank  ");
    folder.write("pasted.words", format!("\u{feff}\n {lines}\n\n"));
    let pasted: Key = restore(&folder, "pasted", "--mnemonic-file pasted.words").output(0);
    assert_eq!(pasted.public_key, key.public_key);
    let piped = restore(&folder, "piped", "--mnemonic-file - < legal.words");
    assert_eq!(piped.output::<Key>(0).public_key, key.public_key);
}

/// From these the reference derives another key than wallets do.
#[test]
fn passphrase_that_wallets_would_normalize_is_taken_verbatim_only() {
    let folder = with_words();
    folder.write("bip39", "gr\u{fc}n");
    let words = "--mnemonic-file legal.words --bip39-passphrase-fd 4 4< bip39";
    restore(&folder, "alice", words).fails(&["--bip39-verbatim", "NFKD"]);
    let verbatim: Key = restore(&folder, "alice", &format!("--bip39-verbatim {words}")).output(0);
    folder.write("bip39", "gru\u{308}n");
    let normal: Key = restore(&folder, "normal", words).output(0);
    assert_ne!(verbatim.public_key, normal.public_key);
}

#[test]
fn words_are_in_no_error() {
    let folder = with_words();
    let wrong = LEGAL.replace("sausage", "sossage");
    folder.write("wrong.words", &wrong);
    folder.write("shuffled.words", LEGAL.replace("legal winner", "winner legal"));
    folder.write("loose.words", LEGAL);
    std::fs::set_permissions(
        folder.path().join("loose.words"),
        std::os::unix::fs::PermissionsExt::from_mode(0o644),
    )
    .unwrap();
    for (arguments, said) in [
        ("--mnemonic-file wrong.words".to_owned(), "word 6"),
        ("--mnemonic-file shuffled.words".to_owned(), "checksum"),
        ("--mnemonic-file loose.words".to_owned(), "permissions are 644"),
        ("--mnemonic-file nowhere.words".to_owned(), "nowhere.words"),
        ("--mnemonic-file passphrase".to_owned(), "has 2 words"),
        // The words themselves, where something else belongs.
        (format!("--mnemonic-file '{LEGAL}'"), "(hidden)"),
        (format!("--mnemonic-file legal.words --hd-path '{LEGAL}'"), "--hd-path"),
        (format!("--mnemonic-file legal.words --network '{LEGAL}'"), "(hidden)"),
        (format!("--mnemonic-file legal.words '{LEGAL}'"), "(hidden)"),
        (format!("--mnemonic-file legal.words --name '{LEGAL}'"), "(hidden)"),
    ] {
        let line = format!("btcstake key restore --name alice {arguments} {QUICK}");
        let run = folder.shell(&line.replace("--name alice --mnemonic-file legal.words --name", "--name"));
        let shown = run.stderr();
        assert!(
            !["winner", "sausage", "sossage", "correct", "horse"].iter().any(|word| shown.contains(word)),
            "{shown}"
        );
        run.fails(&[said]);
    }
    assert!(!folder.path().join("keys/alice.age").exists());
}
