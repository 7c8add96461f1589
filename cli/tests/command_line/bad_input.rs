//! Garbage in any flag: exit code 2, a message that names the flag, and never a secret in it.

use crate::process::{Folder, PROVIDER, PROVIDER_KEY};

/// Every flag that takes bytes, in a command line that is complete but for it.
fn lines() -> Vec<(&'static str, String)> {
    let k = PROVIDER_KEY;
    let adaptor = format!("02{k}{k}");
    let verify = "eots verify";
    let extract =
        format!("eots extract --public-key {k} --public-randomness {k} --message 00 --signature {k}");
    let pop = "pop verify --address bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm --type";
    let stake = "script staking --quorum 1 --timelock 10 --network regtest";
    let unbonding = "script unbonding --quorum 1 --timelock 10 --network regtest";
    vec![
        ("--public-key", format!("{verify} --public-randomness {k} --message 00 --signature {k}")),
        ("--public-randomness", format!("{verify} --public-key {k} --message 00 --signature {k}")),
        ("--message", format!("{verify} --public-key {k} --public-randomness {k} --signature {k}")),
        ("--signature", format!("{verify} --public-key {k} --public-randomness {k} --message 00")),
        ("--public-key", format!("eots extract --public-randomness {k} --message 00 --signature {k}")),
        ("--public-randomness", format!("eots extract --public-key {k} --message 00 --signature {k}")),
        ("--message", format!("{extract} --signature {k}")),
        ("--signature", format!("{extract} --message 01")),
        (
            "--message",
            "eots sign --secret-key-file provider.key --chain-id c --height 1 --dangerously-unprotected"
                .to_owned(),
        ),
        (
            "--root",
            format!("eots check-proof --count 1 --index 0 --public-randomness {k} --proof 08011a20{k}"),
        ),
        (
            "--public-randomness",
            format!("eots check-proof --count 1 --index 0 --root {k} --proof 08011a20{k}"),
        ),
        ("--public-key", format!("eots check-commitment --height 1 --count 1 --root {k} --signature {k}{k}")),
        ("--root", format!("eots check-commitment --height 1 --count 1 --public-key {k} --signature {k}{k}")),
        ("--signature", format!("eots check-commitment --height 1 --count 1 --public-key {k} --root {k}")),
        ("--encryption-key", format!("adaptor sign --secret-key-file member.key --message {k}")),
        ("--message", format!("adaptor sign --secret-key-file member.key --encryption-key {k}")),
        (
            "--aux-rand",
            format!("adaptor sign --secret-key-file member.key --encryption-key {k} --message {k}"),
        ),
        (
            "--public-key",
            format!("adaptor verify --encryption-key {k} --message {k} --adaptor-signature {adaptor}"),
        ),
        (
            "--encryption-key",
            format!("adaptor verify --public-key {k} --message {k} --adaptor-signature {adaptor}"),
        ),
        (
            "--message",
            format!("adaptor verify --public-key {k} --encryption-key {k} --adaptor-signature {adaptor}"),
        ),
        (
            "--adaptor-signature",
            format!("adaptor verify --public-key {k} --encryption-key {k} --message {k}"),
        ),
        ("--adaptor-signature", "adaptor decrypt --decryption-key-file provider.key".to_owned()),
        (
            "--public-key",
            format!(
                "adaptor decrypt --decryption-key-file provider.key --message {k} --adaptor-signature {adaptor}"
            ),
        ),
        (
            "--message",
            format!(
                "adaptor decrypt --decryption-key-file provider.key --public-key {k} --adaptor-signature {adaptor}"
            ),
        ),
        ("--encryption-key", format!("adaptor recover --signature {k}{k} --adaptor-signature {adaptor}")),
        ("--adaptor-signature", format!("adaptor recover --signature {k}{k}")),
        ("--signature", format!("adaptor recover --adaptor-signature {adaptor}")),
        ("--staker", format!("{stake} --finality-provider {k} --covenant {k}")),
        ("--finality-provider", format!("{stake} --staker {k} --covenant {k}")),
        ("--covenant", format!("{stake} --staker {k} --finality-provider {k}")),
        ("--staker", format!("{unbonding} --finality-provider {k} --covenant {k}")),
        ("--finality-provider", format!("{unbonding} --staker {k} --covenant {k}")),
        ("--covenant", format!("{unbonding} --staker {k} --finality-provider {k}")),
        ("--staker", "script slashing-refund --timelock 10 --network regtest".to_owned()),
        ("--public-key", format!("{pop} bip340 --signature {k}{k}")),
        ("--public-key", format!("{pop} bip322 --signature {k}{k}")),
        ("--signature", format!("{pop} bip340 --public-key {k}")),
        ("--signature", format!("{pop} ecdsa --public-key {k}")),
        (
            "--staker",
            format!(
                "tx stake --params params.json --height 900000 --finality-provider {k} --amount-sat 500000 \
                 --staking-time 64000 --coin {k}:0:900000:5120{k} --change 1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2 \
                 --fee-rate 5 --out new.json"
            ),
        ),
        (
            "--aux-rand",
            "covenant sign --delegation signed.json --params params.json --record member.key.record --secret-key-file member.key"
                .to_owned(),
        ),
        ("--seed", "demo".to_owned()),
    ]
}

