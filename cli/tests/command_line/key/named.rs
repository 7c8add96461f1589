//! `btcstake key new --name`: a key with a mnemonic, in the keystore.

use btcstake::outputs::Key;

use super::{QUICK, WITH, has_terminals, mode, on_terminal};
use crate::fixtures::process::Folder;

const PASSPHRASES: [(&str, &str); 2] =
    [("New passphrase of alice: ", "correct horse"), ("The same again: ", "correct horse")];

fn with_passphrase() -> Folder {
    let folder = Folder::new();
    folder.write("passphrase", "correct horse");
    folder
}

/// The words that the terminal showed.
fn words(shown: &str) -> Vec<String> {
    let lines = shown.lines().filter(|line| line.starts_with("    "));
    lines.flat_map(str::split_whitespace).map(str::to_owned).collect()
}

#[test]
fn words_in_a_file_are_the_key() {
    let folder = with_passphrase();
    let new = |name: &str, rest: &str| {
        folder.shell(&format!(
            "btcstake --json key new --name {name} --mnemonic-out {name}.words {rest} {QUICK}"
        ))
    };
    let (run, other) = (new("alice", ""), new("other", "--network signet"));
    let written = folder.read("alice.words");
    assert_eq!(written.split_whitespace().count(), 24);
    assert_ne!(written, folder.read("other.words"));
    let shown = format!("{}{}", run.stdout(), run.stderr());
    let is_shown = |word: &&str| shown.split(|c: char| !c.is_alphanumeric()).any(|other| other == *word);
    // A few words of the list are in the warning, too.
    assert!(written.split_whitespace().filter(is_shown).count() < 5, "{shown}");
    let key: Key = run.output(0);
    assert!(other.output::<Key>(0).address.unwrap().starts_with("tb1p"));

    assert_eq!((mode(&folder, "keys"), mode(&folder, "alice.words")), (0o700, 0o600));
    assert_eq!(mode(&folder, "keys/alice.age"), 0o600);
    assert!(folder.read("keys/alice.age").starts_with("-----BEGIN AGE ENCRYPTED FILE-----"));
    let restore = |name: &str, rest: &str| {
        let line =
            format!("btcstake --json key restore --name {name} --mnemonic-file alice.words {rest} {QUICK}");
        folder.shell(&line).output::<Key>(0)
    };
    assert_eq!(restore("restored", "").public_key, key.public_key);
    assert_ne!(restore("elsewhere", "--hd-path \"m/44'/118'/0'/0/0\"").public_key, key.public_key);
    // And another path is of the same words.
    let bob: Key = new("bob", "--hd-path 0/1").output(0);
    std::fs::rename(folder.path().join("bob.words"), folder.path().join("alice.words")).unwrap();
    assert_eq!(restore("bob-again", "--hd-path m/0/1").public_key, bob.public_key);
    assert_ne!(restore("bob-master", "").public_key, bob.public_key);
}

#[test]
fn nothing_is_overwritten() {
    let folder = with_passphrase();
    let new = format!("btcstake key new --name alice --mnemonic-out alice.words {QUICK}");
    folder.shell(&new).warns(0, &[]);
    let (key, words) = (folder.read("keys/alice.age"), folder.read("alice.words"));
    folder.shell(&new.replace("alice.words", "new.words")).fails(&["--name", "alice.age is there already"]);
    folder.shell(&new.replace("--name alice", "--name bob")).fails(&["--mnemonic-out", "exists"]);
    assert_eq!((folder.read("keys/alice.age"), folder.read("alice.words")), (key, words));
    assert!(!folder.path().join("new.words").exists() && !folder.path().join("keys/bob.age").exists());
}

#[test]
fn flags_that_do_not_belong_together_are_named() {
    let folder = with_passphrase();
    for flags in ["--name alice", "--mnemonic-out words", "--hd-path m/0/0", "--bip39-passphrase"] {
        folder.run(&format!("key new --out new.key {flags}")).fails(&["--out"]);
    }
    folder.run("key new").fails(&["--out", "--name"]);
    folder.run("key new --name ../alice --passphrase-fd 0").fails(&["--name", "'.'"]);
    folder.run("key new --name alice --hd-path 0 --mnemonic-out words").fails(&["--hd-path", "'/'"]);
    folder.run("key new --name alice --bip39-verbatim").fails(&["--bip39-passphrase"]);
    folder.run("key new --name alice --work-factor 21").fails(&["--work-factor", "1 to 20"]);
    assert!(!folder.path().join("words").exists());
}

#[test]
fn words_are_shown_on_the_terminal_alone() {
    if !has_terminals("key::named::words_are_shown_on_the_terminal_alone") {
        return;
    }
    let folder = Folder::new();
    let new = "btcstake --json key new --name alice --work-factor 1 > out 2> err";
    let (shown, code) = on_terminal(&folder, new, &PASSPHRASES);
    assert_eq!(code, Some(0), "{shown}");
    let words = words(&shown);
    assert!(words.len() == 24 && !shown.contains("correct horse"), "{shown}");
    let logged = format!("{}{}", folder.read("out"), folder.read("err"));
    let rare = words.iter().filter(|word| logged.contains(word.as_str()));
    assert!(rare.count() < 8, "{logged}");
    let key: Key = serde_json::from_str(&folder.read("out")).unwrap();

    // They are pasted in lines as they were shown, and not shown again.
    let pasted = words.chunks(6).map(|line| line.join(" ")).collect::<Vec<_>>().join("\n");
    let typed = [("Words of the mnemonic", pasted.as_str()), PASSPHRASES[0], PASSPHRASES[1]];
    let typed = typed.map(|(question, answer)| (question.replace("alice", "again"), answer));
    let typed = typed.each_ref().map(|(question, answer)| (question.as_str(), *answer));
    let line = "btcstake key restore --name again --work-factor 1";
    let (shown, code) = on_terminal(&folder, line, &typed);
    assert!(code == Some(0) && shown.contains(&key.public_key), "{shown}");
    assert!(!shown.contains(&words[..2].join(" ")), "{shown}");
    // 12 words end with an empty line: the first half of 24 may be a mnemonic too.
    let typed = [("Words of the mnemonic", "abandon\n"), ("never", "")];
    let (shown, code) = on_terminal(&folder, line.replace("again", "short").as_str(), &typed);
    assert!(code == Some(99) && shown.contains("has 1 words"), "{shown}");
}

#[test]
fn passphrases_that_differ_make_no_key() {
    if !has_terminals("key::named::passphrases_that_differ_make_no_key") {
        return;
    }
    let folder = Folder::new();
    let typed = [PASSPHRASES[0], ("The same again: ", "battery staple")];
    let (shown, code) = on_terminal(&folder, "btcstake key new --name alice", &typed);
    assert!(code == Some(2) && shown.contains("the two passphrases differ"), "{shown}");
    assert!(words(&shown).is_empty() && !folder.path().join("keys/alice.age").exists(), "{shown}");
}

#[test]
fn without_a_terminal_no_key_is_made() {
    let folder = with_passphrase();
    folder.shell(&format!("setsid -w btcstake key new --name alice {WITH}")).fails(&["--mnemonic-out"]);
    let asks = "setsid -w btcstake key new --name alice --mnemonic-out words";
    folder.shell(asks).fails(&["--passphrase-fd", "cannot ask for the passphrase"]);
    assert!(!folder.path().join("keys/alice.age").exists() && !folder.path().join("words").exists());
}
