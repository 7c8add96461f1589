//! Keys that are added, listed and unlocked.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::super::{
    AddError, ContentError, InvalidKeyName, KeyName, Keystore, OtherFile, Passphrase, PrivateFileError,
    PublicKeyError, UnlockError, UnsealError, WorkFactor,
};
use super::{Fixture, key, mode, name, passphrase, quick, write};

fn unlock_error(fixture: &Fixture, passphrase: &Passphrase) -> UnlockError {
    fixture.store.unlock(&name("alice"), passphrase).unwrap_err()
}

#[test]
fn a_key_comes_back() {
    let fixture = Fixture::new();
    for (number, (text, words)) in
        [("alice", "a b"), ("Bob-2_x.y", " spaces "), ("z", "Straße ✓")].into_iter().enumerate()
    {
        let key = key(u8::try_from(number).unwrap());
        fixture.store.add(&name(text), &key, &passphrase(words)).unwrap();
        let unlocked = fixture.store.unlock(&name(text), &passphrase(words)).unwrap();
        assert_eq!(*unlocked.key().to_bytes(), *key.to_bytes());
        assert_eq!(*unlocked.to_hex(), hex::encode(*key.to_bytes()));
        assert_eq!(unlocked.name(), &name(text));
        assert_eq!(fixture.store.public_key(&name(text)).unwrap(), *key.public_key());
        assert_eq!(*unlocked.into_key().to_bytes(), *key.to_bytes());
    }
    let listing = fixture.store.list().unwrap();
    let names: Vec<_> = listing.keys.iter().map(|listed| listed.name.to_string()).collect();
    assert_eq!(names, ["Bob-2_x.y", "alice", "z"]);
    assert_eq!(listing.keys[1].public_key.as_ref().unwrap(), key(0).public_key());
    assert!(listing.others.is_empty());
    assert!(fixture.store.list().unwrap().keys.iter().all(|listed| listed.public_key.is_ok()));
    // Two files with the same key under the same passphrase are not alike.
    fixture.store.add(&name("twin"), &key(0), &passphrase("a b")).unwrap();
    let read = |file| std::fs::read_to_string(fixture.path(file)).unwrap();
    assert_ne!(read("twin.age"), read("alice.age"));
    assert!(read("alice.age").starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"));
    assert_eq!(read("alice.pub"), format!("{}\n", key(0).public_key()));
}

#[test]
fn another_passphrase_is_refused() {
    let fixture = Fixture::new();
    fixture.store.add(&name("alice"), &key(0), &passphrase("right")).unwrap();
    for wrong in ["wrong", "Right", "right ", " right"] {
        let error = unlock_error(&fixture, &passphrase(wrong));
        assert!(
            matches!(error, UnlockError::Sealed { cause: UnsealError::WrongPassphrase, .. }),
            "{error:?}"
        );
    }
    let error = fixture.store.unlock(&name("bob"), &passphrase("right")).unwrap_err();
    assert!(error.to_string().starts_with("there is no key bob in the keystore /"), "{error}");
}

#[test]
fn nothing_is_overwritten() {
    let fixture = Fixture::new();
    let add = |number| fixture.store.add(&name("alice"), &key(number), &passphrase("p"));
    add(0).unwrap();
    let before = std::fs::read(fixture.path("alice.age")).unwrap();
    assert!(matches!(add(1), Err(AddError::Exists { path }) if path == fixture.path("alice.age")));
    assert_eq!(std::fs::read(fixture.path("alice.age")).unwrap(), before);
    assert_eq!(fixture.files(), ["alice.age", "alice.pub"]);

    // A link that leads nowhere is a file.
    std::fs::remove_file(fixture.path("alice.age")).unwrap();
    std::fs::remove_file(fixture.path("alice.pub")).unwrap();
    symlink(fixture.path("nowhere"), fixture.path("alice.age")).unwrap();
    assert!(matches!(add(1), Err(AddError::Exists { .. })));
    assert_eq!(fixture.files(), ["alice.age"]);
    std::fs::remove_file(fixture.path("alice.age")).unwrap();

    // Files that are left of a key, which may be another one, stay as they are.
    for left in ["alice.pub", ".alice.age.new"] {
        std::fs::write(fixture.path(left), "left").unwrap();
        for error in [add(1), fixture.store.check_new(&name("alice"))].map(Result::unwrap_err) {
            assert!(
                matches!(&error, AddError::Leftover { path } if *path == fixture.path(left)),
                "{error:?}"
            );
        }
        assert_eq!(fixture.files(), [left]);
        assert_eq!(std::fs::read(fixture.path(left)).unwrap(), b"left");
        std::fs::remove_file(fixture.path(left)).unwrap();
    }
    fixture.store.check_new(&name("alice")).unwrap();
    add(1).unwrap();
    assert!(matches!(fixture.store.check_new(&name("alice")), Err(AddError::Exists { .. })));
}

#[test]
fn a_key_that_appears_meanwhile_is_not_overwritten() {
    let fixture = Fixture::new();
    let age = fixture.path("alice.age");
    let appear = |step| {
        if step == super::super::store::Step::PublicKey {
            std::fs::write(&age, "another's").unwrap();
        }
    };
    let added = fixture.store.add_stepwise(&name("alice"), &key(0), &passphrase("p"), &appear);
    assert!(matches!(added, Err(AddError::Exists { .. })), "{added:?}");
    assert_eq!(std::fs::read(&age).unwrap(), b"another's");
    assert_eq!(fixture.files(), ["alice.age"]);
}

#[test]
fn of_ten_writers_one_wins() {
    let fixture = Fixture::new();
    let won: Vec<u8> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..10)
            .map(|number| {
                let store = fixture.store.clone();
                scope.spawn(move || {
                    store.add(&name("alice"), &key(number), &passphrase("p")).is_ok().then_some(number)
                })
            })
            .collect();
        writers.into_iter().filter_map(|writer| writer.join().unwrap()).collect()
    });
    assert_eq!(won.len(), 1, "{won:?}");
    let unlocked = fixture.store.unlock(&name("alice"), &passphrase("p")).unwrap();
    assert_eq!(unlocked.key().public_key(), key(won[0]).public_key());
    assert_eq!(fixture.files(), ["alice.age", "alice.pub"]);
}

