//! Secrets are neither in `Debug` nor in errors.

use std::error::Error;

use super::super::plaintext;
use super::super::{
    Bip39Passphrase, CosmosKeyring, HdPath, KeyName, Mnemonic, Passphrase, read_secret_key,
    secret_key_from_hex,
};
use super::{Fixture, full_text, key, name, passphrase, write};

/// The ways in which 32 bytes may show up in text: hex of either case, and a list of decimal or hex numbers.
fn shows(text: &str, bytes: &[u8]) -> bool {
    let text = text.to_lowercase();
    let squeezed: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let decimal: Vec<String> = bytes.iter().map(u8::to_string).collect();
    let hexadecimal: Vec<String> = bytes.iter().map(|byte| format!("0x{byte:x}")).collect();
    let run = |list: &[String]| list.chunks(4).any(|chunk| squeezed.contains(&chunk.join(",")));
    bytes.chunks(4).any(|chunk| text.contains(&hex::encode(chunk))) || run(&decimal) || run(&hexadecimal)
}

const WORDS: &str = "legal winner thank year wave sausage worth useful legal winner thank yellow";

#[test]
fn debug_shows_no_secret() {
    let fixture = Fixture::new();
    let secret = passphrase("s3cret-Passphrase");
    fixture.store.add(&name("alice"), &key(0), &secret).unwrap();
    let unlocked = fixture.store.unlock(&name("alice"), &secret).unwrap();
    let mnemonic = Mnemonic::parse(WORDS).unwrap();
    let bip39 = Bip39Passphrase::verbatim(passphrase("s3cret-Passphrase"));
    assert_eq!(format!("{unlocked:?} {unlocked:#?}"), "Unlocked(..) Unlocked(..)");
    assert_eq!(format!("{mnemonic:?} {mnemonic:#?}"), "Mnemonic(..) Mnemonic(..)");
    assert_eq!(format!("{secret:?} {secret:#?}"), "Passphrase(..) Passphrase(..)");
    assert_eq!(format!("{bip39:?} {bip39:#?}"), "Bip39Passphrase(..) Bip39Passphrase(..)");
    let text = format!("{:?} {:#?} {:x?}", unlocked.key(), unlocked.key(), unlocked.key());
    assert!(!shows(&text, key(0).to_bytes().as_slice()), "{text}");
    let text = format!("{:?} {:?}", fixture.store, fixture.store.list().unwrap());
    assert!(!shows(&text, key(0).to_bytes().as_slice()) && !text.contains("s3cret"), "{text}");
    // The search itself finds what it looks for.
    let bytes = *key(0).to_bytes();
    assert!(shows(&format!("{bytes:?}"), &bytes) && shows(&hex::encode_upper(bytes), &bytes));
}

/// A text is in no error that it leads to.
fn check(error: &dyn Error, secrets: &[&str]) {
    let text = full_text(error);
    for secret in secrets {
        assert!(!text.contains(secret), "{text}");
    }
    assert!(!shows(&text, key(0).to_bytes().as_slice()), "{text}");
}

#[test]
fn errors_show_no_secret() {
    let fixture = Fixture::new();
    let secret = hex::encode(*key(0).to_bytes());
    let (right, wrong) = (passphrase("right-Passphrase"), passphrase("wrong-Passphrase"));
    let typed = ["right-Passphrase", "wrong-Passphrase"];
    fixture.store.add(&name("alice"), &key(0), &right).unwrap();
    check(&fixture.store.unlock(&name("alice"), &wrong).unwrap_err(), &typed);
    check(&fixture.store.add(&name("alice"), &key(0), &right).unwrap_err(), &typed);
    check(&fixture.store.unlock(&name("bob"), &right).unwrap_err(), &typed);

    // A decrypted file that is not quite a key: the parser of JSON would show what it found.
    let whole = String::from_utf8(plaintext::write(&key(0)).to_vec()).unwrap();
    let mut count = 0;
    for (from, to) in [
        (secret.as_str(), &secret[1..]),
        (&secret, &format!("\\u0030{}", &secret[1..])),
        ("\"version\": 1", &format!("\"version\": \"{secret}\"")),
        ("btcstake-eots-key", &secret),
        ("public_key", &secret),
        ("secret_key", &secret),
        (&key(0).public_key().to_string(), &key(1).public_key().to_string()),
        (&key(0).public_key().to_string(), &secret),
        ("{", "["),
        (&whole, &secret),
        (&whole, &format!("\"{secret}\"")),
    ] {
        let error = plaintext::read(whole.replacen(from, to, 1).as_bytes()).unwrap_err();
        check(&error, &[&secret[4..60]]);
        count += 1;
    }
    assert_eq!(count, 11);

    let parts = ["legal", "sausage", "yellow", "lega ", "LEGAL"];
    for words in [&WORDS[1..], &WORDS.to_uppercase(), &WORDS.replace("yellow", "year"), &WORDS[..40], &secret]
    {
        check(&Mnemonic::parse(words).unwrap_err(), &parts);
    }
    for text in [&secret[1..], &format!("0x{}", &secret[2..]), &format!("{secret}00")] {
        check(&secret_key_from_hex(text.as_bytes()).unwrap_err(), &[]);
    }
    // Arguments that are secrets by mistake.
    check(&secret.parse::<KeyName>().unwrap_err(), &[]);
    check(&WORDS.parse::<KeyName>().unwrap_err(), &parts);
    check(&WORDS.parse::<HdPath>().unwrap_err(), &parts);
    check(&format!("{secret}/{secret}").parse::<HdPath>().unwrap_err(), &[]);
    let path = fixture.folder.path().join("hex");
    write(&path, format!("{secret} {secret}").as_bytes(), 0o600);
    check(&read_secret_key(&path).unwrap_err(), &[]);
    for text in ["right-Passphrase\nmore".to_owned(), "right-Passphrase".repeat(100)] {
        check(&Passphrase::new(zeroize::Zeroizing::new(text)).unwrap_err(), &typed);
    }
    let decomposed = Bip39Passphrase::new(passphrase("right-Passphrase-\u{fc}")).unwrap_err();
    check(&decomposed, &typed);

    // A keyring's files, and the errors that their damage leads to.
    let folder = tempfile::tempdir().unwrap();
    for file in [secret.clone(), format!("{secret}.{secret}.{secret}.{secret}.{secret}")] {
        write(&folder.path().join("alice.info"), file.as_bytes(), 0o600);
        check(&CosmosKeyring::new(folder.path()).secret_key("alice", &right).unwrap_err(), &typed);
    }
}
