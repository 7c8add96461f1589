//! Keys that are named `keystore:NAME`, and the passphrases that decrypt them.

use serde_json::Value;

use crate::fixtures::delegation::{ACCOUNT, FILES};
use crate::fixtures::process::{Folder, MEMBER_KEY, PROVIDER, PROVIDER_KEY, Run};
use crate::key::{QUICK, WITH, add_alice, has_terminals, on_terminal, with_alice};

const SHOW: &str = "btcstake key show --secret-key-file keystore:alice";

/// What every command prints is the same with a file and with the keystore.
#[test]
fn commands_take_keys_of_the_keystore() {
    let folder = Folder::with_delegation();
    add_alice(&folder);
    for (name, file) in [("member", "member.key"), ("staker", "staker.key"), ("wallet", "wallet.key")] {
        folder
            .shell(&format!("btcstake key import --name {name} --secret-key-file {file} {QUICK}"))
            .warns(0, &[]);
    }
    let (fixed, message) = (format!("--aux-rand {}", "00".repeat(32)), "07".repeat(32));
    let adaptor = format!(
        "adaptor sign --secret-key-file FILE --encryption-key {PROVIDER_KEY} --message {message} --dangerously-blind {fixed}"
    );
    let made: Value = folder.json(&adaptor.replace("FILE", "member.key"));
    let made = made["adaptor_signature"].as_str().unwrap();
    for (line, name, file) in [
        (
            format!(
                "eots sign --secret-key-file FILE --chain-id c --height 1 --message {message} --dangerously-unprotected"
            ),
            "alice",
            "provider.key",
        ),
        (
            "eots randomness --secret-key-file FILE --chain-id c --height 1".to_owned(),
            "alice",
            "provider.key",
        ),
        (
            "eots commit --secret-key-file FILE --chain-id c --height 1 --count 3".to_owned(),
            "alice",
            "provider.key",
        ),
        (
            format!("pop create --type bip340 --address {ACCOUNT} --secret-key-file FILE"),
            "alice",
            "provider.key",
        ),
        (adaptor.clone(), "member", "member.key"),
        (
            format!("adaptor decrypt --adaptor-signature {made} --decryption-key-file FILE"),
            "alice",
            "provider.key",
        ),
        (
            format!(
                "covenant sign --dangerously-without-height {FILES} signed.json --dangerously-without-record --secret-key-file FILE {fixed}"
            ),
            "member",
            "member.key",
        ),
        (
            format!("stake sign {FILES} draft.json --address {ACCOUNT} --secret-key-file FILE"),
            "staker",
            "staker.key",
        ),
        ("psbt sign --psbt @unsigned-stake.psbt --secret-key-file FILE".to_owned(), "wallet", "wallet.key"),
    ] {
        let run = |key: &str, rest: &str| {
            let run = folder.shell(&format!("btcstake --json {} {rest}", line.replace("FILE", key)));
            assert_eq!(run.code(), Some(0), "{line}: {}", run.stderr());
            run.stdout()
        };
        assert_eq!(run(&format!("keystore:{name}"), WITH), run(file, ""), "{line}");
    }
}

#[test]
fn passphrase_comes_from_where_the_flags_say() {
    let folder = with_alice();
    let shows = |run: Run| assert_eq!(run.ends(0).stdout(), format!("{PROVIDER_KEY}\n"));
    shows(folder.shell(&format!("{SHOW} {WITH}")));
    shows(folder.shell(&format!("{SHOW} --passphrase-fd 3 3< <(echo correct horse)")));
    shows(folder.shell(&format!("{SHOW} --passphrase-fd 0 < passphrase")));
    // Anywhere on the line, as other flags of every command.
    shows(folder.shell(
        "btcstake --keystore keys --passphrase-fd 3 key show --secret-key-file keystore:alice 3< passphrase",
    ));
    shows(folder.shell(&format!("CREDENTIALS_DIRECTORY=$PWD {SHOW} --passphrase-credential passphrase")));
    // Not from an argument or a variable, and from one place alone.
    let both = format!("--passphrase-credential passphrase {SHOW} {WITH}").replace("btcstake ", "");
    folder.shell(&format!("btcstake {both}")).fails(&["--passphrase-fd", "--passphrase-credential"]);
    folder.shell(&format!("{SHOW} --passphrase-credential passphrase")).fails(&["$CREDENTIALS_DIRECTORY"]);
    folder.shell(&format!("{SHOW} --passphrase-fd 9")).fails(&["--passphrase-fd", "file descriptor 9"]);
    folder.shell(&format!("{SHOW} --passphrase-fd 0")).fails(&["the passphrase is empty"]);
    let twice =
        "--chain-id c --height 1 --message - --dangerously-unprotected --passphrase-fd 0 < passphrase";
    folder
        .shell(&format!("btcstake eots sign --secret-key-file keystore:alice {twice}"))
        .fails(&["standard input is read by two arguments"]);
    folder.shell(&format!("setsid -w {SHOW}")).fails(&["keystore:alice", "--passphrase-fd"]);
}