#[test]
fn files_are_the_owners_alone() {
    let fixture = Fixture::new();
    fixture.store.add(&name("alice"), &key(0), &passphrase("p")).unwrap();
    assert_eq!(mode(&fixture.path("")), 0o700);
    assert_eq!(mode(&fixture.path("alice.age")), 0o600);
    for loose in [0o640, 0o604, 0o660, 0o601] {
        std::fs::set_permissions(fixture.path("alice.age"), PermissionsExt::from_mode(loose)).unwrap();
        let UnlockError::File { cause, .. } = unlock_error(&fixture, &passphrase("p")) else { panic!() };
        let text =
            format!("its permissions are {loose:03o}; must be for its owner alone, as after `chmod 600`");
        assert_eq!(cause.to_string(), text);
    }
    std::fs::set_permissions(fixture.path("alice.age"), PermissionsExt::from_mode(0o400)).unwrap();
    fixture.store.unlock(&name("alice"), &passphrase("p")).unwrap();
    for loose in [0o710, 0o750, 0o755, 0o707] {
        std::fs::set_permissions(fixture.path(""), PermissionsExt::from_mode(loose)).unwrap();
        for opened in [Keystore::open(&fixture.path("")), Keystore::create(&fixture.path(""))] {
            let cause = opened.unwrap_err().cause;
            assert!(matches!(cause, PrivateFileError::Permissions { tight: 0o700, .. }), "{cause:?}");
        }
    }
    std::fs::set_permissions(fixture.path(""), PermissionsExt::from_mode(0o700)).unwrap();
    Keystore::open(&fixture.path("")).unwrap();
    Keystore::open(&fixture.path("alice.age")).unwrap_err();
    Keystore::open(&fixture.path("missing")).unwrap_err();
    Keystore::create(&fixture.path("no/folder/around")).unwrap_err();
}

