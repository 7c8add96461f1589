//! Files with secret keys.

use crate::fixtures::process::{Folder, PROVIDER, PROVIDER_KEY};

#[test]
fn secret_key_files_that_hold_no_key() {
    let folder = Folder::new();
    // The key itself where its file belongs: it is not printed back.
    let run = folder.run(&format!("eots randomness --chain-id c --height 1 --secret-key-file {PROVIDER}"));
    assert!(!run.stderr().contains(&PROVIDER[..16]), "{}", run.stderr());
    run.fails(&["--secret-key-file", "is a key itself"]);
    // Nor in any other form that people write keys in, nor where no file belongs at all.
    let almost = &PROVIDER[..62];
    let spaced: Vec<_> = (0..32).map(|at| &PROVIDER[2 * at..2 * at + 2]).collect();
    let wif = "L3VFeEujGtevx9w18HD1fhRbCH67Az2dpCymeRE1SoPK6XQtaN2k";
    let written = [
        format!("0x{PROVIDER}"),
        PROVIDER[..63].to_owned(),
        format!(" {PROVIDER}\n"),
        spaced.join(":"),
        spaced.join(" "),
        wif.to_owned(),
    ];
    for secret in &written {
        let args = ["eots", "randomness", "--chain-id", "c", "--height", "1", "--secret-key-file", secret];
        let run = folder.run_with(&args, b"");
        assert!(!run.stderr().contains(secret.trim()), "{}", run.stderr());
        run.fails(&["--secret-key-file", "is a key itself"]);
        for args in [&["eots", "randomness", secret][..], &["eots", secret], &[secret.as_str()]] {
            let run = folder.run_with(args, b"");
            let digits = secret.trim();
            assert!(digits.contains([':', ' ']) || !run.stderr().contains(digits), "{}", run.stderr());
            run.fails(&[]);
        }
    }
    // A file whose name is no text is the file that is opened, not one whose name looks like it.
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"a\xff.key");
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::write(folder.path().join(name), PROVIDER).unwrap();
        let tight = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(folder.path().join(name), tight).unwrap();
        folder.write("a\u{fffd}.key", "9".repeat(64));
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_btcstake"));
        command.current_dir(folder.path()).args([
            "--json",
            "eots",
            "randomness",
            "--chain-id",
            "c",
            "--height",
            "1",
        ]);
        let output = command.arg("--secret-key-file").arg(name).output().unwrap();
        assert!(String::from_utf8(output.stdout).unwrap().contains(PROVIDER_KEY));
    }
    folder.write("short.key", almost);
    folder.write("zero.key", "0".repeat(64));
    folder.write("words.key", "correct horse battery staple");
    folder.write("raw.key", [1; 32]);
    for file in ["short.key", "zero.key", "words.key", "raw.key", "nowhere.key", "."] {
        let run = folder.run(&format!("eots randomness --chain-id c --height 1 --secret-key-file {file}"));
        assert!(!run.stderr().contains(almost) && !run.stderr().contains("horse"), "{}", run.stderr());
        run.fails(&["--secret-key-file", file]);
    }
}

/// As ssh does; a pipe has no other readers.
#[cfg(unix)]
#[test]
fn secret_key_file_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = Folder::new();
    folder.write("loose.key", PROVIDER);
    let path = folder.path().join("loose.key");
    let show = "key show --secret-key-file loose.key";
    for (mode, refused) in
        [(0o644, true), (0o640, true), (0o604, true), (0o620, true), (0o600, false), (0o400, false)]
    {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        if refused {
            let text = format!("its permissions are {mode:03o}; must be for its owner alone");
            folder.run(show).fails(&["--secret-key-file", &text, "--allow-loose-permissions"]);
            folder.run(&format!("{show} --allow-loose-permissions")).ends(0);
        } else {
            folder.run(show).ends(0);
        }
    }
    let piped = folder.run_with(&["key", "show", "--secret-key-file", "-"], PROVIDER.as_bytes());
    assert!(piped.ends(0).stdout().contains(PROVIDER_KEY));
}

/// While they wait for a secret, the processes already leave no core dump.
#[cfg(target_os = "linux")]
#[test]
fn secret_key_is_never_in_a_core_dump() {
    let folder = crate::key::with_alice();
    for line in [
        "key show --secret-key-file -",
        "key show --secret-key-file keystore:alice --passphrase-fd 0",
        "key new --name new --mnemonic-out new.words --passphrase-fd 0",
        "key restore --name restored --mnemonic-file -",
        "key import --name imported --secret-key-file -",
        "key export --name alice --out exported.key --passphrase-fd 0",
    ] {
        leaves_no_core_dump(&folder, line);
    }
}

