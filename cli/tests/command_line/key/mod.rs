//! `btcstake key`.

#[cfg(unix)]
pub(crate) mod docs;
#[cfg(unix)]
mod export;
#[cfg(unix)]
mod import;
#[cfg(unix)]
mod list;
#[cfg(unix)]
mod named;
mod new;
#[cfg(unix)]
mod restore;
mod show;

use std::process::Command;

use crate::fixtures::process::Folder;

/// What the tests' keys are encrypted with, quickly: anybody could try passphrases.
pub(crate) const QUICK: &str = "--work-factor 1 --passphrase-fd 3 3< passphrase";
/// What decrypts them.
pub(crate) const WITH: &str = "--passphrase-fd 3 3< passphrase";
/// A mnemonic of BIP-39's test vectors.
pub(crate) const LEGAL: &str = "legal winner thank year wave sausage worth useful legal winner thank yellow";

/// A folder with a keystore in which `alice` is the key of `provider.key`, and the file `passphrase`.
pub(crate) fn with_alice() -> Folder {
    let folder = Folder::new();
    add_alice(&folder);
    folder
}

/// Adds `alice`.
pub(crate) fn add_alice(folder: &Folder) {
    folder.write("passphrase", "correct horse\n");
    let import = format!("btcstake key import --name alice --secret-key-file provider.key {QUICK}");
    folder.shell(&import).warns(0, &["work factor"]);
}

/// The permissions of a file.
#[cfg(unix)]
fn mode(folder: &Folder, file: &str) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;

    std::fs::metadata(folder.path().join(file)).unwrap().permissions().mode() & 0o777
}

/// Whether terminals can be made; otherwise says which test is skipped, on the real standard error.
pub(crate) fn has_terminals(test: &str) -> bool {
    let found = Command::new("python3").arg("--version").output().is_ok();
    if !found {
        let text = format!("SKIPPED: {test}: there is no python3\n");
        std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes()).unwrap();
    }
    found
}

/// Runs a line for bash on a terminal of its own, and types the answers to the questions. Returns what the
/// terminal showed, and the exit code.
pub(crate) fn on_terminal(folder: &Folder, line: &str, typed: &[(&str, &str)]) -> (String, Option<i32>) {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../signer/src/keystore/tests/terminal.py");
    let mut python = folder.command("python3");
    python.arg(program).args(typed.iter().flat_map(|&(question, answer)| [question, answer]));
    let output = python.args(["--", "bash", "-c", line]).output().unwrap();
    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code())
}