#[test]
fn a_file_under_the_wrong_name_is_refused() {
    let fixture = Fixture::new();
    fixture.store.add(&name("alice"), &key(0), &passphrase("p")).unwrap();
    fixture.store.add(&name("bob"), &key(1), &passphrase("p")).unwrap();
    std::fs::rename(fixture.path("bob.age"), fixture.path("alice.age")).unwrap();
    let error = unlock_error(&fixture, &passphrase("p"));
    let text = format!(
        "{} has the public key {}; must have {}, that of alice.age",
        fixture.path("alice.pub").display(),
        key(0).public_key(),
        key(1).public_key()
    );
    assert_eq!(error.to_string(), text);

    // The public key's file is damaged; then lost, so that the key's own public key is all there is.
    for damage in ["", "00", &"0".repeat(64), &"f".repeat(64), "not a key"] {
        std::fs::write(fixture.path("alice.pub"), damage).unwrap();
        let error = unlock_error(&fixture, &passphrase("p"));
        assert!(matches!(error, UnlockError::PublicKey(PublicKeyError::Content { .. })), "{error:?}");
    }
    std::fs::remove_file(fixture.path("alice.pub")).unwrap();
    let found = fixture.store.unlock(&name("alice"), &passphrase("p")).unwrap();
    assert_eq!(found.key().public_key(), key(1).public_key());
    let listing = fixture.store.list().unwrap();
    assert!(matches!(listing.keys[0].public_key, Err(PublicKeyError::Missing { .. })));
}

#[test]
fn what_is_no_key_is_named() {
    let fixture = Fixture::new();
    fixture.store.add(&name("alice"), &key(0), &passphrase("p")).unwrap();
    for file in [".bob.age.new", "bob.pub", "notes.txt", ".hidden.age", "ü.age", ".a b.age.new", "age"] {
        write(&fixture.path(file), b"?", 0o644);
    }
    let others = fixture.store.list().unwrap().others;
    let foreign = |file| OtherFile::Foreign(fixture.path(file));
    let mut expected = vec![
        OtherFile::Unfinished(fixture.path(".bob.age.new")),
        OtherFile::PublicKeyAlone(fixture.path("bob.pub")),
        foreign("notes.txt"),
        foreign(".hidden.age"),
        foreign("ü.age"),
        foreign(".a b.age.new"),
        foreign("age"),
    ];
    expected.sort();
    assert_eq!(others, expected);
    assert_eq!(fixture.store.list().unwrap().keys.len(), 1);
}

#[test]
fn what_cannot_be_read_is_refused_without_waiting() {
    let fixture = Fixture::new();
    let cause = || match unlock_error(&fixture, &passphrase("p")) {
        UnlockError::File { cause, .. } => cause,
        error => panic!("{error:?}"),
    };
    std::fs::create_dir(fixture.path("alice.age")).unwrap();
    assert!(matches!(cause(), PrivateFileError::NotRegular));
    std::fs::remove_dir(fixture.path("alice.age")).unwrap();
    // A pipe that nobody writes to.
    let made = std::process::Command::new("mkfifo").arg(fixture.path("alice.age")).status().unwrap();
    assert!(made.success());
    assert!(matches!(cause(), PrivateFileError::NotRegular));
    std::fs::remove_file(fixture.path("alice.age")).unwrap();
    write(&fixture.path("alice.age"), &vec![b'-'; (64 << 10) + 1], 0o600);
    assert!(matches!(cause(), PrivateFileError::TooLong { limit: 65536 }));
    // A link to a file is one.
    fixture.store.add(&name("bob"), &key(1), &passphrase("p")).unwrap();
    std::fs::remove_file(fixture.path("alice.age")).unwrap();
    symlink(fixture.path("bob.age"), fixture.path("alice.age")).unwrap();
    fixture.store.unlock(&name("alice"), &passphrase("p")).unwrap();
}

#[test]
fn every_change_of_a_file_is_noticed() {
    let fixture = Fixture::new();
    fixture.store.add(&name("alice"), &key(0), &passphrase("p")).unwrap();
    let whole = std::fs::read(fixture.path("alice.age")).unwrap();
    for length in 0..whole.len() {
        // Without its last line break it is whole.
        let is_whole = length + 1 == whole.len();
        write(&fixture.path("alice.age"), &whole[..length], 0o600);
        assert_eq!(fixture.store.unlock(&name("alice"), &passphrase("p")).is_ok(), is_whole, "{length}");
    }
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        write(&fixture.path("alice.age"), &changed, 0o600);
        // Changed white space at the end of a line may leave the content as it was; the key never differs.
        if let Ok(unlocked) = fixture.store.unlock(&name("alice"), &passphrase("p")) {
            assert_eq!(*unlocked.key().to_bytes(), *key(0).to_bytes(), "{place}");
            assert!(whole[place].is_ascii_whitespace(), "{place}: {:?}", char::from(whole[place]));
        }
    }
}

