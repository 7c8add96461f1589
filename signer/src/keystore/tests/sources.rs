//! Passphrases from descriptors and credentials.

use std::path::Path;
use std::process::Command;

use zeroize::Zeroizing;

use super::super::{InvalidPassphrase, Passphrase, PassphraseError, PrivateFileError};
use super::{PART, is_a_part, name, this_program, write};

const DESCRIPTOR: &str = "KEYSTORE_TEST_DESCRIPTOR";

#[test]
fn a_passphrase_is_one_line() {
    let new = |text: &str| Passphrase::new(Zeroizing::new(text.to_owned()));
    for good in ["x", " ", "a\tb", "ü ✓", &"x".repeat(1024)] {
        assert_eq!(new(good).unwrap().expose(), good);
    }
    for (bad, error) in [
        ("", InvalidPassphrase::Empty),
        (&"x".repeat(1025), InvalidPassphrase::TooLong),
        ("a\nb", InvalidPassphrase::ControlCharacter),
        ("a\n", InvalidPassphrase::ControlCharacter),
        ("a\r", InvalidPassphrase::ControlCharacter),
        ("a\0", InvalidPassphrase::ControlCharacter),
        ("\u{7f}", InvalidPassphrase::ControlCharacter),
        ("\u{1b}[A", InvalidPassphrase::ControlCharacter),
    ] {
        assert_eq!(new(bad).unwrap_err(), error, "{bad:?}");
    }
}

fn credential(folder: &Path) -> Result<Passphrase, PassphraseError> {
    Passphrase::from_credential_in(folder, &name("passphrase"))
}

#[test]
fn a_credential_is_a_regular_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("passphrase");
    let cause = || match credential(folder.path()).unwrap_err() {
        PassphraseError::Credential { cause, .. } => cause,
        error => panic!("{error:?}"),
    };
    assert!(matches!(cause(), PrivateFileError::Io(_)));
    // As the service manager makes it; it may be for a group, by an access list.
    for mode in [0o400, 0o440] {
        for (content, expected) in [("p q", "p q"), ("p\n", "p"), ("p\r\n", "p"), (" p ", " p ")] {
            let _ = std::fs::remove_file(&path);
            write(&path, content.as_bytes(), mode);
            assert_eq!(credential(folder.path()).unwrap().expose(), expected);
        }
    }
    std::fs::remove_file(&path).unwrap();
    for (content, expected) in [
        (&b""[..], InvalidPassphrase::Empty),
        (b"\n", InvalidPassphrase::Empty),
        (b"p\n\n", InvalidPassphrase::ControlCharacter),
        (b"p\nq\n", InvalidPassphrase::ControlCharacter),
        (b"\xff\n", InvalidPassphrase::NotText),
        (&[b'x'; 1025], InvalidPassphrase::TooLong),
    ] {
        write(&path, content, 0o600);
        let error = credential(folder.path()).unwrap_err();
        let PassphraseError::Invalid { origin, cause } = error else { panic!("{error:?}") };
        assert_eq!((origin, cause), (format!("the credential {}", path.display()), expected));
    }
    // Neither a link, a folder nor a pipe.
    std::fs::rename(&path, folder.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), &path).unwrap();
    assert!(matches!(cause(), PrivateFileError::NotRegular));
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(matches!(cause(), PrivateFileError::NotRegular));
    std::fs::remove_dir(&path).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(matches!(cause(), PrivateFileError::NotRegular));
    std::fs::remove_file(&path).unwrap();
    // Much longer than a passphrase: it is not read to its end.
    write(&path, &vec![b'x'; 1 << 20], 0o600);
    assert!(matches!(cause(), PrivateFileError::TooLong { limit: 1026 }));
}

/// The process that reads its passphrase from a descriptor, or else from a credential.
#[test]
#[ignore = "a part of the tests below, which run it"]
fn reader() {
    if !is_a_part() {
        return;
    }
    let read = match std::env::var(DESCRIPTOR) {
        Ok(number) => Passphrase::from_descriptor(number.parse().unwrap()),
        Err(_) => Passphrase::from_credential(&name("passphrase")),
    };
    match read {
        Ok(passphrase) => println!("\nread {:?}", passphrase.expose()),
        Err(error) => println!(
            "\nerror {error}: {}",
            std::error::Error::source(&error).map_or_else(String::new, ToString::to_string)
        ),
    }
}

/// What the reader says when a shell starts it, as `RUN` in a script.
fn read_by_shell(number: &str, script: &str, folder: &Path) -> String {
    let reader = this_program("sources::reader");
    let mut shell = Command::new("timeout");
    shell.args(["20", "bash", "-c", &script.replace("RUN", "\"$0\" \"$@\"")]).arg(reader.get_program());
    let output = shell
        .args(reader.get_args())
        .env(PART, "1")
        .env(DESCRIPTOR, number)
        .current_dir(folder)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let said = text.lines().find(|line| line.starts_with("read ") || line.starts_with("error "));
    said.unwrap_or_else(|| panic!("{text} {:?}", output.stderr)).to_owned()
}

#[test]
fn a_descriptor_is_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let script = |number: &str, script: &str| read_by_shell(number, script, folder.path());
    let read = |number: &str, redirection: &str| script(number, &format!("RUN {redirection}"));
    write(&folder.path().join("file"), b"p q\n", 0o600);
    write(&folder.path().join("long"), &vec![b'x'; 1 << 20], 0o600);
    assert_eq!(read("3", "3< file"), "read \"p q\"");
    assert_eq!(read("0", "< file"), "read \"p q\"");
    assert_eq!(read("9", "9< <(printf 'p q')"), "read \"p q\"");
    assert_eq!(read("0", "< <(printf 'p'; sleep 0.3; printf ' q\\n')"), "read \"p q\"");
    assert_eq!(read("3", "3<<< 'p q'"), "read \"p q\"");
    // A pipe whose writer is gone, with a name.
    let named = "mkfifo pipe; exec 4<> pipe; echo 'p q' >&4; exec 3< pipe; exec 4>&-; RUN";
    assert_eq!(script("3", named), "read \"p q\"");
    assert_eq!(
        read("3", "3< /dev/null"),
        "error file descriptor 3 has no passphrase: the passphrase is empty; must have at least one character"
    );
    assert!(read("3", "3< long").contains("more than 1024 bytes"));
    assert!(read("3", "3< <(cat /dev/zero)").contains("more than 1024 bytes"));
    assert!(
        read("77", "").starts_with("error cannot read the passphrase from file descriptor 77: No such file")
    );
    assert!(
        read("3", "3< .").starts_with("error cannot read the passphrase from file descriptor 3: Is a dir")
    );
    assert!(read("4294967295", "").starts_with("error cannot read"));
}

#[test]
fn credentials_are_where_the_service_manager_says() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("passphrase"), b"p q\n", 0o400);
    let read = |directory: Option<&Path>| {
        let mut reader = this_program("sources::reader");
        reader.env_remove(DESCRIPTOR).env_remove("CREDENTIALS_DIRECTORY").current_dir(folder.path());
        directory.map(|directory| reader.env("CREDENTIALS_DIRECTORY", directory));
        String::from_utf8(reader.output().unwrap().stdout).unwrap()
    };
    assert!(read(Some(folder.path())).contains("\nread \"p q\"\n"));
    for none in [None, Some(Path::new("")), Some(Path::new("."))] {
        let text =
            "\nerror $CREDENTIALS_DIRECTORY is not set to a folder; must be, as systemd's LoadCredential=";
        assert!(read(none).contains(text), "{none:?}");
    }
}
