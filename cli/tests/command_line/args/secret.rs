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