#[test]
fn other_files_of_age_are_told_apart() {
    let fixture = Fixture::new();
    let sealed = |content: &[u8]| {
        let sealed = super::super::sealed::seal(content, &passphrase("p"), quick()).unwrap();
        write(&fixture.path("alice.age"), &sealed, 0o600);
        unlock_error(&fixture, &passphrase("p"))
    };
    assert!(matches!(sealed(b""), UnlockError::Content { cause: ContentError::Form { .. }, .. }));
    assert!(matches!(sealed(b"AGE-SECRET-KEY-1"), UnlockError::Content { .. }));
    assert!(matches!(sealed(&[0; 5000]), UnlockError::Sealed { cause: UnsealError::TooLong, .. }));
    let cause = |file: &[u8]| {
        write(&fixture.path("alice.age"), file, 0o600);
        match unlock_error(&fixture, &passphrase("p")) {
            UnlockError::Sealed { cause, .. } => cause,
            error => panic!("{error:?}"),
        }
    };
    assert_eq!(cause(b""), UnsealError::NotAge);
    assert_eq!(cause(b"not age\n"), UnsealError::NotAge);
    // Encrypted to a key instead of with a passphrase.
    let recipient = age::x25519::Identity::generate().to_public();
    assert_eq!(cause(&age::encrypt(&recipient, b"key").unwrap()), UnsealError::NoPassphrase);
    // It asks for 1 TiB of memory.
    let sealed = super::super::sealed::seal(b"", &passphrase("p"), quick()).unwrap();
    let mut binary = Vec::new();
    std::io::Read::read_to_end(&mut age::armor::ArmoredReader::new(sealed.as_slice()), &mut binary).unwrap();
    let place = binary.windows(2).position(|pair| pair == b" 4").unwrap();
    for (factor, found) in [("21", 21), ("30", 30), ("63", 63), ("255", 255)] {
        let text = [&binary[..=place], factor.as_bytes(), &binary[place + 2..]].concat();
        assert_eq!(cause(&text), UnsealError::TooMuchWork { found });
    }
    for factor in ["", "0", "-1", "04", "256", "999999999999"] {
        let text = [&binary[..=place], factor.as_bytes(), &binary[place + 2..]].concat();
        assert!(
            matches!(cause(&text), UnsealError::NotAge | UnsealError::TooMuchWork { found: 0 }),
            "{factor}"
        );
    }
}

#[test]
fn the_standard_work_factor_opens_in_every_build() {
    let fixture = Fixture::new();
    let store = fixture.store.clone().with_work_factor(WorkFactor::STANDARD);
    store.add(&name("alice"), &key(0), &passphrase("p")).unwrap();
    let unlocked = fixture.store.unlock(&name("alice"), &passphrase("p")).unwrap();
    assert_eq!(*unlocked.key().to_bytes(), *key(0).to_bytes());
    assert!(WorkFactor::new(0).is_err() && WorkFactor::new(21).is_err());
    assert_eq!(WorkFactor::new(20), Ok(WorkFactor::MAX));
}

#[test]
fn names_follow_the_rule() {
    for good in ["a", "A-b_c.9", "-", "_", "a.", "a..b", &"x".repeat(50)] {
        assert_eq!(name(good).as_str(), good);
    }
    let bad = |text: &str| text.parse::<KeyName>().unwrap_err();
    assert_eq!(bad(""), InvalidKeyName::Length { length: 0 });
    assert_eq!(bad(&"x".repeat(51)), InvalidKeyName::Length { length: 51 });
    for dotted in [".", "..", ".a", "..a"] {
        assert_eq!(bad(dotted), InvalidKeyName::LeadingDot);
    }
    for (text, position, found) in [
        ("a/b", 2, '/'),
        ("../a", 3, '/'),
        ("a b", 2, ' '),
        ("ü", 1, 'ü'),
        ("a\0", 2, '\0'),
        ("a\n", 2, '\n'),
        ("a\u{1b}[2J", 2, '\u{1b}'),
        ("a%", 2, '%'),
        ("a\\b", 2, '\\'),
        ("a:b", 2, ':'),
    ] {
        assert_eq!(bad(text), InvalidKeyName::Character { position, found });
    }
    let text = "character 2 of the key name is '/'; must be an ASCII letter, digit, '-', '_' or '.'";
    assert_eq!(bad("a/b").to_string(), text);
}