/// Every flag of every command whose value is bytes, as clap knows them.
fn flags(command: &clap::Command, path: &str, found: &mut Vec<(String, String)>) {
    for arg in command.get_arguments() {
        let bytes =
            arg.get_value_names().is_some_and(|names| names.iter().any(|name| name.as_str() == "BYTES"));
        if let (true, Some(long)) = (bytes, arg.get_long()) {
            found.push((format!("--{long}"), path.trim().to_owned()));
        }
    }
    for sub in command.get_subcommands() {
        flags(sub, &format!("{path} {}", sub.get_name()), found);
    }
}

#[test]
fn no_flag_is_forgotten() {
    let mut found = Vec::new();
    flags(&btcstake::command_line(), "", &mut found);
    assert!(found.len() > 20);
    for (flag, path) in found {
        let tried = lines().iter().any(|(tried, line)| *tried == flag && line.starts_with(&path));
        assert!(tried, "no garbage is tried on {flag} of {path}");
    }
}

#[test]
fn garbage_names_its_flag() {
    let folder = Folder::new();
    crate::delegation::write_all(&folder);
    folder.write("empty", "");
    folder.write("short", [1; 31]);
    for (flag, line) in lines() {
        for garbage in ["zz", "0", "абв", "@nowhere", "0x00"] {
            folder.run(&format!("{line} {flag} {garbage}")).fails(&[flag]);
        }
        // Too short and too long; a message may have any length.
        if flag != "--message" || line.starts_with("adaptor") {
            let long = "00".repeat(100);
            for garbage in ["00", "@empty", "@short", &long] {
                folder.run(&format!("{line} {flag} {garbage}")).fails(&[flag, "bytes"]);
            }
        }
    }
}

/// Every flag that takes a text of a certain form.
#[test]
fn texts_of_another_form_name_their_flag() {
    let folder = Folder::new();
    folder.write("empty", "");
    let k = PROVIDER_KEY;
    let account = "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm";
    let (create, verify) =
        ("pop create --secret-key-file provider.key", format!("pop verify --public-key {k}"));
    let garbage = ["zz", "0", "абв", "@empty", "@nowhere", "0x00", "00"];
    let lines = [
        ("--address", format!("{create} --type bip340")),
        ("--address", format!("{verify} --type ecdsa --signature {k}{k}00")),
        ("--type", format!("{create} --address {account}")),
        ("--type", format!("{verify} --address {account} --signature {k}{k}")),
        ("--signing-context", format!("{create} --type bip340 --address {account}")),
        ("--signing-context", format!("{verify} --type bip340 --address {account} --signature {k}{k}")),
        ("--signature", format!("{verify} --type bip322 --address {account}")),
        ("--script", format!("{create} --type bip322 --address {account} --network regtest")),
        ("--network", format!("{create} --type bip322 --address {account} --script p2tr")),
    ];
    for (flag, line) in lines {
        for garbage in garbage {
            // A BIP-322 signature has any length, and may be base64: these two are bytes, only not of a
            // signature.
            let is_bytes = flag == "--signature" && matches!(garbage, "0x00" | "00");
            let run = folder.run(&format!("{line} {flag} {garbage}"));
            if is_bytes { drop(run.ends(1)) } else { run.fails(&[flag]) }
        }
    }
}