#[test]
fn passphrase_is_asked_for_on_the_terminal() {
    if !has_terminals("args::keystore::passphrase_is_asked_for_on_the_terminal") {
        return;
    }
    let folder = with_alice();
    let line = format!("{SHOW} > out 2> err < /dev/null");
    let (shown, code) = on_terminal(&folder, &line, &[("Passphrase of alice: ", "correct horse")]);
    assert!(code == Some(0) && !shown.contains("correct"), "{shown}");
    assert_eq!(folder.read("out"), format!("{PROVIDER_KEY}\n"));
    // Nobody is asked for the passphrase of a key that is not there.
    let (shown, code) = on_terminal(&folder, &SHOW.replace("alice", "nobody"), &[]);
    assert!(
        code == Some(2) && shown.contains("there is no key nobody") && !shown.contains("Passphrase of"),
        "{shown}"
    );
}

#[test]
fn keys_that_are_not_decrypted() {
    let folder = with_alice();
    folder.write("wrong", "incorrect horse");
    let wrong = folder.shell(&format!("{SHOW} --passphrase-fd 3 3< wrong"));
    assert!(!wrong.stderr().contains("horse") && !wrong.stderr().contains(PROVIDER), "{}", wrong.stderr());
    wrong.fails(&["--secret-key-file keystore:alice", "alice.age", "the passphrase is wrong"]);
    let show =
        |name: &str| folder.shell(&format!("btcstake key show --secret-key-file keystore:{name} {WITH}"));
    show("nobody").fails(&["there is no key nobody"]);
    show("../alice").fails(&["keystore:(hidden)", "'/'"]);
    show("").fails(&["1 to 50"]);
    // A key where its name belongs, and a long name, which is no secret.
    let key = show(PROVIDER);
    assert!(!key.stderr().contains(&PROVIDER[..16]), "{}", key.stderr());
    key.fails(&["--secret-key-file", "has 64 bytes"]);
    show("a-finality-provider-on-babylon-genesis").fails(&["no key a-finality-provider-on-babylon-genesis"]);
    // A file under another key's name.
    std::fs::copy(folder.path().join("keys/alice.age"), folder.path().join("keys/bob.age")).unwrap();
    folder.write("keys/bob.pub", MEMBER_KEY);
    show("bob").fails(&["bob.pub", MEMBER_KEY, PROVIDER_KEY]);
    std::fs::set_permissions(
        folder.path().join("keys/alice.age"),
        std::os::unix::fs::PermissionsExt::from_mode(0o644),
    )
    .unwrap();
    show("alice").fails(&["alice.age", "permissions are 644"]);
}

#[test]
fn file_of_that_name_is_reached_by_its_path() {
    let folder = Folder::new();
    std::fs::rename(folder.path().join("member.key"), folder.path().join("keystore:member")).unwrap();
    folder.run("key show --secret-key-file keystore:member").fails(&["--keystore"]);
    let shown = folder.run("key show --secret-key-file ./keystore:member").ends(0).stdout();
    assert_eq!(shown, format!("{MEMBER_KEY}\n"));
}

#[test]
fn keystore_is_in_the_home_of_the_programs() {
    let folder = with_alice();
    let list = |before: &str, rest: &str| folder.shell(&format!("{before} btcstake key list {rest}"));
    assert!(list("", "").ends(0).stdout().contains("alice"));
    assert!(list("BTCSTAKE_HOME=$PWD/elsewhere", "--keystore keys").ends(0).stdout().contains("alice"));
    list("BTCSTAKE_HOME=$PWD/elsewhere", "").fails(&["elsewhere/keys"]);
    list("BTCSTAKE_HOME= HOME=", "").fails(&["--keystore", "BTCSTAKE_HOME", "HOME"]);
    let new =
        format!("BTCSTAKE_HOME= HOME=$PWD/person btcstake key new --name bob --mnemonic-out words {QUICK}");
    folder.shell(&new).warns(0, &[]);
    let made = folder.path().join("person/.local/share/btcstake/keys/bob.age");
    assert!(made.exists());
    let mode = |path: &std::path::Path| {
        std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions()) & 0o777
    };
    assert!(made.ancestors().skip(1).take(4).all(|folder| mode(folder) == 0o700), "{made:?}");
    list("BTCSTAKE_HOME= HOME=$PWD/person", "").ends(0);
}
