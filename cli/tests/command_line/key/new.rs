//! `btcstake key new`.

use btcstake::outputs::Key;

use crate::fixtures::process::Folder;

#[test]
fn key_is_written_for_its_owner_and_never_shown() {
    let folder = Folder::new();
    let shown = folder.run("key new --out new.key").ends(0).stdout();
    let written = folder.read("new.key");
    let digits = written.strip_suffix('\n').unwrap();
    assert!(digits.len() == 64 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
    assert!(!shown.contains(digits));
    assert_eq!(folder.run("key show --secret-key-file new.key").ends(0).stdout(), shown);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder.path().join("new.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // Another time, another key; and one that is there stays.
    let other = folder.json("key new --out other.key --network signet");
    let written_later = folder.read("other.key");
    assert!(!other.to_string().contains(written_later.trim()) && written_later != written);
    assert_eq!(folder.json("key show --secret-key-file other.key --network signet"), other);
    folder.run("key new --out new.key").fails(&["--out new.key", "exists"]);
    assert_eq!(folder.read("new.key"), written);
    folder.run("key new").fails(&["--out"]);
    folder.run("key new --out nowhere/new.key").fails(&["--out", "nowhere/new.key"]);
}

#[test]
fn key_is_not_written_to_standard_output() {
    Folder::new().run("key new --out -").fails(&["--out -"]);
}

/// A run that was killed before it was done leaves a file that the next run names.
#[test]
fn key_that_a_killed_run_left_behind_is_named() {
    let folder = Folder::new();
    let new: Key = folder.output("key new --out new.key");
    assert_eq!(new.warnings, Vec::<String>::new());
    let entries = || std::fs::read_dir(folder.path()).unwrap().count();
    let before = entries();
    folder.write(".btcstake-unfinished-abc", "11".repeat(32));
    let warned = folder.run("key new --out second.key");
    assert_eq!(warned.code(), Some(0));
    let shown = warned.stderr();
    assert!(shown.contains(".btcstake-unfinished-abc was left behind"), "{shown}");
    assert!(!shown.contains("1111"), "{shown}");
    let json: Key = folder.output("key new --out third.key");
    assert_eq!(json.warnings.len(), 1, "{json:?}");
    assert_eq!(entries(), before + 3, "nothing else is left");
}
