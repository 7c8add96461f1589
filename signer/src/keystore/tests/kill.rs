//! Writers that are killed.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use std::time::Duration;

use super::super::store::Step;
use super::super::{AddError, Keystore, OtherFile};
use super::{Fixture, key, name, passphrase, quick, this_program};

const FOLDER: &str = "KEYSTORE_TEST_FOLDER";
const STEP: &str = "KEYSTORE_TEST_STEP";

/// The process that is killed: adds a key, and waits at a step.
#[test]
#[ignore = "a part of the tests below, which run it"]
fn writer() {
    let (Some(folder), Ok(wanted)) = (std::env::var_os(FOLDER), std::env::var(STEP)) else { return };
    let store = Keystore::open(folder.as_ref()).unwrap().with_work_factor(quick());
    let stop = |step: Step| {
        if format!("{step:?}") == wanted {
            println!("\nwaiting");
            std::io::stdout().flush().unwrap();
            std::thread::sleep(Duration::from_secs(60));
        }
    };
    store.add_stepwise(&name("alice"), &key(0), &passphrase("p"), &stop).unwrap();
}

/// Kills the writer, by SIGKILL, after a step.
fn kill_after(fixture: &Fixture, step: Step) {
    let mut writer = this_program("kill::writer")
        .env(FOLDER, fixture.path(""))
        .env(STEP, format!("{step:?}"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(writer.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "waiting"), "it never came to {step:?}");
    writer.kill().unwrap();
    assert!(!writer.wait().unwrap().success());
}

#[test]
fn a_killed_writer_leaves_a_whole_key_or_none() {
    let other = |file: &str, fixture: &Fixture| match file {
        "alice.pub" => OtherFile::PublicKeyAlone(fixture.path(file)),
        file => OtherFile::Unfinished(fixture.path(file)),
    };
    let cases: [(Step, bool, &[&str]); 5] = [
        (Step::Sealed, false, &[".alice.age.new"]),
        (Step::PublicKey, false, &[".alice.age.new", "alice.pub"]),
        (Step::Linked, true, &[".alice.age.new"]),
        (Step::Synced, true, &[".alice.age.new"]),
        (Step::Finished, true, &[]),
    ];
    for (step, is_key, left) in cases {
        let fixture = Fixture::new();
        kill_after(&fixture, step);
        let listing = fixture.store.list().unwrap();
        assert_eq!(listing.keys.len(), usize::from(is_key), "{step:?}");
        let expected: Vec<_> = left.iter().map(|file| other(file, &fixture)).collect();
        assert_eq!(listing.others, expected, "{step:?}");
        let added = fixture.store.add(&name("alice"), &key(1), &passphrase("q"));
        if is_key {
            // It opens, and is kept.
            assert!(matches!(added, Err(AddError::Exists { .. })), "{step:?}: {added:?}");
            let unlocked = fixture.store.unlock(&name("alice"), &passphrase("p")).unwrap();
            assert_eq!(unlocked.key().public_key(), key(0).public_key());
        } else {
            // The next writer names what is left, and writes when it is gone.
            assert!(fixture.store.unlock(&name("alice"), &passphrase("p")).is_err());
            for file in left {
                let added = fixture.store.add(&name("alice"), &key(1), &passphrase("q"));
                let Err(AddError::Leftover { path }) = added else { panic!("{step:?}: {added:?}") };
                assert_eq!(path, fixture.path(file), "{step:?}");
                std::fs::remove_file(path).unwrap();
            }
            fixture.store.add(&name("alice"), &key(1), &passphrase("q")).unwrap();
            assert_eq!(fixture.files(), ["alice.age", "alice.pub"]);
        }
    }
}

/// What a writer leaves that was killed before it linked is a whole encrypted key: renamed, it opens.
#[test]
fn an_unfinished_key_can_be_saved() {
    let fixture = Fixture::new();
    kill_after(&fixture, Step::PublicKey);
    std::fs::rename(fixture.path(".alice.age.new"), fixture.path("alice.age")).unwrap();
    let unlocked = fixture.store.unlock(&name("alice"), &passphrase("p")).unwrap();
    assert_eq!(unlocked.key().public_key(), key(0).public_key());
}