#[test]
fn numbers_out_of_range_name_their_flag() {
    let folder = Folder::new();
    let line = "eots randomness --secret-key-file provider.key --chain-id c";
    folder.run(&format!("{line} --height -1")).fails(&["--height"]);
    folder.run(&format!("{line} --height 18446744073709551616")).fails(&["--height"]);
    folder.run(&format!("{line} --height 1 --count 0")).fails(&["--count"]);
    folder.run(&format!("{line} --height 1 --count 4294967295")).fails(&["--count"]);
    folder.run(&format!("{line} --height 1 --interval 0")).fails(&["steps of 0"]);
    folder.run(&format!("{line} --height 18446744073709551615 --count 2")).fails(&["last height"]);
}

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
        std::fs::write(folder.path().join(name), PROVIDER).unwrap();
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

/// What one command printed, put into a file for another one: the message says what to do.
#[test]
fn hex_in_files_is_pointed_out() {
    let folder = Folder::new();
    let k = PROVIDER_KEY;
    folder.write("key.hex", format!("{k}\n"));
    let line = format!("eots verify --public-randomness {k} --message 00 --signature {k} --public-key");
    folder.run(&format!("{line} @key.hex")).fails(&["--public-key", "has hex digits"]);
    folder.run(&format!("{line} 02{k}")).fails(&["--public-key", "leave out the first byte"]);
}

#[test]
fn two_messages_and_two_signatures() {
    let k = PROVIDER_KEY;
    let line = format!("eots extract --public-key {k} --public-randomness {k} --message 00 --signature {k}");
    Folder::new().run(&line).fails(&["twice", "--message is given 1 times and --signature 1 times"]);
}

#[test]
fn nodes_that_are_none() {
    let folder = Folder::new();
    folder.run("demo --node nonsense").fails(&["--node"]);
    folder.run("demo --node http://user:hunter2@127.0.0.1:1").fails(&["--node", "127.0.0.1:1"]);
    let run = folder.run("demo --node http://user:hunter2@127.0.0.1:1");
    assert!(!run.stderr().contains("hunter2"), "{}", run.stderr());
    folder.run("demo --node http://127.0.0.1:1 --cookie-file nowhere").fails(&["nowhere"]);
    folder.run("demo --cookie-file nowhere").fails(&["--cookie-file", "--node"]);
    folder.run("demo --scenario dance").fails(&["--scenario"]);
}

/// What is wrong with the command line itself is said before a file is opened or standard input is read.
#[test]
fn files_are_opened_after_the_arguments_are_parsed() {
    let folder = Folder::new();
    let run = folder.run("stake check --delegation nowhere.json");
    assert!(!run.stderr().contains("nowhere.json"), "{}", run.stderr());
    run.fails(&["--params"]);
    let run = folder.run("eots verify --public-key @nowhere --message zz");
    assert!(!run.stderr().contains("nowhere"), "{}", run.stderr());
    run.fails(&["--message", "hex"]);
    let run = folder.run("demo --seed @nowhere --scenario dance");
    assert!(!run.stderr().contains("nowhere"), "{}", run.stderr());
    run.fails(&["--scenario", "dance"]);
    folder.run("stake check --delegation - --params -").fails(&["--delegation -", "standard input is empty"]);
    let line = ["psbt", "combine", "--psbt", "-", "--psbt", "-"];
    folder.run_with(&line, b"cHNidP8=").fails(&["--psbt -"]);
}

/// Parses every argument of every command that takes a value, with a file that is not there.
#[test]
fn no_argument_opens_its_file_while_it_is_parsed() {
    let mut tried = 0;
    for (path, command) in crate::help::commands() {
        for argument in command.get_arguments().filter(|argument| argument.get_action().takes_values()) {
            let flag = argument.get_long().map(|long| format!("--{long}"));
            for file in ["nowhere", "@nowhere", "name=@nowhere"] {
                let words = ["btcstake".to_owned()].into_iter().chain(path.clone()).chain(flag.clone());
                let words = words.chain([file, "--no-such-flag"].map(str::to_owned));
                let error = btcstake::command_line().try_get_matches_from(words).unwrap_err().to_string();
                assert!(
                    !error.contains("cannot open") && !error.contains("No such file"),
                    "{path:?}: {error}"
                );
                tried += 1;
            }
        }
    }
    assert!(tried > 3 * 150, "{tried}");
}
