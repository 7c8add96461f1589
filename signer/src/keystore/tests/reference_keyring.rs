//! Keys from keyrings that the reference's libraries wrote.

use std::path::Path;

use aes_gcm::aead::AeadInPlace as _;
use aes_gcm::{Aes256Gcm, KeyInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::Hmac;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Sha256;

use super::super::{CosmosKeyring, JweError, KeyringError, PrivateFileError, RecordError};
use super::{key, passphrase, write};

#[derive(Deserialize)]
struct Kept {
    backend: String,
    name: String,
    file: String,
    content: String,
    secret_key: Option<String>,
    public_key: String,
}

#[derive(Deserialize)]
struct Keyrings {
    keys: Vec<Kept>,
    password: std::collections::BTreeMap<String, String>,
}

fn keyrings() -> Keyrings {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/keystore/keyring.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn keys_of_both_backends_are_read() {
    let Keyrings { keys, password } = keyrings();
    let mut count = 0;
    for (backend, password) in &password {
        let folder = tempfile::tempdir().unwrap();
        let own = || keys.iter().filter(|kept| kept.backend == *backend);
        own().for_each(|kept| write(&folder.path().join(&kept.file), kept.content.as_bytes(), 0o600));
        // What else lies in such a folder.
        for other in ["keyhash", "01b4f94250c8bf4ffeb4700a5e35890d5a46f379.address", "a%2fb.info"] {
            write(&folder.path().join(other), b"?", 0o600);
        }
        let keyring = CosmosKeyring::new(folder.path());
        let mut names: Vec<_> = own().map(|kept| kept.name.clone()).collect();
        names.sort();
        assert_eq!(keyring.names().unwrap(), names);
        for kept in own() {
            let read = keyring.secret_key(&kept.name, &passphrase(password));
            match &kept.secret_key {
                None => {
                    assert!(matches!(read, Err(KeyringError::Record { cause: RecordError::Elsewhere, .. })))
                }
                Some(secret) => {
                    let read = read.unwrap();
                    assert_eq!(hex::encode(*read.to_bytes()), *secret, "{}", kept.name);
                    assert_eq!(kept.public_key[2..], read.public_key().to_string());
                    count += 1;
                }
            }
            let wrong = keyring.secret_key(&kept.name, &passphrase("wrong"));
            assert!(matches!(wrong, Err(KeyringError::Jwe { cause: JweError::WrongPassword, .. })));
        }
        for missing in ["", "nobody", "../alice", "ALICE", "alice\0"] {
            let error = keyring.secret_key(missing, &passphrase(password)).unwrap_err();
            assert!(matches!(error, KeyringError::NoKey { .. } | KeyringError::File { .. }), "{error:?}");
        }
    }
    assert_eq!(count, 16);
    assert_eq!(CosmosKeyring::test_password().unwrap().expose(), password["test"]);
}

/// A keyring's file of our own making, each part of which a test may change.
struct Made {
    header: Value,
    key: [u8; 32],
    item: Vec<u8>,
}

fn record(name: &str, secret: &[u8], public: &[u8], kind: &str) -> Vec<u8> {
    let field =
        |number: u8, value: &[u8]| [&[number << 3 | 2, u8::try_from(value.len()).unwrap()], value].concat();
    let any = |kind: &str, value: &[u8]| [field(1, kind.as_bytes()), field(2, &field(1, value))].concat();
    let local = field(1, &any(&format!("/cosmos.crypto.{kind}.PrivKey"), secret));
    let public = any(&format!("/cosmos.crypto.{kind}.PubKey"), public);
    [field(1, name.as_bytes()), field(2, &public), field(3, &local)].concat()
}

fn item(name: &str, record: &[u8]) -> Vec<u8> {
    json!({"Key": format!("{name}.info"), "Data": STANDARD.encode(record), "Label": ""})
        .to_string()
        .into_bytes()
}

fn public(number: u8) -> Vec<u8> {
    key(number).lend(|key| key.public_key(secp256k1::SECP256K1)).serialize().to_vec()
}

fn good_record() -> Vec<u8> {
    record("alice", key(0).to_bytes().as_slice(), &public(0), "secp256k1")
}

impl Made {
    fn new() -> Self {
        let salt = URL_SAFE_NO_PAD.encode([7; 12]);
        let header =
            json!({"alg": "PBES2-HS256+A128KW", "enc": "A256GCM", "p2c": 10, "p2s": salt, "created": "now"});
        Self { header, key: [9; 32], item: item("alice", &good_record()) }
    }

    fn with(key: &str, value: Value) -> Self {
        let mut made = Self::new();
        made.header[key] = value;
        made
    }

    fn of(record: &[u8]) -> Self {
        Self { item: item("alice", record), ..Self::new() }
    }

    fn parts(&self) -> [String; 5] {
        let header = URL_SAFE_NO_PAD.encode(self.header.to_string());
        let rounds = self.header["p2c"].as_u64().and_then(|rounds| u32::try_from(rounds).ok()).unwrap_or(1);
        let salt = [b"PBES2-HS256+A128KW\0".as_slice(), &[7; 12]].concat();
        let mut wrapping = [0; 16];
        pbkdf2::pbkdf2::<Hmac<Sha256>>(b"p", &salt, rounds.min(10), &mut wrapping).unwrap();
        let mut wrapped = [0; 40];
        aes_kw::KekAes128::from(wrapping).wrap(&self.key, &mut wrapped).unwrap();
        let mut text = self.item.clone();
        let cipher = Aes256Gcm::new(&self.key.into());
        let tag = cipher.encrypt_in_place_detached(&[3; 12].into(), header.as_bytes(), &mut text).unwrap();
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        [header, encode(&wrapped), encode(&[3; 12]), encode(&text), encode(&tag)]
    }

    fn read(&self) -> Result<eots::SecretKey, KeyringError> {
        read(self.parts().join(".").as_bytes())
    }

    fn jwe(&self) -> JweError {
        jwe(self.read())
    }

    fn refused(&self) -> RecordError {
        match self.read().unwrap_err() {
            KeyringError::Record { cause, .. } => cause,
            error => panic!("{error:?}"),
        }
    }
}

fn read(file: &[u8]) -> Result<eots::SecretKey, KeyringError> {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("alice.info"), file, 0o600);
    CosmosKeyring::new(folder.path()).secret_key("alice", &passphrase("p"))
}

fn jwe(read: Result<eots::SecretKey, KeyringError>) -> JweError {
    match read.unwrap_err() {
        KeyringError::Jwe { cause, .. } => cause,
        error => panic!("{error:?}"),
    }
}

#[test]
fn another_encryption_is_refused() {
    assert_eq!(*Made::new().read().unwrap().to_bytes(), *key(0).to_bytes());
    for (field, value) in [
        ("alg", json!("PBES2-HS512+A256KW")),
        ("alg", json!("dir")),
        ("enc", json!("A128GCM")),
        ("zip", json!("DEF")),
        ("crit", json!(["x"])),
    ] {
        assert_eq!(Made::with(field, value).jwe(), JweError::Algorithm, "{field}");
    }
    for found in [0, 1_000_001, u64::from(u32::MAX) + 10, u64::MAX] {
        assert_eq!(Made::with("p2c", json!(found)).jwe(), JweError::Iterations { found });
    }
    for (field, value) in [
        ("p2c", json!(-1)),
        ("p2c", json!("10")),
        ("p2c", json!(null)),
        ("p2s", json!(7)),
        ("alg", json!(null)),
    ] {
        assert_eq!(Made::with(field, value).jwe(), JweError::Form { part: "the header" }, "{field}");
    }
    assert_eq!(Made::with("p2s", json!("*")).jwe(), JweError::Form { part: "the salt (p2s)" });
    assert_eq!(Made::with("p2s", json!("")).jwe(), JweError::WrongPassword);
}

#[test]
fn every_damage_of_a_file_is_refused() {
    let parts = Made::new().parts();
    for (number, name) in [
        "the header",
        "the encrypted key",
        "the initialization vector",
        "the ciphertext",
        "the authentication tag",
    ]
    .into_iter()
    .enumerate()
    {
        let changed = |text: &str| {
            let mut parts = parts.clone();
            parts[number] = text.to_owned();
            jwe(read(parts.join(".").as_bytes()))
        };
        assert_eq!(changed(&format!("{}=", parts[number])), JweError::Form { part: name });
        assert_eq!(changed("*"), JweError::Form { part: name });
        // Bytes of another length, or others.
        let expected = if number == 3 { JweError::Damaged } else { JweError::Form { part: name } };
        assert_eq!(changed(""), expected);
        let mut bytes = URL_SAFE_NO_PAD.decode(&parts[number]).unwrap();
        bytes[0] ^= 1;
        let expected = match number {
            0 => JweError::Form { part: name },
            1 => JweError::WrongPassword,
            _ => JweError::Damaged,
        };
        assert_eq!(changed(&URL_SAFE_NO_PAD.encode(bytes)), expected);
    }
    // The header is authenticated as it is written.
    let mut other = Made::new();
    other.header["created"] = json!("then");
    let swapped = [&other.parts()[..1], &parts[1..]].concat().join(".");
    assert_eq!(jwe(read(swapped.as_bytes())), JweError::Damaged);
    for count in [1, 2, 4, 6, 7, 5000] {
        let form = jwe(read(["a"].repeat(count).join(".").as_bytes()));
        assert!(matches!(form, JweError::Form { part } if part.contains('5')), "{form}");
    }
    assert!(matches!(jwe(read(b"")), JweError::Form { .. }));
    assert!(matches!(jwe(read(&[0xff; 100])), JweError::Form { .. }));
    let long = read(&[b'.'; (64 << 10) + 1]).unwrap_err();
    assert!(matches!(long, KeyringError::File { cause: PrivateFileError::TooLong { .. }, .. }));
}

#[test]
fn another_record_is_refused() {
    let secret = *key(0).to_bytes();
    let form = |error: RecordError| assert!(matches!(error, RecordError::Form { .. }), "{error:?}");
    for text in
        ["", "null", "{}", "{\"Key\":\"alice.info\"}", "{\"Key\":\"alice.info\",\"Data\":\"*\"}", "[["]
    {
        form(Made { item: text.into(), ..Made::new() }.refused());
    }
    assert!(matches!(Made::of(b"").refused(), RecordError::Name { .. }));
    let of =
        |name, secret: &[u8], public: &[u8], kind| Made::of(&record(name, secret, public, kind)).refused();
    let named = of("bob", &secret, &public(0), "secp256k1");
    assert_eq!(named, RecordError::Name { found: "bob".to_owned(), expected: "alice".to_owned() });
    let item = item("bob", &good_record());
    assert!(matches!(Made { item, ..Made::new() }.refused(), RecordError::Name { .. }));
    assert_eq!(of("alice", &secret, &public(0), "ed25519"), RecordError::Kind);
    assert_eq!(of("alice", &secret, &public(1), "secp256k1"), RecordError::PublicKey);
    assert_eq!(of("alice", &secret, &public(0)[1..], "secp256k1"), RecordError::PublicKey);
    assert!(matches!(of("alice", &[0; 32], &public(0), "secp256k1"), RecordError::NotAKey(_)));
    for length in [0, 31, 33, 64] {
        form(of("alice", &vec![1; length], &public(0), "secp256k1"));
    }
    // Cut off anywhere, or with a field twice, it is malformed or lacks something.
    let whole = good_record();
    for length in 0..whole.len() {
        Made::of(&whole[..length]).refused();
    }
    form(Made::of(&[whole.clone(), whole.clone()].concat()).refused());
    // Fields that are not known do not matter, unless they are malformed.
    for unknown in [&[0x38, 0x01][..], &[0x39, 1, 2, 3, 4, 5, 6, 7, 8], &[0x3d, 1, 2, 3, 4], &[0x3a, 1, 0]] {
        assert_eq!(*Made::of(&[&whole, unknown].concat()).read().unwrap().to_bytes(), secret);
    }
    let endless = [&[0x3a][..], &[0xff; 9], &[0x7f]].concat();
    for malformed in [&[0x3b][..], &[0x38], &[0x3a, 5, 0], &[0x39, 1], &[0xff; 11], &endless] {
        form(Made::of(&[&whole, malformed].concat()).refused());
    }
}

#[test]
fn a_keyring_of_others_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("alice.info"), Made::new().parts().join(".").as_bytes(), 0o640);
    let error = CosmosKeyring::new(folder.path()).secret_key("alice", &passphrase("p")).unwrap_err();
    let KeyringError::File { cause: PrivateFileError::Permissions { mode: 0o640, tight: 0o600 }, .. } = error
    else {
        panic!("{error:?}")
    };
    assert!(matches!(
        CosmosKeyring::new(&folder.path().join("missing")).names(),
        Err(KeyringError::Folder { .. })
    ));
}