/// Runs a command whose standard input does not come.
#[cfg(target_os = "linux")]
fn leaves_no_core_dump(folder: &Folder, line: &str) {
    use std::process::{Command, Stdio};

    let mut waiting = Command::new(env!("CARGO_BIN_EXE_btcstake"))
        .args(line.split(' '))
        .current_dir(folder.path())
        .env("BTCSTAKE_HOME", folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // Whoever is not dumpable has a proc folder of root's; the limits of another owner's are readable to all.
    let limits = format!("/proc/{}/limits", waiting.id());
    let has_none = || {
        let limits = std::fs::read_to_string(&limits).unwrap_or_default();
        let line = limits.lines().find(|line| line.starts_with("Max core file size"));
        line.is_some_and(|line| line.split_whitespace().skip(4).take(2).all(|limit| limit == "0"))
    };
    let mut tries = 0;
    while !has_none() {
        tries += 1;
        let found = std::fs::read_to_string(&limits).unwrap();
        assert!(tries < 500, "{line}: core dumps are allowed: {found}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(waiting.try_wait().unwrap().is_none(), "{line} does not wait");
    waiting.kill().unwrap();
    waiting.wait().unwrap();
}

/// A secret that is given where a value belongs is not printed back in the error about the value.
#[test]
fn secrets_are_hidden_in_errors_about_values() {
    let folder = Folder::new();
    folder.write("provider.key", PROVIDER);
    for line in [
        format!("eots randomness --chain-id c --secret-key-file provider.key --height {PROVIDER}"),
        format!("key show --secret-key-file provider.key --network {PROVIDER}"),
        format!("tx bump --fee-sat {PROVIDER}"),
        format!("demo --scenario {PROVIDER}"),
        format!("key new --name {PROVIDER}"),
    ] {
        let run = folder.run(&line);
        assert!(!run.stderr().contains(PROVIDER), "{}", run.stderr());
        run.fails(&["(hidden)"]);
    }
}

/// Nor one that is given where the path of a file belongs.
#[test]
fn secrets_are_hidden_in_errors_about_files() {
    let folder = Folder::with_delegation();
    let files = format!("--network regtest --params params.json --delegation {PROVIDER}");
    for line in [
        format!("stake check {files}"),
        format!("stake add {files} --covenant-signatures covenant1.json"),
        format!(
            "stake sign --params params.json --delegation draft.json --network regtest --secret-key-file staker.key --possession {PROVIDER}"
        ),
        format!("psbt check --psbt @{PROVIDER}"),
        format!("params check --params {PROVIDER}"),
    ] {
        let run = folder.run(&line);
        assert!(!run.stderr().contains(PROVIDER), "{}", run.stderr());
        run.fails(&["cannot open (hidden)"]);
    }
    std::fs::create_dir(folder.path().join(PROVIDER)).unwrap();
    let line = format!(
        "covenant sign --network regtest --params params.json --delegation signed.json --height 900000 \
         --record {PROVIDER} --secret-key-file member.key"
    );
    let run = folder.run(&line);
    assert!(!run.stderr().contains(PROVIDER), "{}", run.stderr());
    run.fails(&["--record (hidden)", "it is not a regular file"]);
    // Wherever its folder is, and where a file would be made of it.
    for line in [
        format!("params check --params ./{PROVIDER}x"),
        format!("params check --params nowhere/{PROVIDER}"),
        format!("status {files} --node http://127.0.0.1:1 --rpc-password-file ./{PROVIDER}x"),
        format!("key new --out {PROVIDER}x"),
        format!("signer export --protection none.db --out ./{PROVIDER}x"),
    ] {
        let run = folder.run(&line);
        assert!(!run.stderr().contains(PROVIDER), "{}", run.stderr());
        assert_eq!(run.code(), Some(2), "{}", run.stderr());
    }
    assert!(!folder.path().join(format!("{PROVIDER}x")).exists());
    let line = format!(
        "covenant sign --network regtest --params params.json --delegation signed.json --height 900000 \
         --record {PROVIDER}x --secret-key-file member.key"
    );
    folder.run(&line).fails(&["its name may be a secret key"]);
    assert!(!folder.path().join(format!("{PROVIDER}x")).exists());
    // A long name of a file is no secret.
    let named = format!("{PROVIDER}.json");
    folder.run(&format!("params check --params {named}")).fails(&[&named]);
}
